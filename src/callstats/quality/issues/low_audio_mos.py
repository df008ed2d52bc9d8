"""Does received audio sound bad, by the E-model?"""

from collections.abc import Iterator

from callstats.quality.issues import spells
from callstats.quality.issues.facts import ConnectionFacts, Finding

NAME = "low_audio_mos"
RULE = spells.Rule(opens=3.10, closes=3.40, severe=2.58)
"""ITU-T G.107 Annex B: below 3.1 many users are dissatisfied, below 2.58 nearly all. Twilio tags
calls below 3.5, peermetrics below 3. Lower: only wrecks are named; higher: telephone codecs and
long distances are, although nothing is broken."""


def find(connection: ConnectionFacts) -> Iterator[Finding]:
    """Find spells of bad audio in what is received."""
    for stream in connection.streams:
        if stream.direction != "inbound" or not stream.scores:
            continue
        for spell in spells.find(stream.windows, stream.scores, RULE):
            yield Finding(
                name=NAME,
                severity="severe" if RULE.is_severe(spell.mean) else "warning",
                opened_at=spell.opened_at,
                closed_at=spell.closed_at,
                stream=stream.id,
                kind=stream.kind,
                sentence=f"audio from {stream.far} has a MOS of {spell.mean:.1f}",
                evidence={
                    "mos": spell.mean,
                    "worst_mos": spell.worst,
                    "seconds": spell.seconds,
                    "opens_at": RULE.opens,
                },
            )
