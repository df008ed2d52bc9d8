"""Presence: the same conference at the same moment is one call, and calls end."""

import random
from collections.abc import Iterable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats.collector.presence import (
    EFFECTS,
    GRACE,
    MEMORY,
    OUTAGE,
    SILENCE,
    Kind,
    Presence,
    Stay,
)

APP = 7
ROOM = "standup"
ALICE, BOB = ("alice", "laptop"), ("bob", "phone")


def new_presence() -> Presence:
    numbers = count(1)
    return Presence(lambda *_: f"call-{next(numbers)}")


class Room:
    """One conference, fed as if every record arrived the moment it happened."""

    def __init__(self, presence: Presence | None = None) -> None:
        self.presence = presence or new_presence()

    def hear(
        self,
        at: float,
        kind: Kind = "report",
        person: tuple[str, str] = ALICE,
        *,
        now: float | None = None,
        room: str = ROOM,
    ) -> str:
        arrived = at if now is None else now
        return self.presence.hear(APP, room, person, kind, at=at, now=arrived).id

    def ended(self, now: float) -> list[str]:
        return [call.id for call in self.presence.tick(now)]


def test_everyone_in_a_conference_at_one_moment_is_in_one_call() -> None:
    room = Room()

    calls = {room.hear(1000.0 + n / 100, "joined", (f"user{n}", "d")) for n in range(50)}

    assert len(calls) == 1


def test_who_joined_first_but_arrives_second_is_in_the_same_call() -> None:
    room = Room()
    first = room.hear(1000.0, "joined", BOB)

    assert room.hear(999.0, "joined", ALICE, now=1000.2) == first


def test_other_conferences_and_other_apps_are_other_calls() -> None:
    room = Room()
    call = room.hear(1000.0)

    assert room.hear(1000.0, room="retro") != call
    other = room.presence.hear(APP + 1, ROOM, ALICE, "report", at=1000.0, now=1000.0)
    assert other.id != call


def test_a_call_that_everyone_left_ends_after_the_grace() -> None:
    room = Room()
    call = room.hear(1000.0, "joined", ALICE)
    room.hear(1001.0, "joined", BOB)
    room.hear(1010.0, "left", ALICE)
    assert room.ended(1015.0) == []

    room.hear(1020.0, "left", BOB)

    assert room.ended(1020.0 + GRACE - 0.1) == []
    assert room.ended(1020.0 + GRACE) == [call]
    assert room.ended(1030.0) == []


def test_who_joins_after_everyone_left_begins_a_new_call() -> None:
    room = Room()
    call = room.hear(1000.0, "joined", ALICE)
    room.hear(1010.0, "left", ALICE)
    room.ended(1010.0 + GRACE)

    later = room.hear(1010.0 + GRACE + 0.1, "joined", BOB)

    assert later != call
    assert room.hear(1010.0 + GRACE + 0.2, "report", BOB) == later
    assert room.hear(1012.5, "joined", ("carol", "tablet"), now=1013.0) == later
    assert room.hear(1009.0, "report", ALICE, now=1014.0) == call


def test_late_words_about_a_call_that_everyone_left_still_go_to_it() -> None:
    room = Room()
    call = room.hear(1000.0, "joined")
    room.hear(1010.0, "left")
    room.ended(1010.0 + GRACE)

    assert room.hear(1025.0, "event") == call


def test_who_joins_again_at_once_is_in_the_same_call() -> None:
    room = Room()
    call = room.hear(1000.0, "joined")
    room.hear(1010.0, "left")

    assert room.hear(1010.0 + GRACE, "joined") == call


def test_a_call_ends_by_silence() -> None:
    room = Room()
    call = room.hear(1000.0)

    assert room.ended(1000.0 + SILENCE - 0.1) == []
    assert room.ended(1000.0 + SILENCE) == [call]


def test_the_same_conference_later_is_a_new_call() -> None:
    room = Room()
    call = room.hear(1000.0)
    room.ended(1000.0 + SILENCE)

    assert room.hear(1000.0 + SILENCE + 0.1, "joined") != call


