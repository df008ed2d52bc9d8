"""Whose signatures does an app accept besides its secret's? Those of public keys it uploaded.

An application that keeps its private key on its own server signs a token for each user, and no
page ever sees a secret. Keys are P-256 (ES256, RFC 7518 section 3.4), given as PEM or as JWK; a
key's id is a hash of it, which the tokens name.
"""

import hashlib
import time
from collections.abc import Sequence

import jwt
import msgspec
from msgspec import Struct

from callstats.errors import BadInput
from callstats.store import Store

_ALLOWED = "a public P-256 key as PEM or JWK"
_ID_CHARACTERS = 16


class PublicKey(Struct, frozen=True):
    """One key: its id, and the key as PEM."""

    key_id: str
    pem: str


class PublicKeys:
    """The public keys of the apps of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, app_id: int, text: str) -> PublicKey:
        """Keep a key for an app; raises BadInput. The same key again changes nothing."""
        pem = _read(text)
        key = PublicKey(hashlib.sha256(pem.encode()).hexdigest()[:_ID_CHARACTERS], pem)
        self._keep(app_id, key.key_id, key.pem)
        return key

    def list(self, app_id: int) -> Sequence[PublicKey]:
        """Return the keys of an app."""
        rows = self._store.rows("public_keys", prefix=_name(app_id, ""))
        return [PublicKey(row["name"].rpartition(" ")[2], row["value"]) for row in rows]

    def remove(self, app_id: int, key_id: str) -> None:
        """Forget a key; raises BadInput where the app has none of this id."""
        if key_id not in {key.key_id for key in self.list(app_id)}:
            raise BadInput("key", found=key_id[:80], allowed="the id of a key of this app")
        self._keep(app_id, key_id, "")

    def _keep(self, app_id: int, key_id: str, pem: str) -> None:
        self._store.append("settings", [(_name(app_id, key_id), pem, time.time_ns())])


def _name(app_id: int, key_id: str) -> str:
    return f"public key {app_id} {key_id}"


def _read(text: str) -> str:
    """Return a key as PEM of the one form that equal keys share; raises BadInput."""
    # The package is heavy and has native code: only who uses keys loads it.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        if text.lstrip().startswith("{"):
            key = jwt.PyJWK(msgspec.json.decode(text, type=dict[str, str])).key
        else:
            key = serialization.load_pem_public_key(text.encode())
    except (ValueError, jwt.PyJWTError, msgspec.DecodeError):
        raise BadInput("key", found="something else", allowed=_ALLOWED) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise BadInput("key", found="another kind of key", allowed=_ALLOWED)
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
