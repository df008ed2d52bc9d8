"""``/calls/{id}``: what happened in this call, and what went wrong for whom?"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from callstats import calls
from callstats.access import Grant
from callstats.calls import Call, Issue, Participant
from callstats.dashboard import lanes, legs
from callstats.dashboard.site import Site, call_path
from callstats.dashboard.story import Line, tell
from callstats.dashboard.units import between
from callstats.quality import Word

STREAMS_AT_ONCE = 160
"""Streams whose details one page shows: more make it slow to load and tiring to read. A larger
call shows the worst participant's and links to the others'."""
ISSUES_AT_ONCE = 40
MILESTONES_AT_ONCE = 60
"""Lines before the reader would rather search than read."""
LINES_AT_ONCE = 400
"""Lines of the story on one page; the rest is one click away."""


class Detail(Struct, frozen=True, kw_only=True):
    """One participant with everything about its connections."""

    anchor: str
    participant: Participant
    is_open: bool


class Seat(Struct, frozen=True, kw_only=True):
    """One row of the participants' table, where its details are, and the words for its videos."""

    participant: Participant
    path: str
    video: Word
    freezes: Word


def show(site: Site, grant: Grant, request: Request) -> Response:
    """Show one call."""
    now = datetime.fromtimestamp(site.clock.now(), UTC)
    asked = request.query_params
    call = site.recent.read(grant.app_id, request.path_params["id"], now=now)
    happenings = calls.timeline(site.store, call.call.app_id, call.call.id)
    until = call.call.ended_at or now
    people = worst_first(call.participants)
    details = detailed(people, asked)
    span = lanes.span_of(call, happenings, until)
    story = tell(happenings, call.issues)
    return site.render(
        "call.html",
        call=call,
        head=call.call,
        duration=between(call.call.started_at, until),
        seats=seats(call, people, details),
        details=details,
        is_partial=len(details) < len(people),
        matrix=legs.matrix(call, people),
        issues=severe_first(call.issues),
        issues_at_once=ISSUES_AT_ONCE,
        lanes=lanes.draw(call, people, happenings, span),
        ticks=lanes.ticks(span),
        span=span,
        others=max(len(people) - lanes.MAX_LANES, 0),
        **cut(story, is_whole=asked.get("events") == "all"),
    )


def worst_first(participants: Sequence[Participant]) -> list[Participant]:
    """Order participants by who needs attention first, then by name (``user 2``, ``user 10``)."""
    return sorted(
        participants,
        key=lambda one: (legs.badness(one.verdict.word), natural(one.user), one.device),
    )


def natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts numbers within names as numbers."""
    parts = re.split(r"([0-9]{1,18})", name)
    return [(int(part), "") if index % 2 else (0, part) for index, part in enumerate(parts)]


def severe_first(issues: Sequence[Issue]) -> list[Issue]:
    """Order issues by severity, then by when they began."""
    return sorted(issues, key=lambda issue: (issue.severity != "severe", issue.opened_at))


def issues_of(call: Call, participant: Participant) -> list[Issue]:
    """Return the issues of one participant."""
    return [issue for issue in call.issues if lanes.is_of(issue, participant)]


def streams_of(participant: Participant) -> int:
    """Count the streams of one participant."""
    return sum(len(connection.streams) for connection in participant.connections)


def detailed(people: Sequence[Participant], asked: QueryParams) -> list[Detail]:
    """Return whose details the page shows: whom the address names, all, or the worst one."""
    wanted = (asked.get("user"), asked.get("device"))
    named = [one for one in people if (one.user, one.device) == wanted]
    if named:
        shown: Sequence[Participant] = named
    elif sum(map(streams_of, people)) <= STREAMS_AT_ONCE:
        shown = people
    else:
        shown = people[:1]
    return [
        Detail(
            anchor=f"participant-{index}",
            participant=one,
            is_open=one.verdict.word in {"bad", "poor"} or len(shown) == 1,
        )
        for index, one in enumerate(shown, start=1)
    ]


def seats(call: Call, people: Sequence[Participant], details: Sequence[Detail]) -> list[Seat]:
    """Return the rows of the participants' table, each with the address of its details."""
    anchors = {(one.participant.user, one.participant.device): one.anchor for one in details}
    rows = []
    for one in people:
        anchor = anchors.get((one.user, one.device))
        elsewhere = call_path(call.call.id, user=one.user, device=one.device)
        rows.append(
            Seat(
                participant=one,
                path=f"#{anchor}" if anchor else f"{elsewhere}#participant-1",
                video=word_of_issue(call, one, "low_frame_rate"),
                freezes=word_of_issue(call, one, "freezes"),
            )
        )
    return rows


def word_of_issue(call: Call, participant: Participant, name: str) -> Word:
    """Return how badly a participant had an issue; unknown where it did not."""
    severities = {issue.severity for issue in issues_of(call, participant) if issue.name == name}
    if "severe" in severities:
        return "bad"
    return "poor" if severities else "unknown"


def cut(story: Sequence[Line], *, is_whole: bool) -> Mapping[str, Any]:
    """Return what of the story the page tells: the milestones, and every line if it fits.

    Where a crowd comes and goes, only what went wrong is a milestone.
    """
    milestones = [line for line in story if line.is_milestone]
    if len(milestones) > MILESTONES_AT_ONCE:
        milestones = [line for line in milestones if line.tone != "plain"]
    lines = story if is_whole else story[:LINES_AT_ONCE]
    return {
        "milestones": milestones[:MILESTONES_AT_ONCE],
        "lines": lines,
        "untold": len(story) - len(lines),
    }
