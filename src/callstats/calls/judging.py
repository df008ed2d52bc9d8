"""What happened in this call, and was it good? Judged from the rows, at a moment that is told."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from callstats.calls import connections, evidence, issues, legs, participants, streams, verdicts
from callstats.calls.connections import Observation
from callstats.calls.errors import UnknownCall
from callstats.calls.evidence import Evidence, Row
from callstats.calls.keys import Person, person_of
from callstats.calls.legs import Blame
from callstats.calls.model import Call, Feedback, Head, Issue, Participant
from callstats.calls.participants import Attendance
from callstats.calls.streams import Observed
from callstats.quality import Verdict
from callstats.store import Store


def judge(
    store: Store,
    app_id: int,
    call_id: str,
    *,
    now: datetime,
    ended_at: datetime | None = None,
) -> Call:
    """Judge a call by what is stored now; raises UnknownCall where nothing is.

    Whoever knows when the call ended says so in ``ended_at``; else it has ended when everybody
    left, or when nobody was heard for 30 s.
    """
    found = evidence.gather(store, app_id, call_id)
    if not found.records and found.row is None:
        raise UnknownCall(call_id)
    return compose(found, now=now, ended_at=ended_at)


def compose(found: Evidence, *, now: datetime, ended_at: datetime | None = None) -> Call:
    """Put a call together from its evidence. Asks nothing and nobody."""
    people = participants.attend(found)
    over = ended_at or _ended_at(people, now)
    observed = streams.observe(found, [attendance.person for attendance in people])
    linked = connections.observe(found, observed)
    wrongs = issues.find(people, linked)
    blames = legs.blame(legs.find(observed), [attendance.person for attendance in people])
    judged = _judge_people(blames, observed, wrongs)
    return Call(
        call=Head(
            id=found.call_id,
            conference=_conference(found),
            app_id=found.app_id,
            started_at=_started_at(found, people),
            ended_at=over,
            state="live" if over is None else "ended",
            verdict=verdicts.judge_call(judged, _victims(blames)),
            records=found.records,
        ),
        participants=[
            _participant(attendance, judged[attendance.person], linked, found, over=over, now=now)
            for attendance in people
        ],
        issues=wrongs,
        feedback=[_feedback(row) for row in found.happenings if row["type"] == "feedback"],
        logs=sum(row["count"] for row in found.event_counts if row["type"] == "log"),
    )


def _ended_at(people: Sequence[Attendance], now: datetime) -> datetime | None:
    """Return when the last participant was there, None while one still is."""
    if not people or any(attendance.is_present(now) for attendance in people):
        return None
    return max(attendance.left_at or attendance.heard_at for attendance in people)


def _victims(blames: Mapping[Person, Blame]) -> set[Person]:
    """Return who has bad legs, none of them by trouble of its own."""
    return {
        person
        for person, blame in blames.items()
        if blame.suffered and not blame.received and not blame.sent
    }


def _judge_people(
    blames: Mapping[Person, Blame], observed: Sequence[Observed], wrongs: Sequence[Issue]
) -> dict[Person, Verdict]:
    own: dict[Person, list[Issue]] = defaultdict(list)
    for issue in wrongs:
        own[Person(issue.user, issue.device)].append(issue)
    measured = {stream.person for stream in observed if stream.windows}
    return {
        person: verdicts.judge(blame, own[person], is_measured=person in measured)
        for person, blame in blames.items()
    }


def _conference(found: Evidence) -> str:
    if found.row is not None:
        return str(found.row["conference"])
    return next((str(row["conference"]) for row in found.event_counts if row["conference"]), "")


def _started_at(found: Evidence, people: Sequence[Attendance]) -> datetime:
    moments = [attendance.joined_at for attendance in people]
    if not moments and found.row is not None:
        return _moment_of(found.row)
    return min(moments)


def _moment_of(row: Row) -> datetime:
    moment: datetime = row["started_at"]
    return moment


def _participant(
    attendance: Attendance,
    verdict: Verdict,
    linked: Sequence[Observation],
    found: Evidence,
    *,
    over: datetime | None,
    now: datetime,
) -> Participant:
    own = [connection for connection in linked if connection.place.person == attendance.person]
    transports = [row for row in found.transports if person_of(row) == attendance.person]
    is_gone = over is not None or not attendance.is_present(now)
    return Participant(
        user=attendance.person.user,
        device=attendance.person.device,
        joined_at=attendance.joined_at,
        left_at=attendance.left_at or (attendance.heard_at if is_gone else None),
        heard_at=attendance.heard_at,
        agent=attendance.agent,
        reports=attendance.reports,
        events=attendance.events,
        dropped=attendance.dropped,
        skew=attendance.skew,
        figures=participants.measure([s for c in own for s in c.streams], own, transports),
        verdict=verdict,
        connections=[connections.conclude(connection) for connection in own],
    )


class _Ratings(msgspec.Struct):
    overall: int | None = None
    audio: int | None = None
    video: int | None = None
    comment: str | None = None


def _feedback(row: Row) -> Feedback:
    try:
        said = msgspec.json.decode(row["data"], type=_Ratings)
    except msgspec.DecodeError:
        said = _Ratings()
    person = person_of(row)
    return Feedback(
        at=row["at"],
        user=person.user,
        device=person.device,
        overall=said.overall,
        audio=said.audio,
        video=said.video,
        comment=said.comment,
    )
