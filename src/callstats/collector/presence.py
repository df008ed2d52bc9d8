"""Which call does a record belong to, and which calls are over?

A conference is only a name; a *call* is one time it was used. This module decides, in memory and
without asking any clock, by two times: when something happened (``at``, the client's clock
corrected to ours) places a record, and when it arrived (``now``) tells whether a call still
lives::

                 record                  everyone left, and 2 s of nothing
    (no call) ───────────▶ live ────────────────────────────────────────┐
                            ▲   ─────── 30 s of silence ─────────────▶ ended ──1 h──▶ forgotten
                            └───────────── late record ────────────────┘

- A call reaches from 30 s before its first moment (two who join together do not arrive together)
  to 30 s after its last one, and 30 s further while it lives, since what was heard may come from
  a sender that lags behind. A record goes to the latest call that began at or before it, else to
  the one that begins right after it, else a new call begins. So the same conference at the same
  moment is one call, in whatever order records come.
- Who joins a conference that everyone left more than 2 s before begins a new call.
- A late record reopens an ended call: it will end, and be judged, again.
- Words about a call (left, log, feedback, dropped) never begin a second one: they go to the call
  before them for as long as it is remembered. ``EFFECTS`` is that table. Who leaves was there
  until then, however silent.

The owner feeds every record to ``hear``, asks ``tick`` which calls ended, and after a restart
tells ``restore`` what the store knows. Nothing here waits, so nothing needs a lock.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

Kind = Literal["joined", "left", "alive", "event", "error", "log", "feedback", "report", "dropped"]
Person = tuple[str, str]
"""User and device."""

SILENCE = 30.0
"""Seconds without a record after which a call is over. Lower ends calls on a bad network; higher
merges two calls of one room and delays every verdict."""
GRACE = 2.0
"""Seconds in which stragglers of a call that everyone left are waited for."""
MEMORY = 3600.0
"""Seconds for which an ended call still takes what belongs to it, such as feedback."""
OUTAGE = 600.0
"""Seconds that this server may have been away without ending the calls that went on meanwhile.
Lower splits calls when it is updated; higher joins today's call to one that a crash left open."""


class Effect(Struct, frozen=True):
    """What a kind of record does: may it begin a call, and what does its sender do?"""

    begins: bool
    sender: Literal["arrives", "is there", "leaves", "only speaks"]


EFFECTS: Mapping[Kind, Effect] = {
    "joined": Effect(True, "arrives"),
    "alive": Effect(True, "is there"),
    "event": Effect(True, "is there"),
    "error": Effect(True, "is there"),
    "report": Effect(True, "is there"),
    "log": Effect(False, "only speaks"),
    "left": Effect(False, "leaves"),
    "feedback": Effect(False, "only speaks"),
    "dropped": Effect(False, "only speaks"),
}


class Stay(Struct):
    """How long one participant is there: ``left_at`` None while present."""

    since: float
    left_at: float | None = None


class Ongoing(Struct, kw_only=True, eq=False):
    """One call as presence knows it; owned and changed by ``Presence`` alone.

    ``row_is_due`` tells that the store does not know the call in its present state.
    """

    app_id: int
    id: str
    conference: str
    started_at: float
    last_at: float
    heard_at: float
    touched_at: float
    people: dict[Person, Stay]
    deaf_until: float = 0.0
    """Until when nobody listened, after an outage of ours: silence before means nothing."""
    has_ended: bool = False
    row_is_due: bool = True

    def has(self, person: Person) -> bool:
        """Tell whether somebody came and did not leave, as far as was heard."""
        stay = self.people.get(person)
        return stay is not None and stay.left_at is None

    def is_deserted(self) -> bool:
        """Tell whether everyone who was there left."""
        return bool(self.people) and all(s.left_at is not None for s in self.people.values())


