"""Calls, participants and times of the old service's clients are what they were there."""

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from callstats import store as stores
from callstats.access import Apps, call_ids, server_key
from callstats.collector import Server, Settings, create_app
from callstats.store import Store
from callstats.testing import FakeClock
from tests.collector.conftest import SETTINGS, Peer, Sender, eventually

from .client import OldClient

NewClient = Callable[..., OldClient]


def test_all_who_join_a_conference_are_in_one_call(new_client: NewClient) -> None:
    names = ["meet.example/room 1+ä", "日本語 %2F?#", "a" * 512]
    for name in names:
        calls = {new_client(user).join(name) for user in ("alice", "bob", "carol")}

        assert len(calls) == 1
        assert call_ids.is_well_formed(calls.pop())


def test_a_space_may_come_as_javas_plus(client: OldClient) -> None:
    call = client.join("room a/b+c")

    reply = client.ask(
        "POST",
        f"/v1/apps/{client.app.app_id}/conferences/room+a%2Fb%2Bc",
        json.dumps(client.body()).encode(),
    )

    assert reply.json()["ucID"] == call


def test_joining_again_is_the_same_participant(client: OldClient, reader: Peer) -> None:
    call = client.join()
    assert client.join() == call
    assert client.join(remoteID="alice") == call

    people = reader.get(f"/api/v1/calls/{call}")["participants"]
    assert [(one["user"], one["device"]) for one in people] == [("alice", "d1")]


def test_the_same_user_on_two_devices_is_two_participants(
    new_client: NewClient, reader: Peer
) -> None:
    call = new_client("alice", "phone").join()
    new_client("alice", "laptop").join()

    people = reader.get(f"/api/v1/calls/{call}")["participants"]
    assert {one["device"] for one in people} == {"phone", "laptop"}


def test_a_failed_setup_may_be_followed_by_one_that_works(client: OldClient, reader: Peer) -> None:
    call = client.join()
    on: dict[str, Any] = {"remoteID": "bob", "connectionID": "c1"}
    client.post("{C}/events/fabric/setupfailed", reason="NegotiationFailure", **on)
    client.post("{C}/events/fabric/setup", eventType="fabricSetup", **on)

    (alice,) = reader.get(f"/api/v1/calls/{call}")["participants"]
    assert alice["events"] == {"NegotiationFailure": 1, "fabricSetup": 1}


def test_a_state_that_changed_is_the_connections(client: OldClient, reader: Peer) -> None:
    call = client.join()
    for state in ("checking", "connected"):
        client.post(
            "{C}/events/fabric/statechange",
            eventType="fabricStateChange",
            connectionID="c1",
            remoteID="bob",
            changedState="iceConnectionState",
            newState=state,
        )

    (alice,) = reader.get(f"/api/v1/calls/{call}")["participants"]
    (connection,) = alice["connections"]
    assert connection["remote"] == "bob"
    states = [change["state"] for change in connection["states"]["ice_connection"]]
    assert states == ["checking", "connected"]


def test_java_may_encode_its_names_now_and_then(new_client: NewClient, reader: Peer) -> None:
    bridge = new_client("bridge 1@x", "bridge 1@x")
    call = bridge.join()
    bridge.user = bridge.device = "bridge+1%40x"
    bridge.post("{C}/events/user/alive")
    bridge.post("{C}/events/user/left")

    (one,) = reader.get(f"/api/v1/calls/{call}")["participants"]
    assert (one["user"], one["device"]) == ("bridge 1@x", "bridge 1@x")
    assert one["left_at"] is not None


@pytest.mark.parametrize("ahead", [-7200.0, 5400.0])
def test_a_clock_that_is_wrong_is_corrected(client: OldClient, reader: Peer, ahead: float) -> None:
    joined_at = time.time()
    call = client.join(at=joined_at + ahead)
    client.post("{C}/events/dominantspeaker", at=joined_at + ahead, eventType="dominantSpeaker")

    found = reader.get(f"/api/v1/calls/{call}")
    (alice,) = found["participants"]
    assert alice["skew"] == pytest.approx(ahead, abs=5)
    events = reader.get(f"/api/v1/calls/{call}/events")["events"]
    assert all(abs(moment(event["at"]) - joined_at) < 5 for event in events)


def test_what_is_told_late_happened_when_it_says(client: OldClient, reader: Peer) -> None:
    call = client.join()
    told_at = time.time()
    client.post("{C}/events/media/actions", at=told_at - 20, eventType="audioMute")

    events = reader.get(f"/api/v1/calls/{call}/events")["events"]
    (muted,) = [event for event in events if event["name"] == "audioMute"]
    assert moment(muted["at"]) == pytest.approx(told_at - 20, abs=0.01)


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_browser_bridge_and_python_meet_in_one_call(
    new_client: NewClient, sender: Sender, reader: Peer
) -> None:
    browser = new_client("alice")
    bridge = new_client("jvb", "jvb")
    call = browser.join("standup")
    bridge.join("standup")
    answer = sender.send(sender.record("joined", user="carol", conference="standup"))
    browser.post(
        "{C}/stats",
        connectionID="c1",
        remoteID="jvb",
        stats=[{"type": "transport", "id": "T", "timestamp": 1.5, "x": [1]}],
    )
    bridge.post(
        "{C}/stats",
        connectionID="alice",
        remoteID="alice",
        stats=[{"type": "inbound", "ssrc": 5, "packetsReceived": 7, "rtt": 3}],
    )

    assert answer["calls"] == {"standup": call} == {"standup": bridge.call}
    people = reader.get(f"/api/v1/calls/{call}")["participants"]
    assert {one["user"]: one["reports"] for one in people} == {"alice": 1, "jvb": 1, "carol": 0}
    lines = reader.ask("GET", f"/api/v1/calls/{call}/reports").data.splitlines()
    stats = {report["user"]: report["stats"] for report in map(json.loads, lines)}
    assert stats["alice"] == [{"type": "transport", "id": "T", "timestamp": 1.5, "x": [1]}]
    assert stats["jvb"] == [{"type": "inbound", "ssrc": 5, "packetsReceived": 7, "rtt": 3}]


