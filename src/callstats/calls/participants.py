"""Who was in a call, from when to when, and with what figures?"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from callstats import quality
from callstats.calls.connections import Observation
from callstats.calls.evidence import Evidence, Row
from callstats.calls.keys import Person, person_of
from callstats.calls.model import Figures
from callstats.calls.streams import Observed
from callstats.quality import tidy

SILENCE = timedelta(seconds=30)
"""How long nobody may be heard before a participant counts as gone, and a call as over. Lower:
reports every 30 s look like leaving; higher: calls whose clients crashed stay live."""


class Attendance(Struct, frozen=True, kw_only=True):
    """One participant's presence and own words."""

    person: Person
    joined_at: datetime
    left_at: datetime | None
    """When it said that it leaves, unless it was heard of again."""
    heard_at: datetime
    agent: str | None
    reports: int
    events: Mapping[str, int]
    dropped: Mapping[str, int]
    dropped_at: float | None
    skew: float | None
    damaged: int
    gaps: Sequence[tuple[float, float]]

    def is_present(self, now: datetime) -> bool:
        """Whether the participant is in the call at this moment."""
        return self.left_at is None and now - self.heard_at < SILENCE


def attend(evidence: Evidence) -> list[Attendance]:
    """Return who was there, in the order of joining."""
    counts = _grouped(evidence.event_counts)
    reports = _grouped(evidence.report_counts)
    happenings = _grouped(evidence.happenings)
    clients = {person_of(row): row for row in evidence.clients}
    gaps = _grouped(evidence.report_gaps)
    people = [
        _attendance(
            person,
            counts[person],
            reports[person],
            happenings=happenings[person],
            client=clients.get(person),
            gaps=[(row["start"], row["end"]) for row in gaps[person]],
        )
        for person in {**counts, **reports}
    ]
    return sorted(people, key=lambda attendance: (attendance.joined_at, attendance.person))


def _grouped(rows: Iterable[Row]) -> dict[Person, list[Row]]:
    found: dict[Person, list[Row]] = defaultdict(list)
    for row in rows:
        found[person_of(row)].append(row)
    return found


def _attendance(
    person: Person,
    counts: Sequence[Row],
    reports: Sequence[Row],
    *,
    happenings: Sequence[Row],
    client: Row | None,
    gaps: Sequence[tuple[float, float]],
) -> Attendance:
    heard = [*counts, *reports]
    drops = [row for row in happenings if row["type"] == "dropped"]
    return Attendance(
        person=person,
        joined_at=min(_of_type(counts, "joined") or heard, key=_first)["first_at"],
        left_at=_left_at(counts, reports),
        heard_at=max(row["last_at"] for row in heard),
        agent=_agent(happenings) or (client["agent"] if client else None) or None,
        reports=sum(row["reports"] for row in reports),
        events=_count_events(counts),
        dropped=_sum_drops(drops),
        dropped_at=drops[0]["at"].timestamp() if drops else None,
        skew=client["skew"] if client else None,
        damaged=sum(row["damaged"] for row in reports),
        gaps=gaps,
    )


def _first(row: Row) -> Any:
    return row["first_at"]


def _of_type(counts: Iterable[Row], name: str) -> list[Row]:
    return [row for row in counts if row["type"] == name]


def _left_at(counts: Sequence[Row], reports: Sequence[Row]) -> datetime | None:
    """Return when the participant left for good: it neither joined nor reported after that."""
    left = max((row["last_at"] for row in _of_type(counts, "left")), default=None)
    if left is None:
        return None
    signs = [row["last_at"] for row in [*_of_type(counts, "joined"), *reports]]
    is_back = any(sign > left for sign in signs)
    return None if is_back else left


def _agent(happenings: Iterable[Row]) -> str | None:
    for row in happenings:
        if row["type"] == "joined" and row["data"]:
            agent = _object(row["data"]).get("agent")
            if isinstance(agent, str):
                return agent
    return None


def _object(data: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


def _count_events(counts: Iterable[Row]) -> dict[str, int]:
    named: Counter[str] = Counter()
    for row in counts:
        if row["type"] in ("event", "error"):
            named[row["name"]] += row["count"]
    return dict(named)


def _sum_drops(drops: Iterable[Row]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for row in drops:
        for reason, number in _object(row["data"]).items():
            if isinstance(number, int):
                total[reason] += number
    return dict(total)


def measure(
    streams: Sequence[Observed],
    connections: Sequence[Observation],
    transports: Sequence[Row] = (),
) -> Figures:
    """Return the figures of one participant over all its streams.

    Libraries that do not count the bytes of received streams count those of transports.
    """
    inbound = [stream for stream in streams if stream.is_inbound]
    outbound = [stream for stream in streams if not stream.is_inbound]
    videos = [stream for stream in inbound if stream.kind == "video"]
    audios = [stream for stream in inbound if stream.kind == "audio"]
    return Figures(
        sent_bitrate=tidy(_bitrate(outbound)),
        received_bitrate=tidy(_bitrate(inbound) or _bitrate_of(transports)),
        loss=tidy(_loss(inbound)),
        rtt=tidy(quality.mean((connection.rtt, 1.0) for connection in connections)),
        jitter=_mean(audios or inbound, lambda stream: stream.means.jitter),
        fps=_mean(videos, lambda stream: stream.means.fps),
        freezes=_total([stream.total["freezes"] for stream in videos]),
        mos=_mean(audios, lambda stream: stream.mos.value if stream.mos else None),
    )


def _mean(streams: Iterable[Observed], figure: Callable[[Observed], float | None]) -> float | None:
    return tidy(quality.mean((figure(stream), stream.means.seconds) for stream in streams))


def _bitrate(streams: Sequence[Observed]) -> float | None:
    """Return all bits of all streams over the time in which there was any."""
    known = [i for stream in streams for i in stream.intervals if i.bytes is not None]
    if not known:
        return None
    seconds = max(i.end for i in known) - min(i.start for i in known)
    return 8 * sum(i.bytes or 0 for i in known) / seconds if seconds > 0 else None


def _bitrate_of(transports: Sequence[Row]) -> float | None:
    """Return what transports received, packet headers and RTCP included."""
    if not transports:
        return None
    milliseconds = max(row["last"] for row in transports) - min(row["first"] for row in transports)
    received = sum(row["bytes"] for row in transports)
    return float(8000 * received / milliseconds) if milliseconds > 0 else None


def _loss(streams: Sequence[Observed]) -> float | None:
    known = [(s.lost, s.expected) for s in streams if s.lost is not None and s.expected]
    expected = sum(expected or 0 for _, expected in known)
    return sum(lost for lost, _ in known) / expected if expected else None


def _total(numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
