"""Real connections of aiortc are watched, and their stats are told as W3C means them."""

import asyncio
import gc
from collections import Counter
from typing import Any

import aiortc
import pytest
from aiortc.mediastreams import VideoStreamTrack

from callstats.sdk.aiortc import Aiortc
from callstats.sdk.aiortc_stats import UNKNOWN
from callstats.wire import Event, Joined, samples

from .conftest import Connect
from .peers import aiortc_pair, connect_aiortc, until
from .recording import Collector

pytestmark = pytest.mark.anyio


async def sample(pc: Any) -> list[dict[str, Any]]:
    """Take a sample of a connection that nobody watches."""
    return (await Aiortc().sample(pc))[""]


def by_type(stats: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for each in stats:
        found.setdefault(each["type"], []).append(each)
    return found


async def flushed(client: Any) -> None:
    assert await asyncio.to_thread(client.flush, 20)


async def test_a_call_is_told_from_its_start_to_its_end(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)
    async with aiortc_pair() as (first, second):
        watch = client.watch(first, conference="standup", remote="bob")
        await connect_aiortc(first, second)
        await until(lambda: client.sent.get("report", 0) >= 3)
        assert watch.is_live
    await flushed(client)

    joined = collector.of_type(Joined)[0]
    assert joined.agent is not None
    assert joined.agent.startswith("callstats-python/")
    assert joined.agent.endswith(f" aiortc/{aiortc.__version__}")
    assert set(joined.platform) == {"os", "python"}
    events = collector.of_type(Event)
    assert {event.connection for event in events} == {watch.connection}
    assert {event.remote for event in events} == {"bob"}
    states = [(event.name, bytes(event.data)) for event in events if event.name.endswith("change")]
    connection = [data for name, data in states if name == "connectionstatechange"]
    assert connection[0] == b'{"state":"new"}'
    assert connection[-2:] == [b'{"state":"connected"}', b'{"state":"closed"}']
    signaling = [data for name, data in states if name == "signalingstatechange"]
    assert signaling == [
        b'{"state":"stable"}',
        b'{"state":"have-local-offer"}',
        b'{"state":"stable"}',
        b'{"state":"closed"}',
    ]
    names = Counter(event.name for event in events)
    assert names["track"] == 2
    assert events[0].name == "watchstart"
    assert events[-1].name == "watchend"
    assert bytes(events[-1].data) == b'{"reason":"closed"}'
    assert not watch.is_live


async def test_the_stats_have_the_members_and_units_of_w3c(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)
    async with aiortc_pair() as (first, second):
        client.watch(first, conference="c")
        await connect_aiortc(first, second)
        # RTCP reports come about every second.
        await until(lambda: _has_heard_back(first))
        before = client.sent.get("report", 0)
        await until(lambda: client.sent.get("report", 0) > before + 1)
        first_candidates, second_candidates = candidates(first), candidates(second)
    await flushed(client)

    last = by_type(collector.stats()[-1])
    assert {kind: len(found) for kind, found in last.items()} == {
        "inbound-rtp": 2,
        "outbound-rtp": 2,
        "remote-inbound-rtp": 2,
        "remote-outbound-rtp": 2,
        "media-source": 2,
        "codec": 2,
        "transport": 1,
        "candidate-pair": 1,
        "local-candidate": len(first_candidates),
        "remote-candidate": len(second_candidates),
    }
    for report in collector.stats():
        _, damaged = samples.decode(_json(report))
        assert damaged == 0
        ids = [each["id"] for each in report]
        assert len(ids) == len(set(ids))
    at_ms = collector.of_type(Event)[0].at_ms
    assert all(0 <= each["timestamp"] - at_ms < 60_000 for found in last.values() for each in found)
    for inbound in last["inbound-rtp"]:
        assert inbound["packetsReceived"] > 0
        assert 0 <= inbound["jitter"] < 1
        assert inbound["codecId"] in {codec["id"] for codec in last["codec"]}
        assert inbound["remoteId"] in {each["id"] for each in last["remote-outbound-rtp"]}
    for remote in last["remote-inbound-rtp"]:
        outbound = next(each for each in last["outbound-rtp"] if each["id"] == remote["localId"])
        assert remote["ssrc"] == outbound["ssrc"]
        assert outbound["remoteId"] == remote["id"]
        assert 0 <= remote["fractionLost"] <= 1
    assert {codec["mimeType"] for codec in last["codec"]} == {"audio/opus", "video/VP8"}
    pair = last["candidate-pair"][0]
    assert pair["id"] == last["transport"][0]["selectedCandidatePairId"]
    assert (pair["state"], pair["nominated"]) == ("succeeded", True)
    ends = {each["id"]: each for each in (*last["local-candidate"], *last["remote-candidate"])}
    assert ends[pair["localCandidateId"]]["candidateType"] == "host"
    assert ends[pair["remoteCandidateId"]]["candidateType"] == "host"
    assert 0 < pair["currentRoundTripTime"] < 10
    assert pair["responsesReceived"] <= pair["requestsSent"]


def candidates(pc: Any) -> list[Any]:
    return list(pc.getSenders()[0].transport.transport._connection._local_candidates)


def _json(report: list[dict[str, Any]]) -> bytes:
    import msgspec

    return msgspec.json.encode(report)


def _has_heard_back(pc: Any) -> bool:
    """Whether the other end has told by RTCP how it receives and what it sends, for all streams."""
    told = [each._RTCRtpSender__stats for each in pc.getSenders()]
    told += [each._RTCRtpReceiver__stats for each in pc.getReceivers()]
    kinds = Counter(stats.type for report in told for stats in report.values())
    return kinds["remote-inbound-rtp"] == kinds["remote-outbound-rtp"] == 2


async def test_what_is_said_to_be_unknown_is_not_there_and_the_rest_is(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)
    async with aiortc_pair() as (first, second):
        watch = client.watch(first, conference="c")
        await connect_aiortc(first, second)
        await until(lambda: client.sent.get("report", 0) >= 3)
    await flushed(client)

    assert watch.unknown is UNKNOWN
    found = {
        f"{each['type']}.{member}"
        for stats in collector.stats()
        for each in stats
        for member in each
    }
    assert not found & set(UNKNOWN)
    assert "inbound-rtp.packetsReceived" in found


async def test_a_retransmission_stream_is_part_of_its_primary_one() -> None:
    """aiortc gives all SSRCs of a receiver one id, so that the last one hides the others."""
    async with aiortc_pair() as (first, second):
        await connect_aiortc(first, second)
        receiver = next(each for each in first.getReceivers() if each.track.kind == "video")
        streams = receiver._RTCRtpReceiver__remote_streams
        await until(lambda: streams)
        primary = next(iter(streams))
        repeats = type(streams[primary])(90_000)
        repeats.packets_received, repeats.base_seq, repeats.max_seq = 7, 1, 7
        streams[4_000_000_000] = repeats
        receiver._RTCRtpReceiver__rtx_ssrc[4_000_000_000] = primary

        stats = by_type(await sample(first))

        video = [each for each in stats["inbound-rtp"] if each["kind"] == "video"]
        assert [each["ssrc"] for each in video] == [primary]
        assert video[0]["retransmittedPacketsReceived"] == 7


async def test_what_goes_through_is_counted_without_taking_it_from_the_application(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)
    async with aiortc_pair() as (first, second):
        client.watch(first, conference="c")
        await connect_aiortc(first, second)
        await until(lambda: client.sent.get("report", 0) >= 20)
    await flushed(client)

    last = by_type(collector.stats()[-1])
    inbound = {each["kind"]: each for each in last["inbound-rtp"]}
    outbound = {each["kind"]: each for each in last["outbound-rtp"]}
    transport = last["transport"][0]
    received = sum(each["bytesReceived"] for each in inbound.values())
    assert 0 < received < transport["bytesReceived"]
    video, audio = inbound["video"], inbound["audio"]
    assert (video["frameWidth"], video["frameHeight"]) == (640, 480)
    assert 0 < video["framesDecoded"] <= video["framesReceived"] <= video["packetsReceived"]
    assert 0 < video["framesPerSecond"] <= 60
    assert video["jitterBufferEmittedCount"] == video["framesReceived"]
    assert audio["totalSamplesReceived"] > 0
    assert audio["totalSamplesReceived"] % 960 == 0
    # Its jitter buffer hands out a packet of 20 ms when four more are complete.
    held = audio["jitterBufferDelay"] / audio["jitterBufferEmittedCount"]
    assert 0.02 < held < 2
    assert audio["audioLevel"] == 0  # the track is silent
    assert {each.get("audioLevel") for each in last["media-source"]} == {0, None}
    assert outbound["video"]["framesEncoded"] > 0
    assert (outbound["video"]["frameWidth"], outbound["video"]["frameHeight"]) == (640, 480)
    assert outbound["audio"]["targetBitrate"] > 0


async def test_after_a_watch_the_connection_is_as_it_was(
    collector: Collector, connect: Connect
) -> None:
    async with aiortc_pair() as (first, second):
        client, other = connect(interval=0.1), connect(interval=0.1, user="bob")
        parts = [*first.getSenders(), *first.getReceivers()]
        before = [set(vars(part)) for part in parts]
        watches = [each.watch(first, conference="c") for each in (client, other)]
        await connect_aiortc(first, second)
        await until(lambda: client.sent.get("report", 0) >= 2)
        assert before != [set(vars(part)) for part in parts]

        watches[0].close()
        counted = other.sent.get("report", 0)
        await until(lambda: other.sent.get("report", 0) > counted)
        watches[1].close()

        await until(lambda: before == [set(vars(part)) for part in parts])
        buffers = [each._RTCRtpReceiver__jitter_buffer for each in first.getReceivers()]
        queues = [each.track._queue for each in first.getReceivers()]
        aioice = first.getSenders()[0].transport.transport._connection
        assert not any("add" in vars(each) for each in buffers)
        assert not any("_put" in vars(each) for each in queues)
        assert not any({"send_stun", "request"} & set(vars(each)) for each in aioice._protocols)


class Stuttering(VideoStreamTrack):
    """A picture that stands still for a while, once."""

    def __init__(self, frames: int, seconds: float) -> None:
        super().__init__()
        self._left = frames
        self._seconds = seconds

    async def recv(self) -> Any:
        self._left -= 1
        if self._left == 0:
            await asyncio.sleep(self._seconds)
        return await super().recv()


async def test_a_picture_that_stands_still_is_a_freeze() -> None:
    async with aiortc_pair() as (first, second):
        engine = Aiortc()
        engine.listen(first, lambda: None, lambda *_: None)
        sender = next(each for each in second.getSenders() if each.kind == "video")
        sender.replaceTrack(Stuttering(frames=40, seconds=2))
        await connect_aiortc(first, second)
        shown: dict[str, Any] = {}

        async def look() -> dict[str, Any]:
            stats = by_type((await engine.sample(first))[""])
            return {each["kind"]: each for each in stats.get("inbound-rtp", [])}.get("video", {})

        while shown.get("framesDecoded", 0) < 60:
            await asyncio.sleep(0.05)
            shown = await look()

        assert shown["freezeCount"] >= 1
        assert shown["totalFreezesDuration"] >= 1.9
        assert shown["totalInterFrameDelay"] > shown["totalFreezesDuration"]
        engine.unlisten(first)


async def test_without_a_way_all_pairs_are_told_and_with_one_only_that() -> None:
    async with aiortc_pair() as (first, second):
        await first.setLocalDescription(await first.createOffer())
        before = by_type(await sample(first))
        assert before["local-candidate"]
        assert before["transport"][0].get("selectedCandidatePairId") is None
        await second.setRemoteDescription(first.localDescription)
        await second.setLocalDescription(await second.createAnswer())
        await first.setRemoteDescription(second.localDescription)
        told: list[set[bool]] = []

        def is_connected() -> bool:
            return bool(first.connectionState == "connected")

        while not is_connected():
            pairs = by_type(await sample(first)).get("candidate-pair", [])
            told.append({each["nominated"] for each in pairs})
            await asyncio.sleep(0)
        after = by_type(await sample(first))

    assert {False} in told
    assert [each["nominated"] for each in after["candidate-pair"]] == [True]


async def test_stats_are_copies() -> None:
    async with aiortc_pair() as (first, second):
        await connect_aiortc(first, second)
        await until(
            lambda: all(each._RTCRtpReceiver__remote_streams for each in first.getReceivers())
        )
        earlier = by_type(await sample(first))["transport"][0]
        bytes_sent = earlier["bytesSent"]
        await asyncio.sleep(0.1)
        later = by_type(await sample(first))["transport"][0]

    assert earlier["bytesSent"] == bytes_sent < later["bytesSent"]


async def test_a_connection_that_is_collected_ends_its_watch(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)
    pc = aiortc.RTCPeerConnection()
    watch = client.watch(pc, conference="c")

    del pc
    gc.collect()

    assert not watch.is_live
    assert watch.pc is None
    await flushed(client)
    assert bytes(collector.of_type(Event)[-1].data) == b'{"reason":"collected"}'


async def test_watching_does_not_keep_a_connection_alive(
    collector: Collector, connect: Connect
) -> None:
    import weakref

    client = connect(interval=0.1)
    pc = aiortc.RTCPeerConnection()
    gone = weakref.ref(pc)
    part_gone = weakref.ref(pc.addTransceiver("audio").receiver)
    pc.createDataChannel("x")
    client.watch(pc, conference="c")
    await until(lambda: client.sent.get("report", 0) >= 1)

    del pc

    await until(lambda: gc.collect() >= 0 and gone() is None and part_gone() is None)


async def test_leaving_takes_a_last_sample_and_ends_the_watch_before_the_user_leaves(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=60)
    async with aiortc_pair() as (first, second):
        watch = client.watch(first, conference="c")
        await connect_aiortc(first, second)

        client.leave("c")
        client.event("after", conference="other", pc=first)

        await flushed(client)
        assert not watch.is_live
        assert not any(handler for handler in first.listeners("connectionstatechange"))
        in_order = [record for _, record in sorted(collector.records.items())]
        kinds = [type(record).__name__ for record in in_order]
        assert kinds.index("Report") < kinds.index("Left")
        assert kinds.index("Left") == len(kinds) - 3
        assert collector.of_type(Event)[-1].connection == watch.connection


async def test_get_stats_that_raises_is_counted_and_the_watch_goes_on(
    collector: Collector, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(interval=0.1)
    async with aiortc_pair() as (first, second):
        sender = first.getSenders()[0]

        async def fail() -> None:
            raise ConnectionError

        with monkeypatch.context() as patch:
            patch.setattr(sender, "getStats", fail)
            watch = client.watch(first, conference="c")
            await until(lambda: client.dropped.get("getStats failed", 0) >= 2)
        await connect_aiortc(first, second)
        await until(lambda: client.sent.get("report", 0) >= 1)
        assert watch.is_live


async def test_get_stats_that_hangs_is_given_up_and_the_watch_goes_on(
    collector: Collector, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callstats.sdk.watch.PATIENCE", 0.2)
    client = connect(interval=0.1)
    async with aiortc_pair() as (first, second):
        with monkeypatch.context() as patch:
            patch.setattr(first.getSenders()[0], "getStats", asyncio.Event().wait)
            client.watch(first, conference="c")
            await until(lambda: client.dropped.get("getStats took too long", 0) >= 1)
        await connect_aiortc(first, second)
        await until(lambda: client.sent.get("report", 0) >= 1)


async def test_a_connection_that_is_closed_while_it_is_asked_ends_its_watch_without_a_loss(
    collector: Collector, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(interval=0.1)
    async with aiortc_pair() as (first, second):
        await connect_aiortc(first, second)
        receiver = first.getReceivers()[0]
        get_stats = receiver.getStats

        async def close_meanwhile() -> Any:
            monkeypatch.undo()
            await first.close()
            return await get_stats()

        monkeypatch.setattr(receiver, "getStats", close_meanwhile)
        watch = client.watch(first, conference="c")
        await until(lambda: not watch.is_live)
    await flushed(client)

    assert bytes(collector.of_type(Event)[-1].data) == b'{"reason":"closed"}'
    assert client.dropped == {}


async def test_a_connection_in_the_loop_of_another_thread_is_watched_there(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)
    async with aiortc_pair() as (first, second):
        watch = await asyncio.to_thread(client.watch, first, conference="c")
        await connect_aiortc(first, second)
        await until(lambda: client.sent.get("report", 0) >= 2)

        assert await asyncio.to_thread(client.close, 20)

        assert not watch.is_live
    assert bytes(collector.of_type(Event)[-1].data) == b'{"reason":"client closed"}'


def test_a_connection_made_before_its_loop_runs_is_watched_when_it_does(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)
    pc = aiortc.RTCPeerConnection()
    watch = client.watch(pc, conference="c")

    async def run() -> None:
        pc.createDataChannel("x")
        await pc.setLocalDescription(await pc.createOffer())
        await until(lambda: "watchstart" in collector.names())
        await pc.close()
        await until(lambda: not watch.is_live)

    asyncio.run(run())


def test_a_loop_that_closes_ends_the_watch_quietly(collector: Collector, connect: Connect) -> None:
    client = connect(interval=0.1)
    loop = asyncio.new_event_loop()
    pc: Any = None

    async def begin() -> Any:
        nonlocal pc
        pc = aiortc.RTCPeerConnection()
        return client.watch(pc, conference="c")

    watch = loop.run_until_complete(begin())
    loop.close()

    assert client.close(20)
    assert not watch.is_live


async def test_watching_anew_ends_the_former_watch(collector: Collector, connect: Connect) -> None:
    client = connect(interval=0.1)
    async with aiortc_pair() as (first, _):
        former = client.watch(first, conference="c")
        latter = client.watch(first, conference="d")

        assert not former.is_live
        assert latter.is_live
        client.event("x", conference="d", pc=first)
        latter.close()
        latter.close()
    await flushed(client)
    told = {event.name: event for event in collector.of_type(Event)}
    assert told["x"].connection == latter.connection
    assert Counter(collector.names())["watchend"] == 2


async def test_what_is_no_peer_connection_is_counted(
    collector: Collector, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    client = connect()

    for thing in (None, 3, object(), "pc"):
        assert not client.watch(thing, conference="c").is_live

    assert client.dropped == {"unusable argument": 4}
    assert "callstats was given" in caplog.text
