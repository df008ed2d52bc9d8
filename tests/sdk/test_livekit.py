"""A room of LiveKit is followed, as far as that can be seen without a server.

Room, participants, publications, events and stats are the library's own objects, made of its
protobuf messages and passed through its own dispatching; only what its native library would answer
over the network is made up here.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from google.protobuf.message import Message
from livekit import rtc
from livekit.rtc._ffi_client import FfiHandle
from livekit.rtc._proto import participant_pb2, room_pb2, stats_pb2, track_pb2
from livekit.rtc.room import RtcStats

from callstats.sdk import livekit_stats
from callstats.sdk.livekit import CONNECTED, DISCONNECTED, KINDS, RECONNECTING, SOURCES, LiveKit
from callstats.wire import Event, Report, samples

from .conftest import Connect
from .peers import until
from .recording import Collector

pytestmark = pytest.mark.anyio


def fill(message: Message, **known: Any) -> Any:
    """Give every required member a value, as the native library does: zero and empty text."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type is not None and not field.is_repeated:
            fill(getattr(message, field.name), **known)
            getattr(message, field.name).SetInParent()
        elif field.name in known and field.is_repeated:
            getattr(message, field.name).extend(known[field.name])
        elif field.name in known:
            setattr(message, field.name, known[field.name])
        elif field.is_required:
            setattr(message, field.name, field.default_value)
    return message


def stats(which: str, /, **known: object) -> Any:
    """Return one stats object of a kind."""
    found = stats_pb2.RtcStats()
    now = {"timestamp": int(time.time() * 1e6), "id": f"{which}-1"}
    part = getattr(found, which)
    fill(part, **{**now, **known})
    part.SetInParent()
    return found


class Room(rtc.Room):
    """A room that needs no server: the native library's answers are made up."""

    published: list[Any]
    subscribed: list[Any]

    def __del__(self) -> None:
        """Nothing is to be given back to the native library."""

    def enter(self) -> None:
        info = participant_pb2.OwnedParticipant()
        fill(info, identity="me", id=0)
        self._ffi_handle = FfiHandle(0)
        self._local_participant = rtc.LocalParticipant(self._room_queue, info)
        self.happen(connection_state_changed={"state": room_pb2.ConnectionState.CONN_CONNECTED})

    def happen(self, **event: dict[str, Any]) -> None:
        """Dispatch an event as if it had come from the server."""
        ((name, members),) = event.items()
        happened = room_pb2.RoomEvent(room_handle=0)
        fill(getattr(happened, name), **members)
        getattr(happened, name).SetInParent()
        self._on_room_event(happened)

    async def get_rtc_stats(self) -> RtcStats:
        await asyncio.sleep(0)
        return RtcStats(publisher_stats=self.published, subscriber_stats=self.subscribed)


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    made = Room()
    made.published, made.subscribed = [stats("transport", bytes_sent=5)], []
    yield made
    made._fail_first_sid(RuntimeError("the test is over"))


def told(collector: Collector) -> list[tuple[str, Any]]:
    return [
        (event.name, msgspec.json.decode(event.data) if bytes(event.data) else {})
        for event in collector.of_type(Event)
    ]


async def flushed(client: Any) -> None:
    assert await asyncio.to_thread(client.flush, 20)


def converted(which: str, /, **known: object) -> dict[str, Any]:
    (found,) = livekit_stats.convert([stats(which, **known)])
    return found


# Stats


def test_members_and_units_are_those_of_w3c() -> None:
    inbound = converted(
        "inbound_rtp",
        id="IT01",
        timestamp=1_700_000_000_500_000,
        kind="video",
        ssrc=7,
        packets_received=100,
        jitter=0.25,
        freeze_count=2,
        total_freeze_duration=1.5,
        frame_width=640,
        frames_decoded=30,
        frames_per_second=15.0,
    )

    assert inbound["type"] == "inbound-rtp"
    assert (inbound["id"], inbound["timestamp"]) == ("IT01", 1_700_000_000_500.0)
    assert (inbound["freezeCount"], inbound["totalFreezesDuration"]) == (2, 1.5)
    assert (inbound["frameWidth"], inbound["framesPerSecond"]) == (640, 15.0)
    assert inbound["packetsLost"] == 0


