"""How is a table declared, and how does it become ClickHouse's SQL?

A table is data: columns in the order of its rows, a sort key, a partition. It is rendered for one
machine (a MergeTree that survives a power cut after every insert) or for a cluster (a replicated
table on every shard and a distributed one in front of it).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

DEDUPLICATION_WINDOW = 10_000
"""How many inserts a table remembers by their token. A repeat comes within seconds, so too low a
figure counts rows twice after a hiccup; a higher one costs a small file per table."""


PACKING = "CODEC(ZSTD(3))"
"""How a column lies on disk where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its ClickHouse type, and how it is packed on disk."""

    name: str
    type: str
    packing: str = PACKING

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type whose values ClickHouse takes for this column."""
        return _arrow_type(self.type)

    @property
    def is_nullable(self) -> bool:
        """Whether unknown may be stored."""
        return "Nullable(" in self.type

    def __str__(self) -> str:
        return f"`{self.name}` {self.type} {self.packing}".rstrip()


@dataclass(frozen=True, slots=True)
class Table:
    """One table. ``latest_by`` names the column whose highest value survives for equal keys."""

    name: str
    columns: Sequence[Column]
    order: Sequence[str]
    partition: str = ""
    latest_by: str = ""

    @property
    def names(self) -> list[str]:
        """The columns' names in the order of a row."""
        return [column.name for column in self.columns]


class Layout(Protocol):
    """Says where tables live, and so how they are made."""

    def statements(self, table: Table) -> list[str]:
        """Return the SQL that makes the table where it is not yet."""


@dataclass(frozen=True, slots=True)
class OneMachine:
    """Tables of one machine; an insert is on disk, with its folder, before it is answered."""

    def statements(self, table: Table) -> list[str]:
        """Return one statement."""
        statement = (
            f"CREATE TABLE IF NOT EXISTS `{table.name}` ({_columns(table)})\n"
            f"ENGINE = ReplacingMergeTree({table.latest_by})\n"
            f"{_keys(table)}\n"
            "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,\n"
            f"    non_replicated_deduplication_window = {DEDUPLICATION_WINDOW}"
        )
        return [statement]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Tables of a cluster: the rows of one call stay together on one shard."""

    name: str

    def statements(self, table: Table) -> list[str]:
        """Return two statements: the replicated part of a shard, and the whole in front of it."""
        local = f"{table.name}_local"
        version = f", {table.latest_by}" if table.latest_by else ""
        part = (
            f"CREATE TABLE IF NOT EXISTS `{local}` ON CLUSTER `{self.name}` ({_columns(table)})\n"
            "ENGINE = ReplicatedReplacingMergeTree("
            f"'/clickhouse/tables/{{shard}}/{{database}}/{local}', '{{replica}}'{version})\n"
            f"{_keys(table)}\n"
            "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,\n"
            f"    replicated_deduplication_window = {DEDUPLICATION_WINDOW}"
        )
        whole = (
            f"CREATE TABLE IF NOT EXISTS `{table.name}` ON CLUSTER `{self.name}` "
            f"({_columns(table)})\n"
            f"ENGINE = Distributed(`{self.name}`, currentDatabase(), `{local}`, {_sharding(table)})"
        )
        return [part, whole]


def _columns(table: Table) -> str:
    return "\n    " + ",\n    ".join(str(column) for column in table.columns) + "\n"


def _keys(table: Table) -> str:
    partition = f"PARTITION BY {table.partition}\n" if table.partition else ""
    return f"{partition}ORDER BY ({', '.join(table.order)})"


def _sharding(table: Table) -> str:
    columns = [name for name in ("app_id", "call") if name in table.order]
    return f"sipHash64({', '.join(columns or table.order)})"


_ARROW = {
    "Bool": pa.bool_(),
    "DateTime64(3, 'UTC')": pa.timestamp("ms", tz="UTC"),
    "Float64": pa.float64(),
    "Int64": pa.int64(),
    "String": pa.string(),
    "UInt8": pa.uint8(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
}


def _arrow_type(name: str) -> pa.DataType:
    for wrapper in ("LowCardinality(", "Nullable("):
        if name.startswith(wrapper):
            return _arrow_type(name.removeprefix(wrapper).removesuffix(")"))
    if name.startswith("Array("):
        return pa.list_(_arrow_type(name.removeprefix("Array(").removesuffix(")")))
    return _ARROW[name]
