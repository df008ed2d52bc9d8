"""What is a call, as everyone shows it? The read model behind page, API and command line.

Units: seconds, bits per second, packets; loss and shares from 0 to 1; MOS from 1 to 4.5 (ITU-T
G.107 Annex B). Moments are UTC. What is not known is None. The JSON form is
``msgspec.json.encode`` of ``Call``; ``version`` grows when the meaning of a member changes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from callstats.quality import Score, Verdict

VERSION = 1

Direction = Literal["inbound", "outbound"]
State = Literal["live", "ended"]


class Figures(Struct, frozen=True, kw_only=True):
    """What the table in the terminal and the head of the page show of one participant."""

    sent_bitrate: float | None = None
    received_bitrate: float | None = None
    loss: float | None = None
    """Share of the packets towards this participant that did not arrive."""
    rtt: float | None = None
    jitter: float | None = None
    fps: float | None = None
    """Mean frames per second of the videos received."""
    freezes: int | None = None
    mos: float | None = None
    """Mean audio MOS of what this participant hears."""


class StateChange(Struct, frozen=True, kw_only=True):
    """One state a connection entered, and when."""

    at: datetime
    state: str


class Setup(Struct, frozen=True, kw_only=True):
    """How long parts of the set-up took, from the first sign of the connection."""

    ice_gathering: float | None = None
    ice_connecting: float | None = None
    connected: float | None = None


class Stream(Struct, frozen=True, kw_only=True):
    """One SSRC in one direction, concluded over the whole call.

    Figures of an outbound stream's loss, rtt and jitter are those the receiver reported back
    (remote-inbound-rtp); of an inbound stream they are measured here.
    """

    id: str
    ssrc: int | None
    kind: str | None
    direction: Direction
    codec: str | None = None
    peer: str | None = None
    """The user at the other end, where known: the connection's remote or, behind a server, whose
    stream has this SSRC."""
    packets: int | None = None
    """Packets received (inbound) or sent (outbound)."""
    lost: int | None = None
    loss: float | None = None
    rtt: float | None = None
    jitter: float | None = None
    bitrate: float | None = None
    fps: float | None = None
    width: int | None = None
    height: int | None = None
    freezes: int | None = None
    freeze_duration: float | None = None
    concealed: float | None = None
    """Share of the audio samples played out that were made up (without the silent ones)."""
    mos: Score | None = None
    """Audio: E-model; None for video."""
    video: Score | None = None
    """Video: our own score from frame rate, freezes, resolution and bitrate; None for audio."""
    verdict: Verdict | None = None
    duration: float | None = None
    """Seconds for which intervals of this stream are known."""


class Connection(Struct, frozen=True, kw_only=True):
    """One peer connection towards a remote (the old service's fabric)."""

    id: str
    remote: str | None
    states: Mapping[str, Sequence[StateChange]]
    """By kind: ``connection``, ``ice_connection``, ``ice_gathering``, ``signaling``."""
    setup: Setup
    local_candidate: str | None = None
    """Type of the nominated local candidate: host, srflx, prflx or relay."""
    remote_candidate: str | None = None
    protocol: str | None = None
    rtt: float | None = None
    verdict: Verdict
    streams: Sequence[Stream]


class Participant(Struct, frozen=True, kw_only=True):
    """One user on one device in this call."""

    user: str
    device: str
    joined_at: datetime | None
    left_at: datetime | None
    agent: str | None
    reports: int
    events: Mapping[str, int]
    """How often each event was reported, by name; errors count under their name."""
    dropped: Mapping[str, int]
    """Records the client could not keep, by reason."""
    heard_at: datetime | None
    """When the participant was last heard of."""
    skew: float | None
    """Seconds that the client's clock is ahead of ours."""
    figures: Figures
    verdict: Verdict
    connections: Sequence[Connection]


class Issue(Struct, frozen=True, kw_only=True):
    """Something that went wrong: when, for whom, on which leg, and what shows it.

    ``closed_at`` is None when it lasted to the end of what is known. ``stream`` is None where
    several streams of the connection had it at the same time.
    """

    name: str
    opened_at: datetime
    closed_at: datetime | None
    severity: Literal["warning", "severe"]
    user: str
    device: str
    connection: str | None = None
    remote: str | None = None
    stream: str | None = None
    kind: str | None = None
    sentence: str
    evidence: Mapping[str, float | str | None]


class Feedback(Struct, frozen=True, kw_only=True):
    """What a user thought of the call: 1 (bad) to 5 (excellent)."""

    at: datetime
    user: str
    device: str
    overall: int | None
    audio: int | None
    video: int | None
    comment: str | None


class Head(Struct, frozen=True, kw_only=True):
    """The call itself."""

    id: str
    conference: str
    app_id: int
    started_at: datetime
    ended_at: datetime | None
    state: State
    verdict: Verdict
    records: int = 0
    """How many records of any type this was concluded from."""


class Call(Struct, frozen=True, kw_only=True):
    """One call, whole: what ``callstats show --json`` and ``/api/v1/calls/{id}`` print."""

    version: int = VERSION
    call: Head
    participants: Sequence[Participant]
    issues: Sequence[Issue]
    feedback: Sequence[Feedback]
    logs: int


class Listed(Struct, frozen=True, kw_only=True):
    """One row of the list of calls."""

    id: str
    conference: str
    app_id: int
    started_at: datetime
    ended_at: datetime | None
    state: State
    participants: int
    verdict: Verdict
    issues: int


class Happening(Struct, frozen=True, kw_only=True):
    """One line of the timeline: a record of any type but a report or an unasked log line."""

    at: datetime
    type: str
    name: str
    user: str
    device: str
    connection: str | None = None
    remote: str | None = None
    data: Any = None


class Series(Struct, frozen=True, kw_only=True):
    """One stream over time: parallel lists, None where nothing is known (a gap in the chart).

    ``times`` are seconds since 1970-01-01 UTC, each the end of its interval.
    """

    user: str
    device: str
    connection: str
    remote: str | None
    stream: str
    ssrc: int | None
    kind: str | None
    direction: Direction
    times: Sequence[float]
    bitrate: Sequence[float | None]
    loss: Sequence[float | None]
    rtt: Sequence[float | None]
    jitter: Sequence[float | None]
    fps: Sequence[float | None]
    mos: Sequence[float | None]
    """Audio: the E-model's MOS; video: None."""
    video: Sequence[float | None] = ()
    """Video: our own score; audio: None."""
