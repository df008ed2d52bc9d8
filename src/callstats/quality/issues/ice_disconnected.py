"""Was the connection interrupted for long?"""

from collections.abc import Iterator, Sequence

from callstats.quality.issues.facts import ConnectionFacts, Finding
from callstats.quality.phrases import seconds
from callstats.quality.setup import State

NAME = "ice_disconnected"
LONGER_THAN = 5.0
"""Seconds of interruption (ObserveRTC). Lower: every change from Wi-Fi to mobile is an issue;
higher: what makes people ask "are you still there?" is none."""
SEVERE_FROM = 15.0
"""Seconds after which browsers are about to give up and people have hung up."""


def find(connection: ConnectionFacts) -> Iterator[Finding]:
    """Find interruptions that no end of the connection explains."""
    for began, ended in _interruptions(_changes(connection)):
        until = _until(connection, ended)
        if until is None or until - began <= LONGER_THAN or _is_leaving(connection, began):
            continue
        lasted = until - began
        yield Finding(
            name=NAME,
            severity="severe" if lasted >= SEVERE_FROM else "warning",
            opened_at=began,
            closed_at=ended,
            sentence=f"the connection to {connection.far} was interrupted for {seconds(lasted)}",
            evidence={"seconds": lasted, "opens_at": LONGER_THAN},
        )


def _changes(connection: ConnectionFacts) -> Sequence[State]:
    return connection.states.get("ice_connection") or connection.states.get("connection", ())


def _interruptions(changes: Sequence[State]) -> Iterator[tuple[float, float | None]]:
    for index, (at, state) in enumerate(changes):
        if state == "disconnected":
            later = (end for end, following in changes[index + 1 :] if following != "disconnected")
            yield at, next(later, None)


def _until(connection: ConnectionFacts, ended: float | None) -> float | None:
    ends = (ended, connection.closed_at, connection.known_until)
    return min((end for end in ends if end is not None), default=None)


def _is_leaving(connection: ConnectionFacts, began: float) -> bool:
    """Whether the other end left just then: its last word may arrive after the silence."""
    left = connection.far_left_at
    return left is not None and left <= began + LONGER_THAN
