"""Is a part of what happened not known, so that everything else may look better than it was?"""

from collections.abc import Iterator

from callstats.quality.issues.facts import Finding, ParticipantFacts
from callstats.quality.phrases import count, listing, seconds

NAME = "data_missing"


def find(participant: ParticipantFacts) -> Iterator[Finding]:
    """Find records that the client dropped, members that were damaged, and gaps in reporting."""
    if participant.dropped and participant.dropped_at is not None:
        yield _dropped(participant, participant.dropped_at)
    if participant.damaged and participant.damaged_at is not None:
        yield _damaged(participant, participant.damaged_at)
    for start, end in participant.gaps:
        yield Finding(
            name=NAME,
            severity="warning",
            opened_at=start,
            closed_at=end,
            sentence=f"nothing was reported for {seconds(end - start)}",
            evidence={"seconds": end - start},
        )


def _dropped(participant: ParticipantFacts, at: float) -> Finding:
    total = sum(participant.dropped.values())
    return Finding(
        name=NAME,
        severity="warning",
        opened_at=at,
        closed_at=at,
        sentence=f"the client dropped {count(total, 'record')} "
        f"({listing(sorted(participant.dropped))})",
        evidence={"dropped": total, **dict(participant.dropped)},
    )


def _damaged(participant: ParticipantFacts, at: float) -> Finding:
    return Finding(
        name=NAME,
        severity="warning",
        opened_at=at,
        closed_at=at,
        sentence=f"{count(participant.damaged, 'member')} of reports could not be read",
        evidence={"damaged": participant.damaged},
    )
