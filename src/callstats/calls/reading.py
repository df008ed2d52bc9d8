"""How are calls read back? The questions behind page, API and command line."""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from callstats.calls import charts, intervals, streams
from callstats.calls.errors import UnknownCall
from callstats.calls.judging import judge
from callstats.calls.model import Call, Happening, Listed, Series
from callstats.quality import Verdict, Word
from callstats.store import Store

PAGE = 500
"""Reports fetched at a time, some 15 MB of them. Lower: a call of an hour takes many questions;
higher: more memory than a small server has to spare."""
_END_OF_TIME = datetime(2299, 12, 31, tzinfo=UTC)

_call = msgspec.json.Decoder(Call)


def read(store: Store, app_id: int | None, call_id: str, *, now: datetime) -> Call:
    """Return a call as it was concluded; judge it now while it lives, or when more came in since.

    ``app_id`` None looks in every app. Raises UnknownCall.
    """
    found = store.rows("call", app_id=app_id or 0, call=call_id)
    if not found:
        raise UnknownCall(call_id)
    row = found[0]
    concluded = _concluded(row)
    if concluded is not None:
        # there may be fewer by now, since old reports are deleted: then nobody knows better
        stored = _records(store, row["app_id"], call_id)
        if stored <= concluded.call.records:
            return concluded
    return judge(store, row["app_id"], call_id, now=now)


def _concluded(row: Mapping[str, Any]) -> Call | None:
    """Return what was written down, None where that is nothing, or of another version."""
    if row["state"] != "ended" or not row["document"]:
        return None
    try:
        return _call.decode(row["document"])
    except msgspec.DecodeError:
        return None


def _records(store: Store, app_id: int, call_id: str) -> int:
    return int(store.rows("record_count", app_id=app_id, call=call_id)[0]["records"])


def listing(
    store: Store,
    app_id: int | None,
    *,
    limit: int = 100,
    before: datetime | None = None,
    conference: str | None = None,
    matching: str | None = None,
    words: Collection[Word] | None = None,
) -> list[Listed]:
    """Return the calls that began last, the newest first.

    Only those that began earlier than ``before``, in the room ``conference`` or in one whose name
    has ``matching`` in it (in either case), with one of these ``words`` as verdict.
    """
    rows = store.rows(
        "calls",
        app_id=app_id or 0,
        limit=limit,
        before=_milliseconds(before or _END_OF_TIME),
        conference=conference or "",
        matching=matching or "",
        words=list(words or ()),
    )
    return [_listed(row) for row in rows]


def _listed(row: dict[str, Any]) -> Listed:
    verdict = Verdict(word=row.pop("verdict"), sentence=row.pop("sentence"))
    return Listed(**row, verdict=verdict)


def timeline(store: Store, app_id: int, call_id: str, *, logs: bool = False) -> list[Happening]:
    """Return what happened in a call, in order; log lines only if asked for."""
    rows = store.rows("happenings", app_id=app_id, call=call_id, logs=int(logs))
    return [
        Happening(
            at=row["at"],
            type=row["type"],
            name=row["name"] or row["type"],
            user=row["user"],
            device=row["device"],
            connection=row["connection"] or None,
            remote=row["remote"] or None,
            data=_json(row["data"]),
        )
        for row in rows
    ]


def _json(text: str) -> Any:
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def series(
    store: Store,
    app_id: int,
    call_id: str,
    *,
    user: str | None = None,
    device: str | None = None,
    connection: str | None = None,
    points: int | None = None,
) -> list[Series]:
    """Return streams over time, each with at most ``points`` points (None: all there are)."""
    where = {
        "app_id": app_id,
        "call": call_id,
        "user": user or "",
        "device": device or "",
        "connection": connection or "",
    }
    codecs = streams.by_stream(store.rows("codecs", **where))
    bucket = _bucket(store, app_id, call_id, points)
    measured = intervals.read(store.query("intervals", **where, bucket=bucket))
    return [
        charts.of_stream(stream, codec=codecs.get(stream.key), points=points) for stream in measured
    ]


def _bucket(store: Store, app_id: int, call_id: str, points: int | None) -> float:
    """Return how many seconds the engine may put together without losing a point.

    A time of ``n`` buckets touches ``n + 2`` of them at most.
    """
    if points is None or points < 3:
        return 0.0
    counts = store.rows("report_counts", app_id=app_id, call=call_id)
    if not counts:
        return 0.0
    first, last = min(row["first_at"] for row in counts), max(row["last_at"] for row in counts)
    return float((last - first).total_seconds() / (points - 2))


def reports(
    store: Store,
    app_id: int,
    call_id: str,
    *,
    user: str | None = None,
    device: str | None = None,
    connection: str | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the reports of a call as they came, each once.

    ``stats`` is their array byte by byte, as ``msgspec.Raw``, which encodes as what it holds.
    """
    where = {
        "app_id": app_id,
        "call": call_id,
        "user": user or "",
        "device": device or "",
        "connection": connection or "",
    }
    seen: set[tuple[str, int]] = set()
    after: dict[str, Any] | None = None
    while True:
        page = store.rows("report_page", **where, **_after(after), limit=PAGE)
        for row in page:
            if (row["client"], row["seq"]) not in seen:
                seen.add((row["client"], row["seq"]))
                yield _report(row)
        if len(page) < PAGE:
            return
        after = page[-1]


def _after(row: dict[str, Any] | None) -> dict[str, Any]:
    """Return the parameters that ask for what comes after a row."""
    if row is None:
        place = {f"after_{name}": "" for name in ("user", "device", "connection", "client")}
        return {**place, "after_at": 0, "after_seq": 0, "first": 1}
    place = {f"after_{name}": row[name] for name in ("user", "device", "connection", "client")}
    return {**place, "after_at": _milliseconds(row["at"]), "after_seq": row["seq"], "first": 0}


def _report(row: dict[str, Any]) -> dict[str, Any]:
    stats = msgspec.Raw(row.pop("payload").encode())
    return {**row, "remote": row["remote"] or None, "stats": stats}


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
