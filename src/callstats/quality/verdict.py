"""Is that figure good? Words for figures, with the bounds and where they come from.

Every bound is one row of ``BOUNDS``: up to the first value (or down to it) a figure is good, to
the second fair, to the third poor, beyond it bad.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from callstats.quality.score import Word

Measure = Literal["loss", "rtt", "jitter", "frozen", "mos", "video"]


class Bounds(NamedTuple):
    """Where good ends, where fair ends, where poor ends; and who says so."""

    good: float
    fair: float
    poor: float
    source: str
    too_strict: str
    too_lax: str

    @property
    def is_higher_better(self) -> bool:
        """Whether a larger figure is the better one."""
        return self.good > self.poor


BOUNDS: dict[Measure, Bounds] = {
    "loss": Bounds(
        0.01,
        0.03,
        0.10,
        "Pexip's bounds 1, 3 and 10 %; Twilio warns at 1 % and 3 %",
        too_strict="every call over Wi-Fi is named",
        too_lax="chopped speech counts as good",
    ),
    "rtt": Bounds(
        0.300,
        0.500,
        0.800,
        "ITU-T G.114: one way 150 ms is transparent, 400 ms the limit; Teams calls 500 ms poor",
        too_strict="calls between continents are named",
        too_lax="people who talk over each other count as well connected",
    ),
    "jitter": Bounds(
        0.030,
        0.050,
        0.100,
        "Teams and Twilio: 30 ms; beyond 100 ms the jitter buffer itself is heard as delay",
        too_strict="an idle Wi-Fi that saves power is named",
        too_lax="only what already shows as concealment is named",
    ),
    "frozen": Bounds(
        0.01,
        0.03,
        0.10,
        "own; a tenth is what 1 s in 10 s looks like",
        too_strict="one hiccup at the start of a short call is named",
        too_lax="a video that stops again and again counts as good",
    ),
    "mos": Bounds(
        3.60,
        3.10,
        2.58,
        "ITU-T G.107 Annex B: R 70 (some dissatisfied), 60 (many), 50 (nearly all)",
        too_strict="narrowband codecs without any fault are named",
        too_lax="half of the users complain and the call counts as good",
    ),
    "video": Bounds(
        2.5,
        2.0,
        1.5,
        "own, as the score is: 160×90 at 15 frames/s without freezes is good",
        too_strict="small tiles, which are wanted small, are named",
        too_lax="slide shows count as good video",
    ),
}

WORST_FIRST: tuple[Word, ...] = ("bad", "poor", "fair", "good", "unknown")


def word(measure: Measure, value: float | None) -> Word:
    """Return the word for a figure; what is not known is ``unknown``."""
    if value is None:
        return "unknown"
    bounds = BOUNDS[measure]
    sign = -1 if bounds.is_higher_better else 1
    if sign * value <= sign * bounds.good:
        return "good"
    if sign * value <= sign * bounds.fair:
        return "fair"
    return "poor" if sign * value <= sign * bounds.poor else "bad"


def worst(words: Iterable[Word]) -> Word:
    """Return the worst of several words; ``unknown`` only where nothing else is known."""
    return min(words, key=WORST_FIRST.index, default="unknown")


def is_impaired(word: Word) -> bool:
    """Whether somebody should look at it."""
    return word in {"fair", "poor", "bad"}