def test_what_is_zero_because_nobody_said_it_is_unknown() -> None:
    audio = converted("inbound_rtp", kind="audio", ssrc=7)
    video = converted("inbound_rtp", kind="video", ssrc=7)
    pair = converted("candidate_pair")
    remote = converted("remote_inbound_rtp", kind="audio", ssrc=7)

    assert not {"freezeCount", "framesDecoded", "frameWidth", "mid", "rtxSsrc"} & set(audio)
    assert audio["concealedSamples"] == 0
    assert not {"concealedSamples", "audioLevel", "frameWidth", "framesPerSecond"} & set(video)
    assert video["freezeCount"] == 0
    assert not {"currentRoundTripTime", "availableOutgoingBitrate"} & set(pair)
    assert not {"roundTripTime", "fractionLost"} & set(remote)
    assert (
        converted("remote_inbound_rtp", kind="audio", round_trip_time_measurements=3)[
            "fractionLost"
        ]
        == 0
    )


def test_enumerations_have_the_words_of_w3c() -> None:
    for name, prefix in livekit_stats.PREFIXES.items():
        values = stats_pb2.DESCRIPTOR.enum_types_by_name[name].values
        assert all(value.name.startswith(prefix) for value in values)
    assert set(livekit_stats.PREFIXES) == set(stats_pb2.DESCRIPTOR.enum_types_by_name)
    pair = converted("candidate_pair", state=stats_pb2.IceCandidatePairState.PAIR_IN_PROGRESS)
    local = converted("local_candidate", candidate_type=stats_pb2.IceCandidateType.SRFLX)
    sent = converted(
        "outbound_rtp",
        kind="video",
        quality_limitation_reason=stats_pb2.QualityLimitationReason.LIMITATION_BANDWIDTH,
    )

    assert pair["state"] == "in-progress"
    assert local["candidateType"] == "srflx"
    assert sent["qualityLimitationReason"] == "bandwidth"


def test_a_source_says_what_its_kind_can() -> None:
    video = converted("media_source", kind="video", width=640, frames=3, frames_per_second=0.0)
    audio = converted("media_source", kind="audio", audio_level=0.5)

    assert (video["width"], video["framesPerSecond"]) == (640, 0.0)
    assert "audioLevel" not in video
    assert audio["audioLevel"] == 0.5
    assert "frames" not in audio


def test_every_kind_of_stats_object_can_be_stored() -> None:
    kinds = [field.name for field in stats_pb2.RtcStats.DESCRIPTOR.fields]
    found = livekit_stats.convert([stats(kind, kind="audio") for kind in kinds])

    decoded, damaged = samples.decode(msgspec.json.encode(found))
    assert damaged == 0
    assert {each.type for each in decoded} == {
        kind.replace("_", "-") for kind in kinds if kind not in livekit_stats.OBSOLETE
    }


def test_a_message_without_content_is_left_out() -> None:
    assert livekit_stats.convert([stats_pb2.RtcStats(), stats("track")]) == []


# Room


def test_numbers_are_those_of_the_library() -> None:
    state = room_pb2.ConnectionState
    assert (DISCONNECTED, CONNECTED, RECONNECTING) == (
        state.CONN_DISCONNECTED,
        state.CONN_CONNECTED,
        state.CONN_RECONNECTING,
    )
    assert {f"KIND_{name.upper()}": number for number, name in KINDS.items()} == {
        name: number for name, number in track_pb2.TrackKind.items() if number
    }
    assert {f"SOURCE_{name.upper()}": number for number, name in SOURCES.items()} == {
        name: number for name, number in track_pb2.TrackSource.items() if number
    }


async def test_a_room_is_told_from_entering_to_leaving(
    collector: Collector, connect: Connect, room: Room
) -> None:
    client = connect(interval=0.1)
    watch = client.watch(room, conference="c", remote="sfu")
    room.subscribed = [stats("inbound_rtp", kind="audio", ssrc=7, packets_received=9)]
    room.enter()
    await until(lambda: client.sent.get("report", 0) >= 4)
    room.happen(reconnecting={})
    room.happen(connection_state_changed={"state": RECONNECTING})
    room.happen(connection_state_changed={"state": CONNECTED})
    room.happen(reconnected={})
    room.happen(connection_state_changed={"state": DISCONNECTED})
    await until(lambda: not watch.is_live)
    await flushed(client)

    events = collector.of_type(Event)
    main, other = watch.connection, f"{watch.connection}-subscriber"
    assert {event.connection for event in events} == {main, other}
    states = [
        msgspec.json.decode(event.data)["state"]
        for event in events
        if event.name == "connectionstatechange" and event.connection == main
    ]
    assert states == ["new", "connected", "disconnected", "connected", "closed"]
    names = Counter((event.name, event.connection) for event in events)
    assert names["watchstart", main] == names["watchstart", other] == 1
    assert names["watchend", main] == names["watchend", other] == 1
    assert names["reconnecting", main] == names["reconnected", main] == 1
    kinds = {
        (report.connection, each["type"])
        for report in collector.of_type(Report)
        for each in msgspec.json.decode(report.stats)
    }
    assert kinds == {(main, "transport"), (other, "inbound-rtp")}


