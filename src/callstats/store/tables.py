"""Which tables are there, and what is one row of each?

Times: ``at`` is when it happened by our clock (the client's clock, corrected by its skew),
``client_at`` the same by the client's clock, ``received_at`` when it arrived. Text is '' where
there is none, except in ``samples``, whose members are NULL where the client did not say.

Records are (``app_id``, ``client``, ``seq``): a record that was sent twice is there twice until
the engine merges, so every question counts by that identity.
"""

import types
import typing

import msgspec

from callstats.store.schema import PACKING, Column, Table
from callstats.wire import Sample

MOMENT = "DateTime64(3, 'UTC')"
WORD = "LowCardinality(String)"
"""Text of few values."""

_RISING = "CODEC(Delta, ZSTD(3))"
"""For counters and moments. Measured on real reports: 12.7 bytes a sample; with ZSTD(1) 16.5 at the
same speed, with DoubleDelta and Gorilla 19.6, with LZ4 22.6."""
_PAYLOAD = (
    "CODEC(ZSTD(1)) SETTINGS (min_compress_block_size = 1048576, max_compress_block_size = 4194304)"
)
"""Reports of one connection lie side by side and differ little; a block of 4 MB holds hundreds.
Measured: 3.8 % of the raw JSON; in blocks of the usual size or with ZSTD(3) 4.3 %, with ZSTD(9)
3.0 % for three times the work at every merge."""


def _moment(name: str) -> Column:
    return Column(name, MOMENT, _RISING)


_IDENTITY = (Column("client", "String"), Column("seq", "UInt64", _RISING))
_PLACE = (
    Column("user", "String"),
    Column("device", "String"),
    Column("connection", "String"),
    Column("remote", "String"),
)

EVENTS = Table(
    "events",
    [
        Column("app_id", "UInt64"),
        Column("call", "String"),
        _moment("at"),
        _moment("client_at"),
        _moment("received_at"),
        Column("conference", "String"),
        *_PLACE,
        Column("type", WORD),
        Column("name", WORD),
        Column("data", "String"),
        *_IDENTITY,
    ],
    order=["app_id", "call", "at", "client", "seq"],
    partition="toDate(at)",
)


def _sample_column(field: msgspec.structs.FieldInfo) -> Column:
    """Return the column for one member of a stats object."""
    if field.name == "type":
        return Column("type", WORD)
    if field.required:
        return Column(field.name, {str: "String", float: "Float64"}[_plain(field.type)])
    name, packing = {
        bool: ("Bool", PACKING),
        int: ("Int64", _RISING),
        float: ("Float64", PACKING),
        str: ("String", PACKING),
    }[_plain(field.type)]
    return Column(field.name, f"Nullable({name})", packing)


def _plain(kind: object) -> type:
    """Return the type of a member without its bounds and without None."""
    if typing.get_origin(kind) is typing.Annotated:
        return _plain(typing.get_args(kind)[0])
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        (rest,) = (part for part in typing.get_args(kind) if part is not types.NoneType)
        return _plain(rest)
    return typing.cast("type", kind)


SAMPLES = Table(
    "samples",
    [
        Column("app_id", "UInt64"),
        Column("call", "String"),
        _moment("at"),
        _moment("received_at"),
        *_PLACE,
        *_IDENTITY,
        *(_sample_column(field) for field in msgspec.structs.fields(Sample)),
    ],
    order=[
        *("app_id", "call", "user", "device", "connection"),
        *("type", "id", "timestamp", "client", "seq"),
    ],
    partition="toDate(at)",
)

REPORTS = Table(
    "reports",
    [
        Column("app_id", "UInt64"),
        Column("call", "String"),
        _moment("at"),
        _moment("client_at"),
        _moment("received_at"),
        *_PLACE,
        *_IDENTITY,
        Column("payload", "String", _PAYLOAD),
        Column("samples", "UInt32"),
        Column("damaged", "UInt32"),
    ],
    order=["app_id", "call", "user", "device", "connection", "at", "client", "seq"],
    partition="toDate(at)",
)

CLIENTS = Table(
    "clients",
    [
        Column("app_id", "UInt64"),
        Column("client", "String"),
        Column("highest_seq", "UInt64"),
        _moment("at"),
        _moment("sent_at"),
        Column("skew", "Float64"),
        Column("agent", "String"),
        Column("user", "String"),
        Column("device", "String"),
    ],
    order=["app_id", "client"],
    latest_by="highest_seq",
)
"""The journal of what was acknowledged: written last, after the rows it vouches for."""

