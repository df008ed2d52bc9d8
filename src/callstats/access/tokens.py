"""What may the bearer of this text do, and until when? Signed tokens (JWT, HS256)."""

import json
from collections.abc import Mapping
from typing import Any, Literal

import jwt
from msgspec import Struct

from callstats.access.errors import TokenExpired, TokenInvalid, WrongScope
from callstats.access.keys import derived
from callstats.clock import Clock, SystemClock

Scope = Literal["send", "read", "admin"]
"""``send`` records of one app; ``read`` the calls of one app, or of all; ``admin``: everything."""

_ALGORITHM = "HS256"
MAX_LENGTH = 4096
"""Longest token that is looked at, in characters; ours have about 200."""


class Grant(Struct, frozen=True, kw_only=True):
    """What a token allows: ``app_id`` None means every app."""

    app_id: int | None
    scopes: frozenset[str]
    expires_at: float
    user: str | None = None

    def allows(self, scope: Scope) -> bool:
        """Tell whether this grant covers the scope; ``admin`` covers every one."""
        return scope in self.scopes or "admin" in self.scopes

    def require(self, scope: Scope) -> None:
        """Raise WrongScope unless this grant covers the scope."""
        if not self.allows(scope):
            raise WrongScope(found=" ".join(sorted(self.scopes)), allowed=scope)


class Tokens:
    """Issues tokens and checks them; holds nothing but the key, so a restart invalidates none."""

    def __init__(self, key: bytes, *, clock: Clock | None = None, purpose: str = "token") -> None:
        self._key = derived(key, purpose)
        self._clock = clock or SystemClock()

    def issue(
        self,
        scope: Scope,
        app_id: int | None = None,
        *,
        seconds: float = 3600,
        user: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> str:
        """Return a token for one scope; ``send`` needs the app it is for.

        ``more`` are claims for the bearer's eyes, which allow nothing.
        """
        if scope == "send" and app_id is None:
            raise ValueError("a token to send needs an app")
        now = self._clock.now()
        own = {"scope": scope, "iat": int(now), "exp": now + seconds}
        claims: dict[str, Any] = {**(more or {}), **own}
        if app_id is not None:
            claims["app"] = app_id
        if user is not None:
            claims["sub"] = user
        return jwt.api_jws.encode(_written(claims), self._key, algorithm=_ALGORITHM)

    def check(self, token: str) -> Grant:
        """Return what the token allows; raises TokenExpired or TokenInvalid."""
        grant = _granted(self._claims(token))
        if grant.expires_at <= self._clock.now():
            raise TokenExpired
        return grant

    def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > MAX_LENGTH:
            raise TokenInvalid
        # The library would ask the machine's clock: times are checked here, against ours.
        try:
            return jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except jwt.InvalidTokenError:
            raise TokenInvalid from None


def _written(claims: dict[str, Any]) -> bytes:
    """Write claims so that their base64 has only letters and digits.

    The old service's library decodes them with ``atob``, which knows no ``-`` and no ``_``. Of
    ASCII only these three characters can become one of them, in the third of three places.
    """
    text = json.dumps(claims, separators=(",", ":"))
    for mark in ">?~":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text.encode()


def _granted(claims: dict[str, Any]) -> Grant:
    """Read claims that we wrote and signed ourselves."""
    return Grant(
        app_id=claims.get("app"),
        scopes=frozenset([claims["scope"]]),
        expires_at=claims["exp"],
        user=claims.get("sub"),
    )
