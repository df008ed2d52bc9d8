"""How does a browser stay signed in? By a signed cookie; how does it get there? By a link.

The link carries an *invitation*: a token of its own kind, good for nothing but the exchange into
a session. The session is the value of an HttpOnly, SameSite=Lax cookie: scripts cannot read it,
and other sites' forms do not carry it along. Nothing is kept on the server, so a restart signs
nobody out; a session ends when its time is over.
"""

from http.cookies import SimpleCookie

from callstats.access.tokens import Grant, Tokens
from callstats.clock import Clock

COOKIE = "callstats_session"
SESSION_SECONDS = 7 * 86_400
"""Too short signs people out in the middle of an investigation; too long leaves shared machines
signed in."""
INVITATION_SECONDS = 3_600
"""Too short and the link printed at the start is dead before it is clicked; too long and it
lives on in the terminal's history."""


class Sessions:
    """Makes and checks invitations and session cookies for people who may see everything."""

    def __init__(self, key: bytes, *, clock: Clock | None = None) -> None:
        self._invitations = Tokens(key, clock=clock, purpose="invitation")
        self._sessions = Tokens(key, clock=clock, purpose="session")

    def invite(self, *, seconds: float = INVITATION_SECONDS) -> str:
        """Return the secret part of a link that signs in whoever opens it."""
        return self._invitations.issue("admin", seconds=seconds)

    def accept(self, invitation: str) -> str:
        """Exchange an invitation for a session; raises TokenExpired or TokenInvalid."""
        self._invitations.check(invitation)
        return self.begin()

    def begin(self, *, seconds: float = SESSION_SECONDS) -> str:
        """Return a new session: the value of the cookie."""
        return self._sessions.issue("admin", seconds=seconds)

    def check(self, session: str) -> Grant:
        """Return what the session allows; raises TokenExpired or TokenInvalid."""
        return self._sessions.check(session)


def set_cookie(session: str, *, is_secure: bool, seconds: int = SESSION_SECONDS) -> str:
    """Return the Set-Cookie header that signs in; an empty session signs out."""
    cookie: SimpleCookie = SimpleCookie({COOKIE: session})
    morsel = cookie[COOKIE]
    morsel["path"] = "/"
    morsel["httponly"] = True
    morsel["samesite"] = "Lax"
    morsel["secure"] = is_secure
    morsel["max-age"] = seconds if session else 0
    return morsel.OutputString()
