"""What can be said of each connection? Its states, its set-up, its candidates, its issues."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from callstats import quality
from callstats.calls import streams, words
from callstats.calls.evidence import Evidence, Row
from callstats.calls.keys import Place, place_of
from callstats.calls.model import Connection, Setup, StateChange
from callstats.calls.streams import Observed
from callstats.quality import setup, tidy
from callstats.quality.setup import State

KINDS = {
    "connectionstatechange": "connection",
    "iceconnectionstatechange": "ice_connection",
    "icegatheringstatechange": "ice_gathering",
    "signalingstatechange": "signaling",
}
"""By event name: which state changed."""
ENDINGS = frozenset({"watchend"})


class _Said(Struct):
    state: str | None = None


class Observation(Struct, frozen=True, kw_only=True):
    """One connection with everything that was seen of it."""

    place: Place
    remote: str | None
    states: Mapping[str, Sequence[State]]
    closed_at: float | None
    """When this end closed it, or stopped watching it."""
    known_until: float
    streams: Sequence[Observed]
    path: "Path"
    candidates_rtt: float | None
    """The nominated pair's latest round trip."""

    @property
    def rtt(self) -> float | None:
        """The mean round trip: the streams', else the latest of the nominated pair."""
        mean = quality.mean((stream.means.rtt, stream.means.seconds) for stream in self.streams)
        return self.candidates_rtt if mean is None else mean

    @property
    def far(self) -> str:
        """The other end as said in a sentence."""
        return self.remote or "the other end"


class Path(Struct, frozen=True):
    """The nominated way: types of its two candidates, and the protocol."""

    local: str | None = None
    remote: str | None = None
    protocol: str | None = None


def observe(evidence: Evidence, observed: Iterable[Observed]) -> list[Observation]:
    """Return every connection of the call, in the order of participant and connection."""
    by_place: dict[Place, list[Observed]] = defaultdict(list)
    for stream in observed:
        by_place[stream.key.place].append(stream)
    facts = _grouped(evidence.facts)
    events = _grouped(row for row in evidence.happenings if row["connection"])
    counts = {place_of(row): row for row in evidence.report_counts}
    return [
        _observation(
            place, counts.get(place), events[place], facts=facts[place], streams=by_place[place]
        )
        for place in sorted({*counts, *events})
    ]


def _grouped(rows: Iterable[Row]) -> dict[Place, list[Row]]:
    found: dict[Place, list[Row]] = defaultdict(list)
    for row in rows:
        found[place_of(row)].append(row)
    return found


def _observation(
    place: Place,
    count: Row | None,
    events: Sequence[Row],
    *,
    facts: Sequence[Row],
    streams: Sequence[Observed],
) -> Observation:
    remotes = [row["remote"] for row in ([count] if count else []) + list(events) if row["remote"]]
    moments = [row["at"].timestamp() for row in events]
    pair = _nominated_pair(facts)
    return Observation(
        place=place,
        remote=remotes[0] if remotes else None,
        states=_states(events),
        closed_at=_closed_at(events),
        known_until=max([*moments, count["last_at"].timestamp()] if count else moments),
        streams=streams,
        path=_path(pair, facts),
        candidates_rtt=pair["current_round_trip_time"] if pair else None,
    )


def _states(events: Iterable[Row]) -> dict[str, list[State]]:
    found: dict[str, list[State]] = {kind: [] for kind in KINDS.values()}
    for row in events:
        kind = KINDS.get(row["name"]) if row["type"] == "event" else None
        state = _state(row["data"]) if kind else None
        if kind and state:
            found[kind].append(State(row["at"].timestamp(), state))
    return found


def _state(data: str) -> str | None:
    try:
        return msgspec.json.decode(data, type=_Said).state
    except msgspec.DecodeError:
        return None


def _closed_at(events: Iterable[Row]) -> float | None:
    closings = (
        row["at"].timestamp()
        for row in events
        if row["name"] in ENDINGS or (row["name"] in KINDS and _state(row["data"]) == "closed")
    )
    return min(closings, default=None)


def _nominated_pair(facts: Sequence[Row]) -> Row | None:
    pairs = {row["id"]: row for row in facts if row["type"] == "candidate-pair"}
    for row in facts:
        chosen = row["selected_candidate_pair_id"]
        if row["type"] == "transport" and chosen in pairs:
            return pairs[chosen]
    nominated = [row for row in pairs.values() if row["nominated"]]
    return max(nominated, key=lambda row: float(row["timestamp"]), default=None)


def _path(pair: Row | None, facts: Iterable[Row]) -> Path:
    if pair is None:
        return Path()
    by_id = {(row["type"], row["id"]): row for row in facts}
    local = by_id.get(("local-candidate", pair["local_candidate_id"]))
    remote = by_id.get(("remote-candidate", pair["remote_candidate_id"]))
    return Path(
        local=local["candidate_type"] if local else None,
        remote=remote["candidate_type"] if remote else None,
        protocol=(local["relay_protocol"] or local["protocol"]) if local else None,
    )


def conclude(connection: Observation) -> Connection:
    """Return the connection as everyone shows it."""
    durations = setup.durations(connection.states)
    return Connection(
        id=connection.place.connection,
        remote=connection.remote,
        states={
            kind: [StateChange(at=moment(at), state=state) for at, state in changes]
            for kind, changes in connection.states.items()
        },
        setup=Setup(
            ice_gathering=_rounded(durations.ice_gathering),
            ice_connecting=_rounded(durations.ice_connecting),
            connected=_rounded(durations.connected),
        ),
        local_candidate=connection.path.local,
        remote_candidate=connection.path.remote,
        protocol=connection.path.protocol,
        rtt=tidy(connection.rtt),
        verdict=_verdict(connection),
        streams=[streams.conclude(stream) for stream in connection.streams],
    )


def _rounded(seconds: float | None) -> float | None:
    """Return a duration in whole milliseconds, as exact as its two moments are."""
    return None if seconds is None else round(seconds, 3)


def _verdict(connection: Observation) -> quality.Verdict:
    worst: dict[quality.verdict.Measure, float | None] = {"rtt": connection.rtt}
    for stream in connection.streams:
        for name, value in stream.measures.items():
            worst[name] = _worse(name, worst.get(name), value)
    return words.verdict(worst)


def _worse(name: quality.verdict.Measure, one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    pick = min if quality.verdict.BOUNDS[name].is_higher_better else max
    return pick(known) if known else None


def moment(at: float) -> datetime:
    """Return epoch seconds as a moment."""
    return datetime.fromtimestamp(round(at, 3), UTC)
