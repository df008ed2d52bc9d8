"""How does the courier wait? For a bell or for some time, whichever comes first."""

import queue
import time
from contextlib import suppress

FOREVER = float("inf")


class Bell:
    """Wakes one waiting thread, and tells it the time by which it waits."""

    def __init__(self) -> None:
        # A SimpleQueue because its put may interrupt itself, unlike an Event's set.
        self._rung: queue.SimpleQueue[None] = queue.SimpleQueue()

    def ring(self) -> None:
        """Wake the waiting thread, or have it not wait the next time; never waits itself."""
        self._rung.put(None)

    def wait(self, seconds: float | None) -> None:
        """Wait until somebody rings, at most some seconds; None for as long as it takes."""
        with suppress(queue.Empty):
            self._rung.get(timeout=seconds)

    def time(self) -> float:
        """Return seconds of a clock that never goes back."""
        return time.monotonic()
