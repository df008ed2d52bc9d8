"""What can be said of each stream of a call? From counters and intervals to a concluded stream."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from msgspec import Struct

from callstats import quality
from callstats.calls import intervals, words
from callstats.calls.evidence import Evidence, Row
from callstats.calls.keys import Person, Place, StreamKey, place_of
from callstats.calls.model import Stream
from callstats.calls.words import Measures
from callstats.quality import Interval, Score, audio, tidy, video

_DIRECTIONS = {"inbound-rtp": "inbound", "outbound-rtp": "outbound"}


class Means(Struct, frozen=True):
    """Levels of one stream over all of its known time; ``seconds`` is how long that is."""

    seconds: float
    bitrate: float | None
    rtt: float | None
    jitter: float | None
    fps: float | None
    frozen: float | None


class Observed(Struct, frozen=True, kw_only=True):
    """One stream with everything that was measured of it."""

    key: StreamKey
    ssrc: int | None
    kind: str | None
    codec: str | None
    peer: Person | None
    """The participant at the other end, where known."""
    far: str
    """The other end as said in a sentence: a user, or what the connection calls its remote."""
    is_seen_by_receiver: bool
    """Whether the receiver of this outbound stream reports it as its own inbound stream."""
    total: Row
    heard: Row | None
    """What the far end said of an outbound stream (remote-inbound-rtp), in total."""
    intervals: Sequence[Interval]
    windows: Sequence[Interval]
    means: Means
    scores: Sequence[float | None]
    """The audio MOS of each window; empty for video."""
    mos: Score | None
    """The audio score; None for what is no audio."""
    video: Score | None
    """The video score; None for what is no video."""
    is_camera: bool
    """Whether it is a video with as many frames as a camera, so that few are a fault."""

    @property
    def person(self) -> Person:
        """The participant who has this stream."""
        return self.key.place.person

    @property
    def is_inbound(self) -> bool:
        """Whether the participant receives this stream."""
        return self.key.direction == "inbound"

    @property
    def lost(self) -> int | None:
        """How many packets were lost on the way to the receiver, over the whole call."""
        lost = self.total["lost"] if self.is_inbound else (self.heard or {}).get("lost")
        return None if lost is None else max(0, lost)

    @property
    def expected(self) -> int | None:
        """How many packets were sent to the receiver, as far as losses are known."""
        packets: int | None = self.total["packets"]
        if packets is None or self.lost is None:
            return None
        return packets + self.lost if self.is_inbound else packets

    @property
    def loss(self) -> float | None:
        """Share of the packets that did not arrive, over the whole call."""
        if self.lost is None or not self.expected:
            return None
        return min(1.0, self.lost / self.expected)

    @property
    def concealed(self) -> float | None:
        """Share of the audio played out that was made up, over the whole call."""
        concealed, samples = self.total["concealed"], self.total["samples"]
        if concealed is None or not samples:
            return None
        audible = concealed - (self.total["silent_concealed"] or 0)
        return max(0.0, min(1.0, float(audible / samples)))

    @property
    def measures(self) -> Measures:
        """What this stream is judged by: of what is sent, only what is lost on the way."""
        if not self.is_inbound:
            return {"loss": self.loss}
        return {
            "loss": self.loss,
            "jitter": self.means.jitter if self.kind == "audio" else None,
            "mos": self.mos.value if self.mos else None,
            "frozen": self.means.frozen if self.kind == "video" else None,
            "video": self.video.value if self.video and self.is_camera else None,
        }


def observe(evidence: Evidence, people: Iterable[Person]) -> list[Observed]:
    """Return every stream of the call, in the order of participant, connection and stream."""
    totals = _counters(evidence.totals)
    heard = {
        StreamKey(*place_of(row), "outbound", row["local_id"]): row
        for row in evidence.totals
        if row["type"] == "remote-inbound-rtp" and row["local_id"]
    }
    codecs = by_stream(evidence.codecs)
    measured = {stream.key: stream for stream in intervals.read(evidence.intervals)}
    peers = _Peers(totals, people)
    pair_less = _round_trips(measured.values())
    return [
        _observed(
            key,
            total,
            heard.get(key),
            codec=codecs.get(key),
            known=_with_round_trip(measured.get(key), pair_less.get(key.place)),
            peers=peers,
        )
        for key, total in totals.items()
    ]


def by_stream(codecs: Iterable[Row]) -> dict[StreamKey, str | None]:
    """Return each stream's codec as MIME type."""
    return {StreamKey(*place_of(row), row["direction"], row["id"]): row["codec"] for row in codecs}


def _counters(totals: Sequence[Row]) -> dict[StreamKey, Row]:
    return {
        StreamKey(*place_of(row), _DIRECTIONS[row["type"]], row["id"]): row
        for row in totals
        if row["type"] in _DIRECTIONS
    }


