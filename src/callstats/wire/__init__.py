"""What do the two ends say to each other? Records, and the formats they travel in."""

from callstats.wire import batch, callstats_rest, callstats_rest_stats, samples
from callstats.wire.records import (
    Alive,
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
    WithData,
)
from callstats.wire.samples import Sample

__all__ = [
    "Alive",
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
    "WithData",
    "batch",
    "callstats_rest",
    "callstats_rest_stats",
    "samples",
]
