"""Three methods of one's own are enough to be watched, and a bad connection harms nobody."""

import asyncio
import gc
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from callstats.sdk.engine import HOMES, find_engine
from callstats.wire import Event

from .conftest import Connect
from .peers import until
from .recording import Collector

if TYPE_CHECKING:
    from callstats import Watchable

pytestmark = pytest.mark.anyio

Tell = Callable[[str, str], None]


class Link:
    """A connection of an application's own making, which no library knows."""

    def __init__(self) -> None:
        self.tell: Tell = lambda *_: None
        self.is_over = False
        self.packets = 0
        self.act: Callable[[], Any] = lambda: None

    async def get_stats(self) -> Iterable[Mapping[str, object]]:
        self.packets += 50
        told = self.act()
        if asyncio.iscoroutine(told):
            await told
        now = time.time() * 1e3
        yielded = {"type": "inbound-rtp", "id": "1", "timestamp": now, "kind": "audio", "ssrc": 7}
        return [{**yielded, "packetsReceived": self.packets}]

    def on_state_change(self, tell: Tell) -> None:
        self.tell = tell
        tell("connectionstatechange", "new")

    def is_closed(self) -> bool:
        return self.is_over


def reasons(collector: Collector) -> list[bytes]:
    return [bytes(event.data) for event in collector.of_type(Event) if event.name == "watchend"]


def states(collector: Collector) -> list[bytes]:
    events = collector.of_type(Event)
    return [bytes(event.data) for event in events if event.name == "connectionstatechange"]


async def flushed(client: Any) -> None:
    assert await asyncio.to_thread(client.flush, 20)


async def test_a_connection_of_ones_own_is_watched_from_start_to_end(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)
    link: Watchable = Link()
    assert isinstance(link, Link)

    watch = client.watch(link, conference="c", remote="bob")
    link.tell("connectionstatechange", "connecting")
    await asyncio.to_thread(link.tell, "connectionstatechange", "connected")
    await until(lambda: client.sent.get("report", 0) >= 2)
    link.tell("connectionstatechange", "closed")
    link.is_over = True
    await until(lambda: not watch.is_live)
    link.tell("connectionstatechange", "new")
    await flushed(client)

    assert states(collector) == [
        b'{"state":"new"}',
        b'{"state":"connecting"}',
        b'{"state":"connected"}',
        b'{"state":"closed"}',
    ]
    assert reasons(collector) == [b'{"reason":"closed"}']
    first, second = collector.stats()[:2]
    assert second[0]["packetsReceived"] > first[0]["packetsReceived"] > 0
    assert watch.unknown == ()
    assert client.dropped == {}


async def test_a_name_that_is_no_state_of_w3c_is_not_told(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)
    link = Link()
    client.watch(link, conference="c")

    link.tell("mood", "good")
    link.tell("iceconnectionstatechange", "checking")
    await until(lambda: "iceconnectionstatechange" in collector.names())

    assert "mood" not in collector.names()


