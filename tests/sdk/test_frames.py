"""A video stands still when W3C says so."""

import itertools

import pytest

from callstats.sdk.frames import Frames


def shown(*delays: float) -> Frames:
    """Return what was seen of frames that came so many seconds after one another."""
    frames = Frames()
    for at in itertools.accumulate(delays, initial=100.0):
        frames.show(at)
    return frames


@pytest.mark.parametrize(
    ("delay", "freezes"),
    [(0.189, 0), (0.1901, 1), (1.0, 1)],
    ids=["shorter than 150 ms more", "150 ms more", "long"],
)
def test_at_25_frames_a_second_150_ms_more_is_a_freeze(delay: float, freezes: int) -> None:
    frames = shown(*[0.04] * 30, delay)

    assert frames.freezes == freezes
    assert frames.frozen == pytest.approx(delay * freezes)


@pytest.mark.parametrize(("delay", "freezes"), [(0.55, 0), (0.601, 1)])
def test_at_5_frames_a_second_three_times_as_long_is_a_freeze(delay: float, freezes: int) -> None:
    assert shown(*[0.2] * 30, delay).freezes == freezes


def test_the_mean_is_that_of_the_30_frames_before() -> None:
    assert shown(*[0.04] * 30, *[0.15] * 30, 0.25).freezes == 0
    assert shown(*[0.2] * 30, *[0.04] * 30, 0.3).freezes == 1


def test_the_first_frames_are_no_freeze() -> None:
    assert shown(0.04, 0.04, 0.04, 2.0).freezes == 0
    assert shown(0.04, 0.04, 0.04, 0.04, 0.04, 2.0).freezes == 1


def test_frames_are_counted_and_timed() -> None:
    frames = shown(*[0.1] * 20)

    assert frames.count == 21
    assert frames.total_delay == pytest.approx(2.0)
    assert frames.per_second(102.01) == 10
    assert frames.per_second(103.5) == 0


def test_without_frames_nothing_is_claimed() -> None:
    frames = Frames()

    assert (frames.count, frames.freezes, frames.frozen, frames.per_second(5)) == (0, 0, 0.0, 0)
