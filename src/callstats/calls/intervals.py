"""How do rows of the question ``intervals`` become intervals of streams?"""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa
from msgspec import Struct

from callstats.calls.keys import StreamKey
from callstats.quality import Interval

_IDENTITY = ("user", "device", "connection", "direction", "id", "remote", "ssrc", "kind")
_FIGURES = (
    *("start", "at", "seconds", "packets", "lost", "bytes", "frames", "freezes"),
    *("freeze_duration", "concealed", "samples", "jitter", "rtt", "fps", "width", "height"),
    "buffer_delay",
)


class Measured(Struct, frozen=True, kw_only=True):
    """One stream with all that was measured of it, in the order of time."""

    key: StreamKey
    remote: str | None
    ssrc: int | None
    kind: str | None
    intervals: list[Interval]


def read(table: pa.Table) -> list[Measured]:
    """Return the streams of a table that is ordered by stream and time."""
    return [
        Measured(
            key=StreamKey(*identity[:5]),
            remote=identity[5] or None,
            ssrc=identity[6],
            kind=identity[7],
            intervals=[_interval(identity[3] == "inbound", *row) for _, row in rows],
        )
        for identity, rows in groupby(_rows(table), key=itemgetter(0))
    ]


def _rows(table: pa.Table) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """Yield for each row what stream it is of, and its figures."""
    identities = zip(*(table.column(name).to_pylist() for name in _IDENTITY), strict=True)
    figures = zip(*(table.column(name).to_pylist() for name in _FIGURES), strict=True)
    return zip(identities, figures, strict=True)


def _interval(
    is_inbound: bool,
    start: float,
    end: float,
    seconds: float,
    packets: int | None,
    lost: int | None,
    size: int | None,
    frames: int | None,
    freezes: int | None,
    freeze_duration: float | None,
    concealed: int | None,
    samples: int | None,
    jitter: float | None,
    rtt: float | None,
    fps: float | None,
    width: int | None,
    height: int | None,
    buffer_delay: float | None,
) -> Interval:
    if seconds <= 0:
        return Interval(start=start, end=end, seconds=0.0)
    return Interval(
        start=start,
        end=end,
        seconds=seconds,
        packets=packets,
        bytes=size,
        expected=_expected(is_inbound, packets, lost),
        lost=lost,
        bitrate=None if size is None else 8 * size / seconds,
        jitter=jitter,
        rtt=rtt,
        buffer_delay=buffer_delay,
        concealed=concealed,
        samples=samples,
        fps=fps if frames is None else frames / seconds,
        width=width,
        height=height,
        freezes=freezes,
        freeze_duration=freeze_duration,
    )


def _expected(is_inbound: bool, packets: int | None, lost: int | None) -> int | None:
    if packets is None or lost is None:
        return None
    return packets + lost if is_inbound else packets