def test_silence_counts_even_before_anybody_looked() -> None:
    room = Room()
    call = room.hear(1000.0)

    assert room.hear(1100.0, "joined") != call


def test_a_late_record_reopens_its_call_which_ends_again() -> None:
    room = Room()
    call = room.hear(1000.0)
    room.ended(1031.0)

    assert room.hear(1005.0, now=1040.0) == call

    assert room.presence.live_count() == 1
    assert room.ended(1040.0 + SILENCE) == [call]


def test_a_backlog_after_an_outage_goes_to_the_call_it_happened_in() -> None:
    room = Room()
    call = room.hear(1000.0)
    room.ended(1050.0)
    later = room.hear(1500.0, "joined", BOB)

    backlog = {room.hear(1000.0 + 5 * n, now=1500.5) for n in range(1, 20)}

    assert backlog == {call}
    assert room.hear(1501.0, person=BOB) == later


def test_a_delayed_sender_does_not_split_a_live_call() -> None:
    room = Room()
    call = room.hear(1000.0, now=1040.0)
    room.hear(1005.0, now=1045.0)

    assert room.hear(1045.5, "joined", BOB) == call


@pytest.mark.parametrize("kind", ["left", "log", "feedback", "dropped"])
def test_words_about_a_call_go_to_the_one_before_and_have_it_judged_again(kind: Kind) -> None:
    room = Room()
    call = room.hear(1000.0)
    room.ended(1031.0)

    assert room.hear(1200.0, kind) == call

    assert room.ended(1200.0 + GRACE) == [call]
    assert room.hear(1300.0, "joined") != call


def test_who_leaves_was_there_until_then_however_silent() -> None:
    room = Room()
    room.hear(1000.0, "joined")
    room.ended(1031.0)
    room.hear(1060.0, "left")

    (call,) = room.presence.tick(1060.0 + GRACE)

    assert (call.id, call.last_at) == ("call-1", 1060.0)


def test_feedback_does_not_lengthen_the_call() -> None:
    room = Room()
    room.hear(1000.0, "joined")
    room.hear(1010.0, "left")
    room.hear(1012.0, "feedback")

    (call,) = room.presence.tick(1020.0)

    assert call.last_at == 1010.0


def test_words_about_no_known_call_begin_one() -> None:
    room = Room()

    assert room.hear(1000.0, "feedback") == "call-1"
    assert room.ended(1031.0) == ["call-1"]


def test_a_report_under_way_when_its_sender_left_does_not_bring_the_sender_back() -> None:
    room = Room()
    call = room.hear(1000.0, "joined")
    room.hear(1010.0, "left")
    room.hear(1010.0 + GRACE / 2, "report")

    assert room.ended(1014.0) == [call]


def test_who_joins_again_is_there_again() -> None:
    room = Room()
    room.hear(1000.0, "joined")
    room.hear(1010.0, "left")
    room.hear(1011.0, "joined")

    assert room.ended(1020.0) == []


def test_a_leave_that_arrives_after_the_next_join_changes_nothing() -> None:
    room = Room()
    room.hear(1000.0, "joined")
    room.hear(1010.0, "left")
    room.hear(1012.0, "joined")
    room.hear(1011.0, "left", now=1012.5)

    assert room.ended(1020.0) == []


def test_an_ended_call_is_forgotten_after_a_while() -> None:
    room = Room()
    call = room.hear(1000.0)
    room.ended(1031.0)
    room.ended(1031.0 + MEMORY + 100)

    assert room.presence.find(APP, ROOM, 1000.0, 1000.0) is None
    assert room.hear(1000.0, "feedback", now=6000.0) != call


def test_finding_a_call_never_begins_one() -> None:
    room = Room()

    assert room.presence.find(APP, ROOM, 1000.0, 1000.0) is None
    assert room.presence.live_count() == 0


