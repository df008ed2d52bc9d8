"""When does a video stand still? Judged from the moments at which its frames were handed over.

As W3C webrtc-stats defines it: a frame was frozen if it stood for at least three times the mean of
the 30 frames before, and at least 150 ms longer than that. W3C does not say how many frames make a
mean; we want five, as libwebrtc does. With fewer the first frames, which come when they can, would
be freezes; with more a freeze soon after the start would not be seen.
"""

from collections import deque

WINDOW = 30
"""Frames that make the mean (W3C)."""
LEAST = 5
"""Frames without which there is no mean (libwebrtc)."""
FACTOR = 3.0
EXCESS = 0.15
"""Seconds (W3C)."""


class Frames:
    """What was seen of one stream's frames; moments are seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self.count = 0
        self.freezes = 0
        self.frozen = 0.0
        """Seconds in which the picture stood still."""
        self.total_delay = 0.0
        """Seconds between first and last frame: the sum of all times between two."""
        self._stood: deque[float] = deque(maxlen=WINDOW)
        self._shown_at: float | None = None
        self._recent: deque[float] = deque()

    def show(self, at: float) -> None:
        """Take the moment of one more frame."""
        if self._shown_at is not None:
            self._judge(at - self._shown_at)
        self._shown_at = at
        self.count += 1
        self._recent.append(at)
        self._forget(at)

    def per_second(self, now: float) -> int:
        """Return how many frames came in the last second."""
        self._forget(now)
        return len(self._recent)

    def _judge(self, stood: float) -> None:
        if len(self._stood) >= LEAST:
            mean = sum(self._stood) / len(self._stood)
            if stood >= max(FACTOR * mean, mean + EXCESS):
                self.freezes += 1
                self.frozen += stood
        self._stood.append(stood)
        self.total_delay += stood

    def _forget(self, now: float) -> None:
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
