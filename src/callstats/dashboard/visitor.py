"""Who is looking? The bearer of a session cookie, or of an API token in its place.

A link from the terminal carries an invitation, which becomes a session. Who was given an API
token that may read can paste that instead; then the token itself is what the cookie holds, so
it allows what it allowed and ends when it ended.
"""

from msgspec import Struct
from starlette.requests import Request

from callstats.access import COOKIE, Grant, Sessions, TokenInvalid, Tokens, set_cookie
from callstats.clock import Clock


class Door(Struct, frozen=True, kw_only=True):
    """Lets people in and knows them again."""

    sessions: Sessions
    tokens: Tokens
    clock: Clock

    def visitor(self, request: Request) -> Grant:
        """Return what the visitor may see; raises TokenExpired, TokenInvalid or WrongScope."""
        credential = request.cookies.get(COOKIE, "")
        try:
            grant = self.sessions.check(credential)
        except TokenInvalid:
            grant = self.tokens.check(credential)
        grant.require("read")
        return grant

    def admit(self, credential: str, *, is_secure: bool) -> str:
        """Return the Set-Cookie header for an invitation or an API token that may read.

        Raises TokenExpired, TokenInvalid or WrongScope.
        """
        try:
            return set_cookie(self.sessions.accept(credential), is_secure=is_secure)
        except TokenInvalid:
            grant = self.tokens.check(credential)
        grant.require("read")
        remaining = max(int(grant.expires_at - self.clock.now()), 1)
        return set_cookie(credential, is_secure=is_secure, seconds=remaining)
