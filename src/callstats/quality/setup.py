"""How long did a connection take to come up? Read from the states it went through.

States are W3C's, by kind: ``connection``, ``ice_connection``, ``ice_gathering``, ``signaling``.
A duration is None when its beginning or its end was not seen, for instance because watching began
when the connection was up already.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

IDLE = frozenset({"new", "stable"})
"""States in which nothing has begun yet."""
UP = frozenset({"connected", "completed"})


class State(NamedTuple):
    """A state and the moment (seconds since 1970) at which it was entered."""

    at: float
    state: str


States = Mapping[str, Sequence[State]]


class Durations(NamedTuple):
    """Seconds that parts of the set-up took."""

    ice_gathering: float | None
    ice_connecting: float | None
    connected: float | None


def durations(states: States) -> Durations:
    """Return how long gathering, ICE and the whole set-up took."""
    return Durations(
        ice_gathering=_between(states.get("ice_gathering", ()), {"gathering"}, {"complete"}),
        ice_connecting=_between(states.get("ice_connection", ()), {"checking"}, UP),
        connected=_until_connected(states),
    )


def _between(changes: Iterable[State], first: set[str], last: Iterable[str]) -> float | None:
    begun: float | None = None
    for at, state in changes:
        if begun is None and state in first:
            begun = at
        elif begun is not None and state in last:
            return max(0.0, at - begun)
    return None


def _until_connected(states: States) -> float | None:
    begun = began_at(states)
    up = connected_at(states)
    if begun is None or up is None or up <= begun:
        return None
    return up - begun


def began_at(states: States) -> float | None:
    """Return when the set-up began: the first state that is not idle."""
    return min(
        (at for changes in states.values() for at, state in changes if state not in IDLE),
        default=None,
    )


def connected_at(states: States) -> float | None:
    """Return when the connection was up; ICE's word counts where there is no other."""
    for kind in ("connection", "ice_connection"):
        for at, state in states.get(kind, ()):
            if state in UP:
                return at
    return None
