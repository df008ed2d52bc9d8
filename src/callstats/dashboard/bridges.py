"""``/bridges``: how are the media servers, and how were they in the last hour?"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from callstats import calls
from callstats.access import Grant
from callstats.calls import Bridge, Load
from callstats.dashboard import units
from callstats.dashboard.site import Site

SPAN = timedelta(hours=1)
WIDTH, HEIGHT = 120, 20
"""Of a curve, in its own pixels."""


class Figure(Struct, frozen=True):
    """One column: its title, its unit, how it is read, and how it is written."""

    title: str
    unit: str
    value: Callable[[Load], float | None]
    write: Callable[[float | None], str]


FIGURES: Sequence[Figure] = (
    Figure("CPU", "%", lambda load: load.cpu, units.percent),
    Figure("Memory", "%", lambda load: load.memory, units.percent),
    Figure("Received", "kbit/s", lambda load: load.received_bitrate, units.kilobits),
    Figure("Sent", "kbit/s", lambda load: load.sent_bitrate, units.kilobits),
    Figure("Conferences", "", lambda load: load.conferences, units.grouped),
    Figure("Participants", "", lambda load: load.participants, units.grouped),
    Figure("Loss", "%", lambda load: load.loss, units.percent),
    Figure("Round trip", "ms", lambda load: load.rtt, units.milliseconds),
    Figure("Jitter", "ms", lambda load: load.jitter, units.milliseconds),
)


class Cell(Struct, frozen=True):
    """One figure of one bridge: as it is now, its highest, and its curve."""

    latest: str
    highest: str
    curves: Sequence[str]


class Row(Struct, frozen=True):
    """One bridge of the list."""

    bridge: Bridge
    cells: Sequence[Cell]


def show(site: Site, grant: Grant, _: Request) -> Response:
    """Show every bridge that was heard in the last hour."""
    now = datetime.fromtimestamp(site.clock.now(), UTC)
    found = calls.bridges(site.store, grant.app_id, now=now, span=SPAN)
    return site.render(
        "bridges.html",
        rows=[row(bridge, now) for bridge in found],
        figures=FIGURES,
        several_apps=len({bridge.app_id for bridge in found}) > 1,
        width=WIDTH,
        height=HEIGHT,
    )


def row(bridge: Bridge, now: datetime) -> Row:
    """Return one row of the list."""
    return Row(bridge, [cell(figure, bridge, now) for figure in FIGURES])


def cell(figure: Figure, bridge: Bridge, now: datetime) -> Cell:
    """Return one figure as it is shown."""
    points = [(load.at, figure.value(load)) for load in bridge.series]
    known = [value for _, value in points if value is not None]
    return Cell(
        latest=figure.write(figure.value(bridge.latest) if bridge.latest else None),
        highest=figure.write(max(known, default=None)),
        curves=list(curves(points, now, max(known, default=0.0))),
    )


def curves(
    points: Sequence[tuple[datetime, float | None]], now: datetime, highest: float
) -> Sequence[str]:
    """Return the points of each unbroken line: where a step is missing, there is a gap."""
    step = SPAN / calls.STEPS
    lines: list[list[str]] = []
    before: datetime | None = None
    for at, value in points:
        if value is not None:
            if before is None or at - before > 1.5 * step:
                lines.append([])
            x = WIDTH * (1 - (now - at) / SPAN)
            y = HEIGHT - 1 - (HEIGHT - 2) * (value / highest if highest else 0)
            lines[-1].append(f"{max(x, 0):.1f},{y:.1f}")
            before = at
    return [" ".join(line) for line in lines]
