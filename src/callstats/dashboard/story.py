"""What happened, told line by line: records and issues in one order, each in words."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from callstats.calls import Happening, Issue
from callstats.dashboard.lanes import is_failure
from callstats.dashboard.units import compact, plural

RATINGS = ("overall", "audio", "video")
Tone = Literal["plain", "failure", "issue", "relief", "feedback"]


class Line(Struct, frozen=True, kw_only=True):
    """One line of the story."""

    at: datetime
    user: str
    device: str
    remote: str | None
    tone: Tone
    text: str
    is_milestone: bool
    """Whether the line matters to who only wants to know how it went."""


def tell(happenings: Sequence[Happening], issues: Sequence[Issue]) -> list[Line]:
    """Return everything that happened, in the order in which it did."""
    lines = [line(happening, is_back) for happening, is_back in with_returns(happenings)]
    for issue in issues:
        lines.append(turn(issue, issue.opened_at, "issue", issue.sentence))
        if issue.closed_at is not None and issue.closed_at > issue.opened_at:
            lines.append(turn(issue, issue.closed_at, "relief", f"over: {issue.sentence}"))
    return sorted(lines, key=lambda told: told.at)


def with_returns(happenings: Sequence[Happening]) -> Iterator[tuple[Happening, bool]]:
    """Yield each record, and whether it says that a connection works again after a failure."""
    broken = set()
    for happening in happenings:
        place = (happening.user, happening.device, happening.connection, happening.name)
        state = facts(happening).get("state")
        yield happening, state in {"connected", "completed"} and place in broken
        if is_failure(happening):
            broken.add(place)
        else:
            broken.discard(place)


def turn(issue: Issue, at: datetime, tone: Tone, text: str) -> Line:
    """Return the line of an issue's beginning or end."""
    return Line(
        at=at,
        user=issue.user,
        device=issue.device,
        remote=issue.remote,
        tone=tone,
        text=text,
        is_milestone=True,
    )


def line(happening: Happening, is_back: bool) -> Line:
    """Return the line of one record."""
    tone = tone_of(happening, is_back)
    return Line(
        at=happening.at,
        user=happening.user,
        device=happening.device,
        remote=happening.remote,
        tone=tone,
        text=words(happening),
        is_milestone=tone != "plain" or happening.type in {"joined", "left"},
    )


def tone_of(happening: Happening, is_back: bool) -> Tone:
    """Return in which tone a record is told."""
    if is_failure(happening):
        return "failure"
    if happening.type == "feedback":
        return "feedback"
    return "relief" if is_back else "plain"


def facts(happening: Happening) -> Mapping[str, Any]:
    """Return the payload where it is an object, else nothing."""
    return happening.data if isinstance(happening.data, dict) else {}


def words(happening: Happening) -> str:
    """Say what one record says."""
    speak = _SPEAKERS.get(happening.type, say_event)
    return speak(happening)


def say_event(happening: Happening) -> str:
    """Name an event; a state stands beside its name, other data as JSON."""
    data = facts(happening)
    if set(data) == {"state"}:
        return f"{happening.name}: {data['state']}"
    if happening.data in (None, "", {}):
        return happening.name or happening.type
    return f"{happening.name or happening.type} {compact(happening.data)}"


def say_joined(happening: Happening) -> str:
    """Tell with which software somebody came."""
    agent = facts(happening).get("agent")
    return f"joined with {compact(agent)}" if agent else "joined"


def say_left(happening: Happening) -> str:
    """Tell that somebody left."""
    del happening
    return "left"


def say_error(happening: Happening) -> str:
    """Tell what failed and with which message."""
    message = facts(happening).get("message")
    return f"{happening.name} failed: {compact(message)}" if message else f"{happening.name} failed"


def say_log(happening: Happening) -> str:
    """Repeat a line of the application's log."""
    return f"log ({happening.name}): {compact(facts(happening).get('message', happening.data))}"


def say_feedback(happening: Happening) -> str:
    """Repeat the ratings and the comment."""
    data = facts(happening)
    said = [f"{name} {compact(data[name])} of 5" for name in RATINGS if data.get(name)]
    if comment := data.get("comment"):
        said.append(f"“{compact(comment)}”")
    return "feedback: " + (", ".join(said) or "none given")


def say_dropped(happening: Happening) -> str:
    """Tell how many records the client could not keep, and why."""
    counts = facts(happening).items()
    reasons = [f"{plural(n, 'record')} ({why})" for why, n in counts if isinstance(n, int)]
    return "the client dropped " + ", ".join(reasons or ["some records"])


_SPEAKERS = {
    "joined": say_joined,
    "left": say_left,
    "error": say_error,
    "log": say_log,
    "feedback": say_feedback,
    "dropped": say_dropped,
}
