"""Which key does this server sign with? One, made at the first start and kept in its store."""

import hashlib
import hmac
import secrets
import time

from callstats.store import Store

_NAME = "server key"
_BYTES = 32


def server_key(store: Store) -> bytes:
    """Return the 32 bytes that tokens, sessions and call ids of this store are signed with.

    The first caller makes them. What is used is what the store says afterwards, so that two
    that start at the same moment agree.
    """
    found = _stored(store)
    if found is None:
        store.append("settings", [(_NAME, secrets.token_hex(_BYTES), time.time_ns())])
        found = _stored(store)
    if found is None:
        raise AssertionError("a setting just written is not there")
    return found


def derived(key: bytes, purpose: str) -> bytes:
    """Return a key for one purpose, so that what is signed for one is worthless for another."""
    return hmac.digest(key, purpose.encode(), hashlib.sha256)


def _stored(store: Store) -> bytes | None:
    rows = store.rows("setting", name=_NAME)
    return bytes.fromhex(rows[0]["value"]) if rows else None
