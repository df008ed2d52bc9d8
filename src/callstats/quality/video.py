"""How does the video look? A score from 1 to 5 of our own: no standard stands behind it.

ITU-T G.1070 is for planning and P.1203 for streaming; neither may be used here (docs/design). So
this is a plain product of three shares, each 1 when nothing is wrong, each monotone in its input:

- motion: frames per second, on a logarithmic scale up to 25;
- detail: the picture's size, or what size the bitrate can carry if that is less;
- smoothness: how little of the time the picture stood still.
"""

import math
from collections.abc import Sequence

from callstats.quality.intervals import Interval, mean, mean_of
from callstats.quality.score import Score, tidy

FORMULA = "callstats video score, own: 1 + 4 · motion · detail · smoothness; mean of 10 s"
LOWEST = 1.0
HIGHEST = 5.0

FULL_MOTION = 25.0
"""Frames per second that look fluent. Lower: 15 counts as perfect; higher: cameras of PAL
countries and most conference clients never do."""
FULL_PIXELS = 1280 * 720
"""Pixels of a picture that needs no more detail in a call. Lower: full screen looks soft;
higher: every ordinary call loses points."""
FEWEST_PIXELS = 120 * 80
"""Pixels at which a face can just be read. Lower: thumbnails count as good; higher: as bad."""
FEWEST_DETAIL = 0.4
"""What such a picture is still worth: small tiles are wanted small, so size alone is no fault."""
BITS_PER_PIXEL = 0.07
"""What VP8 or H.264 needs for a talking head without blocks (rule of thumb of encoders'
guides). Lower: starved encoders look good; higher: VP9 and AV1 look starved."""
BAD_FREEZE = 0.05
"""Share of frozen time that halves the score. Lower: one hiccup ruins a window; higher: a video
that stops every few seconds passes."""

MIN_SECONDS = 2.0
"""Shortest window that is scored: see ``audio.MIN_SECONDS``."""
MIN_CONCLUDED = 5.0
"""Fewest scored seconds for a verdict on a stream: see ``audio.MIN_CONCLUDED``."""
MIN_BITRATE = 10_000.0
"""Below this a camera is switched off or a layer is paused (browsers send no picture for less
than 30 kbit/s): there is nothing to score. Lower: black frames of a muted camera count as a bad
video; higher: a starved one is not seen."""


CAMERA_RATE = 12.0
"""Frames per second that a camera usually has at least. Lower: shared screens and thumbnails,
which have few frames on purpose, are judged as cameras; higher: cameras at 15 are not judged."""


def usual_rate(windows: Sequence[Interval]) -> float | None:
    """Return what a stream does when nothing hinders it: the upper quartile of its frame rate.

    A picture that is switched off or paused (almost no bits) has no frame rate.
    """
    rates = sorted(rate for window in windows if (rate := shown_rate(window)) is not None)
    return rates[3 * len(rates) // 4] if rates else None


def shown_rate(window: Interval) -> float | None:
    """Return the frame rate of a window, None where no picture was shown."""
    if window.bitrate is None or window.bitrate < MIN_BITRATE:
        return None
    return window.fps


def is_camera(windows: Sequence[Interval]) -> bool:
    """Whether a stream has as many frames as a camera, so that few are a fault."""
    usual = usual_rate(windows)
    return usual is not None and usual >= CAMERA_RATE


def score(window: Interval) -> float | None:
    """Return the score of one window from 1 to 5, None where too little is known.

    Frame rate and bitrate must be known; an unknown size or freeze takes nothing away.
    """
    if window.fps is None or window.bitrate is None or window.seconds < MIN_SECONDS:
        return None
    if window.bitrate < MIN_BITRATE:
        return None
    shares = _motion(window.fps) * _detail(window, window.bitrate) * _smoothness(window)
    return LOWEST + (HIGHEST - LOWEST) * shares


def _motion(fps: float) -> float:
    return min(1.0, math.log1p(max(0.0, fps)) / math.log1p(FULL_MOTION))


def _detail(window: Interval, bitrate: float) -> float:
    carried = _worth(bitrate / (BITS_PER_PIXEL * FULL_MOTION))
    if window.width is None or window.height is None:
        return carried
    return min(carried, _worth(window.width * window.height))


def _worth(pixels: float) -> float:
    """Return what a picture of this size is worth, from 0.1 to 1."""
    if pixels <= 0:
        return 0.1
    octaves = math.log(pixels / FEWEST_PIXELS) / math.log(FULL_PIXELS / FEWEST_PIXELS)
    return min(1.0, max(0.1, FEWEST_DETAIL + (1 - FEWEST_DETAIL) * octaves))


def _smoothness(window: Interval) -> float:
    return 1 / (1 + (window.frozen or 0.0) / BAD_FREEZE)


def score_windows(windows: Sequence[Interval]) -> list[float | None]:
    """Return the score of each window of one stream."""
    return [score(window) for window in windows]


def conclude(windows: Sequence[Interval]) -> Score:
    """Return the score of a whole stream: the mean of its windows, weighted by time."""
    scores = score_windows(windows)
    scored = [w for w, value in zip(windows, scores, strict=True) if value is not None]
    seconds = sum(window.seconds for window in scored)
    is_enough = seconds >= MIN_CONCLUDED
    value = mean((v, w.seconds) for v, w in zip(scores, windows, strict=True))
    return Score(
        value=tidy(value) if is_enough else None,
        formula=FORMULA,
        inputs={
            "fps": tidy(mean_of(scored, lambda w: w.fps)),
            "bitrate": tidy(mean_of(scored, lambda w: w.bitrate)),
            "frozen": tidy(mean_of(scored, lambda w: w.frozen)),
            "width": tidy(mean_of(scored, lambda w: w.width)),
            "height": tidy(mean_of(scored, lambda w: w.height)),
            "seconds": tidy(seconds),
        },
        unknown=None if is_enough else _why_inconclusive(windows, seconds),
    )


def _why_inconclusive(windows: Sequence[Interval], seconds: float) -> str:
    if seconds > 0:
        return f"{seconds:.1f} s could be scored, {MIN_CONCLUDED:.0f} s are needed"
    if not any(window.fps is not None for window in windows):
        return "the frame rate is not known"
    return "no picture was sent"
