"""What do the issues look at, and what do they find? Plain values; moments are epoch seconds."""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from callstats.quality.intervals import Interval
from callstats.quality.setup import States

Severity = Literal["warning", "severe"]


class StreamFacts(Struct, frozen=True, kw_only=True):
    """One stream of a connection, in windows of about ten seconds."""

    id: str
    kind: str | None
    direction: Literal["inbound", "outbound"]
    far: str
    """Who is at the other end, as said in a sentence."""
    windows: Sequence[Interval]
    intervals: Sequence[Interval] = ()
    """The same undiluted, gaps included: from report to report."""
    scores: Sequence[float | None] = ()
    """The audio MOS of each window; empty for video."""
    is_seen_by_receiver: bool = False
    """Whether the receiver of an outbound stream reports itself, so that issues show there."""


class ConnectionFacts(Struct, frozen=True, kw_only=True):
    """One connection, and what is known of the other end."""

    far: str
    states: States
    streams: Sequence[StreamFacts]
    far_streams: Sequence[StreamFacts] = ()
    """What other participants of the call sent this way."""
    is_direct: bool = False
    """Whether ``far_streams`` come straight from the other end of this very connection."""
    far_left_at: float | None = None
    """When the other end said that it leaves."""
    closed_at: float | None = None
    """When this end closed the connection or left."""
    known_until: float | None = None
    """When the connection was last heard of."""


class ParticipantFacts(Struct, frozen=True, kw_only=True):
    """What is known about a participant's own reporting."""

    dropped: Mapping[str, int]
    dropped_at: float | None = None
    damaged: int = 0
    damaged_at: float | None = None
    gaps: Sequence[tuple[float, float]] = ()
    """From when to when no report came, although before and after there were."""


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that went wrong; ``closed_at`` None when it lasted to the end of what is known."""

    name: str
    severity: Severity
    opened_at: float
    closed_at: float | None
    sentence: str
    evidence: Mapping[str, float | str | None]
    stream: str | None = None
    kind: str | None = None
