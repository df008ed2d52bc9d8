"""Who may send, read or administer? Apps with secrets and keys, tokens, sessions, call ids."""

from callstats.access import call_ids
from callstats.access.apps import App, Apps
from callstats.access.errors import (
    OriginRefused,
    ProofExpired,
    ProofInvalid,
    TokenExpired,
    TokenInvalid,
    UnknownApp,
    WrongScope,
    WrongSecret,
)
from callstats.access.keys import server_key
from callstats.access.origins import check_origin
from callstats.access.proofs import check_proof
from callstats.access.public_keys import PublicKey, PublicKeys
from callstats.access.sessions import COOKIE, Sessions, set_cookie
from callstats.access.tokens import Grant, Scope, Tokens

__all__ = [
    "COOKIE",
    "App",
    "Apps",
    "Grant",
    "OriginRefused",
    "ProofExpired",
    "ProofInvalid",
    "PublicKey",
    "PublicKeys",
    "Scope",
    "Sessions",
    "TokenExpired",
    "TokenInvalid",
    "Tokens",
    "UnknownApp",
    "WrongScope",
    "WrongSecret",
    "call_ids",
    "check_origin",
    "check_proof",
    "server_key",
    "set_cookie",
]
