"""How is one of aiortc's stats objects written as W3C webrtc-stats has it?"""

from datetime import datetime
from typing import Any


def make(kind: str, source: Any, /, **members: object) -> dict[str, object]:
    """Return a stats object with the time, and unless given the id, of aiortc's; None is absent."""
    known = {name: value for name, value in members.items() if value is not None}
    timestamp = milliseconds(source.timestamp)
    return {"type": kind, "timestamp": timestamp, "id": source.id, **known}


def first(report: Any, kind: str) -> Any:
    """Return the first stats object of a type in one of aiortc's reports."""
    return next((stats for stats in report.values() if stats.type == kind), None)


def peek(owner: object, attribute: str) -> Any:
    """Read an attribute that may not be there."""
    return getattr(owner, attribute, None)


def milliseconds(moment: datetime | None) -> float | None:
    """Return a moment as milliseconds since 1970."""
    return None if moment is None else moment.timestamp() * 1e3


def seconds(ticks: int, clock_rate: int | None) -> float | None:
    """Return a time that was counted in ticks of a clock."""
    return ticks / clock_rate if clock_rate else None
