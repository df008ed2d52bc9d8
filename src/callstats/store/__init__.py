"""Where do the rows live? In ClickHouse: the embedded engine of a data folder, or a server.

``open`` gives a ``Store`` to ask, ``Writer`` commits rows in groups, ``Engine`` is the embedded
engine's process. What the tables are is said in ``tables``.
"""

from callstats.store import tables
from callstats.store.client import Store
from callstats.store.engine import Engine
from callstats.store.errors import (
    FolderLocked,
    FolderTooNew,
    FolderUnusable,
    QueryRefused,
    Rejected,
    Unavailable,
)
from callstats.store.opening import of_engine
from callstats.store.opening import open_store as open  # noqa: A004 - read as store.open
from callstats.store.rows import Rows
from callstats.store.writer import Writer

__all__ = [
    "Engine",
    "FolderLocked",
    "FolderTooNew",
    "FolderUnusable",
    "QueryRefused",
    "Rejected",
    "Rows",
    "Store",
    "Unavailable",
    "Writer",
    "of_engine",
    "open",
    "tables",
]
