"""What would be stored of a call like this? Rows of made-up calls with known impairments.

A call is a list of people and a ``way`` that says for each sender, receiver and second of the call
what happens to packets. Counters follow from that, in the shapes that browsers report.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from callstats.store import Rows, Store
from callstats.wire import Sample

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC).timestamp()
CALL = "01jnbz7h0000000000000000000"[:26]
CONFERENCE = "standup"
SERVER = "sfu"

AUDIO_RATE, AUDIO_BYTES = 50.0, 80
VIDEO_FPS, VIDEO_RATE, VIDEO_BYTES = 25.0, 60.0, 1_000


@dataclass(frozen=True, kw_only=True)
class Way:
    """What happens on the way from one sender to one receiver."""

    loss: float = 0.0
    rtt: float = 0.04
    jitter: float = 0.004
    buffer: float = 0.05
    concealed: float | None = None
    """Share of the audio that is made up; None: what is lost."""
    fps: float = VIDEO_FPS
    frozen: float = 0.0
    is_sending: bool = True
    arrives: bool = True


GOOD = Way()
Ways = Callable[[str, str, float], Way]


def all_good(_sender: str, _receiver: str, _second: float) -> Way:
    """Return a way on which nothing happens."""
    return GOOD


@dataclass
class Counters:
    """One stream as its two ends count it."""

    ssrc: int
    kind: str
    sent: float = 0.0
    lost: float = 0.0
    frames: float = 0.0
    freezes: float = 0.0
    frozen: float = 0.0
    samples: float = 0.0
    concealed: float = 0.0
    emitted: float = 0.0
    waited: float = 0.0

    def advance(self, way: Way, seconds: float) -> None:
        """Let time pass."""
        if not way.is_sending:
            return
        packets = (AUDIO_RATE if self.kind == "audio" else VIDEO_RATE) * seconds
        self.sent += packets
        self.lost += packets * (way.loss if way.arrives else 1.0)
        self.frames += way.fps * seconds
        self.freezes += way.frozen * seconds
        self.frozen += way.frozen * seconds
        self.samples += 48_000 * seconds
        self.concealed += 48_000 * seconds * (way.loss if way.concealed is None else way.concealed)
        self.emitted += 48_000 * seconds
        self.waited += 48_000 * seconds * way.buffer

    @property
    def size(self) -> int:
        """Bytes of one packet."""
        return AUDIO_BYTES if self.kind == "audio" else VIDEO_BYTES


@dataclass
class Link:
    """One connection of a participant: streams it sends and receives, by the other's name."""

    user: str
    remote: str
    sent: dict[str, list[Counters]]
    received: dict[str, list[Counters]]

    @property
    def id(self) -> str:
        """The connection's id."""
        return f"{self.user}-{self.remote}"


