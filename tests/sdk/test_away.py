"""A server that is away for ten minutes, in no time: the courier runs on a clock of the test."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
import pytest

from callstats.sdk.bell import Bell
from callstats.sdk.courier import Courier
from callstats.sdk.http import Http, Outcome
from callstats.sdk.lines import Scribe, Sender
from callstats.sdk.notices import own_thread
from callstats.sdk.outbox import FULL, Outbox
from callstats.sdk.participant import Participant
from callstats.sdk.pulse import Pulse
from callstats.sdk.steady import Steady
from callstats.testing import FakeClock
from callstats.wire import Alive, AnyRecord, Dropped, Event, Feedback, Left, Log, Report, batch

AWAY = 600
"""Seconds."""


class Silence(Bell):
    """Lets the time pass that is waited for, and has things happen in it, one each tick."""

    def __init__(self, clock: FakeClock, happen: Callable[[float], None], tick: float) -> None:
        super().__init__()
        self.clock = clock
        self.happen = happen
        self.tick = tick

    def wait(self, seconds: float | None) -> None:
        ends_at = self.time() + (self.tick if seconds is None else seconds)
        while self.time() < ends_at:
            self.clock.advance(min(self.tick, max(1e-6, ends_at - self.time())))
            self.happen(self.time())

    def time(self) -> float:
        return self.clock.monotonic()


class Server:
    """Stands for the network: no answer until ``back_at``."""

    def __init__(self, clock: FakeClock, back_at: float) -> None:
        self.clock = clock
        self.back_at = back_at
        self.asked_at: list[float] = []
        self.records: list[AnyRecord] = []
        self.headers: list[batch.Header] = []
        self.retry_after: float | None = None

    def send(self, header: batch.Header, lines: Sequence[bytes], *, deadline: float) -> Outcome:  # noqa: ARG002
        now = self.clock.monotonic()
        self.asked_at.append(now)
        if now < self.back_at:
            return Outcome(verdict="later", reason="no connection", retry_after=self.retry_after)
        _, taken, refused = batch.decode(batch.encode(header, lines))
        assert not refused
        self.headers.append(header)
        self.records += [line.record for line in taken]
        stored = max(record.seq for record in self.records)
        return Outcome(verdict="answered", answer=batch.Answer(stored=stored))

    def close(self) -> None:
        pass

    def of_type(self, kind: type[Any]) -> list[Any]:
        return [record for record in self.records if isinstance(record, kind)]


class Stage:
    """A courier with everything around it, on one clock."""

    def __init__(self, *, back_at: float, lasts: float, tick: float = 0.1, **bounds: int) -> None:
        self.clock = FakeClock()
        self.server = Server(self.clock, back_at)
        self.outbox = Outbox(**{"max_records": 10_000, "max_bytes": 8 << 20, **bounds})
        self.lasts = lasts
        steady = Steady(self.clock)
        self.courier = Courier(
            self.outbox,
            cast("Http", self.server),
            Scribe(Sender("client-1", "alice", "phone"), steady),
            linger=0.25,
            bell=Silence(self.clock, self._happen, tick),
        )
        self.me = Participant(
            "alice", "phone", outbox=self.outbox, courier=self.courier, clock=steady, platform={}
        )
        self.courier.pulse = Pulse(self.me)
        self.courier._thread = threading.current_thread()  # it needs none of its own
        self._passed: set[float] = set()
        self.happen: Callable[[float], None] = lambda _: None

    def _happen(self, now: float) -> None:
        if now < self.lasts:
            self.happen(now)
        elif not self.courier.is_closing:
            self.courier.finish(60)

    def play(self) -> None:
        """Let it all happen."""
        try:
            self.courier._run()
        finally:
            own_thread.is_ours = False  # this is the thread of other tests, too

    def passes(self, moment: float) -> bool:
        """Whether this moment has come, which is said once."""
        is_new = moment not in self._passed and self.clock.monotonic() >= moment
        if is_new:
            self._passed.add(moment)
        return is_new


def test_after_ten_minutes_every_event_arrives_and_is_told_where_samples_are_missing() -> None:
    stage = Stage(back_at=AWAY, lasts=AWAY + 20, max_bytes=2 << 20)
    highest = [0]
    events = [0]

    def happen(now: float) -> None:
        me = stage.me
        me.enter("c")
        if now % 5 < 0.1:
            stats = msgspec.Raw(b"[%s]" % (b" " * 20_000))
            for index in range(4):
                said = me.said("c")
                me.put(Report(**said, connection=f"connection {index}", stats=stats))
        if now % 2 < 0.1:
            events[0] += 1
            me.put(Event(**me.said("c"), name=f"event {events[0]}"))
            me.put(Log(**me.said("c"), message="x" * 500))
        if stage.passes(300):
            me.put(Feedback(**me.said("c"), overall=1))
        highest[0] = max(highest[0], stage.outbox.size)

    stage.happen = happen
    stage.play()

    names = [record.name for record in stage.server.of_type(Event)]
    assert names == [f"event {number}" for number in range(1, events[0] + 1)]
    assert len(names) > 300
    assert len(stage.server.of_type(Feedback)) == 1
    assert (1 << 20) < highest[0] <= 2 << 20
    lost = stage.outbox.dropped
    assert set(lost) == {FULL}
    assert len(stage.outbox) == 0

    told = stage.server.of_type(Dropped)
    assert sum(each.counts[FULL] for each in told) == lost[FULL]
    assert {each.conference for each in told} == {"c"}
    places = Counter(each.connection for each in told)
    assert set(places) == {f"connection {index}" for index in range(4)}
    began = 1_800_000_000.0
    minutes = {(each.at_ms / 1e3 - began) // 60 for each in told}
    assert min(minutes) <= 1, "data is missing from the beginning"
    assert max(minutes) < 10, "and not at the end"
    seqs = [record.seq for record in stage.server.records]
    assert seqs == sorted(set(seqs))


def test_fifty_events_a_second_stay_within_the_bytes_and_the_newest_are_kept() -> None:
    stage = Stage(back_at=AWAY, lasts=AWAY + 5, tick=1.0, max_bytes=1 << 20)
    events = [0]

    def happen(now: float) -> None:
        for _ in range(50):
            events[0] += 1
            stage.me.put(Event(**stage.me.said("c"), name=f"event {events[0]}"))
            assert stage.outbox.size <= 1 << 20

    stage.happen = happen
    stage.play()

    names = [record.name for record in stage.server.of_type(Event)]
    assert events[0] >= 30_000
    assert names[-1] == f"event {events[0]}"
    assert len(names) + stage.outbox.dropped[FULL] == events[0]


def test_a_server_that_is_away_is_asked_at_most_every_five_seconds() -> None:
    stage = Stage(back_at=AWAY, lasts=AWAY + 20)
    stage.me.enter("c")
    stage.play()

    gaps = [b - a for a, b in zip(stage.server.asked_at, stage.server.asked_at[1:], strict=False)]
    assert 55 <= len([at for at in stage.server.asked_at if at < AWAY]) <= 140
    assert max(gaps[:-3]) <= 10.2
    assert min(gaps[6:-4]) >= 4.9


def test_retry_after_is_kept_to_for_minutes() -> None:
    stage = Stage(back_at=400, lasts=AWAY)
    stage.server.retry_after = 120.0
    stage.me.enter("c")
    stage.play()

    first = stage.server.asked_at[:5]
    assert [round(at - first[0]) for at in first] == [0, 120, 240, 360, 480]


def test_who_has_nothing_to_say_is_known_to_be_there_until_leaving() -> None:
    stage = Stage(back_at=0, lasts=100)

    def happen(now: float) -> None:
        if stage.passes(60):
            stage.me.leave("c")
        elif now < 30:
            stage.me.put(Log(**stage.me.said("c"), message="still quiet"))

    stage.me.enter("c")
    stage.happen = happen
    stage.play()

    told = [(record.at_ms / 1e3 - 1_800_000_000, record) for record in stage.server.of_type(Alive)]
    assert [int(at // 10) for at, _ in told] == [1, 2, 3, 4, 5]
    left = stage.server.of_type(Left)[0].at_ms / 1e3 - 1_800_000_000
    assert max(at for at, _ in told) < left
    assert stage.courier.sent["alive"] == len(told)


def test_who_reports_or_is_cut_off_does_not_say_so_besides() -> None:
    stage = Stage(back_at=AWAY, lasts=AWAY + 30)

    def happen(now: float) -> None:
        if now % 5 < 0.1:
            stage.me.put(Report(**stage.me.said("c"), connection="x", stats=msgspec.Raw(b"[]")))

    stage.me.enter("c")
    stage.happen = happen
    stage.play()

    assert stage.server.of_type(Alive) == []


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0, -1_800_000_000.0])
def test_a_clock_that_is_set_in_the_middle_moves_nothing(jump: float) -> None:
    stage = Stage(back_at=20, lasts=60)
    began = stage.clock.now()

    def happen(now: float) -> None:
        if stage.passes(10):
            stage.clock.set_wall(stage.clock.now() + jump)
        if now % 1 < 0.1:
            stage.me.put(Event(**stage.me.said("c"), name="now"))
        if stage.passes(40):
            happened = stage.clock.now() - 15
            stage.me.put(Event(**stage.me.said("c", happened), name="a while ago"))

    stage.happen = happen
    stage.play()

    now = [record.at_ms / 1e3 - began for record in stage.server.of_type(Event)]
    told = {record.name: record.at_ms / 1e3 - began for record in stage.server.of_type(Event)}
    assert told["a while ago"] == pytest.approx(25, abs=0.2)
    regular = [at for at in now if at != told["a while ago"]]
    assert regular == sorted(regular)
    assert 55 <= regular[-1] <= 61
    for header in stage.server.headers:
        assert 0 <= header.sent_at_ms / 1e3 - began <= 130, "and so does the header's time"
