"""Calls straight from a store: of a data folder, or of a ClickHouse server."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import msgspec
import pyarrow as pa

from callstats.calls import reading, tables
from callstats.calls.errors import UnknownCall
from callstats.calls.model import Call, Happening, Listed, Series
from callstats.clock import Clock, SystemClock
from callstats.store import Store


class FolderSource:
    """Reads calls of every app of a store, which it closes in the end."""

    def __init__(self, store: Store, *, clock: Clock | None = None) -> None:
        self._store = store
        self._clock = clock or SystemClock()
        self._is_closed = False

    def listing(
        self,
        *,
        limit: int = 100,
        before: datetime | None = None,
        conference: str | None = None,
    ) -> list[Listed]:
        """Return the calls that began last, the newest first."""
        return reading.listing(self._store, None, limit=limit, before=before, conference=conference)

    def call(self, call_id: str) -> Call:
        """Return one call, whole; raises UnknownCall."""
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        return reading.read(self._store, None, call_id, now=now)

    def timeline(self, call_id: str, *, logs: bool = False) -> list[Happening]:
        """Return what happened in a call, in order."""
        return reading.timeline(self._store, self._app_of(call_id), call_id, logs=logs)

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
        return reading.series(
            self._store,
            self._app_of(call_id),
            call_id,
            user=user,
            device=device,
            connection=connection,
            points=points,
        )

    def reports(
        self,
        call_id: str,
        *,
        user: str | None = None,
        device: str | None = None,
        connection: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the reports of a call as they came."""
        app_id = self._app_of(call_id)
        found = reading.reports(
            self._store, app_id, call_id, user=user, device=device, connection=connection
        )
        for report in found:
            yield {**report, "stats": msgspec.json.decode(report["stats"])}

    def query(self, sql: str) -> pa.Table:
        """Run SQL that only reads."""
        return self._store.query_sql(sql)

    def calls_table(
        self,
        *,
        limit: int = 100,
        before: datetime | None = None,
        conference: str | None = None,
    ) -> pa.Table:
        """Return ``listing`` as an Arrow table."""
        return tables.of_calls(self.listing(limit=limit, before=before, conference=conference))

    def series_table(self, call_id: str, *, points: int | None = None) -> pa.Table:
        """Return ``series`` as an Arrow table with one row for each point."""
        return tables.of_series(self.series(call_id, points=points))

    def close(self) -> None:
        """Close the store."""
        if not self._is_closed:
            self._is_closed = True
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _app_of(self, call_id: str) -> int:
        found = self._store.rows("call_app", app_id=0, call=call_id)
        if not found:
            raise UnknownCall(call_id)
        return int(found[0]["app_id"])