def test_what_comes_beside_stats_is_kept_when_it_is_new(client: OldClient, reader: Peer) -> None:
    call = client.join()
    for level in (1, 1, 0.9):
        battery = {"batteryLevel": level, "isBatteryCharging": False}
        client.post("{C}/stats", connectionID="c1", stats=[], batteryStatus=battery)

    events = reader.get(f"/api/v1/calls/{call}/events")["events"]
    levels = [e["data"]["batteryStatus"]["batteryLevel"] for e in events if e["name"] == "stats"]
    assert levels == [1, 0.9]


def test_another_apps_token_and_another_apps_call_are_refused(
    new_client: NewClient, own_store: Store
) -> None:
    ours = new_client()
    call = ours.join()
    theirs = new_client(of=Apps(own_store).create("theirs"))

    theirs.conference, theirs.call = "room", call
    assert theirs.send("{C}/events/user/alive", alive(theirs)).status == 400
    ours.token = theirs.token
    reply = ours.send("{C}/events/user/alive", alive(ours))
    assert (reply.status, reply.json()["msg"]) == (401, "Invalid client token")
    ours.token = None
    assert ours.send("{C}/events/user/alive", alive(ours)).status == 401


def alive(client: OldClient) -> bytes:
    return json.dumps(client.body()).encode()


def test_a_call_goes_by_its_own_conference_only(client: OldClient) -> None:
    client.join("one")
    client.conference = "two"

    assert client.send("{C}/events/user/alive", alive(client)).status == 400


class Hosted:
    """A collector of a test's own, which it may stop and start again, with a clock it owns."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self._folder = folder
        self._clock = clock

    def __enter__(self) -> tuple[Server, Store]:
        self._store = stores.open(self._folder)
        app = create_app(SETTINGS, self._store, clock=self._clock)
        self._server = Server(app, Settings(port=0))
        self._server.start()
        return self._server, self._store

    def __exit__(self, *_: Any) -> None:
        self._server.stop()
        self._store.close()


def test_a_restart_invalidates_no_token_and_no_call(tmp_path: Path) -> None:
    clock = FakeClock(time.time())
    hosted = Hosted(tmp_path / "data", clock)
    with hosted as (server, store):
        client = OldClient(server.url, Apps(store).create("app"))
        client.authenticate()
        call = client.join(at=clock.now())

    with hosted as (server, store):
        client.url = server.url
        client.post("{C}/events/user/alive", at=clock.now())
        assert client.join(at=clock.now()) == call
        client.close()


def test_a_call_that_ended_long_ago_still_takes_what_belongs_to_it(tmp_path: Path) -> None:
    clock = FakeClock(time.time())
    with Hosted(tmp_path / "data", clock) as (server, store):
        client = OldClient(server.url, Apps(store).create("app"))
        client.authenticate()
        call = client.join(at=clock.now())
        ended_at = clock.now()
        clock.advance(31)
        eventually(lambda: rows(store, call) == ["ended"])

        clock.advance(3)
        assert client.join(at=clock.now()) != call
        client.call = call
        client.post("{C}/events/feedback", at=ended_at + 1, feedback={"overallRating": 2})
        assert call_ids.is_genuine(server_key(store), client.app.app_id, call)
        client.close()

        clock.advance(2 * 3600)
        client.authenticate()
        eventually(lambda: rows(store, call) == ["ended"])
        client.post("{C}/events/feedback", at=ended_at + 2, feedback={"overallRating": 1})
        client.close()

        stored = store.query_sql(
            f"SELECT count() AS n FROM events WHERE call = '{call}' AND type = 'feedback'"
        ).to_pylist()
        assert stored == [{"n": 2}]


def rows(store: Store, call: str) -> list[str]:
    found = store.query_sql(
        f"SELECT state FROM calls WHERE id = '{call}' ORDER BY version DESC LIMIT 1"
    )
    return [row["state"] for row in found.to_pylist()]


def test_an_expired_token_is_told_in_the_words_that_clients_know(tmp_path: Path) -> None:
    clock = FakeClock(time.time())
    with Hosted(tmp_path / "data", clock) as (server, store):
        client = OldClient(server.url, Apps(store).create("app"))
        client.authenticate()
        clock.advance(3601)

        reply = client.send("{C}/events/user/alive", alive(client))

        assert (reply.status, reply.json()) == (
            401,
            {"status": "error", "msg": "Token has expired"},
        )
        client.close()
