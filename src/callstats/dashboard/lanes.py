"""How does what happened look on one time line? A lane for each participant, in per cent.

Arithmetic only: moments become places from 0 (the call's start) to 100 (its end), and the
template draws them. Places are per cent, so a lane is as wide as its window without any script.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from callstats.calls import Call, Happening, Issue, Participant
from callstats.dashboard.units import clock, length

MAX_LANES = 16
"""More lanes than this are taller than a screen; the worst participants come first."""
MIN_WIDTH = 0.6
"""Per cent: a bar narrower than this could not be seen nor pointed at."""
TICKS = 6
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Seconds between ticks that people read easily."""

Shape = Literal["failure", "feedback", "event"]


class Bar(Struct, frozen=True, kw_only=True):
    """Something that lasted: where it lies, what it is and what it says."""

    start: float
    width: float
    severity: str
    label: str


class Dot(Struct, frozen=True, kw_only=True):
    """Something that happened at one moment."""

    place: float
    shape: Shape
    label: str


class Lane(Struct, frozen=True, kw_only=True):
    """One participant over time."""

    participant: Participant
    presence: Bar
    issues: Sequence[Bar]
    dots: Sequence[Dot]
    summary: str
    """What the lane shows, in words, for who cannot see it."""


class Tick(Struct, frozen=True, kw_only=True):
    """One mark of the time axis."""

    place: float
    label: str


class Span(Struct, frozen=True):
    """The time that the whole picture covers."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """Return how long it is; never nothing, so that it can divide."""
        return max((self.end - self.start) / timedelta(seconds=1), 0.001)

    def place(self, at: datetime) -> float:
        """Return where a moment lies, in per cent, kept within the picture."""
        passed = (at - self.start) / timedelta(seconds=1)
        return round(min(max(passed / self.seconds, 0.0), 1.0) * 100, 2)

    def bar(self, start: datetime, end: datetime, severity: str, label: str) -> Bar:
        """Return a bar from one moment to another, wide enough to be seen."""
        left, right = self.place(start), self.place(end)
        width = max(right - left, MIN_WIDTH)
        return Bar(
            start=round(min(left, 100 - width), 2),
            width=round(width, 2),
            severity=severity,
            label=label,
        )


def span_of(call: Call, happenings: Sequence[Happening], now: datetime) -> Span:
    """Return the time to draw: from the first to the last that is known of the call."""
    start, end = call.call.started_at, call.call.ended_at or now
    moments = [happening.at for happening in happenings]
    return Span(min([start, *moments]), max([start, end, *moments]))


def draw(
    call: Call, participants: Sequence[Participant], happenings: Sequence[Happening], span: Span
) -> list[Lane]:
    """Return a lane for each of the first participants."""
    return [
        lane(
            participant,
            [issue for issue in call.issues if is_of(issue, participant)],
            [happening for happening in happenings if is_of(happening, participant)],
            span,
        )
        for participant in participants[:MAX_LANES]
    ]


def is_of(thing: Issue | Happening, participant: Participant) -> bool:
    """Tell whether something happened to this participant."""
    return (thing.user, thing.device) == (participant.user, participant.device)


def lane(
    participant: Participant,
    issues: Sequence[Issue],
    happenings: Sequence[Happening],
    span: Span,
) -> Lane:
    """Return one participant's lane."""
    joined, left = participant.joined_at or span.start, participant.left_at or span.end
    dots = [dot for happening in happenings if (dot := mark(happening, span))]
    failures = sum(dot.shape == "failure" for dot in dots)
    return Lane(
        participant=participant,
        presence=span.bar(joined, left, "", f"in the call {clock(joined)} to {clock(left)} UTC"),
        issues=[issue_bar(issue, span) for issue in issues],
        dots=dots,
        summary=(
            f"{participant.user}: in the call from {clock(joined)} to {clock(left)} UTC, "
            f"{len(issues)} issues, {failures} failures; the list below tells each"
        ),
    )


def issue_bar(issue: Issue, span: Span) -> Bar:
    """Return the bar of one issue; one that is still open lasts to the end."""
    end = issue.closed_at or span.end
    lasted = length((end - issue.opened_at) / timedelta(seconds=1))
    return span.bar(issue.opened_at, end, issue.severity, f"{issue.sentence} ({lasted})")


def mark(happening: Happening, span: Span) -> Dot | None:
    """Return the dot of something that happened; joining and leaving are the ends of the bar."""
    if happening.type in {"joined", "left"}:
        return None
    shape: Shape = "event"
    if is_failure(happening):
        shape = "failure"
    elif happening.type == "feedback":
        shape = "feedback"
    label = f"{clock(happening.at, fine=True)} {happening.name or happening.type}"
    return Dot(place=span.place(happening.at), shape=shape, label=label)


def is_failure(happening: Happening) -> bool:
    """Tell whether this says that something failed: an error, or a state that is one."""
    if happening.type == "error":
        return True
    state = happening.data.get("state") if isinstance(happening.data, dict) else None
    return state in {"failed", "disconnected"}


def ticks(span: Span) -> list[Tick]:
    """Return marks at round distances from the start, labelled with the time passed."""
    step = next((step for step in STEPS if span.seconds / step <= TICKS), STEPS[-1])
    count = min(int(span.seconds // step), 4 * TICKS)
    return [
        Tick(place=round(index * step / span.seconds * 100, 2), label=elapsed(index * step))
        for index in range(count + 1)
    ]


def elapsed(seconds: int) -> str:
    """Write the time since the start as ``m:ss`` or ``h:mm:ss``."""
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