def participant(identity: str) -> dict[str, Any]:
    return {"identity": identity, "id": 0}


def publication(sid: str, kind: int, source: int) -> Any:
    found = track_pb2.OwnedTrackPublication()
    return fill(found, sid=sid, kind=kind, source=source, id=0)


async def test_what_happens_in_the_room_is_told_in_our_words(
    collector: Collector, connect: Connect, room: Room
) -> None:
    client = connect(interval=10)
    client.watch(room, conference="c")
    room.enter()
    mine = room.local_participant._track_publications
    for sid, kind, source in (("MIC", 1, 2), ("CAM", 2, 1), ("SCR", 2, 3)):
        mine[sid] = rtc.LocalTrackPublication(publication(sid, kind, source))
        room.happen(local_track_published={"track_sid": sid})
    room.happen(participant_connected=participant("bob"))
    bob = room.remote_participants["bob"]
    room.happen(
        track_published={
            "participant_identity": "bob",
            "sid": "B1",
            "kind": 1,
            "source": 2,
            "id": 0,
        }
    )
    assert list(bob.track_publications) == ["B1"]
    room.happen(track_subscribed={"participant_identity": "bob", "sid": "B1", "kind": 1, "id": 0})
    for identity, sid in (("me", "MIC"), ("me", "CAM"), ("bob", "B1")):
        room.happen(track_muted={"participant_identity": identity, "track_sid": sid})
        room.happen(track_unmuted={"participant_identity": identity, "track_sid": sid})
    for speakers in (["me", "bob"], ["me"], ["bob"], ["me"]):
        room.happen(active_speakers_changed={"participant_identities": speakers})
    for identity in ("me", "bob"):
        room.happen(connection_quality_changed={"participant_identity": identity, "quality": 0})
    room.happen(local_track_unpublished={"publication_sid": "SCR"})
    room.happen(track_unsubscribed={"participant_identity": "bob", "track_sid": "B1"})
    room.happen(participant_disconnected={"participant_identity": "bob"})
    await flushed(client)

    mic = {"kind": "audio", "id": "MIC", "source": "microphone"}
    cam = {"kind": "video", "id": "CAM", "source": "camera"}
    screen = {"kind": "video", "id": "SCR", "source": "screenshare"}
    his = {"kind": "audio", "id": "B1", "source": "microphone", "participant": "bob"}
    happened = [
        each for each in told(collector) if not each[0].startswith(("watch", "connections"))
    ]
    assert happened == [
        ("localTrackPublished", mic),
        ("localTrackPublished", cam),
        ("screenShareStart", screen),
        ("participantConnected", {"participant": "bob"}),
        ("trackPublished", his),
        ("track", his),
        ("audioMute", mic),
        ("audioUnmute", mic),
        ("videoPause", cam),
        ("videoResume", cam),
        ("trackMuted", his),
        ("trackUnmuted", his),
        ("dominantSpeaker", {}),
        ("dominantSpeaker", {}),
        ("connectionQuality", {"quality": "poor"}),
        ("screenShareStop", screen),
        ("trackUnsubscribed", his),
        ("participantDisconnected", {"participant": "bob"}),
    ]


async def test_a_room_that_is_not_entered_has_no_stats_and_is_not_closed(room: Room) -> None:
    engine = LiveKit()

    assert not engine.is_closed(room)
    assert engine.read_states(room) == {"connectionstatechange": "new"}
    assert await engine.sample(room) == {}
    assert engine.find_loop(room) is asyncio.get_running_loop()


async def test_after_a_watch_the_room_is_as_it_was(connect: Connect, room: Room) -> None:
    client = connect(interval=0.1)
    watch = client.watch(room, conference="c")
    assert any(room._events.values())

    watch.close()
    await until(lambda: not any(room._events.values()))


async def test_stats_that_fail_are_counted(connect: Connect, room: Room) -> None:
    client = connect(interval=0.1)
    room.published = None  # type: ignore[assignment]
    client.watch(room, conference="c")
    room.enter()

    await until(lambda: client.dropped.get("getStats failed", 0) >= 1)
