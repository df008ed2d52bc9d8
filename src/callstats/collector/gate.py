"""Who is asking? A bearer token, or the session cookie of somebody who signed in."""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from callstats.access import COOKIE, Grant, Scope, Sessions, TokenExpired, Tokens
from callstats.clock import Clock
from callstats.collector.errors import Fault, Refusal

CAPACITY = 100_000
"""Tokens remembered as genuine. Fewer costs a signature check (about 30 µs) more often."""


class Gate:
    """Turns what a request carries into a grant."""

    def __init__(self, tokens: Tokens, sessions: Sessions, *, clock: Clock) -> None:
        self._tokens = tokens
        self._sessions = sessions
        self._clock = clock
        self._known: dict[str, Grant] = {}

    def admit(self, headers: Mapping[str, str], scope: Scope) -> Grant:
        """Return the grant of a request that may do this.

        Raises TokenExpired, TokenInvalid, WrongScope, or Refusal where it carries nothing.
        """
        authorization = headers.get("authorization")
        session = _session(headers.get("cookie"))
        if authorization is not None:
            grant = self.bearer(authorization)
        elif session is not None:
            grant = self._sessions.check(session)
        else:
            raise unsigned("no Authorization header")
        grant.require(scope)
        return grant

    def bearer(self, authorization: str) -> Grant:
        """Return what the token of an Authorization header allows."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer":
            raise unsigned("another kind of Authorization")
        grant = self._known.get(token)
        if grant is None:
            grant = self._tokens.check(token)
            self._remember(token, grant)
        elif grant.expires_at <= self._clock.now():
            del self._known[token]
            raise TokenExpired
        return grant

    def _remember(self, token: str, grant: Grant) -> None:
        if len(self._known) >= CAPACITY:
            del self._known[next(iter(self._known))]
        self._known[token] = grant


def unsigned(found: str) -> Refusal:
    """Return the refusal of a request that carries no token."""
    fault = Fault(
        code="token_missing",
        message="the request carries no token",
        found=found,
        allowed="Authorization: Bearer and a token",
    )
    return Refusal(401, fault, headers={"WWW-Authenticate": "Bearer"})


def _session(cookies: str | None) -> str | None:
    if cookies is None or COOKIE not in cookies:
        return None
    try:
        morsel = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None