class Presence:
    """The calls that live now or ended lately, by app and conference."""

    def __init__(
        self,
        name_call: Callable[[int, float], str],
        *,
        silence: float = SILENCE,
        grace: float = GRACE,
        memory: float = MEMORY,
    ) -> None:
        self._name_call = name_call
        self._silence = silence
        self._grace = grace
        self._memory = memory
        self._rooms: dict[tuple[int, str], list[Ongoing]] = {}

    def hear(
        self,
        app_id: int,
        conference: str,
        person: Person,
        kind: Kind,
        *,
        at: float,
        now: float,
        call_id: str | None = None,
    ) -> Ongoing:
        """Take one record of a conference and return the call it belongs to.

        A sender that names the call is believed, if it is one of those that ``named`` returns.
        """
        effect = EFFECTS[kind]
        named = self.named(app_id, conference, call_id) if call_id else None
        if named is not None:
            self._hear_of(named, person, effect, at, now)
            return named
        arrives = effect.sender == "arrives"
        call = self._find(app_id, conference, at, now, arrives=arrives)
        if call is None and not effect.begins:
            call = self._latest_before(app_id, conference, at)
            if call is not None and not (effect.sender == "leaves" and call.has(person)):
                self._reopen(call, now)
                return call
        call = call or self._begin(app_id, conference, at, now)
        self._reopen(call, now)
        self._follow(call, person, effect, at, now)
        return call

    def find(self, app_id: int, conference: str, at: float, now: float) -> str | None:
        """Return the call a record belongs to that was heard before; never begins one."""
        call = self._find(app_id, conference, at, now) or self._latest_before(
            app_id, conference, at
        )
        return call.id if call else None

    def named(self, app_id: int, conference: str, call_id: str) -> Ongoing | None:
        """Return the call of this conference that has this id, if it is remembered."""
        room = self._rooms.get((app_id, conference), ())
        return next((call for call in room if call.id == call_id), None)

    def tick(self, now: float) -> list[Ongoing]:
        """Return the calls that ended since the last tick, and forget those long ended."""
        ended = [call for call in self._calls() if not call.has_ended and self._is_over(call, now)]
        for call in ended:
            call.has_ended = True
        self._forget(now)
        return ended

    def restore(
        self,
        *,
        app_id: int,
        call_id: str,
        conference: str,
        started_at: float,
        last_at: float,
        people: Mapping[Person, Stay],
        has_ended: bool,
        now: float,
    ) -> None:
        """Take over a call that the store knows; a live one gets its full time of silence.

        After an outage longer than ``OUTAGE`` a record no longer continues it.
        """
        self._keep(
            Ongoing(
                app_id=app_id,
                id=call_id,
                conference=conference,
                started_at=started_at,
                last_at=last_at,
                heard_at=now,
                touched_at=now if not has_ended else last_at,
                people=dict(people),
                deaf_until=now if now - last_at <= OUTAGE else 0.0,
                has_ended=has_ended,
                row_is_due=False,
            )
        )

    def recall(
        self,
        *,
        app_id: int,
        call_id: str,
        conference: str,
        started_at: float,
        ended_at: float | None,
    ) -> None:
        """Take back a call that was forgotten since it ended: somebody still speaks of it."""
        if self.named(app_id, conference, call_id) is not None:
            return
        last_at = started_at if ended_at is None else ended_at
        self._keep(
            Ongoing(
                app_id=app_id,
                id=call_id,
                conference=conference,
                started_at=started_at,
                last_at=last_at,
                heard_at=last_at,
                touched_at=last_at,
                people={},
                has_ended=True,
                row_is_due=False,
            )
        )

    def live_count(self) -> int:
        """Return how many calls have not ended."""
        return sum(not call.has_ended for call in self._calls())

    # Placing

    def _find(
        self, app_id: int, conference: str, at: float, now: float, *, arrives: bool = False
    ) -> Ongoing | None:
        within = [
            call
            for call in self._rooms.get((app_id, conference), ())
            if call.started_at - self._silence <= at <= self._reach(call, now, arrives=arrives)
        ]
        begun = [call for call in within if call.started_at <= at]
        return begun[-1] if begun else within[0] if within else None

    def _reach(self, call: Ongoing, now: float, *, arrives: bool) -> float:
        if arrives and call.is_deserted():
            return call.last_at + self._grace
        is_live = not call.has_ended and now - call.heard_at < self._silence
        if not is_live:
            return call.last_at + self._silence
        return max(call.last_at, call.deaf_until) + 2 * self._silence

    def _latest_before(self, app_id: int, conference: str, at: float) -> Ongoing | None:
        begun = [
            call for call in self._rooms.get((app_id, conference), ()) if call.started_at <= at
        ]
        return begun[-1] if begun else None

    def _begin(self, app_id: int, conference: str, at: float, now: float) -> Ongoing:
        call = Ongoing(
            app_id=app_id,
            id=self._name_call(app_id, at),
            conference=conference,
            started_at=at,
            last_at=at,
            heard_at=now,
            touched_at=now,
            people={},
        )
        self._keep(call)
        return call

    def _keep(self, call: Ongoing) -> None:
        room = self._rooms.setdefault((call.app_id, call.conference), [])
        room.append(call)
        room.sort(key=lambda one: one.started_at)

    # Following

    def _hear_of(
        self, call: Ongoing, person: Person, effect: Effect, at: float, now: float
    ) -> None:
        """Take a record of one call; words about a call that is over do not prolong it."""
        was_over = call.has_ended and not effect.begins
        self._reopen(call, now)
        if not was_over:
            self._follow(call, person, effect, at, now)

    def _reopen(self, call: Ongoing, now: float) -> None:
        call.touched_at = now
        if call.has_ended:
            call.has_ended = False
            call.row_is_due = True

    def _follow(self, call: Ongoing, person: Person, effect: Effect, at: float, now: float) -> None:
        call.heard_at = now
        if effect.sender != "only speaks":
            call.started_at = min(call.started_at, at)
            call.last_at = max(call.last_at, at)
            self._move(call, person, effect, at)

    def _move(self, call: Ongoing, person: Person, effect: Effect, at: float) -> None:
        stay = call.people.get(person)
        if stay is None:
            left_at = at if effect.sender == "leaves" else None
            call.people[person] = Stay(at, left_at)
            call.row_is_due = True
        elif effect.sender == "leaves":
            if at >= stay.since:
                stay.left_at = max(at, stay.left_at or at)
        elif stay.left_at is not None:
            # A report that was under way when its sender left does not bring the sender back.
            grace = 0.0 if effect.sender == "arrives" else self._grace
            if at > stay.left_at + grace:
                call.people[person] = Stay(at)

    # Ending

    def _is_over(self, call: Ongoing, now: float) -> bool:
        if now - call.touched_at < self._grace:
            return False
        return call.is_deserted() or now - call.heard_at >= self._silence

    def _forget(self, now: float) -> None:
        for room, calls in list(self._rooms.items()):
            kept = [c for c in calls if not (c.has_ended and now - c.touched_at > self._memory)]
            if not kept:
                del self._rooms[room]
            elif len(kept) < len(calls):
                self._rooms[room] = kept

    def _calls(self) -> Iterator[Ongoing]:
        for room in self._rooms.values():
            yield from room
