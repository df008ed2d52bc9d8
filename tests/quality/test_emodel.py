import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats.quality import emodel

ratings = st.floats(-50, 200)
delays = st.floats(0, 30)


@given(ratings, ratings)
def test_mos_never_falls_when_the_rating_rises(one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert emodel.mos(low) <= emodel.mos(high) + 1e-9


@given(ratings)
def test_mos_stays_between_its_bounds(rating: float) -> None:
    assert emodel.LOWEST <= emodel.mos(rating) <= emodel.HIGHEST


@pytest.mark.parametrize(
    ("rating", "mos"), [(50, 2.58), (60, 3.10), (70, 3.60), (80, 4.03), (90, 4.34)]
)
def test_mos_is_that_of_table_b1_of_g107(rating: float, mos: float) -> None:
    assert emodel.mos(rating) == pytest.approx(mos, abs=0.01)


@given(delays, delays)
def test_delay_never_costs_less_when_it_grows(one: float, other: float) -> None:
    short, long = sorted((one, other))

    assert emodel.delay_impairment(short) <= emodel.delay_impairment(long) + 1e-9


def test_delay_up_to_100_ms_costs_nothing() -> None:
    assert emodel.delay_impairment(0.100) == 0.0
    assert emodel.delay_impairment(0.0) == 0.0


@pytest.mark.parametrize(
    ("loss", "delay", "mos"), [(0.0, 0.05, 4.41), (0.01, 0.05, 3.93), (0.03, 0.05, 3.06)]
)
def test_the_fullband_model_agrees_with_a_published_implementation(
    loss: float, delay: float, mos: float
) -> None:
    """rtpengine's ``mos_calc_fb`` for Opus: Ie 10.2, Bpl 4.3."""
    lost = emodel.loss_impairment(
        loss, coding=10.2, robustness=4.3, ceiling=emodel.CEILING_FULLBAND
    )
    rating = emodel.FULLBAND - 1.48 * emodel.delay_impairment(delay) - lost

    assert emodel.mos(rating / 1.48) == pytest.approx(mos, abs=0.01)
