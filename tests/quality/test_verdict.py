import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats.quality import Word, verdict
from callstats.quality.verdict import BOUNDS, Measure


@pytest.mark.parametrize(
    ("measure", "value", "word"),
    [
        ("loss", 0.0, "good"),
        ("loss", 0.01, "good"),
        ("loss", 0.02, "fair"),
        ("loss", 0.051, "poor"),
        ("loss", 0.3, "bad"),
        ("rtt", 0.12, "good"),
        ("rtt", 0.9, "bad"),
        ("mos", 4.3, "good"),
        ("mos", 3.3, "fair"),
        ("mos", 2.9, "poor"),
        ("mos", 1.5, "bad"),
        ("video", 3.3, "good"),
        ("frozen", 0.2, "bad"),
        ("jitter", None, "unknown"),
    ],
)
def test_figures_have_words(measure: Measure, value: float | None, word: Word) -> None:
    assert verdict.word(measure, value) == word


@given(st.sampled_from(sorted(BOUNDS)), st.floats(0, 10), st.floats(0, 10))
def test_a_worse_figure_never_has_a_better_word(measure: Measure, one: float, other: float) -> None:
    worse, better = sorted((one, other), reverse=not BOUNDS[measure].is_higher_better)
    rank = verdict.WORST_FIRST.index

    assert rank(verdict.word(measure, worse)) <= rank(verdict.word(measure, better))


@pytest.mark.parametrize("measure", sorted(BOUNDS))
def test_bounds_are_ordered_and_say_where_they_come_from(measure: Measure) -> None:
    good, fair, poor, *words = BOUNDS[measure]

    assert good > fair > poor or good < fair < poor
    assert all(words)


def test_the_worst_word_speaks_and_the_unknown_only_alone() -> None:
    assert verdict.worst(["good", "unknown", "fair"]) == "fair"
    assert verdict.worst(["good", "unknown"]) == "good"
    assert verdict.worst([]) == "unknown"
