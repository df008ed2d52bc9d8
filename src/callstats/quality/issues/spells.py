"""From when to when was a figure bad? With hysteresis, so that noise opens nothing.

A spell begins where the figure has been at or beyond ``opens`` for ``hold`` seconds on end, and
ends where it is back on the good side of ``closes``. In between nothing changes. Unknown windows
change nothing either, until ``patience`` has passed: then the spell ended where it was last seen.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from callstats.quality.intervals import Interval


class Rule(Struct, frozen=True, kw_only=True):
    """When a spell begins, ends and is severe. ``opens`` above ``closes``: higher is worse."""

    opens: float
    closes: float
    severe: float
    hold: float = 15.0
    """Seconds on end that it takes. Lower: one bad window is an issue; higher: what is over in
    half a minute, and was heard, is none."""
    patience: float = 30.0

    def is_bad(self, value: float) -> bool:
        """Whether this value opens a spell, or goes on with one that may open."""
        return self._is_worse(value, self.opens)

    def is_severe(self, value: float) -> bool:
        """Whether a spell with this mean is severe."""
        return self._is_worse(value, self.severe)

    def is_good(self, value: float) -> bool:
        """Whether this value closes a spell."""
        return not self._is_worse(value, self.closes)

    def _is_worse(self, value: float, bound: float) -> bool:
        return value >= bound if self.opens > self.closes else value <= bound


class Spell(Struct, frozen=True, kw_only=True):
    """One spell: from when to when (None: to the end of what is known), its mean and its worst."""

    opened_at: float
    closed_at: float | None
    mean: float
    worst: float
    seconds: float


class _Run:
    """The bad windows in a row so far."""

    def __init__(self) -> None:
        self.windows: list[tuple[float, Interval]] = []

    @property
    def seconds(self) -> float:
        return sum(window.seconds for _, window in self.windows)

    @property
    def last_seen(self) -> float:
        return self.windows[-1][1].end

    def spell(self, rule: Rule, closed_at: float | None) -> Spell:
        values = [value for value, _ in self.windows]
        weighted = sum(value * window.seconds for value, window in self.windows)
        return Spell(
            opened_at=self.windows[0][1].start,
            closed_at=closed_at,
            mean=weighted / self.seconds,
            worst=max(values) if rule.opens > rule.closes else min(values),
            seconds=self.seconds,
        )


def find(
    windows: Sequence[Interval], values: Sequence[float | None], rule: Rule
) -> Iterator[Spell]:
    """Yield the spells in which ``values`` (one for each window) were bad."""
    run, is_open = _Run(), False
    for value, window in zip(values, windows, strict=True):
        if run.windows and window.start - run.last_seen > rule.patience:
            if is_open:
                yield run.spell(rule, run.last_seen)
            run, is_open = _Run(), False
        if value is None:
            continue
        if rule.is_bad(value) or (is_open and not rule.is_good(value)):
            run.windows.append((value, window))
            is_open = is_open or run.seconds >= rule.hold
            continue
        if is_open:
            yield run.spell(rule, window.start)
        run, is_open = _Run(), False
    if is_open:
        yield run.spell(rule, _end(run, windows, rule))


def _end(run: _Run, windows: Sequence[Interval], rule: Rule) -> float | None:
    is_stale = windows[-1].end - run.last_seen > rule.patience
    return run.last_seen if is_stale else None
