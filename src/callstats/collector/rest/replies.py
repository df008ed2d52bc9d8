"""How did the old service answer? ``{"status": "success"}``, ``{"status": "error", "msg": …}``.

Its clients look at little else: one at the status 401, one at the sentence ``Token has expired``,
one parses every body as JSON. So every answer is JSON, and the sentence is that one.
"""

from collections.abc import Mapping

import msgspec
from starlette.types import Receive, Scope, Send

from callstats import access
from callstats.collector import cors
from callstats.collector.errors import Damaged, Refusal, RestRefusal, TooLarge
from callstats.collector.faults import RETRY_AFTER, log_unexpected
from callstats.errors import BadInput, Unavailable
from callstats.wire import callstats_rest

_encoder = msgspec.json.Encoder()


class Reply:
    """A whole answer that a page of any origin may read."""

    __slots__ = ("_body", "_headers", "_status")

    def __init__(
        self, status: int, value: object, *, headers: Mapping[bytes, bytes] | None = None
    ) -> None:
        self._status = status
        self._body = _encoder.encode(value)
        self._headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(self._body)),
            *cors.HEADERS,
            *(headers or {}).items(),
        ]

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        """Send it."""
        status, headers = self._status, self._headers
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})


DONE = Reply(200, {"status": "success", "msg": "ok"})
INVALID_TOKEN = "Invalid client token"  # noqa: S105 - a sentence
"""What the old service said of a token that is none of its own."""


def joined(call_id: str) -> Reply:
    """Tell the id of the call that somebody joined."""
    return Reply(200, {"status": "success", "ucID": call_id, "msg": "ok"})


def refusal(error: Exception) -> Reply:
    """Return the answer that tells an error; an unexpected one is logged and told as 500."""
    status, message = _told(error)
    headers = {}
    if isinstance(error, Unavailable):
        headers[b"retry-after"] = b"%d" % max(1, round(error.retry_after or RETRY_AFTER))
    return Reply(status, {"status": "error", "msg": message}, headers=headers)


def _told(error: Exception) -> tuple[int, str]:
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return status, str(error)
    if isinstance(error, RestRefusal | Refusal):
        return error.status, str(error)
    if isinstance(error, access.TokenInvalid | access.WrongScope):
        return 401, INVALID_TOKEN
    log_unexpected(error)
    return 500, "the server failed; its log says where"


STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (access.TokenExpired, 401),
    (TooLarge, 413),
    (Damaged, 400),
    (callstats_rest.NotJson, 400),
    (BadInput, 422),
    (Unavailable, 503),
)
"""Which error becomes which status; its own words are told."""


def require_method(scope: Scope, *allowed: str) -> None:
    """Raise RestRefusal unless the request uses one of these methods."""
    if scope["method"] not in allowed:
        found = scope["method"][:20]
        raise RestRefusal(405, f"method: found {found}, allowed {', '.join(allowed)}")
