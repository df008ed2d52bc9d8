"""How is a body read? Whole, inflated, and never larger than allowed, whatever it claims to be."""

import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from callstats.collector.errors import Damaged, Disconnected, TooLarge

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

ENCODINGS = ("identity", "gzip", "deflate")
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_RAW_DEFLATE = -zlib.MAX_WBITS


async def read(receive: Receive, limit: int) -> bytes:
    """Return the body as it was sent; raises Disconnected or TooLarge."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        whole: bytes = message.get("body", b"")
        _check(whole, limit)
        return whole
    parts = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise Disconnected
        parts += message.get("body", b"")
        _check(parts, limit)
        if not message.get("more_body"):
            return bytes(parts)
        message = await receive()


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo a Content-Encoding of ``ENCODINGS``; raises TooLarge or Damaged.

    No more than ``limit`` + 1 bytes are ever made, so a bomb costs no more than an honest body.
    """
    if encoding in ("", "identity"):
        _check(body, limit)
        return body
    try:
        return _inflate(body, _GZIP_OR_ZLIB, limit)
    except zlib.error as error:
        if encoding == "gzip":
            raise Damaged(f"the body is no gzip: {error}") from None
    # RFC 9110 section 8.4.1.2: "deflate" is zlib, but some send it without the zlib wrapper.
    try:
        return _inflate(body, _RAW_DEFLATE, limit)
    except zlib.error as error:
        raise Damaged(f"the body is no deflate: {error}") from None


def _inflate(body: bytes, window: int, limit: int) -> bytes:
    stream = zlib.decompressobj(window)
    whole = stream.decompress(body, limit + 1)
    _check(whole, limit)
    if not stream.eof:
        raise Damaged("the compressed body ends too early")
    if stream.unused_data:
        raise Damaged("the compressed body goes on after its end")
    return whole


def _check(body: bytes | bytearray, limit: int) -> None:
    if len(body) > limit:
        raise TooLarge(limit)
