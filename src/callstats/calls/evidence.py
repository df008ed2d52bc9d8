"""What is stored about a call? Everything that judging it needs, asked for in one place."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from msgspec import Struct

from callstats.quality import WINDOW
from callstats.store import Store

Row = Mapping[str, Any]


class Evidence(Struct, frozen=True, kw_only=True):
    """The rows of one call, as the questions of the same names deliver them."""

    app_id: int
    call_id: str
    row: Row | None
    """The call's own row, where presence has written one."""
    happenings: Sequence[Row]
    event_counts: Sequence[Row]
    report_counts: Sequence[Row]
    report_gaps: Sequence[Row]
    totals: Sequence[Row]
    facts: Sequence[Row]
    codecs: Sequence[Row]
    transports: Sequence[Row]
    clients: Sequence[Row]
    intervals: pa.Table

    @property
    def records(self) -> int:
        """How many records there are, each counted once."""
        events = sum(row["count"] for row in self.event_counts)
        return int(events + sum(row["reports"] for row in self.report_counts))


def gather(store: Store, app_id: int, call_id: str) -> Evidence:
    """Ask the store for everything about one call.

    The counts are asked for first: a record that arrives meanwhile may be missing from them,
    and then the call counts as changed, but it is never counted without having been looked at.
    """
    call = {"app_id": app_id, "call": call_id}
    whole = {"user": "", "device": "", "connection": ""}
    event_counts = store.rows("event_counts", **call)
    report_counts = store.rows("report_counts", **call)
    found = store.rows("call", **call)
    return Evidence(
        app_id=app_id,
        call_id=call_id,
        row=found[0] if found else None,
        event_counts=event_counts,
        report_counts=report_counts,
        happenings=store.rows("happenings", **call, logs=0),
        report_gaps=store.rows("report_gaps", **call),
        totals=store.rows("totals", **call),
        facts=store.rows("facts", **call),
        clients=store.rows("call_clients", **call),
        codecs=store.rows("codecs", **call, **whole),
        transports=store.rows("transports", **call),
        intervals=store.query("intervals", **call, **whole, bucket=WINDOW),
    )
