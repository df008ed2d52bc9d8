"""Is this user the one that the application says? Tokens (JWT) that applications sign themselves.

The clients of the old service sign with the app's secret (HS256) or have their server sign with a
private key (ES256) whose public half the app uploaded. Which claims they write varies:

- ``appID`` is a number or text; ``keyID`` may be ``keyId`` or missing, then every key is tried.
- ``exp`` and ``nbf`` may be missing. Where they are not, they hold, with a minute's tolerance.

The secret is ``<base64 key id>:<secret>`` and signs with what follows the colon, or it is an old
one without a colon and signs as a whole.
"""

import base64
import binascii
import hmac
from collections.abc import Iterator, Sequence
from typing import Annotated

import jwt
import msgspec
from msgspec import Meta, Struct

from callstats.access.apps import App
from callstats.access.errors import ProofExpired, ProofInvalid
from callstats.access.public_keys import PublicKey

LEEWAY = 60.0
"""Seconds that the clock of who signed may be off. Too low refuses honest servers; too high keeps
tokens alive."""
MAX_LENGTH = 8192

Moment = Annotated[float, Meta(ge=0, le=1e12)]


class _Head(Struct, rename="lower"):
    alg: str


class _Claims(Struct):
    """What is read of a token's claims, in the spellings that clients use."""

    user: str | None = msgspec.field(default=None, name="userID")
    app: int | str | None = msgspec.field(default=None, name="appID")
    key_id: str | None = msgspec.field(default=None, name="keyID")
    other_key_id: str | None = msgspec.field(default=None, name="keyId")
    exp: Moment | None = None
    nbf: Moment | None = None


def check_proof(
    code: str, *, user: str, app: App, public_keys: Sequence[PublicKey], now: float
) -> None:
    """Return if the token shows that this app knows this user.

    Raises ProofExpired, or ProofInvalid with the reason.
    """
    head, claims = _read(code)
    if head.alg == "HS256":
        is_signed = _is_signed_with_secret(code, claims, app)
    elif head.alg == "ES256":
        is_signed = _is_signed_with_key(code, claims, public_keys)
    else:
        raise ProofInvalid("the token is signed neither with HS256 nor with ES256")
    if not is_signed:
        raise ProofInvalid("the signature does not match")
    _check_claims(claims, user=user, app=app, now=now)


def _read(code: str) -> tuple[_Head, _Claims]:
    parts = code.split(".")
    if len(parts) != 3 or len(code) > MAX_LENGTH:
        raise ProofInvalid("the code is no token")
    try:
        head = msgspec.json.decode(_decoded(parts[0]), type=_Head)
        return head, msgspec.json.decode(_decoded(parts[1]), type=_Claims)
    except (ValueError, msgspec.DecodeError, RecursionError):
        raise ProofInvalid("the code is no token") from None


def _check_claims(claims: _Claims, *, user: str, app: App, now: float) -> None:
    if claims.app is None or str(claims.app) != str(app.app_id):
        raise ProofInvalid("the token is for another app")
    if claims.user != user:
        raise ProofInvalid("the token is for another user")
    if claims.exp is not None and claims.exp + LEEWAY <= now:
        raise ProofExpired
    if claims.nbf is not None and claims.nbf - LEEWAY > now:
        raise ProofInvalid("the token is not valid yet")


def _is_signed_with_secret(code: str, claims: _Claims, app: App) -> bool:
    signed, _, signature = code.rpartition(".")
    try:
        given = _decoded(signature)
    except ValueError:
        return False
    key_id = claims.key_id or claims.other_key_id
    return any(
        hmac.compare_digest(hmac.digest(key, signed.encode(), "sha256"), given)
        for key in _keys_of(app, key_id)
    )


def _keys_of(app: App, key_id: str | None) -> Iterator[bytes]:
    """Yield the keys in the app's secrets, only the one that the token names if it names one."""
    for secret in (app.secret, app.previous_secret):
        first, colon, rest = secret.partition(":")
        if not secret or (key_id and colon and _key_id(first) != key_id.lower()):
            continue
        yield (rest if colon else secret).encode()


def _key_id(first: str) -> str | None:
    try:
        return base64.b64decode(first).hex()
    except (binascii.Error, ValueError):
        return None


def _is_signed_with_key(code: str, claims: _Claims, public_keys: Sequence[PublicKey]) -> bool:
    named = claims.key_id or claims.other_key_id
    for key in public_keys:
        if named is None or key.key_id == named.lower():
            try:
                jwt.api_jws.decode(code, key.pem, algorithms=["ES256"])
            except jwt.PyJWTError:
                continue
            return True
    return False


def _decoded(part: str) -> bytes:
    """Undo base64url without padding; raises ValueError."""
    return base64.b64decode(f"{part}{'=' * (-len(part) % 4)}", altchars=b"-_", validate=True)
