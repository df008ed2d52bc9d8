"""Are too many packets of a stream lost on the way?"""

from collections.abc import Iterator

from callstats.quality.issues import spells
from callstats.quality.issues.facts import ConnectionFacts, Finding, StreamFacts
from callstats.quality.phrases import percent

NAME = "high_loss"
RULE = spells.Rule(opens=0.03, closes=0.015, severe=0.10)
"""Twilio warns when the mean is above 3 % and is content below 1 %; above 10 % Pexip calls it
terrible. Lower: every busy Wi-Fi is named; higher: speech is chopped before anybody is told."""


def find(connection: ConnectionFacts) -> Iterator[Finding]:
    """Find spells of loss on what is received, and on what a silent receiver says it misses."""
    for stream in connection.streams:
        if stream.direction == "outbound" and stream.is_seen_by_receiver:
            continue
        losses = [window.loss for window in stream.windows]
        for spell in spells.find(stream.windows, losses, RULE):
            yield _finding(stream, spell)


def _finding(stream: StreamFacts, spell: spells.Spell) -> Finding:
    way = "from" if stream.direction == "inbound" else "to"
    what = f"{stream.kind} packets" if stream.kind else "packets"
    return Finding(
        name=NAME,
        severity="severe" if RULE.is_severe(spell.mean) else "warning",
        opened_at=spell.opened_at,
        closed_at=spell.closed_at,
        stream=stream.id,
        kind=stream.kind,
        sentence=f"{percent(spell.mean)} of the {what} {way} {stream.far} did not arrive",
        evidence={
            "loss": spell.mean,
            "worst_loss": spell.worst,
            "seconds": spell.seconds,
            "opens_at": RULE.opens,
        },
    )
