"""What clients of the old service say becomes records; nothing of it is lost."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats import wire
from callstats.errors import BadInput
from callstats.wire import callstats_rest, callstats_rest_stats

CASES = Path(__file__).parents[2] / "conformance" / "callstats_rest"
COMMON = {"localID": "alice", "deviceID": "d1", "timestamp": 1_795_388_467_000.5}


def load(name: str) -> list[Any]:
    cases: list[Any] = json.loads((CASES / name).read_text(encoding="utf-8"))
    return cases


def said(body: dict[str, Any], tail: str = "") -> callstats_rest.Said:
    return callstats_rest.decode(json.dumps({**COMMON, **body}).encode(), tail)


def record(tail: str, body: dict[str, Any], conference: str | None = "room") -> Any:
    return callstats_rest.happening(
        tail, said(body, tail), conference=conference, seq=7, at_ms=1e12
    )


@pytest.mark.parametrize("case", load("events.json"), ids=lambda case: case["name"])
def test_what_happens_in_a_conference_becomes_one_record(case: dict[str, Any]) -> None:
    made = record(case["path"].removeprefix("{C}/"), case["body"])

    expected = case["record"]
    assert made.__struct_config__.tag == expected["type"]
    assert (made.user, made.device, made.conference) == ("alice", "d1", "room")
    if expected["type"] in ("event", "error"):
        assert made.name == expected["name"]
        assert (made.connection or "") == expected.get("connection", "")
        assert (made.remote or "") == expected.get("remote", "")
    if expected["type"] == "event":
        assert (msgspec.json.decode(made.data) if bytes(made.data) else None) == expected["data"]


@pytest.mark.parametrize("case", load("outside.json"), ids=lambda case: case["name"])
def test_what_belongs_to_no_conference_becomes_an_event(case: dict[str, Any]) -> None:
    made = record(case["path"], case["body"], conference=None)

    assert (made.name, made.conference) == (case["record"]["name"], None)
    assert msgspec.json.decode(made.data) == case["record"]["data"]


@pytest.mark.parametrize("case", load("stats.json"), ids=lambda case: case["name"])
def test_stats_of_every_client_become_samples(case: dict[str, Any]) -> None:
    at_ms = 1_795_388_472_024.912

    samples, damaged = callstats_rest_stats.read(wire.batch.raw(case["stats"]), at_ms=at_ms)

    assert damaged == case["damaged"]
    assert len(samples) == len(case["samples"])
    for sample, expected in zip(samples, case["samples"], strict=True):
        found = msgspec.to_builtins(sample)
        assert {name: found[name] for name in expected} == expected


def test_joining_tells_the_endpoint_and_keeps_the_rest() -> None:
    endpoint = {"type": "browser", "os": "Linux", "osVersion": None, "userAgent": "Mozilla/5.0"}
    body = {"endpointInfo": endpoint, "siteID": "a", "additionalIDs": {"pbxID": "7"}}

    made = callstats_rest.join(said(body), conference="room", seq=1, at_ms=1e12)

    assert made.agent == "Mozilla/5.0"
    assert made.platform == {"type": "browser", "os": "Linux", "siteID": "a"}
    assert msgspec.json.decode(made.data) == body


def test_a_bridge_that_joins_has_no_browser() -> None:
    endpoint = {"buildName": "Videobridge", "os": "Linux", "type": "middlebox"}

    made = callstats_rest.join(
        said({"endpointInfo": endpoint}), conference="room", seq=1, at_ms=1e12
    )

    assert made.agent == "Videobridge"


@pytest.mark.parametrize("end", [b"}", b"}\0", b"}\0\0", b""])
def test_a_body_of_the_c_client_may_end_oddly(end: bytes) -> None:
    body = b'{"localID":"a","deviceID":"d","timestamp":1795388467' + end

    taken = callstats_rest.decode(body)

    assert (taken.user, taken.at_ms) == ("a", 1_795_388_467_000)


def test_what_comes_with_a_report_is_told_apart_from_its_stats() -> None:
    whole = said({"connectionID": "c", "stats": [], "wifiStats": None, "callstatsVersion": "3"})
    wired = said({"connectionID": "c", "stats": [], "wifiStats": {"rssi": -50}})

    for each in (whole, wired):
        callstats_rest.happening("stats", each, conference="room", seq=1, at_ms=1e12)

    assert not bytes(callstats_rest.remainder(whole))
    assert msgspec.json.decode(callstats_rest.remainder(wired)) == {"wifiStats": {"rssi": -50}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = ["localID", "deviceID", "timestamp", "eventType", "remoteID", "connectionID", "stats"]
MORE = ["feedback", "message", "function", "endpointInfo", "changedState", "newState", "level"]
BODIES = st.fixed_dictionaries({}, optional=dict.fromkeys([*NAMES, *MORE], JSON))


@given(
    body=st.binary() | BODIES.map(lambda body: json.dumps({**COMMON, **body}).encode()),
    tail=st.sampled_from([*callstats_rest.NAMES, "events/x"]),
)
def test_whatever_comes_is_a_record_or_bad_input(body: bytes, tail: str) -> None:
    with suppress(BadInput):
        taken = callstats_rest.decode(body, tail)
        callstats_rest.join(taken, conference="room", seq=1, at_ms=0)
        made = callstats_rest.happening(tail, taken, conference="room", seq=1, at_ms=0)
        if isinstance(made, wire.Report):
            callstats_rest_stats.read(made.stats, at_ms=0)
