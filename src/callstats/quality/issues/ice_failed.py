"""Did the connection fail?"""

from collections.abc import Iterator, Sequence

from callstats.quality.issues.facts import ConnectionFacts, Finding
from callstats.quality.setup import UP, State

NAME = "ice_failed"


def find(connection: ConnectionFacts) -> Iterator[Finding]:
    """Find failures that no end of the connection explains, each until it was up again."""
    found_at: list[tuple[float, float | None]] = []
    for kind in ("connection", "ice_connection"):
        changes = connection.states.get(kind, ())
        for index, (at, state) in enumerate(changes):
            if state == "failed" and not _is_explained(connection, at):
                found_at.append((at, _recovered_at(changes[index + 1 :])))
        if found_at:
            break  # both kinds tell of the same failure
    for failed_at, recovered_at in found_at:
        yield Finding(
            name=NAME,
            severity="severe",
            opened_at=failed_at,
            closed_at=recovered_at,
            sentence=f"the connection to {connection.far} failed",
            evidence={"state": "failed"},
        )


def _is_explained(connection: ConnectionFacts, at: float) -> bool:
    ends = (connection.far_left_at, connection.closed_at)
    return any(end is not None and end <= at for end in ends)


def _recovered_at(changes: Sequence[State]) -> float | None:
    return next((at for at, state in changes if state in UP), None)