def test_a_restored_call_goes_on_and_gets_its_full_time_of_silence() -> None:
    presence = new_presence()
    restore(presence, people={ALICE: Stay(900.0)}, now=1500.0)
    room = Room(presence)

    assert room.ended(1500.0 + SILENCE - 1) == []
    assert room.hear(1501.0, person=BOB) == "old"
    assert room.ended(1501.0 + SILENCE) == ["old"]


def test_after_a_long_outage_the_conference_is_a_new_call() -> None:
    presence = new_presence()
    restore(presence, people={ALICE: Stay(900.0)}, now=1000.0 + OUTAGE + 1)

    assert Room(presence).hear(1000.0 + OUTAGE + 2, "joined") != "old"


def test_a_restored_call_that_everyone_left_ends_at_once() -> None:
    presence = new_presence()
    restore(presence, people={ALICE: Stay(900.0, 1000.0)}, now=1500.0)

    assert Room(presence).ended(1500.0 + GRACE) == ["old"]


def restore(presence: Presence, *, people: dict[tuple[str, str], Stay], now: float) -> None:
    presence.restore(
        app_id=APP,
        call_id="old",
        conference=ROOM,
        started_at=900.0,
        last_at=1000.0,
        people=people,
        has_ended=False,
        now=now,
    )


def test_the_store_is_told_when_a_call_begins_grows_or_lives_again() -> None:
    presence = new_presence()

    def heard(at: float, kind: Kind, person: tuple[str, str]) -> bool:
        call = presence.hear(APP, ROOM, person, kind, at=at, now=at)
        is_due, call.row_is_due = call.row_is_due, False
        return is_due

    assert heard(1000.0, "joined", ALICE)
    assert not heard(1001.0, "report", ALICE)
    assert heard(1002.0, "joined", BOB)
    presence.tick(1032.0)
    assert heard(1033.0, "report", ALICE)


kinds = st.sampled_from(sorted(EFFECTS))
alive = st.sampled_from(sorted(kind for kind in EFFECTS if EFFECTS[kind].begins))
people = st.sampled_from([ALICE, BOB, ("carol", "tablet")])


@given(
    steps=st.lists(st.tuples(st.floats(0, SILENCE - 1), alive, people), min_size=1, max_size=30),
    seed=st.integers(),
)
def test_records_without_a_gap_are_one_call_in_whatever_order_they_come(
    steps: list[tuple[float, Kind, tuple[str, str]]], seed: int
) -> None:
    at, records = 1000.0, []
    for gap, kind, person in steps:
        at += gap
        records.append((at, kind, person))
    random.Random(seed).shuffle(records)
    room = Room()

    calls = {room.hear(when, kind, person, now=at) for when, kind, person in records}

    # Records far apart cannot know of each other before what lies between them came.
    if at - 1000.0 <= SILENCE:
        assert len(calls) == 1
    in_order = Room()
    assert len({in_order.hear(*record) for record in sorted(records)}) == 1


@given(
    records=st.lists(st.tuples(st.floats(0, 300), kinds, people), min_size=1, max_size=40),
    pauses=st.lists(st.floats(0, 60), min_size=1, max_size=40),
)
def test_whatever_comes_every_call_ends_and_a_repeat_goes_where_it_went(
    records: list[tuple[float, Kind, tuple[str, str]]], pauses: list[float]
) -> None:
    room = Room()
    now, ended = 1300.0, set[str]()
    calls: set[str] = set()
    for (offset, kind, person), pause in zip(records, cycle_to(len(records), pauses), strict=True):
        now += pause
        call = room.hear(1000.0 + offset, kind, person, now=now)
        calls.add(call)
        assert room.hear(1000.0 + offset, kind, person, now=now) == call
        assert room.presence.find(APP, ROOM, 1000.0 + offset, now) == call
        ended |= set(room.ended(now))

    ended |= set(room.ended(now + SILENCE))

    assert ended == calls
    assert room.presence.live_count() == 0


def cycle_to(length: int, values: list[float]) -> Iterable[float]:
    return (values[n % len(values)] for n in range(length))
