import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats.quality import Interval, mean, merge, windows
from tests.quality.made import picture, run, speech


def test_intervals_become_windows_of_about_ten_seconds() -> None:
    intervals = run(*[speech(seconds=4.98)] * 5)

    lengths = [window.seconds for window in windows(intervals)]

    assert lengths == pytest.approx([9.96, 9.96, 4.98])


def test_an_interval_that_is_longer_than_a_window_is_one() -> None:
    assert len(windows(run(*[speech(seconds=30.0)] * 3))) == 3


def test_a_gap_ends_a_window_and_is_in_none() -> None:
    gap = Interval(start=0, end=0, seconds=20.0)
    intervals = run(speech(seconds=5.0), gap, speech(seconds=5.0), speech(seconds=5.0))

    found = windows(intervals)

    assert [(w.start, w.end) for w in found] == [(0.0, 5.0), (25.0, 35.0)]


@given(st.lists(st.floats(0.5, 15), max_size=40))
def test_windows_lose_no_packet_and_no_second(lengths: list[float]) -> None:
    intervals = run(*(speech(seconds=seconds) for seconds in lengths))

    found = windows(intervals)

    assert sum(w.packets or 0 for w in found) == sum(i.packets or 0 for i in intervals)
    assert sum(w.seconds for w in found) == pytest.approx(sum(lengths))


def test_merged_counts_are_sums_and_levels_are_means_by_time() -> None:
    one, two = run(
        picture(seconds=2.0, fps=10.0, rtt=0.1, freezes=1, freeze_duration=0.5, lost=4),
        picture(seconds=8.0, fps=20.0, rtt=None, freezes=None, width=320),
    )

    merged = merge([one, two])

    assert (merged.start, merged.end, merged.seconds) == (0.0, 10.0, 10.0)
    assert merged.packets == 600
    assert merged.lost == 4
    assert merged.freezes == 1
    assert merged.fps == 18.0
    assert merged.rtt == 0.1
    assert merged.width == 320
    assert merged.frozen == 0.05


def test_what_no_part_knows_stays_unknown() -> None:
    merged = merge(run(speech(), speech()))

    assert merged.fps is None
    assert merged.freezes is None
    assert merged.frozen is None
    assert merged.concealment is None


def test_shares_stay_between_0_and_1() -> None:
    odd = speech(expected=10, lost=20, concealed=-5, samples=100)

    assert odd.loss == 1.0
    assert odd.concealment == 0.0
    assert speech(expected=0, lost=0).loss is None


def test_a_mean_of_nothing_is_unknown() -> None:
    assert mean([]) is None
    assert mean([(None, 1.0)]) is None
    assert mean([(3.0, 1.0), (None, 5.0), (6.0, 2.0)]) == 5.0
