"""Real connections of wrtc are watched."""

import asyncio
import importlib.metadata
import threading
from collections import Counter
from typing import Any

import msgspec
import pytest

from callstats.sdk.wrtc import Wrtc
from callstats.wire import Event, Joined, samples

from .conftest import Connect
from .peers import connect_wrtc, until, wrtc_pair
from .recording import Collector

pytestmark = pytest.mark.anyio


async def flushed(client: Any) -> None:
    assert await asyncio.to_thread(client.flush, 20)


async def test_a_call_is_told_from_its_start_to_its_end(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)
    async with wrtc_pair() as (first, second):
        watch = client.watch(first, conference="standup", remote="bob")
        await connect_wrtc(first, second)
        await until(lambda: client.sent.get("report", 0) >= 3)
        first.close()
        await until(lambda: not watch.is_live)
    await flushed(client)

    agent = collector.of_type(Joined)[0].agent
    assert agent is not None
    assert agent.endswith(f" wrtc/{importlib.metadata.version('wrtc')}")
    events = collector.of_type(Event)
    assert {(event.connection, event.remote) for event in events} == {(watch.connection, "bob")}
    connection = [bytes(e.data) for e in events if e.name == "connectionstatechange"]
    assert connection[0] == b'{"state":"new"}'
    assert connection[-2:] == [b'{"state":"connected"}', b'{"state":"closed"}']
    signaling = [bytes(e.data) for e in events if e.name == "signalingstatechange"]
    assert signaling[:3] == [
        b'{"state":"stable"}',
        b'{"state":"have-local-offer"}',
        b'{"state":"stable"}',
    ]
    names = Counter(event.name for event in events)
    assert names["track"] == 1
    assert events[0].name == "watchstart"
    assert bytes(events[-1].data) == b'{"reason":"closed"}'


async def test_the_stats_come_as_libwebrtc_gives_them(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)
    async with wrtc_pair() as (first, second):
        watch = client.watch(first, conference="c")
        await connect_wrtc(first, second)
        await until(lambda: _has_streams(collector))
    await flushed(client)

    assert watch.unknown == Wrtc.unknown
    for stats in collector.stats():
        decoded, damaged = samples.decode(msgspec.json.encode(stats))
        assert damaged == 0
        assert len(decoded) == len(stats)
        assert all(value is not None for each in stats for value in each.values())
        assert all({"type", "id", "timestamp"} <= each.keys() for each in stats)


def _has_streams(collector: Collector) -> bool:
    kinds = {each["type"] for stats in collector.stats() for each in stats}
    return {"inbound-rtp", "outbound-rtp", "candidate-pair", "transport", "codec"} <= kinds


async def test_closing_the_client_elsewhere_takes_a_last_sample(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=60)
    async with wrtc_pair() as (first, second):
        client.watch(first, conference="c")
        await connect_wrtc(first, second)

        async with client:
            pass

    in_order = [type(record).__name__ for _, record in sorted(collector.records.items())]
    assert in_order[-3:] == ["Report", "Event", "Left"]


def test_a_connection_in_another_thread_is_watched_in_its_loop(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)
    made: list[Any] = []
    is_watched = threading.Event()

    async def call() -> None:
        async with wrtc_pair() as (first, second):
            made.append(first)
            await until(is_watched.is_set)
            await connect_wrtc(first, second)
            await until(lambda: client.sent.get("report", 0) >= 2)

    thread = threading.Thread(target=lambda: asyncio.run(call()))
    thread.start()
    while not made:
        thread.join(0.01)
    client.watch(made[0], conference="c")
    is_watched.set()
    thread.join(60)

    assert client.flush(20)
    assert client.sent["report"] >= 2


async def test_a_loop_that_stops_in_the_middle_harms_nobody(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)

    def run() -> None:
        async def begin() -> None:
            async with wrtc_pair() as (first, second):
                client.watch(first, conference="c")
                await connect_wrtc(first, second)

        asyncio.run(begin())

    await asyncio.to_thread(run)
    async with client:
        pass
    assert bytes(collector.of_type(Event)[-1].data) in {
        b'{"reason":"closed"}',
        b'{"reason":"collected"}',
        b'{"reason":"loop closed"}',
    }


async def test_a_connection_that_is_closed_while_it_is_asked_ends_its_watch_without_a_loss(
    collector: Collector, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(interval=0.1)
    async with wrtc_pair() as (first, second):
        await connect_wrtc(first, second)
        get_stats = type(first).get_stats

        async def close_meanwhile(pc: Any) -> Any:
            asked = asyncio.ensure_future(get_stats(pc))
            first.close()
            return await asked

        monkeypatch.setattr(type(first), "get_stats", close_meanwhile)
        watch = client.watch(first, conference="c")
        await until(lambda: not watch.is_live)
    await flushed(client)

    assert bytes(collector.of_type(Event)[-1].data) == b'{"reason":"closed"}'
    assert client.dropped == {}
