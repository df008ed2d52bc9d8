from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from callstats.calls import Series, charts
from callstats.calls.intervals import Measured
from callstats.calls.keys import StreamKey
from callstats.quality import Interval


def interval(start: float, seconds: float = 5.0, **figures: Any) -> Interval:
    known: dict[str, Any] = {"packets": 250, "bytes": 20_000, "bitrate": 32_000.0}
    known |= {"expected": 250, "lost": 0}
    return Interval(start=start, end=start + seconds, seconds=seconds, **known | figures)


def unknown(start: float, seconds: float) -> Interval:
    return Interval(start=start, end=start + seconds, seconds=seconds)


def chart(
    intervals: Sequence[Interval], *, points: int | None = None, codec: str | None = "audio/opus"
) -> Series:
    stream = Measured(
        key=StreamKey("alice", "laptop", "c1", "inbound", "I1"),
        remote="bob",
        ssrc=1,
        kind="audio",
        intervals=list(intervals),
    )
    return charts.of_stream(stream, codec=codec, points=points)


def test_a_gap_breaks_the_line() -> None:
    shown = chart([interval(0), interval(5), unknown(10, 30), interval(40)])

    assert shown.times == [5, 10, 25, 45]
    assert shown.bitrate == [32_000, 32_000, None, 32_000]
    assert shown.mos[2] is None


def test_a_missing_interval_breaks_the_line() -> None:
    shown = chart([interval(0), interval(20)])

    assert shown.times == [5, 12.5, 25]
    assert shown.loss == [0.0, None, 0.0]


def test_rounded_moments_break_no_line() -> None:
    assert chart([interval(0), interval(5.002), interval(10.001)]).bitrate == [32_000] * 3


def test_gaps_at_the_ends_are_not_shown() -> None:
    assert chart([unknown(0, 30), interval(30), unknown(35, 30)]).times == [35]


def test_points_are_put_together_without_bridging_a_gap() -> None:
    first, second = ([interval(start + 5 * n) for n in range(10)] for start in (0, 100))

    shown = chart([*first, *second], points=5)

    assert len(shown.times) <= 5
    assert None in shown.bitrate
    assert shown.times[-1] == 150


@given(
    st.lists(st.booleans(), max_size=120),
    st.integers(3, 60),
)
def test_points_are_never_too_many_unless_gaps_alone_are(is_known: list[bool], points: int) -> None:
    intervals = [
        interval(5 * n) if known else unknown(5 * n, 5) for n, known in enumerate(is_known)
    ]
    runs = sum(known and not (n and is_known[n - 1]) for n, known in enumerate(is_known))

    shown = chart(intervals, points=points)

    assert len(shown.times) <= max(points, 2 * runs - 1)
    assert shown.times == sorted(shown.times)


def test_scores_are_those_of_the_ten_seconds_around_a_point() -> None:
    bad = {"expected": 500, "lost": 250}
    shown = chart([interval(0), interval(5), interval(10, **bad), interval(15, **bad)])

    assert shown.mos[0] == shown.mos[1]
    assert shown.mos[2] == shown.mos[3]
    assert (shown.mos[2] or 0) < (shown.mos[0] or 0)


def test_an_unknown_codec_gives_no_mos() -> None:
    assert chart([interval(0), interval(5)], codec=None).mos == [None, None]


def test_a_stream_of_which_nothing_is_known_is_empty() -> None:
    shown = chart([unknown(0, 30)])

    assert shown.times == shown.bitrate == shown.mos == []