@dataclass(kw_only=True)
class Call:
    """A call to be made up. ``is_mesh`` False: everybody has one connection to a server."""

    people: Sequence[str] = ("alice", "bob", "carol")
    seconds: float = 60.0
    interval: float = 5.0
    ways: Ways = all_good
    is_mesh: bool = True
    app_id: int = 1
    id: str = CALL
    conference: str = CONFERENCE
    start: float = START
    codec: str | None = "audio/opus"
    has_pairs: bool = True
    counts_bytes: bool = True
    """False: only the transport counts what is received, as in aiortc."""
    leaves: bool = True
    skew: float = 0.0
    setup: float = 0.4
    """Seconds until a connection is up."""
    links: list[Link] = field(init=False)

    def __post_init__(self) -> None:
        streams: dict[tuple[str, str], list[Counters]] = {}
        ends = [(a, b) for a in self.people for b in self.people if a != b]
        for number, (sender, receiver) in enumerate(ends):
            place = number if self.is_mesh else self.people.index(sender)
            streams[sender, receiver] = [
                Counters(1_000 + 2 * place, "audio"),
                Counters(1_001 + 2 * place, "video"),
            ]
        self.links = self._mesh(streams) if self.is_mesh else self._star(streams)
        self._seq = dict.fromkeys(self.people, 0)

    def _mesh(self, streams: dict[tuple[str, str], list[Counters]]) -> list[Link]:
        return [
            Link(a, b, {b: streams[a, b]}, {b: streams[b, a]})
            for a in self.people
            for b in self.people
            if a != b
        ]

    def _star(self, streams: dict[tuple[str, str], list[Counters]]) -> list[Link]:
        sent = {
            person: [
                Counters(1_000 + 2 * place, "audio"),
                Counters(1_001 + 2 * place, "video"),
            ]
            for place, person in enumerate(self.people)
        }
        return [
            Link(
                person,
                SERVER,
                {SERVER: sent[person]},
                {other: streams[other, person] for other in self.people if other != person},
            )
            for person in self.people
        ]

    def rows(self) -> Rows:
        """Return everything that the collector would store of this call."""
        rows = Rows()
        for person in self.people:
            self.event(rows, person, 0.0, "joined", data={"agent": "browser"})
        for link in self.links:
            self._set_up(rows, link)
        second = self.setup
        while second <= self.seconds:
            self._report(rows, second)
            second += self.interval
        for person in self.people if self.leaves else ():
            self.event(rows, person, self.seconds + 0.1, "left")
        for person in self.people:
            self._sign(rows, person)
        return rows

    def store_in(self, store: Store) -> "Call":
        """Store the call."""
        write(store, self.rows())
        return self

    def event(
        self,
        rows: Rows,
        person: str,
        second: float,
        type: str,  # noqa: A002 - the column's word
        name: str = "",
        *,
        data: object = None,
        link: Link | None = None,
    ) -> None:
        """Add one record that is no report."""
        at = self.start + second
        text = "" if data is None else msgspec.json.encode(data).decode()
        place = (link.id, link.remote) if link else ("", "")
        rows.add(
            "events",
            (
                *(self.app_id, self.id, at, at, at, self.conference),
                *(person, "laptop", *place, type, name, text),
                *self._identity(person),
            ),
        )

    def state(self, rows: Rows, link: Link, second: float, kind: str, state: str) -> None:
        """Add one change of state."""
        self.event(
            rows, link.user, second, "event", f"{kind}statechange", data={"state": state}, link=link
        )

    def link(self, user: str, remote: str) -> Link:
        """Return one connection."""
        return next(link for link in self.links if (link.user, link.remote) == (user, remote))

    def _identity(self, person: str) -> tuple[str, int]:
        self._seq[person] += 1
        return f"client-{self.id}-{person}", self._seq[person]

    def _set_up(self, rows: Rows, link: Link) -> None:
        self.state(rows, link, 0.0, "signaling", "stable")
        self.state(rows, link, 0.01, "signaling", "have-local-offer")
        self.state(rows, link, 0.02, "icegathering", "gathering")
        self.state(rows, link, 0.03, "iceconnection", "checking")
        self.state(rows, link, 0.12, "icegathering", "complete")
        self.state(rows, link, self.setup - 0.01, "iceconnection", "connected")
        self.state(rows, link, self.setup, "connection", "connected")

    def _sign(self, rows: Rows, person: str) -> None:
        client, at = f"client-{self.id}-{person}", self.start + self.seconds
        journal = (self.app_id, client, self._seq[person], at, at, self.skew)
        rows.add("clients", (*journal, "callstats/0.1", person, "laptop"))

    def _report(self, rows: Rows, second: float) -> None:
        is_first = second == self.setup
        for link in self.links:
            for counters, way in self._streams(link, second):
                if not is_first:
                    counters.advance(way, self.interval)
        for link in self.links:
            self._write_report(rows, link, second, is_first=is_first)

    def _streams(self, link: Link, second: float) -> Iterator[tuple[Counters, Way]]:
        """Yield what is counted on this link's side: received, and sent to a server."""
        for sender, streams in link.received.items():
            for counters in streams:
                yield counters, self.ways(sender, link.user, second)
        if not self.is_mesh:
            for counters in link.sent[SERVER]:
                yield counters, self.ways(link.user, SERVER, second)

    def _write_report(self, rows: Rows, link: Link, second: float, *, is_first: bool) -> None:
        at = self.start + second
        identity = (link.user, "laptop", link.id, link.remote, *self._identity(link.user))
        samples = list(self._samples(link, second, at, is_first=is_first))
        for sample in samples:
            rows.add(
                "samples",
                (self.app_id, self.id, at, at, *identity, *msgspec.structs.astuple(sample)),
            )
        payload = msgspec.json.encode([{"type": s.type, "id": s.id} for s in samples[:2]])
        rows.add(
            "reports",
            (self.app_id, self.id, at, at, at, *identity, payload.decode(), len(samples), 0),
        )

    def _samples(self, link: Link, second: float, at: float, *, is_first: bool) -> Iterator[Sample]:
        stamp = at * 1000
        if is_first:
            yield from _static(stamp, self.codec)
        if self.has_pairs:
            some = next(iter(link.received))
            yield Sample(
                "candidate-pair",
                "CP1",
                stamp,
                state="succeeded",
                nominated=True,
                local_candidate_id="L1",
                remote_candidate_id="R1",
                current_round_trip_time=self.ways(some, link.user, second).rtt,
            )
        for sender, streams in link.received.items():
            way = self.ways(sender, link.user, second)
            for counters in streams:
                yield self._counted(_inbound(counters, way, stamp))
        if not self.counts_bytes:
            received = sum(s.size * round(s.sent) for each in link.received.values() for s in each)
            yield Sample("transport", "T1", stamp, bytes_received=received)
        for receiver, streams in link.sent.items():
            way = self.ways(link.user, receiver, second)
            for counters in streams:
                yield _outbound(counters, way, stamp)
                yield _remote_inbound(counters, way, stamp)

    def _counted(self, sample: Sample) -> Sample:
        return sample if self.counts_bytes else replace(sample, bytes_received=None)


