"""How is a judgement written down? As a figure that explains itself, and as words."""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

Word = Literal["good", "fair", "poor", "bad", "unknown"]


def tidy(value: float | None) -> float | None:
    """Return a figure with six digits that count: no measurement here has more."""
    return None if value is None else float(f"{value:.6g}")


class Score(Struct, frozen=True, kw_only=True):
    """One figure that explains itself: value, formula (with its source) and the inputs used."""

    value: float | None
    formula: str
    inputs: Mapping[str, float | str | None]
    unknown: str | None = None
    """Why there is no value, where there is none."""


class Verdict(Struct, frozen=True, kw_only=True):
    """A judgement in words: one word for the list, one sentence for people, and its reasons."""

    word: Word
    sentence: str
    reasons: Sequence[str] = ()
