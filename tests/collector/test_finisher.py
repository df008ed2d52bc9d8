"""A call that ended is judged and written down, whatever goes wrong meanwhile."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from callstats import calls, wire
from callstats.collector.counts import Counts
from callstats.collector.finisher import PAUSE, TRIES, Finisher
from callstats.collector.intake import Intake
from callstats.collector.presence import GRACE, OUTAGE, SILENCE, Presence
from callstats.errors import Unavailable
from callstats.store import Store, Writer
from callstats.testing import FakeClock

pytestmark = pytest.mark.anyio

ROOM = "standup"


class Parts:
    """A collector without its network, and a client of it."""

    def __init__(self, store: Store, writer: Writer, clock: FakeClock, app_id: int) -> None:
        self.store = store
        self.clock = clock
        self.app_id = app_id
        self.counts = Counts()
        self.presence = Presence(lambda *_: secrets.token_hex(13))
        self.finisher = Finisher(store, writer, self.presence, clock=clock, counts=self.counts)
        self.intake = Intake(store, writer, self.presence, clock=clock, counts=self.counts)
        self._client = f"client-{secrets.token_hex(4)}"
        self._seq = 0

    async def send(self, kind: type[wire.Record], **members: Any) -> str:
        """Send one record of now; return its call."""
        self._seq += 1
        now = self.clock.now() * 1000
        who = {"user": "alice", "device": "d1", "conference": ROOM, "seq": self._seq}
        record = kind(**{"at_ms": now, **who, **members})
        header = wire.batch.Header(client=self._client, sent_at_ms=now)
        body = wire.batch.encode(header, [wire.batch.encode_record(record)])  # type: ignore[arg-type]
        outcome = await self.intake.take(self.app_id, body)
        assert outcome.answer.stored == self._seq
        return outcome.answer.calls[ROOM]

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.finisher.step()

    def listed(self) -> list[calls.Listed]:
        return calls.listing(self.store, self.app_id)

    def row(self) -> tuple[str, float | None]:
        """Return state and end of the only call there is."""
        (call,) = self.listed()
        return call.state, call.ended_at.timestamp() if call.ended_at else None


@asynccontextmanager
async def running(store: Store, clock: FakeClock, app_id: int) -> AsyncIterator[Parts]:
    async with Writer(store, clock=clock) as writer:
        yield Parts(store, writer, clock, app_id)


@pytest.fixture
async def parts(store: Store, clock: FakeClock, app_id: int) -> AsyncIterator[Parts]:
    async with running(store, clock, app_id) as made:
        yield made


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_a_call_is_listed_from_its_first_record_on(parts: Parts) -> None:
    call = await parts.send(wire.Joined)

    (listed,) = parts.listed()
    assert (listed.id, listed.state, listed.participants) == (call, "live", 1)


async def test_a_call_that_everyone_left_is_concluded(parts: Parts) -> None:
    await parts.send(wire.Joined)
    parts.clock.advance(60)
    await parts.send(wire.Left)
    left_at = parts.clock.now()

    await parts.pass_time(GRACE)

    assert parts.row() == ("ended", left_at)
    assert parts.counts.get("calls concluded") == 1


async def test_a_silent_call_is_concluded_with_the_moment_it_was_last_heard(parts: Parts) -> None:
    await parts.send(wire.Joined)
    parts.clock.advance(20)
    await parts.send(wire.Event, name="e")
    heard_at = parts.clock.now()

    await parts.pass_time(SILENCE - 1)
    assert parts.row()[0] == "live"
    await parts.pass_time(1)

    assert parts.row() == ("ended", heard_at)


async def test_a_late_record_has_the_call_judged_again(parts: Parts) -> None:
    call = await parts.send(wire.Joined)
    await parts.pass_time(SILENCE)

    assert await parts.send(wire.Feedback, overall=4) == call
    assert parts.row()[0] == "live"
    await parts.pass_time(SILENCE)

    assert parts.row()[0] == "ended"
    judged = calls.read(parts.store, parts.app_id, call, now=None)  # type: ignore[arg-type]
    assert [said.overall for said in judged.feedback] == [4]


async def test_a_call_that_cannot_be_judged_is_tried_again_and_does_not_stop_the_others(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await parts.send(wire.Joined)
    other = await parts.intake.take(parts.app_id, other_room(parts.clock))
    judge = calls.judge
    failures = 0

    def sometimes(store: Store, app_id: int, call_id: str, **options: Any) -> calls.Call:
        nonlocal failures
        if call_id == first and failures < TRIES - 1:
            failures += 1
            raise ZeroDivisionError
        return judge(store, app_id, call_id, **options)

    monkeypatch.setattr(calls, "judge", sometimes)
    await parts.pass_time(SILENCE)
    states = {call.id: call.state for call in parts.listed()}
    assert states == {first: "live", other.answer.calls["other"]: "ended"}

    for _ in range(TRIES - 1):
        await parts.pass_time(PAUSE)

    assert {call.state for call in parts.listed()} == {"ended"}


def other_room(clock: FakeClock) -> bytes:
    now = clock.now() * 1000
    record = wire.Joined(seq=1, at_ms=now, user="bob", device="d", conference="other")
    header = wire.batch.Header(client="other-client", sent_at_ms=now)
    return wire.batch.encode(header, [wire.batch.encode_record(record)])


async def test_a_call_that_can_never_be_judged_is_given_up(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await parts.send(wire.Joined)

    def never(*_: Any, **__: Any) -> calls.Call:
        raise ZeroDivisionError("secret payload")

    monkeypatch.setattr(calls, "judge", never)
    await parts.pass_time(SILENCE)
    for _ in range(TRIES + 2):
        await parts.pass_time(PAUSE)

    assert parts.counts.get("calls not judged") == 1
    assert "ZeroDivisionError at never" in caplog.text
    assert "secret payload" not in caplog.text


async def test_a_store_that_is_away_is_waited_for(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await parts.send(wire.Joined)

    def away(*_: Any, **__: Any) -> calls.Call:
        raise Unavailable("the store does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(calls, "judge", away)
        await parts.pass_time(SILENCE)
        for _ in range(3 * TRIES):
            await parts.pass_time(PAUSE)
    await parts.pass_time(PAUSE)

    assert parts.row()[0] == "ended"


async def test_after_a_restart_a_live_call_goes_on(
    store: Store, clock: FakeClock, app_id: int
) -> None:
    async with running(store, clock, app_id) as before:
        call = await before.send(wire.Joined)
    clock.advance(SILENCE + 5)
    async with running(store, clock, app_id) as after:
        await after.finisher.rebuild()

        assert await after.send(wire.Event, name="e") == call


async def test_after_a_restart_a_call_that_everyone_left_is_concluded(
    store: Store, clock: FakeClock, app_id: int
) -> None:
    async with running(store, clock, app_id) as before:
        await before.send(wire.Joined)
        clock.advance(5)
        await before.send(wire.Left)
        left_at = clock.now()
    clock.advance(OUTAGE)
    async with running(store, clock, app_id) as after:
        await after.finisher.rebuild()
        await after.pass_time(GRACE)

        assert after.row() == ("ended", left_at)


async def test_after_a_restart_a_call_nobody_continues_ends_when_it_was_last_heard(
    store: Store, clock: FakeClock, app_id: int
) -> None:
    async with running(store, clock, app_id) as before:
        await before.send(wire.Joined)
        clock.advance(5)
        await before.send(wire.Report, connection="pc", stats=wire.batch.raw([]))
        heard_at = clock.now()
    clock.advance(100)
    async with running(store, clock, app_id) as after:
        await after.finisher.rebuild()
        await after.pass_time(SILENCE - 1)
        assert after.row()[0] == "live"
        await after.pass_time(1)

        assert after.row() == ("ended", heard_at)


async def test_after_a_restart_feedback_finds_the_call_that_ended(
    store: Store, clock: FakeClock, app_id: int
) -> None:
    async with running(store, clock, app_id) as before:
        call = await before.send(wire.Joined)
        await before.pass_time(SILENCE)
        assert before.row()[0] == "ended"
    clock.advance(600)
    async with running(store, clock, app_id) as after:
        await after.finisher.rebuild()

        assert await after.send(wire.Feedback, overall=1) == call