async def test_get_stats_that_raises_costs_its_sample_only(
    collector: Collector, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    client = connect(interval=0.1)
    link = Link()

    def fail() -> None:
        raise LookupError("secret")

    link.act = fail
    watch = client.watch(link, conference="c")
    await until(lambda: client.dropped.get("getStats failed", 0) >= 2)
    link.act = lambda: None
    await until(lambda: client.sent.get("report", 0) >= 1)

    assert watch.is_live
    assert "LookupError" in caplog.text
    assert "secret" not in caplog.text


async def test_a_connection_that_dies_while_it_is_asked_ends_its_watch_without_a_loss(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)
    link = Link()

    async def die() -> None:
        await asyncio.sleep(0)
        link.is_over = True
        raise ConnectionError

    link.act = die
    watch = client.watch(link, conference="c")
    await until(lambda: not watch.is_live)
    await flushed(client)

    assert reasons(collector) == [b'{"reason":"closed"}']
    assert client.dropped == {}


async def test_a_connection_that_is_collected_while_it_is_asked_ends_its_watch(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)
    links = [Link()]
    is_asked = asyncio.Event()

    async def wait() -> None:
        is_asked.set()
        links.clear()
        await asyncio.Event().wait()

    links[0].act = wait
    watch = client.watch(links[0], conference="c")
    await is_asked.wait()
    client.leave("c")
    await until(lambda: gc.collect() >= 0 and watch.pc is None)

    assert not watch.is_live


async def test_get_stats_that_hangs_and_will_not_be_cancelled_is_counted_each_time(
    collector: Collector, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callstats.sdk.watch.PATIENCE", 0.1)
    client = connect(interval=0.1)
    link = Link()
    is_over = asyncio.Event()

    async def cling() -> None:
        while not is_over.is_set():
            try:
                await is_over.wait()
            except asyncio.CancelledError:
                continue

    link.act = cling
    watch = client.watch(link, conference="c")
    await until(lambda: client.dropped.get("getStats took too long", 0) >= 3)
    assert len([task for task in asyncio.all_tasks() if "_sample" in repr(task)]) == 1

    link.act = lambda: None
    is_over.set()
    await until(lambda: client.sent.get("report", 0) >= 1)
    assert watch.is_live


async def test_a_connection_that_cannot_say_whether_it_is_closed_is_as_good_as_closed(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)
    link = Link()

    def fail() -> bool:
        raise RuntimeError

    link.is_closed = fail  # type: ignore[method-assign]
    watch = client.watch(link, conference="c")
    await until(lambda: not watch.is_live)
    await flushed(client)

    assert reasons(collector) == [b'{"reason":"closed"}']


async def test_states_that_cannot_be_followed_leave_the_samples(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.1)
    link = Link()

    def fail(tell: Tell) -> None:
        raise RuntimeError

    link.on_state_change = fail  # type: ignore[method-assign]
    client.watch(link, conference="c")

    await until(lambda: client.sent.get("report", 0) >= 2)


def test_a_loop_that_closes_while_stats_are_waited_for_ends_the_watch_quietly(
    collector: Collector, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    def run() -> None:
        link = Link()
        link.act = lambda: asyncio.Event().wait()
        client = connect(interval=0.1)
        loop = asyncio.new_event_loop()

        async def begin() -> Any:
            watch = client.watch(link, conference="c")
            await until(lambda: link.packets > 0)
            return watch

        watch = loop.run_until_complete(begin())
        loop.close()
        link.tell("connectionstatechange", "connected")
        assert client.close(20)
        assert not watch.is_live

    run()
    gc.collect()

    assert reasons(collector) == [b'{"reason":"loop closed"}']
    assert "destroyed" not in caplog.text


def test_a_loop_of_another_thread_may_end_first(collector: Collector, connect: Connect) -> None:
    client = connect(interval=0.1)
    links: list[Link] = []

    async def run() -> None:
        links.append(Link())
        client.watch(links[0], conference="c")
        await until(lambda: client.sent.get("report", 0) >= 1)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    thread.join(60)

    assert client.close(20)
    assert reasons(collector) == [b'{"reason":"loop closed"}']


async def test_a_hundred_connections_end_with_their_reasons(
    collector: Collector, connect: Connect
) -> None:
    client = connect(interval=0.2)
    links = [Link() for _ in range(100)]
    for link in links:
        client.watch(link, conference="c")
    await until(lambda: client.sent.get("report", 0) >= 200)
    threads = threading.active_count()
    for link in links:
        link.is_over = True

    await until(lambda: len(reasons(collector)) == 100)
    assert Counter(reasons(collector)) == {b'{"reason":"closed"}': 100}
    assert threads < 20


@pytest.mark.parametrize("thing", [None, 3, "pc", Link, object(), asyncio])
def test_what_has_not_the_three_methods_has_no_engine(thing: object) -> None:
    assert find_engine(thing) is None


def test_every_engine_is_where_it_is_said_to_be() -> None:
    import importlib

    for home in HOMES.values():
        engine = getattr(importlib.import_module(home.module), home.engine)()
        assert "/" in engine.name
        assert isinstance(engine.unknown, tuple)
