"""How would most people rate speech that travels like this? The arithmetic of the E-model.

ITU-T G.107 (narrowband) and G.107.2 (fullband) start from a perfect rating ``R`` and take away
what delay, coding and loss cost. The parts are here; ``audio`` decides which figures go in.
Delays are seconds, losses shares from 0 to 1.
"""

import math

NARROWBAND = 93.2
"""R of a perfect narrowband connection (G.107 with its default values)."""
FULLBAND = 148.0
"""R of a perfect fullband connection (G.107.2)."""
CEILING_NARROWBAND = 95.0
CEILING_FULLBAND = 132.0
"""Largest impairment by coding and loss together, as R (G.107 and G.107.2, section on Ie,eff)."""

LOWEST = 1.0
HIGHEST = 4.5


def mos(rating: float) -> float:
    """Return the mean opinion score from 1 to 4.5 for an R from 0 to 100 (G.107 Annex B).

    The cubic of the standard dips below 1 for R under 6.5: nothing is rated worse than 1.
    """
    if rating <= 0:
        return LOWEST
    if rating >= 100:
        return HIGHEST
    return max(LOWEST, 1 + 0.035 * rating + 7e-6 * rating * (rating - 60) * (100 - rating))


def delay_impairment(delay: float) -> float:
    """Return what a mouth-to-ear delay costs, as R on the narrowband scale (G.107, Idd)."""
    if delay <= 0.1:
        return 0.0
    octaves = math.log2(delay / 0.1)
    return 25 * (_sixth_norm(octaves) - 3 * _sixth_norm(octaves / 3) + 2)


def _sixth_norm(x: float) -> float:
    return float((1 + x**6) ** (1 / 6))


def loss_impairment(loss: float, *, coding: float, robustness: float, ceiling: float) -> float:
    """Return what coding and loss together cost, as R (G.107, Ie,eff with BurstR 1).

    ``coding`` is the codec's impairment without loss (Ie), ``robustness`` the loss in per cent
    at which half of the remaining quality is gone (Bpl).
    """
    percent = 100 * loss
    return coding + (ceiling - coding) * percent / (percent + robustness)
