"""How are slow and oversized requests cut off? By this subclass of uvicorn's HTTP protocol.

No server tested closes slow clients by itself. A connection here is always in one phase, and
each phase has a deadline and a size::

    idle ──first byte──▶ head ──blank line──▶ body ──last byte──▶ idle
                         10 s, 64 kB          30 s, 1 MB

Leaving a phase stops its timer. What breaks a limit is told so (408, 413, 431) as long as no
answer has begun, then the connection is *cut*: our side is closed, and what still comes is read
and thrown away for two seconds, because closing a socket with unread bytes makes the kernel reset
it and the answer would be lost on its way. A WebSocket leaves this protocol with its upgrade.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Literal

from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from callstats.collector.errors import Fault
from callstats.collector.faults import encode_for, too_large

Phase = Literal["idle", "head", "body"]


class Limits(Struct, frozen=True, kw_only=True):
    """How slow and how large a request may be; seconds and bytes."""

    header_seconds: float = 10.0
    body_seconds: float = 30.0
    header_bytes: int = 65_536
    body_bytes: int = 1_048_576
    linger: float = 2.0
    """How long a cut connection is still read from; shorter loses answers on slow networks."""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's httptools protocol with deadlines and sizes; use ``protocol`` to set them."""

    limits = Limits()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._phase: Phase = "idle"
        self._begun = 0
        self._fed_bytes = 0
        self._head_bytes = 0
        self._body_bytes = 0
        self._is_cut = False

    # The phases

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for the first request."""
        super().connection_made(transport)
        self._expect(self.limits.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer with the connection."""
        self._expect(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what the parser is told, also when one endless field never reaches us."""
        if self._is_cut:
            return
        # Requests that may begin in this chunk for it to be head to its last byte.
        allowed = 1 if self._phase == "idle" else 0
        self._begun = 0
        super().data_received(data)
        if self._phase == "head" and self._begun <= allowed:
            self._fed_bytes += len(data)
            self._check_head(self._fed_bytes)

    def on_message_begin(self) -> None:
        """Enter the head."""
        if self._is_cut:
            return
        self._phase = "head"
        self._begun += 1
        self._fed_bytes = self._head_bytes = self._body_bytes = 0
        self._expect(self.limits.header_seconds)
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count the target, which may come in pieces."""
        if not self._is_cut:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field, or a trailer field after the body, within the size."""
        if self._is_cut:
            return
        self._head_bytes += len(name) + len(value)
        self._check_head(self._head_bytes)
        if not self._is_cut:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Enter the body, unless its head already says that it is too large."""
        self._head_bytes += len(self.url)
        self._check_head(self._head_bytes)
        self._check_body(self._announced_bytes())
        if self._is_cut:
            return
        self._phase = "body"
        self._head_bytes = 0
        self._expect(self.limits.body_seconds)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body within the size."""
        if self._is_cut:
            return
        self._body_bytes += len(body)
        self._check_body(self._body_bytes)
        if not self._is_cut:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Leave the body; the next request may take its time to begin."""
        if self._is_cut:
            return
        self._expect(None)
        self._phase = "idle"
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over; its deadlines are the WebSocket's own from here on."""
        if self._is_cut:
            return
        self._expect(None)
        super().handle_websocket_upgrade()

    # The limits

    def _expect(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._too_slow)

    def _announced_bytes(self) -> int:
        for name, value in self.headers:
            if name == b"content-length":
                return int(value)
        return 0

    def _check_head(self, size: int) -> None:
        allowed = self.limits.header_bytes
        if size > allowed:
            self._cut(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                Fault(
                    code="header_too_large",
                    message="the header of the request is too large",
                    found=f"more than {allowed} bytes",
                    allowed=f"{allowed} bytes",
                ),
            )

    def _check_body(self, size: int) -> None:
        allowed = self.limits.body_bytes
        if size > allowed:
            self._cut(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large(f"{size} bytes", allowed))

    def _too_slow(self) -> None:
        self._deadline = None
        is_body = self._phase == "body"
        allowed = self.limits.body_seconds if is_body else self.limits.header_seconds
        fault = Fault(
            code="too_slow",
            message=f"the {'body' if is_body else 'header'} of the request came too slowly",
            found=f"incomplete after {allowed:g} s",
            allowed=f"{allowed:g} s",
        )
        self._cut(HTTPStatus.REQUEST_TIMEOUT, fault)

    # The cut

    def _cut(self, status: HTTPStatus, fault: Fault) -> None:
        if self._is_cut or self.transport.is_closing():
            return
        self._is_cut = True
        self._expect(None)
        if not self._may_answer():
            self.transport.abort()
            return
        self._abandon_request()
        self.transport.write(_answer(status, encode_for(self.url, fault)))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._deadline = self.loop.call_later(self.limits.linger, self.transport.abort)

    def _may_answer(self) -> bool:
        """Tell whether bytes written now are read as the answer to the request that is cut."""
        if self._phase == "idle" or self.pipeline:
            return False
        cycle: Any = self.cycle  # declared by uvicorn as never None, which it is at first
        if self._phase == "head":
            return cycle is None or bool(cycle.response_complete)
        return not cycle.response_started

    def _abandon_request(self) -> None:
        """Tell the application that its client is gone, and drop what it still writes."""
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        self.flow.resume_reading()


def protocol(limits: Limits) -> type[LimitedProtocol]:
    """Return the protocol class with these limits, for uvicorn's ``http`` setting."""
    return type("LimitedProtocol", (LimitedProtocol,), {"limits": limits})


def _answer(status: HTTPStatus, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "content-type: application/json\r\n"
        "access-control-allow-origin: *\r\n"  # so that a page can tell 413 from no network
        f"content-length: {len(body)}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + body
