"""What do the two ends say to each other? Records, and the formats they travel in."""

from callstats.wire import batch, samples
from callstats.wire.records import (
    AnyRecord,
    Dropped,
    Error,
    Event,
    Feedback,
    Joined,
    Left,
    Log,
    Record,
    Report,
)
from callstats.wire.samples import Sample

__all__ = [
    "AnyRecord",
    "Dropped",
    "Error",
    "Event",
    "Feedback",
    "Joined",
    "Left",
    "Log",
    "Record",
    "Report",
    "Sample",
    "batch",
    "samples",
]
