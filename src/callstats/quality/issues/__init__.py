"""What went wrong, when, and what shows it? One module for each issue, each with a ``find``.

An issue opens when its figure has been bad for a while and closes when it is clearly better
again (``spells``), so that a healthy call with a hiccup stays silent. Adding an issue is a module
here, a line in one of the two lists below, a test, and a row in docs/reference/metrics.md.
"""

from collections.abc import Iterator

from callstats.quality.issues import (
    data_missing,
    freezes,
    high_loss,
    high_rtt,
    ice_disconnected,
    ice_failed,
    low_audio_mos,
    low_frame_rate,
    no_media,
    slow_setup,
)
from callstats.quality.issues.facts import (
    ConnectionFacts,
    Finding,
    ParticipantFacts,
    Severity,
    StreamFacts,
)

OF_CONNECTIONS = (
    ice_failed,
    ice_disconnected,
    slow_setup,
    no_media,
    high_loss,
    high_rtt,
    low_audio_mos,
    freezes,
    low_frame_rate,
)
OF_PARTICIPANTS = (data_missing,)

NAMES = tuple(module.NAME for module in (*OF_CONNECTIONS, *OF_PARTICIPANTS))


def find_in_connection(facts: ConnectionFacts) -> Iterator[Finding]:
    """Find what went wrong on one connection."""
    for issue in OF_CONNECTIONS:
        yield from issue.find(facts)


def find_in_participant(facts: ParticipantFacts) -> Iterator[Finding]:
    """Find what went wrong for a participant as a whole."""
    for issue in OF_PARTICIPANTS:
        yield from issue.find(facts)


__all__ = [
    "NAMES",
    "OF_CONNECTIONS",
    "OF_PARTICIPANTS",
    "ConnectionFacts",
    "Finding",
    "ParticipantFacts",
    "Severity",
    "StreamFacts",
    "find_in_connection",
    "find_in_participant",
]
