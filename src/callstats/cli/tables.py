"""How does a call look in a terminal? One row per participant, then what went wrong."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from callstats import calls
from callstats.cli import figures

COLOURS = {"good": "green", "fair": "yellow", "poor": "red", "bad": "bold red", "unknown": "dim"}


def participants(call: calls.Call) -> Table:
    """Return the table of a call: what everyone sent, received and heard."""
    table = _table(
        "participant", ">sent\nkbit/s", ">received\nkbit/s", ">loss\n%", ">rtt\nms", ">jitter\nms",
        ">fps", ">freezes", ">audio\nMOS", "verdict",
    )  # fmt: skip
    for each in call.participants:
        found = each.figures
        table.add_row(
            escape(_name(each, call.participants)),
            figures.kilobits(found.sent_bitrate),
            figures.kilobits(found.received_bitrate),
            figures.percent(found.loss),
            figures.milliseconds(found.rtt),
            figures.milliseconds(found.jitter),
            figures.number(found.fps, places=1),
            figures.number(found.freezes),
            figures.number(found.mos, places=2),
            verdict(each.verdict),
        )
    return table


def issues(call: calls.Call) -> Table:
    """Return the table of what went wrong, the first first."""
    table = _table("from", "to", "severity", "participant", "what")
    for each in call.issues:
        table.add_row(
            _time(each.opened_at),
            _time(each.closed_at),
            each.severity,
            escape(each.user),
            escape(each.sentence),
        )
    return table


def listing(listed: Iterable[calls.Listed]) -> Table:
    """Return the table of several calls."""
    table = _table(
        "call", "conference", "started (UTC)", ">length", ">people", ">issues", "verdict"
    )
    for each in listed:
        table.add_row(
            each.id,
            escape(each.conference),
            figures.moment(each.started_at),
            "live" if each.state == "live" else figures.length(each.started_at, each.ended_at),
            str(each.participants),
            str(each.issues),
            verdict(each.verdict),
        )
    return table


def of_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return any rows as a table; None is a dash."""
    table = _table(*columns)
    for row in rows:
        table.add_row(*(figures.UNKNOWN if cell is None else escape(str(cell)) for cell in row))
    return table


def verdict(found: calls.Verdict) -> Text:
    """Return a verdict as a coloured word and its sentence."""
    return Text.assemble((found.word, COLOURS[found.word]), f": {found.sentence}")


def _table(*columns: str) -> Table:
    """Make a table; a column whose name begins with ``>`` holds figures, the last one wraps."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for name in columns:
        figure = name.startswith(">")
        table.add_column(
            name.removeprefix(">"),
            justify="right" if figure else "left",
            vertical="top",
            no_wrap=figure or name != columns[-1],
        )
    return table


def _name(participant: calls.Participant, everyone: Sequence[calls.Participant]) -> str:
    """Name a participant by user, and by device too where the user takes part twice."""
    alone = sum(each.user == participant.user for each in everyone) == 1
    return participant.user if alone else f"{participant.user} ({participant.device})"


def _time(at: datetime | None) -> str:
    return figures.UNKNOWN if at is None else f"{at:%H:%M:%S}"
