"""How are the bridges? What media servers say of themselves, step by step.

Bridges report through the interface of the old service, which says no units; they are taken as
Jitsi's bridges mean them: bitrates in kbit/s, times in ms, memory in one unit for both its figures.
A CPU usage above 1 can only be per cent. What a bridge does not say, or says impossibly, is None.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from msgspec import Struct

from callstats.store import Store

ALIVE = timedelta(seconds=90)
"""How long ago an alive bridge was heard: they say so every 30 s unless told otherwise."""
STEPS = 60
"""Points of each series. More shows single reports, fewer hides a minute's trouble in an hour."""


class Load(Struct, frozen=True, kw_only=True):
    """A bridge at one moment: means over a step, counts at their highest."""

    at: datetime
    cpu: float | None
    memory: float | None
    """Share of the memory that is in use."""
    received_bitrate: float | None
    sent_bitrate: float | None
    conferences: int | None
    participants: int | None
    loss: float | None
    rtt: float | None
    jitter: float | None


class Bridge(Struct, frozen=True, kw_only=True):
    """One bridge: when it was heard, how it is now, and how it was."""

    app_id: int
    id: str
    heard_at: datetime
    is_alive: bool
    latest: Load | None
    series: Sequence[Load]


def bridges(
    store: Store, app_id: int | None, *, now: datetime, span: timedelta = timedelta(hours=1)
) -> list[Bridge]:
    """Return the bridges that were heard within ``span``, of one app or of all (None)."""
    step = max(round(span.total_seconds() / STEPS), 1)
    rows = store.rows("bridges", app_id=app_id or 0, since=now - span, step=step)
    return [
        _bridge(app_id, name, list(own), now)
        for (app_id, name), own in groupby(rows, lambda row: (row["app_id"], row["bridge"]))
    ]


def _bridge(app_id: int, name: str, rows: Sequence[Mapping[str, Any]], now: datetime) -> Bridge:
    heard_at = max(row["heard_at"] for row in rows)
    series = list(_series(rows))
    return Bridge(
        app_id=app_id,
        id=name,
        heard_at=heard_at,
        is_alive=now - heard_at < ALIVE,
        latest=series[-1] if series else None,
        series=series,
    )


def _series(rows: Iterable[Mapping[str, Any]]) -> Iterable[Load]:
    return (_load(row) for row in rows if row["reports"])


def _load(row: Mapping[str, Any]) -> Load:
    cpu = _positive(row["cpu"])
    used, total = _positive(row["memory_used"]), _positive(row["memory_total"])
    return Load(
        at=row["step_at"],
        cpu=cpu if cpu is None or cpu <= 1 else _share(cpu / 100),
        memory=_share(used / total) if used is not None and total else None,
        received_bitrate=_scaled(row["download_kbps"], 1000),
        sent_bitrate=_scaled(row["upload_kbps"], 1000),
        conferences=_count(row["conferences"]),
        participants=_count(row["participants"]),
        loss=_share(row["loss"]),
        rtt=_scaled(row["rtt_ms"], 1 / 1000),
        jitter=_scaled(row["jitter_ms"], 1 / 1000),
    )


def _positive(value: float | None) -> float | None:
    return value if value is not None and value >= 0 else None


def _share(value: float | None) -> float | None:
    return value if value is not None and 0 <= value <= 1 else None


def _scaled(value: float | None, factor: float) -> float | None:
    positive = _positive(value)
    return None if positive is None else positive * factor


def _count(value: float | None) -> int | None:
    positive = _positive(value)
    return None if positive is None else round(positive)
