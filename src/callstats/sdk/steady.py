"""What time is it, while somebody sets the machine's clock?

All moments that a client tells lie on one line: the wall clock as it was when the client began, and
from there on even seconds. A clock that is set, forwards or backwards, then neither reorders what
happens nor stretches it. The collector reads from each batch how far that line is off its own.
"""

import time

from callstats.clock import Clock, SystemClock

JUMP = 1.0
"""Seconds by which the wall clock must have left the line before we say that it was set. Less takes
the ordinary correction by a time service for one."""


class Steady:
    """A clock that starts with another one and is not set with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._epoch = clock.now() - clock.monotonic()
        self._monotonic = time.monotonic if isinstance(clock, SystemClock) else clock.monotonic

    def now(self) -> float:
        """Return seconds since 1970-01-01 UTC, by the clock as it was in the beginning."""
        return self._epoch + self._monotonic()

    def monotonic(self) -> float:
        """Return a time that never goes back."""
        return self._monotonic()

    def place(self, moment: float) -> float:
        """Return the moment on our line for one of the wall clock as it is now."""
        shift = self.now() - self._clock.now()
        return moment + shift if abs(shift) > JUMP else moment