def _static(stamp: float, codec: str | None) -> Iterator[Sample]:
    if codec is not None:
        yield Sample("codec", "CA", stamp, mime_type=codec, clock_rate=48_000)
    yield Sample("codec", "CV", stamp, mime_type="video/VP8", clock_rate=90_000)
    yield Sample("local-candidate", "L1", stamp, candidate_type="host", protocol="udp")
    yield Sample("remote-candidate", "R1", stamp, candidate_type="srflx", protocol="udp")


def _codec_id(counters: Counters) -> str:
    return "CA" if counters.kind == "audio" else "CV"


def _inbound(counters: Counters, way: Way, stamp: float) -> Sample:
    received, lost = round(counters.sent - counters.lost), round(counters.lost)
    common: dict[str, Any] = {
        "ssrc": counters.ssrc,
        "kind": counters.kind,
        "codec_id": _codec_id(counters),
        "packets_received": received if way.arrives or received else 0,
        "packets_lost": lost if way.arrives else 0,
        "bytes_received": received * counters.size,
        "jitter": way.jitter,
        "jitter_buffer_delay": counters.waited,
        "jitter_buffer_emitted_count": round(counters.emitted),
    }
    name = f"I{counters.ssrc}"
    if counters.kind == "audio":
        return Sample(
            "inbound-rtp",
            name,
            stamp,
            **common,
            total_samples_received=round(counters.samples),
            concealed_samples=round(counters.concealed),
            silent_concealed_samples=0,
        )
    return Sample(
        "inbound-rtp",
        name,
        stamp,
        **common,
        frame_width=640,
        frame_height=360,
        frames_per_second=way.fps,
        frames_decoded=round(counters.frames),
        freeze_count=round(counters.freezes),
        total_freezes_duration=counters.frozen,
    )


def _outbound(counters: Counters, way: Way, stamp: float) -> Sample:
    sent = round(counters.sent)
    is_video = counters.kind == "video"
    return Sample(
        "outbound-rtp",
        f"O{counters.ssrc}",
        stamp,
        ssrc=counters.ssrc,
        kind=counters.kind,
        codec_id=_codec_id(counters),
        packets_sent=sent,
        bytes_sent=sent * counters.size,
        frame_width=640 if is_video else None,
        frame_height=360 if is_video else None,
        frames_encoded=round(counters.frames) if is_video else None,
        frames_per_second=way.fps if is_video else None,
    )


def _remote_inbound(counters: Counters, way: Way, stamp: float) -> Sample:
    return Sample(
        "remote-inbound-rtp",
        f"R{counters.ssrc}",
        stamp,
        ssrc=counters.ssrc,
        kind=counters.kind,
        local_id=f"O{counters.ssrc}",
        packets_lost=round(counters.lost),
        fraction_lost=way.loss,
        jitter=way.jitter,
        round_trip_time=way.rtt,
    )


def write(store: Store, rows: Rows) -> None:
    """Write rows as they are."""
    for table, records in rows.by_table.items():
        store.append(table, records)
