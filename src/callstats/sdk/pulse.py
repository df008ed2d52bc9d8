"""Who has nothing to report but is still there? Each conference hears from us now and then.

The collector takes a call for over when it has heard nothing for half a minute.
"""

from collections.abc import Iterable
from typing import Protocol

from callstats.wire import AnyRecord, Dropped, Feedback, Log

BEAT = 10.0
"""Seconds of silence after which we say that we are there. A third of what ends a call: two may get
lost; more often says nothing new."""

_SAYS_NOTHING = (Log, Feedback, Dropped)
"""What may be said of a call by somebody who is not there."""


class Present(Protocol):
    """Who is in conferences, and can say so."""

    @property
    def conferences(self) -> list[str]:
        """Return the conferences the user is in."""

    def stay(self, conference: str) -> None:
        """Say that the user is still there."""


class Pulse:
    """Knows when each conference was last told of us; used by the courier alone."""

    def __init__(self, participant: Present) -> None:
        self._participant = participant
        self._told_at: dict[str, float] = {}

    def note(self, records: Iterable[AnyRecord], now: float) -> None:
        """Note what is about to be sent."""
        for record in records:
            if record.conference is not None and not isinstance(record, _SAYS_NOTHING):
                self._told_at[record.conference] = now

    def beat(self, now: float) -> float | None:
        """Say that we are there where it is time; return the seconds until it is the next time."""
        present = self._participant.conferences
        self._told_at = {name: self._told_at.get(name, now) for name in present}
        for name, told_at in self._told_at.items():
            if now - told_at >= BEAT:
                self._told_at[name] = now
                self._participant.stay(name)
        return min((told_at + BEAT - now for told_at in self._told_at.values()), default=None)
