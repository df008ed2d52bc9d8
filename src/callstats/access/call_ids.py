"""How is a call named? By 26 characters that sort by time and prove where they come from.

128 bits: 48 bits of milliseconds since 1970, 40 bits of randomness, and 40 bits that only the
holder of the server key can compute from the app, the time and the randomness. So any collector
recognises a call id without looking it up, and a restart invalidates none. Written in Crockford's
base 32 (digits and letters without i, l, o, u) in lower case.
"""

import hashlib
import hmac

LENGTH = 26
RANDOM_BYTES = 5
_CHECK_BYTES = 5
_TIME_BYTES = 6
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}


def issue(key: bytes, app_id: int, at: float, randomness: bytes) -> str:
    """Name a call of an app that begins at ``at``; ``randomness`` is 5 random bytes."""
    if len(randomness) != RANDOM_BYTES:
        raise ValueError(f"found {len(randomness)} bytes of randomness, allowed {RANDOM_BYTES}")
    body = int(at * 1000).to_bytes(_TIME_BYTES, "big") + randomness
    return _spell(body + _check(key, app_id, body))


def is_well_formed(call_id: str) -> bool:
    """Tell whether this could be a call id, without knowing the app or the key."""
    return len(call_id) == LENGTH and call_id[0] in "01234567" and set(call_id) <= set(_ALPHABET)


def is_genuine(key: bytes, app_id: int, call_id: str) -> bool:
    """Tell whether this server issued this call id for this app."""
    if not is_well_formed(call_id):
        return False
    whole = _read(call_id)
    body, check = whole[:-_CHECK_BYTES], whole[-_CHECK_BYTES:]
    return hmac.compare_digest(check, _check(key, app_id, body))


def issued_at(call_id: str) -> float:
    """Return the time in a well-formed call id: seconds since 1970-01-01 UTC."""
    return int.from_bytes(_read(call_id)[:_TIME_BYTES], "big") / 1000


def _check(key: bytes, app_id: int, body: bytes) -> bytes:
    message = b"call id" + app_id.to_bytes(8, "big") + body
    return hmac.digest(key, message, hashlib.sha256)[:_CHECK_BYTES]


def _spell(whole: bytes) -> str:
    number = int.from_bytes(whole, "big")
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def _read(call_id: str) -> bytes:
    number = 0
    for letter in call_id:
        number = number << 5 | _VALUES[letter]
    return number.to_bytes(16, "big")
