"""The outbox keeps within its bounds and loses nothing uncounted."""

import gc
import threading
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from callstats.sdk import outbox as outboxes
from callstats.sdk.losses import Loss, Losses, Place
from callstats.sdk.outbox import FULL, TOO_LARGE, Outbox
from callstats.wire import AnyRecord, Event, Log, Report


def event(name: str = "mute", data: bytes = b"") -> Event:
    return Event(seq=1, at_ms=0, user="u", device="d", conference="c", name=name, data=Raw(data))


def log(message: str = "hello") -> Log:
    return Log(seq=1, at_ms=0, user="u", device="d", message=message)


def report(size: int = 10) -> Report:
    stats = Raw(b"[" + b" " * size + b"]")
    return Report(seq=1, at_ms=0, user="u", device="d", conference="c", connection="x", stats=stats)


def take_all(outbox: Outbox) -> list[AnyRecord]:
    return [each.record for each in outbox.take(records=10**6, size=10**9)]


def test_records_come_out_in_the_order_of_arrival() -> None:
    outbox = Outbox(max_records=10, max_bytes=10**6)
    records: list[AnyRecord] = [report(), event(), log(), report(), event()]

    for record in records:
        outbox.put(record)

    assert take_all(outbox) == records


def test_reports_go_first_then_logs_then_events_and_of_each_the_oldest() -> None:
    outbox = Outbox(max_records=4, max_bytes=10**6)
    first: list[AnyRecord] = [event("1"), log("1"), report(1), report(2)]
    for record in first:
        outbox.put(record)

    outbox.put(event("2"))
    assert [type(each) for each in _kept(outbox)] == [Event, Log, Report, Event]
    outbox.put(event("3"))
    outbox.put(event("4"))
    outbox.put(event("5"))

    kept = [each.name for each in take_all(outbox) if isinstance(each, Event)]
    assert kept == ["2", "3", "4", "5"]
    assert outbox.dropped == {FULL: 4}


def _kept(outbox: Outbox) -> list[AnyRecord]:
    """Look without taking: the kinds that wait, in order."""
    waiting = sorted(each for queue in outbox._waiting for each in queue)
    return [each.record for each in waiting]


def test_a_new_report_goes_when_only_more_precious_records_wait() -> None:
    outbox = Outbox(max_records=2, max_bytes=10**6)
    put: list[AnyRecord] = [event(), event(), report()]
    for record in put:
        outbox.put(record)

    assert [type(each) for each in take_all(outbox)] == [Event, Event]


def test_what_is_being_sent_counts_and_is_never_dropped() -> None:
    outbox = Outbox(max_records=2, max_bytes=10**6)
    outbox.put(event("1"))
    outbox.put(event("2"))
    taken = outbox.take(records=10, size=10**6)

    outbox.put(event("3"))

    assert len(outbox) == 2
    assert outbox.dropped == {FULL: 1}
    outbox.end(each.order for each in taken)
    assert (len(outbox), outbox.size) == (0, 0)


def test_a_record_larger_than_the_outbox_is_dropped_alone() -> None:
    outbox = Outbox(max_records=10, max_bytes=2_000)
    outbox.put(event())

    outbox.put(event(data=b'"' + b"x" * 2_000 + b'"'))

    assert outbox.dropped == {TOO_LARGE: 1}
    assert len(outbox) == 1


def test_the_fate_of_a_record_is_told_once() -> None:
    outbox = Outbox(max_records=1, max_bytes=10**6)
    told: list[tuple[str, bool, str]] = []
    outbox.put(event("1"), lambda is_stored, reason: told.append(("1", is_stored, reason)))
    outbox.put(event("2"), lambda is_stored, reason: told.append(("2", is_stored, reason)))

    outbox.end([each.order for each in outbox.take(records=1, size=10**6)])

    assert told == [("1", False, FULL), ("2", True, "")]


def test_a_callback_may_put_a_record() -> None:
    outbox = Outbox(max_records=1, max_bytes=10**6)
    outbox.put(log("first"), lambda *_: outbox.put(log("third")))

    outbox.put(log("second"))

    assert len(outbox) == 1
    assert outbox.dropped == {FULL: 2}


def test_losses_are_handed_over_once_with_place_and_time() -> None:
    outbox = Outbox(max_records=1, max_bytes=10**6)
    outbox.put(event())
    outbox.put(event())
    outbox.count("getStats failed", 2, place=Place("c", "x"), at_ms=70_000.0)

    assert outbox.take_losses() == [], "what waits goes first"
    outbox.take(records=1, size=10**6)
    assert outbox.take_losses() == [
        (3, Loss(0, Place("c"), {FULL: 1})),
        (4, Loss(70_000.0, Place("c", "x"), {"getStats failed": 2})),
    ]
    assert outbox.take_losses() == []
    assert outbox.dropped == {FULL: 1, "getStats failed": 2}


