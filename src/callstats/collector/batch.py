"""``POST /v1/batch``: the door of our own clients.

A plain ASGI application, because every report of every participant comes through here:
authenticate → read → inflate → ``Intake.take`` → answer.
"""

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from callstats import wire
from callstats.access import Grant
from callstats.collector import body, faults
from callstats.collector.errors import Disconnected, Fault, Refusal
from callstats.collector.gate import Gate
from callstats.collector.intake import Intake, Outcome
from callstats.collector.operations import Operation

CONTENT_TYPES = (wire.batch.CONTENT_TYPE, "application/json")
"""The second is for senders that cannot choose; the body is the same."""

_encoder = msgspec.json.Encoder()


class BatchDoor:
    """The endpoint, with what it needs to answer."""

    def __init__(self, gate: Gate, intake: Intake, *, limit: int) -> None:
        self._gate = gate
        self._intake = intake
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a client that went away gets no answer."""
        try:
            response = await self._answer(Headers(scope=scope), receive)
        except Disconnected:
            return
        except Exception as error:
            response = faults.response(error)
        await response(scope, receive, send)

    async def _answer(self, headers: Headers, receive: Receive) -> Response:
        grant = self._gate.admit(headers, "send")
        app_id = _app_of(grant)
        encoding = _checked_encoding(headers)
        sent = await body.read(receive, self._limit)
        return _response(await self._intake.take(app_id, body.inflate(sent, encoding, self._limit)))


def batch_operation(door: BatchDoor) -> Operation:
    """Return the line of the API's table for this endpoint."""
    return Operation(
        name="send_batch",
        summary="Send records; answered once they are stored.",
        method="POST",
        path="/v1/batch",
        answer=door,
        is_application=True,
        is_for_pages=True,
        scope="send",
        takes=wire.batch.CONTENT_TYPE,
        gives=wire.batch.Answer,
    )


def _app_of(grant: Grant) -> int:
    if grant.app_id is None:
        fault = Fault(
            code="wrong_scope",
            message="the token names no app to send for",
            found="a token for every app",
            allowed="a token for one app",
        )
        raise Refusal(403, fault)
    return grant.app_id


def _checked_encoding(headers: Headers) -> str:
    """Return the Content-Encoding, after a look at what both headers say the body is."""
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in CONTENT_TYPES:
        raise _unsupported("Content-Type", content_type, CONTENT_TYPES)
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in body.ENCODINGS:
        raise _unsupported("Content-Encoding", encoding, body.ENCODINGS)
    return encoding


def _unsupported(header: str, found: str, allowed: tuple[str, ...]) -> Refusal:
    fault = Fault(
        code="unsupported_media_type",
        message=f"{header} is not supported",
        found=found[:80] or "none",
        allowed=", ".join(allowed),
    )
    return Refusal(415, fault)


def _response(outcome: Outcome) -> Response:
    headers = {}
    if outcome.retry_after is not None:
        headers["Retry-After"] = f"{max(1, round(outcome.retry_after))}"
    return Response(
        _encoder.encode(outcome.answer),
        status_code=200 if outcome.retry_after is None else 503,
        media_type="application/json",
        headers=headers,
    )
