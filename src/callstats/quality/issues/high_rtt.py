"""Does a round trip to the other end take too long?"""

from collections.abc import Iterator

from callstats.quality.issues import spells
from callstats.quality.issues.facts import ConnectionFacts, Finding
from callstats.quality.phrases import milliseconds

NAME = "high_rtt"
RULE = spells.Rule(opens=0.400, closes=0.300, severe=0.800)
"""Twilio warns at 400 ms; ITU-T G.114 calls 150 ms one way transparent and 400 ms the limit.
Lower: calls between continents are named; higher: people talk over each other and nobody knows."""


def find(connection: ConnectionFacts) -> Iterator[Finding]:
    """Find spells of long round trips; the stream that knows most speaks for the connection."""
    stream = max(
        connection.streams,
        key=lambda stream: sum(window.rtt is not None for window in stream.windows),
        default=None,
    )
    if stream is None:
        return
    for spell in spells.find(stream.windows, [window.rtt for window in stream.windows], RULE):
        yield Finding(
            name=NAME,
            severity="severe" if RULE.is_severe(spell.mean) else "warning",
            opened_at=spell.opened_at,
            closed_at=spell.closed_at,
            sentence=f"a round trip to {connection.far} takes {milliseconds(spell.mean)}",
            evidence={
                "rtt": spell.mean,
                "worst_rtt": spell.worst,
                "seconds": spell.seconds,
                "opens_at": RULE.opens,
            },
        )
