"""Rows made by hand, with only what a test is about."""

from typing import Any

from callstats.store import Rows, tables

NOW = 1_800_000_000.0
TEXT = {"String", "LowCardinality(String)"}


def row(table: str, **cells: Any) -> tuple[Any, ...]:
    """One row: '' or 0 or None or NOW, where nothing else is said."""
    declared = tables.BY_NAME[table].columns
    unknown = cells.keys() - {column.name for column in declared}
    assert not unknown, unknown
    return tuple(cells.get(column.name, _blank(column.type)) for column in declared)


def _blank(kind: str) -> Any:
    if kind in TEXT:
        return ""
    if kind.startswith("Nullable("):
        return None
    if kind.startswith("Array("):
        return []
    return NOW if kind.startswith("DateTime64") else 0


def event(app_id: int, seq: int, **cells: Any) -> tuple[Any, ...]:
    """An event that some client sent."""
    given = {"call": "c", "type": "event", "name": "mute", "client": "client-1"} | cells
    return row("events", app_id=app_id, seq=seq, **given)


def vouched(app_id: int, seq: int, *, client: str = "client-1", **cells: Any) -> Rows:
    """One event together with the journal's word that it is stored."""
    rows = Rows()
    rows.add("events", event(app_id, seq, client=client, **cells))
    rows.add("clients", row("clients", app_id=app_id, client=client, highest_seq=seq))
    return rows
