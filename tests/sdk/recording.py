"""The collector that clients report to in these tests, and how to wait for what it gets."""

import threading
import time
from collections.abc import Callable

from callstats.testing.recording_collector import PATIENCE, SECRET, Answer
from callstats.testing.recording_collector import RecordingCollector as Collector

__all__ = ["SECRET", "Answer", "Collector", "courier_threads", "eventually"]


def courier_threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "callstats-courier"]


def eventually(claim: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until a claim comes true."""
    ends_at = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < ends_at, "did not come true in time"
        time.sleep(0.01)
