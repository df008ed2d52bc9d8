"""Two hundred connections, the garbage collector, and loops that come and go."""

import asyncio
import gc
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from callstats.sdk.http import read_retry_after
from callstats.wire import Event

from .conftest import Connect
from .recording import Collector, courier_threads, eventually
from .scripts import run


@pytest.fixture
def eager_gc() -> Iterator[None]:
    """The garbage collector runs at every allocation that it may interrupt."""
    threshold = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    yield
    gc.set_threshold(*threshold)
    gc.collect()


class Circle:
    """Is collected by the garbage collector, not by counting references."""

    def __init__(self) -> None:
        self.circle = self


def test_whatever_the_garbage_collector_calls_may_report(
    collector: Collector, connect: Connect, eager_gc: None
) -> None:
    client = connect(linger=0)
    calls = [0]

    def report(*_: Any) -> None:
        calls[0] += 1
        client.event("from the garbage collector", conference="c", data={"call": calls[0]})
        client.log("and a line")
        client.feedback(conference="c", overall=5)
        assert isinstance(client.dropped, dict)
        assert client.pending >= 0

    for _ in range(150):
        weakref.finalize(Circle(), report).atexit = False
        client.event("ordinary", conference="c")
        client.error("ordinary", ValueError("x"), conference="c")
    gc.set_threshold(700, 10, 10)
    gc.collect()

    assert calls[0] == 150
    assert client.flush(30)
    assert client.sent == {"joined": 1, "event": 300, "error": 150, "log": 150, "feedback": 150}
    assert client.dropped == {}


def test_the_collectors_callbacks_may_report_in_the_middle_of_a_report(
    collector: Collector, connect: Connect, eager_gc: None
) -> None:
    client = connect(linger=0)
    count = [0]

    def on_collection(phase: str, _: object) -> None:
        if phase == "stop" and count[0] < 2_000 and threading.current_thread() is main:
            count[0] += 1
            client.event("collected", conference="c")

    main = threading.main_thread()
    gc.callbacks.append(on_collection)
    try:
        for _ in range(200):
            Circle()
            client.event("ordinary", conference="c", data={"some": ["data"]})
            client.flush(0)
    finally:
        gc.callbacks.remove(on_collection)
        gc.set_threshold(700, 10, 10)

    assert count[0] > 200
    assert client.flush(30)
    assert client.sent["event"] == 200 + count[0]


def test_a_signal_handler_may_report_and_look(collector: Collector) -> None:
    run(
        collector,
        """
        import signal
        client = connect(linger=0)
        count = 0

        def on_alarm(*_):
            global count
            count += 1
            client.event("alarm", conference="c")
            client.dropped, client.pending, client.sent
            if count < 300:
                signal.setitimer(signal.ITIMER_REAL, 0.0005)

        signal.signal(signal.SIGALRM, on_alarm)
        signal.setitimer(signal.ITIMER_REAL, 0.0005)
        index = 0
        while count < 300:
            index += 1
            client.event("ordinary", conference="c")
            client.flush(0)
        assert client.flush(30)
        lost = sum(client.dropped.values())
        assert client.sent["event"] + lost == index + count
        """,
    )


def test_loops_come_and_go(collector: Collector, connect: Connect) -> None:
    client = connect()

    async def visit(index: int) -> None:
        client.event(f"loop {index}", conference="c")
        assert await asyncio.to_thread(client.flush, 20)

    for index in range(5):
        asyncio.run(visit(index))
    thread = threading.Thread(target=lambda: asyncio.run(visit(5)))
    thread.start()
    thread.join()

    assert [event.name for event in collector.of_type(Event)] == [f"loop {i}" for i in range(6)]
    assert len(courier_threads()) == 1


def test_a_loop_that_ends_under_its_connection_harms_nobody(
    collector: Collector, connect: Connect
) -> None:
    import aiortc

    client = connect(interval=0.1)
    kept = []

    async def visit() -> None:
        pc = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        kept.append(pc)
        client.watch(pc, conference="c")
        await asyncio.sleep(0.3)

    asyncio.run(visit())
    asyncio.run(visit())
    client.event("afterwards", conference="c")

    assert client.close(20)
    events = [event.name for event in collector.of_type(Event)]
    assert events.count("watchstart") == 2
    assert events.count("watchend") == 2
    assert "afterwards" in events


@pytest.mark.anyio
async def test_two_hundred_connections_take_no_thread_and_no_task_each(
    collector: Collector, connect: Connect
) -> None:
    import aiortc

    pcs = [aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[])) for _ in range(200)]
    for pc in pcs:
        pc.createDataChannel("x")
    client = connect(interval=0.1)
    await asyncio.to_thread(client.join, "c")
    threads = threading.active_count()
    tasks = len(asyncio.all_tasks())

    watches = [client.watch(pc, conference="c", remote=f"user {i}") for i, pc in enumerate(pcs)]
    seen: list[tuple[int, int]] = []
    while len({event.connection for event in collector.of_type(Event)}) < 200:
        seen.append((threading.active_count(), len(asyncio.all_tasks())))
        await asyncio.sleep(0.05)

    # The test's collector has a thread for our one connection to it.
    assert max(count for count, _ in seen) <= threads + 1
    assert max(count for _, count in seen) <= tasks + 1
    assert len({watch.connection for watch in watches}) == 200
    for pc in pcs:
        await pc.close()
    assert await asyncio.to_thread(client.close, 20)
    ends = [event for event in collector.of_type(Event) if event.name == "watchend"]
    assert len(ends) == 200


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": " 120 "}, 120),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-3"}, None),
        (
            {
                "Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT",
                "Date": "Wed, 21 Oct 2015 07:28:00 GMT",
            },
            30,
        ),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT"}, 0),
    ],
)
def test_retry_after_is_read_by_the_servers_clock(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert read_retry_after(headers) == seconds


def test_a_thread_that_cannot_be_started_costs_nothing_but_the_reports(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    client = connect()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        client.event("x", conference="c")
        assert not client.close(0.1)

    assert client.dropped == {"closed": 3}
    assert "cannot start a thread" in caplog.text
    assert sys.exc_info() == (None, None, None)
    eventually(lambda: not courier_threads())
