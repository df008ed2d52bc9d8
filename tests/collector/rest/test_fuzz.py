"""Whatever comes to a door of the old service: a 4xx with JSON, and the next request is served."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callstats.collector import Server
from callstats.wire import callstats_rest
from tests.collector.conftest import Peer

from .client import OldClient

PATHS = [
    *(f"{{C}}/{tail}" for tail in callstats_rest.NAMES),
    *callstats_rest.NAMES_OUTSIDE,
    *("conferences/room", "conferences/", "configurations", "configurations/internal"),
    *("events/%00", "{C}/events/%ff%fe", "{C}/stats/", "conferences/%F0%9F", "..%2F..", ""),
]
TEXT = st.text() | st.sampled_from(["\ud800", "\0", "a" * 600, "%2F", "NaN"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=15,
)
MEMBERS = ["localID", "deviceID", "timestamp", "eventType", "remoteID", "connectionID", "stats"]
MORE = ["feedback", "message", "endpointInfo", "reason", "changedState", "newState", "ssrcData"]
BODIES = st.one_of(
    st.binary(max_size=200),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({}, optional=dict.fromkeys([*MEMBERS, *MORE], VALUES)).map(
        lambda body: json.dumps(body).encode()
    ),
)
KNOWN = {"localID": "alice", "deviceID": "d1"}


def check(status: int, data: bytes) -> None:
    answer = json.loads(data)
    assert status == 200 or (400 <= status < 500 and answer["status"] == "error"), answer


@pytest.fixture
def joined(client: OldClient) -> OldClient:
    client.join()
    return client


@given(path=st.sampled_from(PATHS), body=BODIES)
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_body_breaks_a_route(joined: OldClient, path: str, body: bytes) -> None:
    reply = joined.send(path, body)

    check(reply.status, reply.data)


@given(path=st.sampled_from(PATHS), members=st.dictionaries(st.sampled_from(MORE), VALUES))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_member_breaks_a_route(joined: OldClient, path: str, members: dict[str, Any]) -> None:
    body = {**joined.body(), "connectionID": "c1", "stats": [], **members}

    reply = joined.send(path, json.dumps(body).encode())

    check(reply.status, reply.data)


@given(body=st.binary(max_size=300), path=st.sampled_from(["/authenticate", "/generics"]))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_breaks_the_doors_without_a_token(server: Server, path: str, body: bytes) -> None:
    peer = Peer(server.url)

    reply = peer.ask("POST", path, body)

    assert 200 <= reply.status < 500
    assert isinstance(reply.json(), dict)
    peer.close()


@given(tail=st.binary(max_size=60))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_path_breaks_the_door(joined: OldClient, tail: bytes) -> None:
    path = "".join(f"%{byte:02x}" if byte % 3 else "/" for byte in tail)

    reply = joined.send(path, json.dumps(joined.body()).encode())

    check(reply.status, reply.data)


EVIL: dict[str, tuple[bytes, dict[str, str], int]] = {
    "ten megabytes": (b" " * 10_000_000, {}, 413),
    "a gzip bomb": (gzip.compress(b" " * 50_000_000), {"Content_Encoding": "gzip"}, 413),
    "a deflate bomb": (zlib.compress(b" " * 50_000_000), {"Content_Encoding": "deflate"}, 413),
    "no gzip": (b"{}", {"Content_Encoding": "gzip"}, 400),
    "half a gzip": (gzip.compress(b"{}" * 99)[:-9], {"Content_Encoding": "gzip"}, 400),
    "another encoding": (b"{}", {"Content_Encoding": "br"}, 400),
    "200,000 brackets": (b"[" * 200_000, {}, 400),
    "200,000 nested objects": (b'{"a":' * 100_000, {}, 400),
    "a number without end": (b'{"timestamp":' + b"9" * 100_000 + b"}", {}, 422),
}


@pytest.mark.parametrize("name", EVIL)
@pytest.mark.parametrize("path", ["{C}/stats", "{C}/events/sdp", "stats/bridge/status"])
def test_a_trap_is_refused_and_good_requests_beside_it_are_stored(
    new_client: Callable[..., OldClient], reader: Peer, name: str, path: str
) -> None:
    good, evil = new_client("good"), new_client("evil")
    call = good.join()
    evil.join()
    body, headers, status = EVIL[name]

    reply = evil.send(path, body, **headers)
    good.post("{C}/events/dominantspeaker", eventType="dominantSpeaker")

    assert reply.status == status
    assert json.loads(reply.data)["status"] == "error"
    events = reader.get(f"/api/v1/calls/{call}/events")["events"]
    assert [event["user"] for event in events if event["name"] == "dominantSpeaker"] == ["good"]


def test_a_report_of_too_many_objects_is_refused(joined: OldClient) -> None:
    stats = [{"type": "t", "id": str(n), "timestamp": 1} for n in range(5001)]
    body = {**joined.body(), "connectionID": "c", "stats": stats}

    assert joined.send("{C}/stats", json.dumps(body).encode()).status == 422


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_told_405(joined: OldClient, method: str) -> None:
    reply = joined.ask(method, joined.path("{C}/events/user/alive"))

    assert (reply.status, reply.json()["status"]) == (405, "error")
