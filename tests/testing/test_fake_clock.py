from typing import TYPE_CHECKING

import pytest

from callstats.testing import FakeClock

if TYPE_CHECKING:
    from callstats.clock import Clock


def test_time_stands_still_until_it_is_told_to_move() -> None:
    clock: Clock = FakeClock(1000.0)
    assert (clock.now(), clock.monotonic()) == (1000.0, 0.0)
    assert (clock.now(), clock.monotonic()) == (1000.0, 0.0)


def test_both_clocks_advance_together() -> None:
    clock = FakeClock(1000.0)
    clock.advance(2.5)
    assert (clock.now(), clock.monotonic()) == (1002.5, 2.5)


def test_only_the_wall_clock_jumps() -> None:
    clock = FakeClock(1000.0)
    clock.advance(1.0)
    clock.set_wall(500.0)
    assert (clock.now(), clock.monotonic()) == (500.0, 1.0)


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="does not go back"):
        FakeClock().advance(-1)
