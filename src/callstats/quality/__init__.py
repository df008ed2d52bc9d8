"""Is this good? Arithmetic on values: scores, words and issues. No I/O, no clock, no chance.

``audio`` and ``video`` score streams, ``verdict`` says it in words, ``setup`` times connections,
``issues`` finds what went wrong and when. All of it works on ``Interval``s, which the store's
question ``intervals`` delivers.
"""

from callstats.quality import audio, emodel, issues, phrases, setup, verdict, video
from callstats.quality.intervals import WINDOW, Interval, mean, mean_of, merge, windows
from callstats.quality.score import Score, Verdict, Word, tidy
from callstats.quality.setup import State

__all__ = [
    "WINDOW",
    "Interval",
    "Score",
    "State",
    "Verdict",
    "Word",
    "audio",
    "emodel",
    "issues",
    "mean",
    "mean_of",
    "merge",
    "phrases",
    "setup",
    "tidy",
    "verdict",
    "video",
    "windows",
]
