"""How do our own clients send records? As lines of JSON in one ``POST /v1/batch``.

The first line is the header, every further line one record::

    {"type":"batch","version":1,"client":"c9f2…","sentAt":1795389606495.2,"agent":"…"}
    {"type":"event","seq":7,"at":1795389606001.0,"user":"alice","device":"d1", …}

``client`` names one life of one sender: it is made anew whenever ``seq`` starts again from 1.
The answer names the highest sequence number that is stored and lists what was refused, each with
its line, so that one bad record costs that record only. Body: UTF-8, optionally gzip or deflate.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from callstats.errors import BadInput
from callstats.wire.records import NOTHING, AnyRecord, Text, WithData

CONTENT_TYPE = "application/x-ndjson"
MAX_BODY = 1_048_576
"""Largest body in bytes, counted after inflation."""
MAX_LINE = 524_288
"""Largest single record in bytes."""


class Header(Struct, frozen=True, rename="camel", tag_field="type", tag="batch", kw_only=True):
    """The first line: who sends, and what time it is there."""

    version: Literal[1] = 1
    client: Annotated[str, Meta(min_length=8, max_length=64, pattern="^[A-Za-z0-9_-]+$")]
    sent_at_ms: Annotated[float, Meta(ge=0, le=8.64e15)] = msgspec.field(name="sentAt")
    agent: Text = ""


class Refusal(Struct, frozen=True, rename="camel"):
    """One line that was not taken, and why. ``seq`` is None where none could be read."""

    line: int
    seq: int | None
    reason: str
    found: str
    allowed: str


class Answer(Struct, frozen=True, rename="camel", kw_only=True):
    """What became of a batch.

    ``stored`` is the highest sequence number of this client that is on disk, 0 for none;
    ``calls`` tells the call id for each conference of the batch.
    """

    stored: int
    refused: Sequence[Refusal] = ()
    calls: dict[str, str] = {}
    error: str | None = None


class Line(Struct, frozen=True):
    """One record with the line it stood in (the header is line 1) and the bytes that came."""

    number: int
    record: AnyRecord


_header = msgspec.json.Decoder(Header)
_record: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)
_encoder = msgspec.json.Encoder()


class _Seq(Struct):
    seq: int | None = None


def decode(body: bytes) -> tuple[Header, list[Line], list[Refusal]]:
    """Read a batch: its header, the records that can be read, and the lines that cannot.

    Raises BadInput where the header cannot be read: then nothing of the batch is known.
    """
    first, *lines = body.split(b"\n")
    header = _decode_header(first)
    taken: list[Line] = []
    refused: list[Refusal] = []
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        outcome = _decode_line(number, line)
        if isinstance(outcome, Line):
            taken.append(outcome)
        else:
            refused.append(outcome)
    return header, taken, refused


def _decode_header(line: bytes) -> Header:
    try:
        return _header.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(
            "first line of a batch", found=_shown(error), allowed="a batch header of version 1"
        ) from None


def _decode_line(number: int, line: bytes) -> Line | Refusal:
    if len(line) > MAX_LINE:
        return Refusal(
            number, _seq_of(line), "too large", f"{len(line)} bytes", f"{MAX_LINE} bytes a record"
        )
    if not is_text(line):
        return Refusal(number, None, "no text", "bytes that are no UTF-8", "UTF-8")
    try:
        return Line(number, _record.decode(line))
    except msgspec.ValidationError as error:
        return Refusal(number, _seq_of(line), "wrong form", _shown(error), "a record of version 1")
    except msgspec.DecodeError as error:
        return Refusal(number, None, "no JSON", _shown(error), "one JSON object a line")


def is_text(line: bytes) -> bool:
    """Say whether the bytes are UTF-8 (what the decoder skips, it does not check)."""
    try:
        return line.isascii() or bool(line.decode())
    except UnicodeDecodeError:
        return False


def _seq_of(line: bytes) -> int | None:
    try:
        return msgspec.json.decode(line, type=_Seq).seq
    except msgspec.DecodeError:
        return None


def _shown(error: Exception) -> str:
    return str(error)[:200]


def encode(header: Header, records: Iterable[bytes]) -> bytes:
    """Join a header and records that ``encode_record`` made into one body."""
    return b"\n".join([_encoder.encode(header), *records])


def encode_record(record: AnyRecord) -> bytes:
    """Return one record as one line of JSON, without the line feed."""
    if isinstance(record, WithData) and not bytes(record.data):
        record = msgspec.structs.replace(record, data=NOTHING)
    return _encoder.encode(record)


def raw(value: object) -> Raw:
    """Return any JSON value as the raw member of a record; raises TypeError if it is none."""
    return Raw(_encoder.encode(value))


def split(lines: Sequence[bytes], *, limit: int) -> Iterator[Sequence[bytes]]:
    """Cut encoded records into runs of at most ``limit`` bytes, one record at least."""
    start = size = 0
    for index, line in enumerate(lines):
        if index > start and size + len(line) + 1 > limit:
            yield lines[start:index]
            start, size = index, 0
        size += len(line) + 1
    if start < len(lines):
        yield lines[start:]