def _observed(
    key: StreamKey,
    total: Row,
    heard: Row | None,
    *,
    codec: str | None,
    known: Sequence[Interval],
    peers: "_Peers",
) -> Observed:
    windows = quality.windows(known)
    peer = peers.of(key, total)
    kind, name = total["kind"], audio.codec_name(codec)
    scores = audio.score_windows(windows, name) if kind == "audio" else []
    return Observed(
        key=key,
        ssrc=total["ssrc"],
        kind=kind,
        codec=codec,
        peer=peer,
        far=peer.user if peer else total["remote"] or "the other end",
        is_seen_by_receiver=key.direction == "outbound" and peers.is_received(key, total),
        total=total,
        heard=heard,
        intervals=known,
        windows=windows,
        means=_means(windows),
        scores=scores,
        mos=audio.conclude(windows, name, scores) if kind == "audio" else None,
        video=video.conclude(windows) if kind == "video" else None,
        is_camera=kind == "video" and video.is_camera(windows),
    )


def _means(windows: Sequence[Interval]) -> Means:
    """Return the levels over windows, of which every second is known."""
    return Means(
        seconds=sum(window.seconds for window in windows),
        bitrate=quality.mean_of(windows, attrgetter("bitrate")),
        rtt=quality.mean_of(windows, attrgetter("rtt")),
        jitter=quality.mean_of(windows, attrgetter("jitter")),
        fps=quality.mean_of(windows, attrgetter("fps")),
        frozen=quality.mean_of(windows, attrgetter("frozen")),
    )


def _round_trips(streams: Iterable[intervals.Measured]) -> dict[Place, float]:
    """Return each connection's mean round trip by RTCP, for streams that know none of their own."""
    known: dict[Place, list[Interval]] = defaultdict(list)
    for stream in streams:
        if stream.key.direction == "outbound":
            known[stream.key.place].extend(i for i in stream.intervals if i.rtt is not None)
    means = {place: quality.mean_of(found, lambda i: i.rtt) for place, found in known.items()}
    return {place: value for place, value in means.items() if value is not None}


def _with_round_trip(
    stream: intervals.Measured | None, round_trip: float | None
) -> Sequence[Interval]:
    """Return a stream's intervals, with the connection's round trip where it has none itself.

    Libraries without candidate pairs in their statistics know the round trip from RTCP about what
    they send only; it is the same way there and back for what they receive.
    """
    if stream is None:
        return []
    if round_trip is None or any(interval.rtt is not None for interval in stream.intervals):
        return stream.intervals
    return [_replace_rtt(interval, round_trip) for interval in stream.intervals]


def _replace_rtt(interval: Interval, rtt: float) -> Interval:
    members: dict[str, Any] = {name: getattr(interval, name) for name in interval.__struct_fields__}
    return Interval(**members | {"rtt": rtt})


class _Peers:
    """Who is at the other end of a stream? The connection's remote, or whose SSRC it is."""

    def __init__(self, totals: Mapping[StreamKey, Row], people: Iterable[Person]) -> None:
        self._people: dict[str, list[Person]] = defaultdict(list)
        for person in people:
            self._people[person.user].append(person)
        self._senders: dict[int, set[Person]] = defaultdict(set)
        self._receivers: dict[int, set[Person]] = defaultdict(set)
        for key, total in totals.items():
            ends = self._senders if key.direction == "outbound" else self._receivers
            if total["ssrc"] is not None:
                ends[total["ssrc"]].add(key.place.person)

    def of(self, key: StreamKey, total: Row) -> Person | None:
        """Return the participant at the other end, None where that is not known for sure."""
        own = key.place.person
        if key.direction == "inbound":
            senders = self._senders.get(total["ssrc"], set()) - {own}
            if len(senders) == 1:
                return next(iter(senders))
        named = self._people.get(total["remote"], [])
        if len(named) == 1 and named[0] != own:
            return named[0]
        receivers = self._receivers.get(total["ssrc"], set()) - {own}
        is_one_of_them = key.direction == "outbound" and bool(named) and len(receivers) == 1
        return next(iter(receivers)) if is_one_of_them else None

    def is_received(self, key: StreamKey, total: Row) -> bool:
        """Return whether the other end of a direct connection reports this stream itself."""
        receiver = self.of(key, total)
        return receiver is not None and receiver in self._receivers.get(total["ssrc"], set())


def conclude(stream: Observed) -> Stream:
    """Return the stream as everyone shows it."""
    means = stream.means
    return Stream(
        id=stream.key.id,
        ssrc=stream.ssrc,
        kind=stream.kind,
        direction="inbound" if stream.is_inbound else "outbound",
        codec=stream.codec,
        peer=stream.peer.user if stream.peer else None,
        packets=stream.total["packets"],
        lost=stream.lost,
        loss=tidy(stream.loss),
        rtt=tidy(means.rtt),
        jitter=tidy(means.jitter),
        bitrate=tidy(means.bitrate),
        fps=tidy(means.fps),
        width=stream.total["width"],
        height=stream.total["height"],
        freezes=stream.total["freezes"],
        freeze_duration=tidy(stream.total["freeze_duration"]),
        concealed=tidy(stream.concealed),
        mos=stream.mos,
        video=stream.video,
        verdict=words.verdict(stream.measures),
        duration=tidy(means.seconds) if stream.windows else None,
    )
