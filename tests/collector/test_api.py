"""What can be asked over HTTP, by whom, and how it is refused."""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from callstats.access import COOKIE, App, Apps, Sessions, Tokens, server_key
from callstats.collector import Server, create_app
from callstats.store import Store

from .conftest import SETTINGS, Peer, Sender

PARTS = ["", "/series", "/events", "/reports"]


@pytest.fixture
def call_id(sender: Sender) -> str:
    """A call in which something happened."""
    room = secrets.token_hex(4)
    moment = time.time()
    stats = [
        [{"type": "inbound-rtp", "id": "I1", "timestamp": (moment + n) * 1000, "ssrc": 5}]
        for n in range(3)
    ]
    answer = sender.send(
        sender.record("joined", conference=room),
        sender.record("event", conference=room, name="mute"),
        *(sender.record("report", conference=room, connection="pc1", stats=one) for one in stats),
    )
    return str(answer["calls"][room])


def test_the_list_shows_the_latest_calls_first_and_page_by_page(
    sender: Sender, reader: Peer
) -> None:
    now = time.time()
    rooms = [f"room-{n}" for n in range(5)]
    for n, room in enumerate(rooms):
        sender.send(sender.record("joined", conference=room, at=now - 100 + n))

    pages = [reader.get("/api/v1/calls?limit=2")]
    while pages[-1]["next"]:
        before = pages[-1]["next"].replace("+", "%2B")
        pages.append(reader.get(f"/api/v1/calls?limit=2&before={before}"))

    shown = [call["conference"] for page in pages for call in page["calls"]]
    assert shown == rooms[::-1]
    assert {call["state"] for page in pages for call in page["calls"]} == {"live"}


def test_the_list_can_be_asked_for_one_conference(sender: Sender, reader: Peer) -> None:
    sender.send(*(sender.record("joined", conference=room) for room in ("a", "b")))

    (call,) = reader.get("/api/v1/calls?conference=b")["calls"]

    assert call["conference"] == "b"


def test_every_part_of_a_call_can_be_read(call_id: str, reader: Peer) -> None:
    call = reader.get(f"/api/v1/calls/{call_id}")
    (series,) = reader.get(f"/api/v1/calls/{call_id}/series")["series"]
    events = reader.get(f"/api/v1/calls/{call_id}/events")["events"]
    reports = reader.ask("GET", f"/api/v1/calls/{call_id}/reports").data.splitlines()

    assert call["call"]["id"] == call_id
    assert series["ssrc"] == 5
    assert [event["name"] for event in events] == ["joined", "mute"]
    assert len(reports) == call["participants"][0]["reports"] == 3


def test_parts_can_be_narrowed(call_id: str, reader: Peer) -> None:
    assert reader.get(f"/api/v1/calls/{call_id}/series?user=nobody") == {"series": []}
    assert reader.ask("GET", f"/api/v1/calls/{call_id}/reports?connection=other").data == b""


@pytest.mark.parametrize("part", PARTS)
def test_an_unknown_call_is_told_404(reader: Peer, call_id: str, part: str) -> None:
    changed = call_id[:-1] + ("0" if call_id[-1] != "0" else "1")

    for unknown in (changed, "x", "%00", "a" * 500):
        status, error = reader.refusal("GET", f"/api/v1/calls/{unknown}{part}")
        assert (status, error["code"]) == (404, "unknown_call")


@pytest.mark.parametrize("part", PARTS)
def test_a_call_of_another_app_does_not_exist(
    server: Server, own_store: Store, tokens: Tokens, call_id: str, part: str
) -> None:
    other = Apps(own_store).create("other")
    stranger = Peer(server.url, tokens.issue("read", other.app_id))

    status, error = stranger.refusal("GET", f"/api/v1/calls/{call_id}{part}")

    assert (status, error["code"]) == (404, "unknown_call")
    assert stranger.get("/api/v1/calls")["calls"] == []
    stranger.close()


