"""What was lost, of which conference and connection, and when?

Losses are summed up per place and minute until they can be told, so that a call page can say where
its data is missing. There may be many places: beyond ``MAX_TALLIES`` only the conference is kept,
and beyond twice that only the number.
"""

from collections import Counter
from typing import NamedTuple

SPAN_MS = 60_000.0
"""Milliseconds summed up in one tally. Shorter takes more records to tell a long outage; longer
tells less precisely when data is missing."""
MAX_TALLIES = 64
MAX_REASONS = 64
"""Reasons may come from the application, which could make a new one each time."""
OTHER = "other reasons"


class Place(NamedTuple):
    """Where something was lost; None where that is not known."""

    conference: str | None = None
    connection: str | None = None


NOWHERE = Place()


class Loss(NamedTuple):
    """What was lost in one place within one span: the first moment, and how much by reason."""

    at_ms: float
    place: Place
    counts: dict[str, int]


class Losses:
    """Sums up losses; its owner holds a lock."""

    def __init__(self) -> None:
        self.total: Counter[str] = Counter()
        self._untold: dict[tuple[Place, int | None], Loss] = {}

    def __bool__(self) -> bool:
        """Say whether something was lost since ``take``."""
        return bool(self._untold)

    def note(self, reason: str, number: int, place: Place, at_ms: float) -> None:
        """Count what was lost."""
        if number == 0:
            return
        if reason not in self.total and len(self.total) >= MAX_REASONS:
            reason = OTHER
        self.total[reason] += number
        key = self._key(place, int(at_ms // SPAN_MS))
        known = self._untold.get(key)
        if known is None:
            self._untold[key] = Loss(at_ms, key[0], {reason: number})
        else:
            known.counts[reason] = known.counts.get(reason, 0) + number

    def take(self) -> list[Loss]:
        """Return what was lost since the last time this was asked."""
        untold, self._untold = self._untold, {}
        return sorted(untold.values(), key=lambda loss: loss.at_ms)

    def _key(self, place: Place, span: int) -> tuple[Place, int | None]:
        """Return where to count: as precisely as there is room for."""
        precise = (place, span)
        if precise in self._untold or len(self._untold) < MAX_TALLIES:
            return precise
        coarse = (Place(place.conference), None)
        if coarse in self._untold or len(self._untold) < 2 * MAX_TALLIES:
            return coarse
        return (NOWHERE, None)
