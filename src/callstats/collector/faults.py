"""How does an error look on our routes? ``{"error": {"code", "message", "found", "allowed"}}``.

``code`` is for programs and never changes; the rest is for people. What was found is described,
never quoted at length: no secret, no address, no payload.
"""

import logging
import traceback

import msgspec
from msgspec import Struct
from starlette.responses import Response

from callstats import access, calls, store
from callstats.collector.errors import Damaged, Fault, Refusal, TooLarge
from callstats.errors import BadInput, Unavailable

logger = logging.getLogger(__name__)

RETRY_AFTER = 2.0
"""Seconds after which a client may try again when nobody knows better."""


class Body(Struct, frozen=True):
    """The body of every answer that is an error."""

    error: Fault


_encoder = msgspec.json.Encoder()

CODES: tuple[tuple[type[Exception], int, str], ...] = (
    (access.TokenExpired, 401, "token_expired"),
    (access.TokenInvalid, 401, "token_invalid"),
    (access.UnknownApp, 401, "unknown_app"),
    (access.WrongSecret, 401, "wrong_secret"),
    (access.ProofExpired, 401, "proof_expired"),
    (access.ProofInvalid, 401, "proof_invalid"),
    (access.OriginRefused, 403, "origin_refused"),
    (access.WrongScope, 403, "wrong_scope"),
    (calls.UnknownCall, 404, "unknown_call"),
    (TooLarge, 413, "body_too_large"),
    (Damaged, 400, "bad_encoding"),
    (store.QueryRefused, 400, "query_refused"),
    (BadInput, 400, "bad_input"),
    (Unavailable, 503, "unavailable"),
)
"""Which error becomes which status and code; the first that fits counts."""


def encode(fault: Fault) -> bytes:
    """Return the body that tells the fault."""
    return _encoder.encode(Body(fault))


def encode_for(path: bytes, fault: Fault) -> bytes:
    """Return the body that tells the fault to who asked for this path."""
    if not path.startswith(b"/v1/apps/"):
        return encode(fault)
    # Clients of the old service know this form only.
    found = f": found {fault.found}, allowed {fault.allowed}" if fault.found else ""
    return _encoder.encode({"status": "error", "msg": fault.message + found})


def too_large(found: str, allowed: int) -> Fault:
    """Return what is said about a body that is too large, before or after inflation."""
    return Fault(
        code="body_too_large",
        message="the body of the request is too large",
        found=found,
        allowed=f"{allowed} bytes after inflation",
    )


def response(error: Exception) -> Response:
    """Return the answer that tells an error; an unexpected one is logged and told as 500."""
    refusal = _refusal(error)
    return Response(
        encode(refusal.fault),
        status_code=refusal.status,
        media_type="application/json",
        headers=refusal.headers,
    )


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    for kind, status, code in CODES:
        if isinstance(error, kind):
            return Refusal(status, _fault(error, code), headers=_headers(error, status))
    log_unexpected(error)
    return Refusal(500, Fault(code="internal", message="the server failed; its log says where"))


def _fault(error: Exception, code: str) -> Fault:
    if isinstance(error, TooLarge):
        return too_large(f"more than {error.allowed} bytes", error.allowed)
    if isinstance(error, BadInput):
        return Fault(
            code=code, message=f"{error.what} is wrong", found=error.found, allowed=error.allowed
        )
    return Fault(
        code=code,
        message=str(error),
        found=getattr(error, "found", None),
        allowed=getattr(error, "allowed", None),
    )


def _headers(error: Exception, status: int) -> dict[str, str]:
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, Unavailable):
        return {"Retry-After": f"{max(1, round(error.retry_after or RETRY_AFTER))}"}
    return {}


def log_unexpected(error: BaseException) -> None:
    """Log where an unexpected error came from: its text may quote a payload, so it is left out."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-6:]))
    logger.error("unexpected %s at %s", type(error).__name__, places or "an unknown place")
