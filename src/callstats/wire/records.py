"""What does a client say happened? One frozen record for each thing it can say.

Every source (our batch, the old service's REST, rtcstats, dump files) becomes these records, and
behind them nobody knows where a record came from. On the wire a record is one JSON object: its
``type`` names the class, members are camelCase, times are milliseconds since 1970-01-01 UTC by
the client's clock. ``client`` (batch header) and ``seq`` together are the record's identity: the
sender may repeat a record as often as it likes, it counts once.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

MAX_NAME = 512
"""Longest conference, user, device, connection or event name, in characters."""

NOTHING = Raw()
"""No data. Left out of the JSON, which an empty value of the caller's own would break."""

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
Text = Annotated[str, Meta(max_length=65_536)]
Rating = Annotated[int, Meta(ge=1, le=5)]


class Record(
    Struct, frozen=True, kw_only=True, rename="camel", tag_field="type", omit_defaults=True
):
    """What every record has: who says it, when, and in which conference.

    ``conference`` is None only for what belongs to no conference, such as a log line before
    joining.
    """

    seq: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    at_ms: Annotated[float, Meta(ge=0, le=8.64e15)] = msgspec.field(name="at")
    user: Name
    device: Name
    conference: Name | None = None


class Joined(Record, tag="joined", frozen=True, kw_only=True):
    """The user entered the conference on this device."""

    agent: Text | None = None
    """Software that reports, as a user-agent string."""
    platform: dict[str, str] = msgspec.field(default_factory=dict)
    """Facts of the endpoint by name, such as ``os`` and ``python``."""
    data: Raw = NOTHING
    """Whatever else the source said, as in every record that has it."""


class Left(Record, tag="left", frozen=True, kw_only=True):
    """The user left the conference on this device."""

    data: Raw = NOTHING


class Alive(Record, tag="alive", frozen=True, kw_only=True):
    """The user is still there, with nothing else to say; counts for presence and is not kept."""


class Event(Record, tag="event", frozen=True, kw_only=True):
    """Something named happened, on one connection or to the participant as a whole.

    W3C event names are kept for what a peer connection emits (``connectionstatechange``, …);
    ``data`` is any JSON value, or empty where there is none.
    """

    name: Name
    connection: Name | None = None
    remote: Name | None = None
    data: Raw = NOTHING


class Error(Record, tag="error", frozen=True, kw_only=True):
    """A call of the WebRTC API failed, or the application says that something did."""

    name: Name
    """The failing function (``createOffer``, ``getUserMedia``, …) or a name of the caller's."""
    message: Text = ""
    connection: Name | None = None
    remote: Name | None = None
    data: Raw = NOTHING


class Log(Record, tag="log", frozen=True, kw_only=True):
    """A line of the application's own log; never judged as a failure."""

    message: Text
    level: Annotated[str, Meta(max_length=32)] = "info"
    data: Raw = NOTHING


class Feedback(Record, tag="feedback", frozen=True, kw_only=True):
    """What the user thought of the call: ratings from 1 (bad) to 5 (excellent)."""

    overall: Rating | None = None
    audio: Rating | None = None
    video: Rating | None = None
    comment: Text | None = None
    data: Raw = NOTHING


class Report(Record, tag="report", frozen=True, kw_only=True):
    """One getStats result of one connection at one moment.

    ``stats`` is the array of W3C webrtc-stats objects, kept as the bytes that came.
    """

    connection: Name
    remote: Name | None = None
    stats: Raw


class Dropped(Record, tag="dropped", frozen=True, kw_only=True):
    """The client could not keep everything: how many records it dropped, by reason."""

    counts: dict[str, int]
    connection: Name | None = None


WithData = Joined | Left | Event | Error | Log | Feedback
"""Records with room for what their source said beyond the members above: any JSON value."""
AnyRecord = Joined | Left | Alive | Event | Error | Log | Feedback | Report | Dropped
