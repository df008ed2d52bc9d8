import itertools
from typing import Any

import pytest

from callstats.errors import BadInput
from callstats.testing.lab import Impairment, Link

PACKET = 1_000
COUNT = 10_000


def sent(link: Link, *, count: int = COUNT, every: float = 0.001) -> list[float | None]:
    """Send packets at a steady pace and return when each leaves."""
    return [link.admit(PACKET, n * every) for n in range(count)]


def known(leaving: list[float | None]) -> list[float]:
    return [moment for moment in leaving if moment is not None]


def test_a_perfect_link_lets_everything_out_at_once() -> None:
    link = Link()
    assert sent(link, count=3, every=1.0) == [0.0, 1.0, 2.0]
    assert (link.passed, link.lost, link.overflowed, link.bytes_passed) == (3, 0, 0, 3 * PACKET)


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.5, 1.0])
def test_the_configured_share_is_lost(loss: float) -> None:
    link = Link(Impairment(loss=loss), seed=1)
    sent(link)
    assert link.lost == pytest.approx(loss * COUNT, rel=0.15)
    assert link.lost + link.passed == COUNT


def test_the_same_seed_decides_the_same() -> None:
    impairment = Impairment(loss=0.1, delay=0.05, jitter=0.02, reordering=0.1)
    assert sent(Link(impairment, seed=7)) == sent(Link(impairment, seed=7))
    assert sent(Link(impairment, seed=7)) != sent(Link(impairment, seed=8))


def test_jitter_delays_within_its_bounds_and_keeps_the_order() -> None:
    leaving = known(sent(Link(Impairment(delay=0.1, jitter=0.03)), every=0.05))
    late = [moment - n * 0.05 for n, moment in enumerate(leaving)]
    assert min(late) >= 0.1
    assert max(late) == pytest.approx(0.13, abs=0.001)
    assert leaving == sorted(leaving)


def test_a_reordered_packet_is_overtaken_by_later_ones() -> None:
    leaving = known(sent(Link(Impairment(reordering=0.1), seed=3), every=0.01))
    overtaken = sum(later < earlier for earlier, later in itertools.pairwise(leaving))
    assert overtaken == pytest.approx(0.1 * 0.9 * COUNT, rel=0.15)


def test_a_bottleneck_lets_its_bandwidth_through_and_drops_the_rest() -> None:
    link = Link(Impairment(bandwidth=4_000_000, queue=0.2))
    leaving = known(sent(link))  # 8 Mbit/s arrive during ten seconds
    assert link.overflowed > 0
    assert link.bytes_passed * 8 / (leaving[-1] - leaving[0]) == pytest.approx(4e6, rel=0.01)
    assert leaving[-1] <= COUNT * 0.001 + 0.2 + PACKET * 8 / 4e6


def test_a_changed_impairment_counts_from_the_next_packet_on() -> None:
    link = Link(Impairment(delay=1.0))
    first = link.admit(PACKET, 0.0)
    link.impairment = Impairment(loss=1.0)
    assert (first, link.admit(PACKET, 0.1)) == (1.0, None)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"loss": 5}, "loss: found 5, allowed a share from 0 to 1"),
        ({"reordering": -0.1}, "reordering: found -0.1, allowed a share from 0 to 1"),
        ({"delay": 120}, "delay: found 120, allowed 0 to 60 seconds"),
        ({"jitter": float("nan")}, "jitter: found nan, allowed 0 to 60 seconds"),
        ({"bandwidth": 0}, "bandwidth: found 0, allowed more than 0 bits per second"),
    ],
)
def test_an_impossible_impairment_is_refused(members: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as refused:
        Impairment(**members)
    assert str(refused.value) == message
