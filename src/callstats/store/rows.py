"""How do rows become blocks that the engine takes quickly?

A row is a tuple in the order of its table's columns. Moments are seconds since 1970-01-01 UTC or
aware datetimes; long text may be bytes of UTF-8. What a column cannot hold (a whole number beyond
64 bits) is unknown in a column that may be, and an error of the caller's elsewhere.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
from pyarrow import compute

from callstats.store import tables
from callstats.store.schema import Column, Table

Row = tuple[Any, ...]

_CELL = 16
"""Bytes counted for a cell of any kind: what a block of them takes, roughly, as Python and Arrow
together."""
_LONG = frozenset({"data", "document", "payload"})
"""Columns whose text is long enough to be counted."""
_DAY_MS = 86_400_000


class Rows:
    """Rows for several tables that are written together, and how much memory they take."""

    __slots__ = ("by_table", "count", "size")

    def __init__(self) -> None:
        self.by_table: dict[str, list[Row]] = {}
        self.count = 0
        self.size = 0

    def add(self, table: str, row: Row) -> None:
        """Append one row, in the order of the table's columns."""
        self.add_all(table, (row,))

    def add_all(self, table: str, rows: Sequence[Row]) -> None:
        """Append rows of one table."""
        self.by_table.setdefault(table, []).extend(rows)
        self.count += len(rows)
        self.size += _SIZES[table] * len(rows)
        for place in _LONG_PLACES[table]:
            self.size += sum(len(row[place]) for row in rows)

    def extend(self, other: "Rows") -> None:
        """Append the rows of another."""
        for table, rows in other.by_table.items():
            self.by_table.setdefault(table, []).extend(rows)
        self.count += other.count
        self.size += other.size

    def __bool__(self) -> bool:
        return bool(self.by_table)


_SIZES = {table.name: _CELL * len(table.columns) for table in tables.ALL}
_LONG_PLACES = {
    table.name: [place for place, name in enumerate(table.names) if name in _LONG]
    for table in tables.ALL
}


def make_block(table: Table, rows: Sequence[Row]) -> pa.RecordBatch:
    """Turn rows into columns of the table's types."""
    columns = zip(*rows, strict=True)
    arrays = [_array(column, values) for column, values in zip(table.columns, columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=table.names)


def warm_up() -> None:
    """Make a block for nothing: with its first array, Arrow imports pandas where there is one."""
    make_block(tables.MIGRATIONS, [(0, 0.0)])


def _array(column: Column, values: Sequence[Any]) -> pa.Array:
    if pa.types.is_timestamp(column.arrow):
        return _moments(values).cast(column.arrow)
    try:
        return pa.array(values, column.arrow)
    except (OverflowError, pa.ArrowInvalid):
        if not column.is_nullable:
            raise
        return pa.array([_fitting(value, column) for value in values], column.arrow)


def _moments(values: Sequence[Any]) -> pa.Array:
    """Return whole milliseconds; quickly where all moments are seconds, as they are in bulk."""
    try:
        milliseconds = compute.multiply(pa.array(values, pa.float64()), 1000)
    except pa.ArrowInvalid:
        return pa.array([_milliseconds(value) for value in values], pa.int64())
    return compute.round(milliseconds, round_mode="half_to_even").cast(pa.int64())


def _milliseconds(moment: float | datetime | None) -> int | None:
    if moment is None:
        return None
    seconds = moment.timestamp() if isinstance(moment, datetime) else moment
    return round(seconds * 1000)


def _fitting(value: Any, column: Column) -> Any:
    try:
        return pa.scalar(value, column.arrow).as_py()
    except (OverflowError, pa.ArrowInvalid):
        return None


def split_by_partition(table: Table, rows: Sequence[Row]) -> Iterator[tuple[str, Sequence[Row]]]:
    """Cut rows into runs of one partition each, since an insert over several is not atomic."""
    place = _PARTITIONED_BY[table.name]
    if place is None:
        yield "all", rows
        return
    days = {moment: _day(moment) for moment in {row[place] for row in rows}}
    names = set(days.values())
    for name in names:
        run = rows if len(names) == 1 else [row for row in rows if days[row[place]] == name]
        yield str(name), run


def _day(moment: float | datetime) -> int:
    return (_milliseconds(moment) or 0) // _DAY_MS


def _partition_column(table: Table) -> int | None:
    for column in ("at", "started_at"):
        if f"({column})" in table.partition:
            return table.names.index(column)
    return None


_PARTITIONED_BY = {table.name: _partition_column(table) for table in tables.ALL}
"""Where in a row the moment stands that decides on its partition. Days are cut finer than the
months that some tables are parted by, which does no harm."""


def stream(blocks: Iterable[pa.RecordBatch], schema: pa.Schema) -> bytes:
    """Write blocks in Arrow's streaming format, packed: most cells of ``samples`` are empty."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, schema, options=options) as writer:
        for each in blocks:
            writer.write(each)
    content: bytes = sink.getvalue().to_pybytes()
    return content
