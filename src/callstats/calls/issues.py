"""What went wrong in this call? Facts for the issues of ``quality``, and their findings as issues.

The same issue of several streams of one connection at the same time is one issue: a bad way in
makes every stream bad, and a support engineer wants to read that once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from callstats.calls.connections import Observation, moment
from callstats.calls.keys import Person
from callstats.calls.model import Issue
from callstats.calls.participants import Attendance
from callstats.calls.streams import Observed
from callstats.quality import issues, phrases, tidy
from callstats.quality.issues import ConnectionFacts, Finding, ParticipantFacts, StreamFacts


def find(people: Sequence[Attendance], connections: Sequence[Observation]) -> list[Issue]:
    """Return every issue of the call, in the order of time."""
    found = [issue for connection in connections for issue in _of(connection, people, connections)]
    found += [issue for attendance in people for issue in _of_participant(attendance)]
    return sorted(found, key=lambda issue: (issue.opened_at, issue.name, issue.user))


def _of_participant(attendance: Attendance) -> list[Issue]:
    facts = ParticipantFacts(
        dropped=attendance.dropped,
        dropped_at=attendance.dropped_at,
        damaged=attendance.damaged,
        damaged_at=attendance.heard_at.timestamp(),
        gaps=attendance.gaps,
    )
    return [_issue(finding, attendance.person) for finding in issues.find_in_participant(facts)]


def _of(
    connection: Observation, people: Sequence[Attendance], connections: Sequence[Observation]
) -> list[Issue]:
    facts = _facts(connection, people, connections)
    directions = {stream.id: stream.direction for stream in facts.streams}
    groups: dict[tuple[str | None, ...], list[Finding]] = defaultdict(list)
    for finding in issues.find_in_connection(facts):
        of_what = directions[finding.stream] if finding.stream else finding.kind
        groups[finding.name, of_what].append(finding)
    return [
        replace(
            _issue(merged, connection.place.person),
            connection=connection.place.connection,
            remote=connection.remote,
        )
        for group in groups.values()
        for merged in _merge(group)
    ]


def _facts(
    connection: Observation, people: Sequence[Attendance], connections: Sequence[Observation]
) -> ConnectionFacts:
    left = {a.person: a.left_at.timestamp() for a in people if a.left_at is not None}
    far = _far_person(connection, people)
    own_ends = (connection.closed_at, left.get(connection.place.person))
    return ConnectionFacts(
        far=connection.far,
        states=connection.states,
        streams=[_stream_facts(stream) for stream in connection.streams],
        far_streams=[_stream_facts(s) for s in _sent_this_way(connection, far, connections)],
        is_direct=far is not None,
        far_left_at=left.get(far) if far else None,
        closed_at=min((end for end in own_ends if end is not None), default=None),
        known_until=connection.known_until,
    )


def _far_person(connection: Observation, people: Iterable[Attendance]) -> Person | None:
    """Return the participant that the connection's remote names, None where it is a server."""
    named = [a.person for a in people if a.person.user == connection.remote]
    others = [person for person in named if person != connection.place.person]
    return others[0] if len(others) == 1 else None


def _sent_this_way(
    connection: Observation, far: Person | None, connections: Iterable[Observation]
) -> list[Observed]:
    """Return what the other end sent on its side of this connection; else what anybody sent."""
    own = connection.place.person
    return [
        stream
        for other in connections
        if (other.place.person == far and other.remote == own.user if far else True)
        and other.place.person != own
        for stream in other.streams
        if not stream.is_inbound
    ]


def _stream_facts(stream: Observed) -> StreamFacts:
    return StreamFacts(
        id=stream.key.id,
        kind=stream.kind,
        direction="inbound" if stream.is_inbound else "outbound",
        far=stream.far,
        windows=stream.windows,
        intervals=stream.intervals,
        scores=stream.scores,
        is_seen_by_receiver=stream.is_seen_by_receiver,
    )


def _merge(findings: Sequence[Finding]) -> list[Finding]:
    """Put findings of one issue that overlap in time together; the worst speaks for all."""
    runs: list[list[Finding]] = []
    for finding in sorted(findings, key=lambda finding: finding.opened_at):
        if runs and finding.opened_at <= _closing(runs[-1]):
            runs[-1].append(finding)
        else:
            runs.append([finding])
    return [_merged(run) for run in runs]


def _closing(run: Iterable[Finding]) -> float:
    ends = [finding.closed_at for finding in run]
    return max(float("inf") if end is None else end for end in ends)


def _merged(run: Sequence[Finding]) -> Finding:
    if len(run) == 1:
        return run[0]
    worst = max(run, key=lambda finding: (finding.severity == "severe", _length(finding)))
    kinds = {finding.kind for finding in run}
    closing = _closing(run)
    streams = {finding.stream for finding in run}
    others = f" (and {phrases.count(len(streams) - 1, 'more stream')})" if len(streams) > 1 else ""
    return replace(
        worst,
        opened_at=run[0].opened_at,
        closed_at=None if closing == float("inf") else closing,
        stream=worst.stream if len(streams) == 1 else None,
        kind=worst.kind if len(kinds) == 1 else None,
        sentence=worst.sentence + others,
        evidence={**worst.evidence, "streams": len(streams)},
    )


def _length(finding: Finding) -> float:
    return float("inf") if finding.closed_at is None else finding.closed_at - finding.opened_at


def _issue(finding: Finding, person: Person) -> Issue:
    return Issue(
        name=finding.name,
        opened_at=moment(finding.opened_at),
        closed_at=None if finding.closed_at is None else moment(finding.closed_at),
        severity=finding.severity,
        user=person.user,
        device=person.device,
        stream=finding.stream,
        kind=finding.kind,
        sentence=finding.sentence,
        evidence=_shown(finding.evidence),
    )


def _shown(evidence: Mapping[str, float | str | None]) -> dict[str, float | str | None]:
    return {name: v if isinstance(v, str) else tidy(v) for name, v in evidence.items()}
