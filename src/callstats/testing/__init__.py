"""What helps to test against callstats.

A clock that obeys, a backend that records (for the classic class), a collector that records, and
in ``callstats.testing.lab`` real conferences with known faults; the lab needs the extra ``wrtc`` or
``aiortc``, which are imported when a conference is made. pytest finds ``callstats.testing.plugin``
by itself. Each part is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callstats.testing import lab
    from callstats.testing.clock import FakeClock
    from callstats.testing.recorder import Recorder, Told
    from callstats.testing.recording_backend import RecordingBackend
    from callstats.testing.recording_collector import Answer, RecordingCollector

__all__ = [
    "Answer",
    "FakeClock",
    "Recorder",
    "RecordingBackend",
    "RecordingCollector",
    "Told",
    "lab",
]

_HOMES = {
    "Answer": "callstats.testing.recording_collector",
    "FakeClock": "callstats.testing.clock",
    "Recorder": "callstats.testing.recorder",
    "RecordingBackend": "callstats.testing.recording_backend",
    "RecordingCollector": "callstats.testing.recording_collector",
    "Told": "callstats.testing.recorder",
}


def __getattr__(name: str) -> object:
    if name == "lab":
        return import_module("callstats.testing.lab")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
