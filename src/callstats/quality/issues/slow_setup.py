"""Did the connection take too long to come up, or never come up?"""

from collections.abc import Iterator

from callstats.quality import setup
from callstats.quality.issues.facts import ConnectionFacts, Finding
from callstats.quality.phrases import seconds

NAME = "slow_setup"
SLOWER_THAN = 5.0
"""Seconds (ObserveRTC). Lower: relays over TCP are always named; higher: people have asked
whether anybody hears them."""
SEVERE_FROM = 15.0
"""Seconds after which browsers report a failure."""


def find(connection: ConnectionFacts) -> Iterator[Finding]:
    """Find a set-up that was slow, or had no end."""
    began = setup.began_at(connection.states)
    if began is None:
        return
    up = setup.connected_at(connection.states)
    until = up if up is not None else _given_up_at(connection)
    if until is None or until - began <= SLOWER_THAN:
        return
    lasted = until - began
    taken = f"took {seconds(lasted)} to come up"
    never = f"was not up after {seconds(lasted)}"
    yield Finding(
        name=NAME,
        severity="severe" if lasted >= SEVERE_FROM or up is None else "warning",
        opened_at=began,
        closed_at=up,
        sentence=f"the connection to {connection.far} {taken if up is not None else never}",
        evidence={"seconds": lasted, "opens_at": SLOWER_THAN},
    )


def _given_up_at(connection: ConnectionFacts) -> float | None:
    """Return until when the connection was waited for; None without any try by ICE."""
    is_tried = any(state == "checking" for _, state in connection.states.get("ice_connection", ()))
    ends = (connection.closed_at, connection.far_left_at, connection.known_until)
    return min((end for end in ends if end is not None), default=None) if is_tried else None
