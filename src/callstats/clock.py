"""What time is it? Told by a clock that is handed in, so that tests own the time."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells two times, both in seconds."""

    def now(self) -> float:
        """Return the wall-clock time: seconds since 1970-01-01 UTC; may jump."""

    def monotonic(self) -> float:
        """Return a time that never goes back; only differences mean something."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds of the monotonic clock."""
        return time.monotonic()