@pytest.mark.parametrize("part", PARTS)
def test_who_may_see_every_app_sees_every_call(admin: Peer, call_id: str, part: str) -> None:
    assert admin.ask("GET", f"/api/v1/calls/{call_id}{part}").status == 200


def test_asking_for_another_app_does_not_widen_a_token(
    reader: Peer, sender: Sender, app: App
) -> None:
    sender.send(sender.record("joined", conference="a"))

    (call,) = reader.get(f"/api/v1/calls?app_id={app.app_id + 1}")["calls"]

    assert call["app_id"] == app.app_id


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "before=yesterday", "before=2026-01-01T00:00:00", "colour=red"]
)
def test_a_wrong_argument_is_told_with_what_is_allowed(reader: Peer, query: str) -> None:
    status, error = reader.refusal("GET", f"/api/v1/calls?{query}")

    assert (status, error["code"]) == (400, "bad_input")
    assert error["found"]
    assert "limit, before, conference" in error["allowed"]


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/api/v1/calls", "read"),
        ("POST", "/api/v1/query", "admin"),
        ("GET", "/api/v1/apps", "admin"),
        ("POST", "/api/v1/apps", "admin"),
        ("POST", "/api/v1/apps/123456789/rotate", "admin"),
    ],
)
def test_every_route_asks_for_its_scope(
    server: Server, sender: Sender, method: str, path: str, scope: str
) -> None:
    stranger = Peer(server.url)

    assert stranger.refusal(method, path, b"{}")[0] == 401
    status, error = sender.refusal(method, path, b"{}")

    assert status == 403
    assert error == {
        "code": "wrong_scope",
        "message": f"wrong scope: found send, allowed {scope}",
        "found": "send",
        "allowed": scope,
    }
    stranger.close()


def test_a_session_reads_as_a_token_does(server: Server, own_store: Store) -> None:
    browser = Peer(server.url)
    session = Sessions(server_key(own_store)).begin()

    def status(cookie: str) -> int:
        headers = {"Cookie": f"other=1; {COOKIE}={cookie}"}
        return browser.ask("GET", "/api/v1/calls", headers=headers).status

    assert status(session) == 200
    assert status(session[:-3] + "abc") == 401
    assert status("") == 401
    browser.close()


def test_an_app_can_be_made_and_rotated_and_its_secret_is_told_once(admin: Peer) -> None:
    made = admin.ask("POST", "/api/v1/apps", b'{"name":"bridge"}')
    app = made.json()
    rotated = admin.ask("POST", f"/api/v1/apps/{app['app_id']}/rotate").json()

    assert made.status == 201
    assert rotated["app_id"] == app["app_id"]
    assert rotated["app_secret"] != app["app_secret"]
    shown = admin.ask("GET", "/api/v1/apps").data.decode()
    assert "bridge" in shown
    assert app["app_secret"] not in shown
    assert rotated["app_secret"] not in shown


def test_an_app_that_is_not_there_cannot_be_rotated(admin: Peer) -> None:
    assert admin.refusal("POST", "/api/v1/apps/5/rotate")[0] == 404
    assert admin.refusal("POST", "/api/v1/apps/x/rotate")[0] == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"name":5}', b'{"name":""}'])
def test_an_app_needs_a_name(admin: Peer, body: bytes) -> None:
    status, error = admin.refusal("POST", "/api/v1/apps", body)

    assert (status, error["code"]) == (400, "bad_input")


def token_request(server: Server, asked: Any) -> tuple[int, Any]:
    peer = Peer(server.url)
    reply = peer.ask("POST", "/v1/token", json.dumps(asked).encode())
    peer.close()
    return reply.status, reply.json()


def test_a_token_is_given_for_the_right_secret(server: Server, app: App, tokens: Tokens) -> None:
    for app_id in (app.app_id, str(app.app_id)):
        status, given = token_request(server, {"appId": app_id, "appSecret": app.secret})

        assert status == 200
        assert given["expiresIn"] == 3600
        grant = tokens.check(given["token"])
        assert grant.app_id == app.app_id
        assert grant.scopes == {"send"}


