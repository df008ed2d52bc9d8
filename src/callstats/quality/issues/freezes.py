"""Does a received video stand still?"""

from collections.abc import Iterator

from callstats.quality.issues import spells
from callstats.quality.issues.facts import ConnectionFacts, Finding
from callstats.quality.phrases import percent

NAME = "freezes"
RULE = spells.Rule(opens=0.10, closes=0.03, severe=0.30, hold=0.0)
"""One second in ten. A freeze is heard of at once, so one window is enough; webrtc-issue-detector
calls 30 % severe. Lower: one late frame is an issue; higher: a slide show is none."""
RAMP = 10.0
"""Seconds at the start of a stream that do not count: key frames and bandwidth are still being
negotiated. Lower: every call begins with an issue; higher: short calls have none."""


def find(connection: ConnectionFacts) -> Iterator[Finding]:
    """Find spells in which a received video froze."""
    for stream in connection.streams:
        if stream.direction != "inbound" or stream.kind != "video" or not stream.windows:
            continue
        begun = stream.windows[0].start
        settled = [window for window in stream.windows if window.start >= begun + RAMP / 2]
        for spell in spells.find(settled, [window.frozen for window in settled], RULE):
            yield Finding(
                name=NAME,
                severity="severe" if RULE.is_severe(spell.mean) else "warning",
                opened_at=spell.opened_at,
                closed_at=spell.closed_at,
                stream=stream.id,
                kind=stream.kind,
                sentence=f"video from {stream.far} stood still {percent(spell.mean)} of the time",
                evidence={
                    "frozen": spell.mean,
                    "worst_frozen": spell.worst,
                    "seconds": spell.seconds,
                    "opens_at": RULE.opens,
                },
            )
