"""Every endpoint of the old service takes what its clients send, and what it took can be read."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from callstats.store import Store
from tests.collector.conftest import Peer

from .client import OldClient

CASES = Path(__file__).parents[3] / "conformance" / "callstats_rest"


def load(name: str) -> list[Any]:
    cases: list[Any] = json.loads((CASES / name).read_text(encoding="utf-8"))
    return cases


def completed(client: OldClient, body: dict[str, Any], *, in_seconds: bool = False) -> Any:
    whole = {**client.body(), **body}
    if in_seconds:
        whole["timestamp"] = time.time()
    return whole


def sent_bytes(sent: dict[str, Any]) -> bytes:
    if "text" in sent:
        text: str = sent["text"]
        return text.encode()
    now = time.time() * 1000
    whole = {name: now if value == "now" else value for name, value in sent["json"].items()}
    return json.dumps(whole).encode()


def test_what_happens_in_a_conference_is_stored_as_it_was_said(
    client: OldClient, reader: Peer
) -> None:
    cases = load("events.json")
    client.join()

    def send(case: dict[str, Any]) -> None:
        body = completed(client, case["body"], in_seconds="timeIn" in case)
        body["localID"] = case.get("user", "alice")
        reply = client.send(case["path"], json.dumps(body).encode())
        assert (reply.status, reply.json()) == (200, {"status": "success", "msg": "ok"}), case

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(send, cases))

    happened = reader.get(f"/api/v1/calls/{client.call}/events?logs=true")["events"]
    said = [shown(each) for each in happened if each["type"] != "joined"]
    for case in cases:
        assert expected(case["record"]) in said, case["name"]
    assert len(said) == len(cases)


def shown(happening: dict[str, Any]) -> dict[str, Any]:
    names = ("type", "name", "connection", "remote", "data")
    return {name: happening.get(name) or None for name in names}


def expected(record: dict[str, Any]) -> dict[str, Any]:
    name = record.get("name", record["type"])
    members = {"name": name, "connection": None, "remote": None, "data": None, **record}
    return {name: value or None for name, value in members.items()}


def test_what_belongs_to_no_conference_is_stored_with_its_app(
    client: OldClient, own_store: Store
) -> None:
    cases = load("outside.json")

    for case in cases:
        reply = client.send(case["path"], json.dumps(completed(client, case["body"])).encode())
        assert (reply.status, reply.json()["status"]) == (200, "success"), case

    rows = own_store.query_sql(
        "SELECT type, name, user, device, data FROM events WHERE call = '' ORDER BY seq",
        app_id=client.app.app_id,
    ).to_pylist()
    stored = [{**row, "data": json.loads(row["data"])} for row in rows]
    for case in cases:
        assert case["record"] in stored, case["name"]


def test_stats_of_every_client_come_back_as_they_were_sent(client: OldClient, reader: Peer) -> None:
    cases = load("stats.json")
    client.join()

    for number, case in enumerate(cases):
        client.post("{C}/stats", connectionID=f"c{number}", remoteID="bob", stats=case["stats"])
    client.post("{C}/events/stats", connectionID="of the C client", stats=[])

    lines = reader.ask("GET", f"/api/v1/calls/{client.call}/reports").data.splitlines()
    reports = {report["connection"]: report["stats"] for report in map(json.loads, lines)}
    assert [reports[f"c{number}"] for number in range(len(cases))] == [
        case["stats"] for case in cases
    ]


@pytest.mark.parametrize("case", load("refused.json"), ids=lambda case: case["name"])
def test_what_is_wrong_is_told_so(client: OldClient, case: dict[str, Any]) -> None:
    client.join()

    reply = client.send(case["path"], sent_bytes(case["sent"]))

    assert (reply.status, reply.json()["status"]) == (case["status"], "error")
    assert reply.json()["msg"]
