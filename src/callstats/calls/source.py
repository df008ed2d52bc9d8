"""From where are calls read? From a data folder, a ClickHouse, or a running server's API.

``open`` returns a ``Source`` for any of them; command line and notebooks use nothing else.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import pyarrow as pa

from callstats import store
from callstats.calls.folder import FolderSource
from callstats.calls.http import HttpSource
from callstats.calls.model import Call, Happening, Listed, Series


class Source(Protocol):
    """Reads calls. A context manager; ``close`` may be called twice."""

    def listing(
        self,
        *,
        limit: int = 100,
        before: datetime | None = None,
        conference: str | None = None,
    ) -> list[Listed]:
        """Return the calls that began last, the newest first."""

    def call(self, call_id: str) -> Call:
        """Return one call, whole; raises UnknownCall."""

    def timeline(self, call_id: str, *, logs: bool = False) -> list[Happening]:
        """Return what happened in a call, in order."""

    def series(
        self,
        call_id: str,
        *,
        user: str | None = None,
        device: str | None = None,
        connection: str | None = None,
        points: int | None = None,
    ) -> list[Series]:
        """Return streams over time."""

    def reports(
        self,
        call_id: str,
        *,
        user: str | None = None,
        device: str | None = None,
        connection: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the reports of a call as they came."""

    def query(self, sql: str) -> pa.Table:
        """Run SQL that only reads."""

    def calls_table(
        self,
        *,
        limit: int = 100,
        before: datetime | None = None,
        conference: str | None = None,
    ) -> pa.Table:
        """Return ``listing`` as an Arrow table."""

    def series_table(self, call_id: str, *, points: int | None = None) -> pa.Table:
        """Return ``series`` as an Arrow table with one row for each point."""

    def close(self) -> None:
        """Let go of connections, and of the engine where it was started for this."""

    def __enter__(self) -> Self:
        """Return itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""


def open_source(target: str | Path, *, token: str | None = None) -> Source:
    """Open a data folder, ``clickhouse://…``, or a server's ``http(s)://…`` with a token."""
    if isinstance(target, str) and target.startswith(("http://", "https://")):
        return HttpSource(target, token=token)
    return FolderSource(store.open(target))
