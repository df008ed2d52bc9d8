import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats.quality import Interval, video
from tests.quality.made import picture, run

rates = st.floats(0, 120)
bitrates = st.floats(video.MIN_BITRATE, 50_000_000)
sizes = st.integers(1, 8_000)
freezes = st.floats(0, 10)


def score_of(window: Interval) -> float:
    found = video.score(window)
    assert found is not None
    return found


@given(rates, rates, bitrates, freezes)
def test_the_score_never_falls_with_the_frame_rate(
    one: float, other: float, bitrate: float, frozen: float
) -> None:
    slow, fast = (
        picture(fps=fps, bitrate=bitrate, freeze_duration=frozen) for fps in sorted((one, other))
    )

    assert score_of(slow) <= score_of(fast) + 1e-9


@given(bitrates, bitrates, rates, sizes)
def test_the_score_never_falls_with_the_bitrate(
    one: float, other: float, fps: float, width: int
) -> None:
    low, high = (picture(bitrate=bits, fps=fps, width=width) for bits in sorted((one, other)))

    assert score_of(low) <= score_of(high) + 1e-9


@given(sizes, sizes, bitrates)
def test_the_score_never_falls_with_the_size(one: int, other: int, bitrate: float) -> None:
    small, large = (picture(width=width, bitrate=bitrate) for width in sorted((one, other)))

    assert score_of(small) <= score_of(large) + 1e-9


@given(freezes, freezes, rates)
def test_the_score_never_rises_with_frozen_time(one: float, other: float, fps: float) -> None:
    short, long = (picture(freeze_duration=frozen, fps=fps) for frozen in sorted((one, other)))

    assert score_of(long) <= score_of(short) + 1e-9


@given(rates, bitrates, sizes, freezes)
def test_the_score_stays_between_its_bounds(
    fps: float, bitrate: float, width: int, frozen: float
) -> None:
    window = picture(fps=fps, bitrate=bitrate, width=width, freeze_duration=frozen)

    assert video.LOWEST <= score_of(window) <= video.HIGHEST


@pytest.mark.parametrize(
    ("window", "at_least", "at_most"),
    [
        (picture(width=1280, height=720, bitrate=2_000_000.0, fps=30.0), 4.9, 5.0),
        (picture(), 4.0, 4.5),
        (picture(width=320, height=180, bitrate=150_000.0, fps=15.0), 3.0, 3.5),
        (picture(freeze_duration=1.0), 1.8, 2.2),
        (picture(fps=2.0), 1.5, 2.3),
        (picture(width=1280, height=720, bitrate=40_000.0), 2.5, 3.3),
    ],
    ids=["perfect", "usual", "thumbnail", "frozen", "slide show", "starved"],
)
def test_figures_are_those_one_would_expect(
    window: Interval, at_least: float, at_most: float
) -> None:
    assert at_least <= score_of(window) <= at_most


@pytest.mark.parametrize(
    "window",
    [picture(fps=None), picture(bitrate=None), picture(seconds=1.0), picture(bitrate=3_000.0)],
    ids=["no frame rate", "no bitrate", "too short", "switched off"],
)
def test_the_score_is_unknown_where_too_little_is_known(window: Interval) -> None:
    assert video.score(window) is None


def test_unknown_size_and_freezes_take_nothing_away() -> None:
    unknown = picture(width=None, height=None, freeze_duration=None)

    assert score_of(unknown) >= score_of(picture())


def test_a_conclusion_names_its_formula_as_our_own() -> None:
    concluded = video.conclude(run(picture(), picture(fps=10.0)))

    assert concluded.value is not None
    assert concluded.formula.startswith("callstats video score, own")
    assert concluded.inputs["fps"] == 17.5


@pytest.mark.parametrize(
    ("windows", "why"),
    [
        ([], "the frame rate is not known"),
        ([picture(bitrate=0.0)], "no picture was sent"),
        ([picture(seconds=3.0)], "3.0 s could be scored, 5 s are needed"),
    ],
)
def test_too_little_is_no_conclusion(windows: list[Interval], why: str) -> None:
    concluded = video.conclude(windows)

    assert concluded.value is None
    assert concluded.unknown == why
