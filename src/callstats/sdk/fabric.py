"""What is a fabric, and how far has its registration come?

A fabric is the old word for one peer connection that is reported on. Its life:

    waiting ──▶ active ──▶ ended
       │  ▲                  ▲
       ▼  │ back-off         │
     refused ────────────────┘

``has_fabric`` says that the backend accepted it; ``is_ended`` that the application ended it. A
fabric that ends before it was accepted is still registered when that becomes possible, so that
what was reported on it arrives: its reports, then its end.
"""

from typing import Any

DEFAULT_REMOTE_USER = "jitsi"
"""Who is at the other end where nobody is named: the conference's media server."""

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds before a refused fabric is tried again, doubling from the first to the second figure.
Shorter nags a backend that said no; longer loses more of a call whose backend comes late."""
MAX_TRIES = 12
"""About eight minutes of trying; after that only a success of the backend brings it back."""


class Fabric:
    """One peer connection towards one remote user in one conference."""

    def __init__(self, tpc: Any, *, conf_id: str, remote_user_id: str | None = None) -> None:
        if tpc is None:
            raise TypeError("tpc: found None, allowed a peer connection")
        self.conf_id = conf_id
        self.tpc = tpc
        self.peerconnection = getattr(tpc, "peerconnection", tpc)
        self.remote_user_id = remote_user_id or DEFAULT_REMOTE_USER
        self.has_fabric = False
        self.is_ended = False
        self.is_warned = False
        self.failure: str | None = None
        """Why the backend did not accept it the last time it was asked."""
        self.tries = 0
        self.retry_at = 0.0

    def __repr__(self) -> str:
        """Show where it is; never the peer connection, which may hold descriptions and keys."""
        state = "ended" if self.is_ended else "active" if self.has_fabric else "waiting"
        return f"<{type(self).__name__} {self.conf_id!r} to {self.remote_user_id!r}, {state}>"

    def is_due(self, now: float) -> bool:
        """Say whether it may be registered now (seconds of a monotonic clock)."""
        return self.tries < MAX_TRIES and now >= self.retry_at

    def accept(self) -> None:
        """Note that the backend watches it."""
        self.has_fabric = True
        self.failure = None

    def refuse(self, reason: str, now: float) -> None:
        """Note that the backend does not watch it, and when to ask again."""
        self.has_fabric = False
        self.failure = reason
        self.retry_at = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**self.tries)
        self.tries += 1

    def reset_tries(self) -> None:
        """Forget failures: the backend says that it is well."""
        self.tries = 0
        self.retry_at = 0.0