def test_a_wrong_secret_and_an_unknown_app_are_told_401(server: Server, app: App) -> None:
    wrong = token_request(server, {"appId": app.app_id, "appSecret": "guess"})
    unknown = token_request(server, {"appId": 5, "appSecret": app.secret})

    assert (wrong[0], wrong[1]["error"]["code"]) == (401, "wrong_secret")
    assert (unknown[0], unknown[1]["error"]["code"]) == (401, "unknown_app")
    assert "guess" not in json.dumps(wrong[1])


def test_a_token_request_of_another_form_is_told_400(server: Server) -> None:
    wrong: list[Any] = [{}, {"appId": "x", "appSecret": ""}, [], None]
    for asked in wrong:
        status, answer = token_request(server, asked)
        assert (status, answer["error"]["code"]) == (400, "bad_input")


def test_a_query_is_answered_as_json_or_as_arrow(admin: Peer) -> None:
    asked = json.dumps({"sql": "SELECT number AS n FROM numbers(3)"}).encode()
    arrow = "application/vnd.apache.arrow.stream"

    shown = admin.ask("POST", "/api/v1/query", asked).json()
    streamed = admin.ask("POST", "/api/v1/query", asked, headers={"Accept": arrow})

    assert shown == {"columns": ["n"], "rows": [[0], [1], [2]]}
    assert streamed.headers["Content-Type"] == arrow
    assert pa.ipc.open_stream(streamed.data).read_all().column("n").to_pylist() == [0, 1, 2]


@pytest.mark.parametrize(
    "sql", ["SELEC 1", "DROP TABLE events", "SELECT * FROM apps", "SELECT * FROM nowhere"]
)
def test_a_query_that_is_wrong_or_not_allowed_is_told_so(admin: Peer, sql: str) -> None:
    status, error = admin.refusal("POST", "/api/v1/query", json.dumps({"sql": sql}).encode())

    assert (status, error["code"]) == (400, "query_refused")
    assert error["found"]
    assert error["allowed"]


def test_probes_answer_without_a_token(server: Server) -> None:
    peer = Peer(server.url)

    assert peer.get("/healthz") == {"status": "alive"}
    assert peer.get("/readyz") == {"status": "ready"}
    peer.close()


def test_an_unknown_path_or_method_is_told_in_the_same_shape(admin: Peer) -> None:
    assert admin.refusal("GET", "/nowhere") == (
        404,
        {"code": "not_found", "message": "not found"},
    )
    assert admin.refusal("DELETE", "/api/v1/calls")[1]["code"] == "method_not_allowed"


def test_the_document_describes_every_route(
    server: Server, admin: Peer, routes: Callable[[], set[tuple[str, str]]]
) -> None:
    document = admin.get("/api/v1/openapi.json")

    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    assert described == routes()


def test_every_reference_of_the_document_leads_somewhere(admin: Peer) -> None:
    document = admin.get("/api/v1/openapi.json")
    schemas = document["components"]["schemas"]

    for name in references(document):
        assert name.removeprefix("#/components/schemas/") in schemas
    names = [each["operationId"] for item in document["paths"].values() for each in item.values()]
    assert len(names) == len(set(names))


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [name for each in node.values() for name in references(each)]
    if isinstance(node, list):
        return [name for each in node for name in references(each)]
    return []


@pytest.fixture
def routes(own_store: Store) -> Callable[[], set[tuple[str, str]]]:
    """Every route that the collector serves, as the document would write it."""

    def served() -> set[tuple[str, str]]:
        return {
            (method, route.path.replace(":int", ""))  # type: ignore[attr-defined]
            for route in create_app(SETTINGS, own_store).routes
            if route.name not in ("callstats_rest", "script")  # type: ignore[attr-defined]
            for method in route.methods - {"HEAD", "OPTIONS"}  # type: ignore[attr-defined]
        }

    return served