_VERDICT = (Column("verdict", WORD), Column("sentence", "String"))
_VERSION = Column("version", "UInt64")
_MONTH = "toYYYYMM(started_at)"


def _unknown(*names: str, type: str = "Float64") -> list[Column]:  # noqa: A002 - the column's word
    return [Column(name, f"Nullable({type})") for name in names]


CALLS = Table(
    "calls",
    [
        Column("app_id", "UInt64"),
        Column("id", "String"),
        Column("conference", "String"),
        _moment("started_at"),
        Column("ended_at", f"Nullable({MOMENT})"),
        Column("state", WORD),
        Column("participants", "UInt32"),
        Column("issues", "UInt32"),
        *_VERDICT,
        Column("document", "String"),
        _VERSION,
    ],
    order=["app_id", "id"],
    partition=_MONTH,
    latest_by="version",
)
"""``version`` grows with every judging. The tables below hold rows of older judgings too: only
those with the version of their call count."""

_JUDGED = (Column("app_id", "UInt64"), Column("call", "String"), _moment("started_at"))

PARTICIPANTS = Table(
    "participants",
    [
        *_JUDGED,
        Column("user", "String"),
        Column("device", "String"),
        *_unknown("joined_at", "left_at", type=MOMENT),
        Column("agent", "String"),
        Column("reports", "UInt32"),
        *_unknown("skew", "sent_bitrate", "received_bitrate", "loss", "rtt", "jitter", "fps"),
        *_unknown("freezes", type="Int64"),
        *_unknown("mos"),
        *_VERDICT,
        _VERSION,
    ],
    order=["app_id", "call", "user", "device"],
    partition=_MONTH,
    latest_by="version",
)

STREAMS = Table(
    "streams",
    [
        *_JUDGED,
        *_PLACE,
        Column("direction", WORD),
        Column("id", "String"),
        *_unknown("ssrc", type="Int64"),
        Column("kind", WORD),
        Column("codec", WORD),
        *_unknown("packets", "lost", type="Int64"),
        *_unknown("loss", "rtt", "jitter", "bitrate", "fps"),
        *_unknown("width", "height", "freezes", type="Int64"),
        *_unknown("freeze_duration", "concealed", "mos", "video", "duration"),
        *_VERDICT,
        _VERSION,
    ],
    order=["app_id", "call", "user", "device", "connection", "direction", "id"],
    partition=_MONTH,
    latest_by="version",
)

ISSUES = Table(
    "issues",
    [
        *_JUDGED,
        Column("name", WORD),
        _moment("opened_at"),
        *_unknown("closed_at", type=MOMENT),
        Column("severity", WORD),
        *_PLACE,
        Column("stream", "String"),
        Column("kind", WORD),
        Column("sentence", "String"),
        Column("evidence", "String"),
        _VERSION,
    ],
    order=["app_id", "call", "user", "device", "connection", "stream", "name", "opened_at"],
    partition=_MONTH,
    latest_by="version",
)

FEEDBACK = Table(
    "feedback",
    [
        *_JUDGED,
        _moment("at"),
        Column("user", "String"),
        Column("device", "String"),
        *_unknown("overall", "audio", "video", type="UInt8"),
        Column("comment", "String"),
        _VERSION,
    ],
    order=["app_id", "call", "user", "device", "at"],
    partition=_MONTH,
    latest_by="version",
)

APPS = Table(
    "apps",
    [
        Column("app_id", "UInt64"),
        Column("name", "String"),
        Column("secret", "String"),
        Column("previous_secret", "String"),
        Column("origins", "Array(String)"),
        _moment("created_at"),
        _VERSION,
    ],
    order=["app_id"],
    latest_by="version",
)

SETTINGS = Table(
    "settings",
    [Column("name", "String"), Column("value", "String"), _VERSION],
    order=["name"],
    latest_by="version",
)

MIGRATIONS = Table(
    "migrations",
    [Column("version", "UInt32"), _moment("at")],
    order=["version"],
)

ALL = (
    *(EVENTS, SAMPLES, REPORTS, CLIENTS, CALLS, PARTICIPANTS, STREAMS, ISSUES, FEEDBACK),
    *(APPS, SETTINGS, MIGRATIONS),
)
BY_NAME = {table.name: table for table in ALL}

SECRET = frozenset({APPS.name, SETTINGS.name})
"""Tables that hold secrets: closed to users' own SQL."""
