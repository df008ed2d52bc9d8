"""Waiting for something to become true, with a deadline instead of a guess."""

import time
from collections.abc import Callable


def until(claim: Callable[[], bool], *, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
