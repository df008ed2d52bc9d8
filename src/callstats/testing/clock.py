"""What time is it in a test? Whatever the test says."""


class FakeClock:
    """A ``clock.Clock`` that stands still until it is told to move."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> float:
        """Return the wall-clock time: seconds since 1970-01-01 UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds since this clock was made."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        if seconds < 0:
            raise ValueError("time does not go back: use set_wall for a jump of the wall clock")
        self._now += seconds
        self._monotonic += seconds

    def set_wall(self, now: float) -> None:
        """Set the wall clock, as an administrator or NTP does; the monotonic clock goes on."""
        self._now = now
