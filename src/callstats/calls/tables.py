"""How do calls and series look as Arrow tables, for notebooks?"""

from collections.abc import Iterable, Sequence

import pyarrow as pa

from callstats.calls.model import Listed, Series

_MOMENT = pa.timestamp("ms", tz="UTC")

CALLS = pa.schema(
    [
        ("id", pa.string()),
        ("conference", pa.string()),
        ("app_id", pa.uint64()),
        ("started_at", _MOMENT),
        ("ended_at", _MOMENT),
        ("state", pa.string()),
        ("participants", pa.uint32()),
        ("verdict", pa.string()),
        ("sentence", pa.string()),
        ("issues", pa.uint32()),
    ]
)

SERIES = pa.schema(
    [
        ("user", pa.string()),
        ("device", pa.string()),
        ("connection", pa.string()),
        ("remote", pa.string()),
        ("stream", pa.string()),
        ("ssrc", pa.int64()),
        ("kind", pa.string()),
        ("direction", pa.string()),
        ("at", _MOMENT),
        ("bitrate", pa.float64()),
        ("loss", pa.float64()),
        ("rtt", pa.float64()),
        ("jitter", pa.float64()),
        ("fps", pa.float64()),
        ("mos", pa.float64()),
        ("video", pa.float64()),
    ]
)

_OF_STREAM = ("user", "device", "connection", "remote", "stream", "ssrc", "kind", "direction")
_OF_POINT = ("bitrate", "loss", "rtt", "jitter", "fps", "mos", "video")


def of_calls(listed: Iterable[Listed]) -> pa.Table:
    """Return one row for each call."""
    rows = [
        {
            "id": call.id,
            "conference": call.conference,
            "app_id": call.app_id,
            "started_at": call.started_at,
            "ended_at": call.ended_at,
            "state": call.state,
            "participants": call.participants,
            "verdict": call.verdict.word,
            "sentence": call.verdict.sentence,
            "issues": call.issues,
        }
        for call in listed
    ]
    return pa.Table.from_pylist(rows, schema=CALLS)


def of_series(series: Iterable[Series]) -> pa.Table:
    """Return one row for each point of each stream; what is not known is null."""
    parts = [_of_stream(stream) for stream in series]
    return pa.concat_tables(parts) if parts else SERIES.empty_table()


def _of_stream(stream: Series) -> pa.Table:
    count = len(stream.times)
    columns: dict[str, Sequence[object]] = {
        **{name: [getattr(stream, name)] * count for name in _OF_STREAM},
        "at": [round(at * 1000) for at in stream.times],
        **{name: getattr(stream, name) or [None] * count for name in _OF_POINT},
    }
    arrays = [
        pa.array(columns[field.name], pa.int64()).cast(field.type)
        if field.type == _MOMENT
        else pa.array(columns[field.name], field.type)
        for field in SERIES
    ]
    return pa.Table.from_arrays(arrays, schema=SERIES)
