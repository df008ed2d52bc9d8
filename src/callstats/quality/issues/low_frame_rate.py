"""Does a received video show far fewer frames than it usually does?

Relative to the stream's own usual rate, since a shared screen has few frames on purpose. A video
that is switched off or paused (almost no bits) has no frame rate.
"""

from collections.abc import Iterator

from callstats.quality import video
from callstats.quality.issues import spells
from callstats.quality.issues.facts import ConnectionFacts, Finding, StreamFacts

NAME = "low_frame_rate"
RULE = spells.Rule(opens=0.5, closes=0.7, severe=0.25)
"""Shares of the usual rate; ObserveRTC uses 0.5 and 0.7 for source and encoder. Lower: half a
video is fine; higher: a camera that adapts to a dark room is an issue."""
FLUENT = 10.0
"""Frames per second that are never too few: 30 may fall to 15 and nobody complains."""
RAMP = 10.0
"""Seconds at the start of a stream that do not count: see ``freezes.RAMP``."""


def find(connection: ConnectionFacts) -> Iterator[Finding]:
    """Find spells of few frames in received videos."""
    for stream in connection.streams:
        if stream.direction == "inbound" and stream.kind == "video" and stream.windows:
            yield from _find_in(stream)


def _find_in(stream: StreamFacts) -> Iterator[Finding]:
    begun = stream.windows[0].start
    settled = [window for window in stream.windows if window.start >= begun + RAMP / 2]
    usual = video.usual_rate(settled)
    if usual is None or not video.is_camera(settled):
        return
    shares = [_share(video.shown_rate(window), usual) for window in settled]
    for spell in spells.find(settled, shares, RULE):
        fps = spell.mean * usual
        yield Finding(
            name=NAME,
            severity="severe" if RULE.is_severe(spell.mean) else "warning",
            opened_at=spell.opened_at,
            closed_at=spell.closed_at,
            stream=stream.id,
            kind=stream.kind,
            sentence=f"video from {stream.far} shows {fps:.0f} frames/s instead of {usual:.0f}",
            evidence={
                "fps": fps,
                "worst_fps": spell.worst * usual,
                "usual_fps": usual,
                "seconds": spell.seconds,
            },
        )


def _share(rate: float | None, usual: float) -> float | None:
    if rate is None:
        return None
    return 1.0 if rate >= FLUENT else rate / usual