def test_numbers_go_up_in_the_order_of_sending_whatever_is_dropped() -> None:
    outbox = Outbox(max_records=3, max_bytes=10**6)
    sent: list[int] = []
    for index in range(40):
        record: AnyRecord = (event(), log(), report())[index % 3]
        outbox.put(record)
        if index % 7 == 0:
            taken = outbox.take(records=2, size=10**6)
            sent += [each.order for each in taken]
            sent += [order for order, _ in outbox.take_losses()]
            outbox.end(each.order for each in taken)

    assert len(sent) > 5
    assert sent == sorted(set(sent))


def test_what_came_in_since_a_record_can_be_read_without_taking_it() -> None:
    outbox = Outbox(max_records=10, max_bytes=10**6)
    records: list[AnyRecord] = [report(), event("1"), log(), event("2")]
    for record in records:
        outbox.put(record)

    assert [each.record for each in outbox.since(1)] == records[1:]
    assert [each.record for each in outbox.since(0)] == records
    assert outbox.since(4) == []
    assert len(outbox) == 4


def test_many_places_and_reasons_are_summed_up_rather_than_kept() -> None:
    losses = Losses()
    for index in range(1_000):
        losses.note(f"reason {index}", 1, Place(f"c{index % 300}", f"x{index}"), index * 60_000.0)

    told = losses.take()

    assert len(told) <= 2 * 64 + 1
    assert sum(sum(loss.counts.values()) for loss in told) == losses.total.total() == 1_000
    assert len(losses.total) <= 65
    assert not losses


def test_who_interrupts_the_holder_of_the_lock_may_look_and_is_not_kept_waiting() -> None:
    outbox = Outbox(max_records=10, max_bytes=10**6)
    outbox.put(event())

    with outbox._held():
        outbox.put(event())
        assert (outbox.newest, outbox.oldest, outbox.dropped) == (1, 1, {})
        assert not outbox.has_losses
        with pytest.raises(TimeoutError):
            outbox.take(records=1, size=1)

    assert len(take_all(outbox)) == 2


def test_a_record_put_while_another_thread_holds_the_lock_is_sorted_in_after() -> None:
    outbox = Outbox(max_records=10, max_bytes=10**6)

    with outbox._held():
        thread = threading.Thread(target=outbox.put, args=(event(),))
        thread.start()
        thread.join(10)
        assert not thread.is_alive()

    assert len(take_all(outbox)) == 1


class Ender:
    """Puts a record when it is collected, as a watch does."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.circle = self

    def __del__(self) -> None:
        self.outbox.put(event("from the garbage collector"))


def test_the_garbage_collector_may_interrupt_the_outbox_anywhere() -> None:
    outbox = Outbox(max_records=10**6, max_bytes=10**9)
    threshold = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for _ in range(300):
            Ender(outbox)
            outbox.put(event())
            outbox.take(records=1, size=10**6)
    finally:
        gc.set_threshold(*threshold)
    gc.collect()

    assert len(outbox) == 600


def test_many_threads_lose_nothing_uncounted() -> None:
    outbox = Outbox(max_records=50, max_bytes=10**6)

    def put_many() -> None:
        for _ in range(500):
            outbox.put(event())

    threads = [threading.Thread(target=put_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    ended = 0
    while any(thread.is_alive() for thread in threads):
        taken = outbox.take(records=10, size=10**6)
        outbox.end(each.order for each in taken)
        ended += len(taken)
    for thread in threads:
        thread.join()

    assert ended + len(outbox) + outbox.dropped.get(FULL, 0) == 4_000


records = st.one_of(
    st.builds(event, st.text(min_size=1, max_size=50), st.just(b"") | st.binary(max_size=900)),
    st.builds(log, st.text(max_size=1_000)),
    st.builds(report, st.integers(0, 2_000)),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), records),
        st.tuples(st.just("take"), st.integers(1, 5)),
        st.tuples(st.just("end"), st.sampled_from([None, "refused"])),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(steps=steps, max_records=st.integers(1, 8), max_bytes=st.integers(1_024, 8_000))
def test_whatever_happens_the_bounds_hold_and_the_sum_is_right(
    steps: list[tuple[str, object]], max_records: int, max_bytes: int
) -> None:
    outbox = Outbox(max_records=max_records, max_bytes=max_bytes)
    put = stored = 0
    taken: list[int] = []
    for step, argument in steps:
        if step == "put":
            outbox.put(argument)  # type: ignore[arg-type]
            put += 1
        elif step == "take":
            found = outbox.take(records=argument, size=4_000)  # type: ignore[arg-type]
            taken += [each.order for each in found]
        else:
            outbox.end(taken, argument)  # type: ignore[arg-type]
            stored += len(taken) if argument is None else 0
            taken = []
        assert len(outbox) <= max_records
        assert 0 <= outbox.size <= max_bytes
        assert put == stored + len(outbox) + sum(outbox.dropped.values())

    outbox.end_all("refused")
    outbox.drop_all("closed")
    assert (len(outbox), outbox.size) == (0, 0)


def test_the_overhead_covers_what_a_record_takes_in_memory() -> None:
    outbox = Outbox(max_records=10**6, max_bytes=10**9)
    outbox.put(event())
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for index in range(1_000):
        outbox.put(event(f"event {index}", b'{"muted":true}'))
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert used <= outbox.size
    assert outboxes.OVERHEAD < 1_000
