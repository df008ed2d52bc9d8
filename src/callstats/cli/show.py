"""``callstats show``: what happened in this call?"""

from typing import Annotated

import typer
from rich.console import RenderableType
from rich.markup import escape
from rich.text import Text

from callstats.calls import Call, Feedback
from callstats.cli import figures, options, tables, terminal
from callstats.cli.target import find_call, open_source


def show(
    call: Annotated[str, typer.Argument(help="The call's id, a unique beginning of it, or: last.")],
    *,
    data: options.Data = None,
    url: options.Url = None,
    token: options.Token = None,
    json: options.Json = False,
) -> None:
    """Show one call: its participants, what went wrong, and why."""
    with open_source(data, url, token) as source:
        found = find_call(source, call)
    if json:
        terminal.print_json(found)
    else:
        terminal.show(*pictured(found))


def pictured(call: Call) -> list[RenderableType]:
    """Return what people see of a call."""
    head = call.call
    lasted = figures.length(head.started_at, head.ended_at)
    state = "live" if head.state == "live" else f"{lasted} long"
    seen: list[RenderableType] = [
        f"[bold]{escape(head.conference)}[/bold], {figures.moment(head.started_at)} UTC, {state}",
        f"call {head.id}",
        "",
        tables.participants(call),
        "",
        tables.verdict(head.verdict),
    ]
    if call.issues:
        seen += ["", tables.issues(call)]
    return [*seen, *(_remark(each) for each in call.feedback)]


def _remark(feedback: Feedback) -> Text:
    named = {"overall": feedback.overall, "audio": feedback.audio, "video": feedback.video}
    ratings = ", ".join(f"{name} {rating} of 5" for name, rating in named.items() if rating)
    said = f": {feedback.comment}" if feedback.comment else ""
    return Text(f"feedback of {feedback.user}: {ratings or 'no rating'}{said}")
