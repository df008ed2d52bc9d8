"""How did a stream do over time? Parallel lists for charts, with gaps where nothing is known."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from callstats import quality
from callstats.calls.intervals import Measured
from callstats.calls.model import Series
from callstats.quality import Interval, audio, video

MISSING = 0.5
"""Seconds between two intervals from which something is missing. Lower: rounded moments make
gaps; higher: a lost report of a client that reports every second is not seen."""


def of_stream(stream: Measured, *, codec: str | None, points: int | None) -> Series:
    """Return one stream over time with at most ``points`` points (None: one for each interval).

    Every point is an interval and stands at its end; its scores are those of the ten seconds it
    lies in. A point where nothing is known breaks the line.
    """
    shown = list(_points(stream.intervals, points))
    windows = quality.windows(stream.intervals)
    is_audio, is_video = stream.kind == "audio", stream.kind == "video"
    mos = audio.score_windows(windows, audio.codec_name(codec)) if is_audio else []
    looks = video.score_windows(windows) if is_video else []
    return Series(
        user=stream.key.user,
        device=stream.key.device,
        connection=stream.key.connection,
        remote=stream.remote,
        stream=stream.key.id,
        ssrc=stream.ssrc,
        kind=stream.kind,
        direction="inbound" if stream.key.direction == "inbound" else "outbound",
        times=[point.end for point in shown],
        bitrate=[point.bitrate for point in shown],
        loss=[point.loss for point in shown],
        rtt=[point.rtt for point in shown],
        jitter=[point.jitter for point in shown],
        fps=[point.fps for point in shown],
        mos=_at_points(shown, windows, mos),
        video=_at_points(shown, windows, looks),
    )


def _points(intervals: Sequence[Interval], points: int | None) -> Iterator[Interval]:
    """Yield known intervals, put together to few enough, and an empty one for each hole."""
    runs = list(_runs(intervals))
    size = _bucket(runs, points)
    previous: float | None = None
    for run in runs:
        if previous is not None:
            yield Interval(start=previous, end=(previous + run[0].start) / 2, seconds=0.0)
        for begin in range(0, len(run), size):
            yield quality.merge(run[begin : begin + size])
        previous = run[-1].end


def _runs(intervals: Sequence[Interval]) -> Iterator[list[Interval]]:
    """Yield runs of known intervals that follow each other without a hole."""
    run: list[Interval] = []
    for interval in intervals:
        is_hole = not interval.is_known or (run and interval.start - run[-1].end > MISSING)
        if is_hole and run:
            yield run
            run = []
        if interval.is_known:
            run.append(interval)
    if run:
        yield run


def _bucket(runs: Sequence[Sequence[Interval]], points: int | None) -> int:
    """Return how many intervals make one point, so that there are at most ``points``.

    Holes take points too; where there are more holes than points, each run is one point.
    """
    longest = max((len(run) for run in runs), default=1)
    if points is None:
        return 1
    size = max(1, sum(map(len, runs)) // max(1, points))
    while size < longest and _count(runs, size) > points:
        size += 1
    return size


def _count(runs: Sequence[Sequence[Interval]], size: int) -> int:
    return sum(-(-len(run) // size) for run in runs) + len(runs) - 1


def _at_points(
    shown: Sequence[Interval], windows: Sequence[Interval], scores: Sequence[float | None]
) -> list[float | None]:
    """Return for each point the score of the window in which it ends."""
    if not scores:
        return [None] * len(shown)
    ends = [window.end for window in windows]
    found: list[float | None] = []
    for point in shown:
        index = bisect_left(ends, point.end)
        is_inside = index < len(windows) and windows[index].start < point.end and point.is_known
        found.append(scores[index] if is_inside else None)
    return found
