"""``callstats demo``: a real conference with one bad line, and what callstats makes of it."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from callstats import access, calls, dashboard, store
from callstats.cli import rehearsal, show, terminal
from callstats.cli.announcement import Server
from callstats.cli.child import ServerProcess
from callstats.cli.rehearsal import Plan, Reported
from callstats.errors import Unavailable
from callstats.testing import lab

BAD_LINE = lab.Access(downlink=lab.Impairment(loss=0.05, delay=0.120))
BAD_LINE_SAID = "a line that loses 5 % of the packets towards it and adds 120 ms"
NOBODY = "none"
JUDGE_SECONDS = 60.0
"""How long the server may take to see that the call is over and to judge it: a moment where it is
idle, and much longer on a machine that does other things."""


def demo(
    *,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="How long they talk.")] = 30,
    participants: Annotated[int, typer.Option(help="How many, full mesh: 2 to 10.")] = 3,
    engine: Annotated[str, typer.Option(help="WebRTC library: wrtc or aiortc.")] = "wrtc",
    impaired: Annotated[
        str, typer.Option(metavar="NAME", help="Who sits behind a bad line, or: none.")
    ] = "bob",
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Keep the server running until Ctrl-C.")
    ] = True,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port, 0 for a free one.")] = 0,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Data folder to keep.  [default: a temporary one]"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the call as JSON.")] = False,
) -> None:
    """Hold a real conference with one bad line, report it by the SDK, and show what is found."""
    plan = Plan(
        participants=lab.names(participants),
        seconds=seconds,
        engine=engine,
        access={} if impaired == NOBODY else {impaired: BAD_LINE},
    )
    lab.check(plan.participants, plan.engine, plan.access)
    with terminal.sigterm_as_interrupt(), _folder(data) as folder:
        _run(plan, folder, port=port, stay=serve, json=json)


def _run(plan: Plan, folder: Path, *, port: int, stay: bool, json: bool) -> None:
    with ExitStack() as running:
        with terminal.progress("starting the server", total=None, visible=not json):
            process = running.enter_context(ServerProcess(folder, port=port))
        reported = _reported(plan, process.server, visible=not json)
        with calls.open(process.server.url, token=process.server.token) as source:
            call = _judged(source, reported)
        lost = shortfalls(call, reported)
        _print(call, plan, lost, json=json)
        if stay:
            link = f"look at it: {_link(folder, process.server, call)}"
            (terminal.say if json else terminal.show)(link)
            _stay(process)
    if lost:
        raise Unavailable("not everything that was reported arrived")


def _print(call: calls.Call, plan: Plan, lost: Sequence[str], *, json: bool) -> None:
    if json:
        terminal.print_json(call)
    else:
        terminal.show(*show.pictured(call), *_told(plan))
    for each in lost:
        terminal.say(each)


def _reported(plan: Plan, server: Server, *, visible: bool) -> list[Reported]:
    app = server.api.create_app("demo")
    reporting = rehearsal.clients(plan, url=server.url, app=app)
    *others, last = plan.participants
    title = f"{', '.join(others)} and {last} talk"
    with terminal.progress(title, total=plan.seconds, visible=visible) as bar:
        return asyncio.run(rehearsal.hold(plan, reporting, progress=bar.move))


def _judged(source: calls.Source, reported: Sequence[Reported]) -> calls.Call:
    """Return the call when it is over and whole, or as it is when that takes too long."""
    ids = {each.call for each in reported}
    if len(ids) != 1 or None in ids:
        raise Unavailable("the server did not tell one call for everyone")
    (call_id,) = ids
    deadline = time.monotonic() + JUDGE_SECONDS
    while True:
        call = source.call(str(call_id))
        is_done = call.call.state == "ended" and _reports(call) == _sent(reported)
        if is_done or time.monotonic() > deadline:
            return call
        time.sleep(0.1)


def _reports(call: calls.Call) -> dict[str, int]:
    return {each.user: each.reports for each in call.participants}


def _sent(reported: Sequence[Reported]) -> dict[str, int]:
    return {each.user: each.stored.get("report", 0) for each in reported}


def shortfalls(call: calls.Call, reported: Sequence[Reported]) -> list[str]:
    """Compare what the clients brought home with what the call holds; say each difference."""
    held = _reports(call)
    return [line for each in reported for line in _shortfall(each, held.get(each.user, 0))]


def _shortfall(reported: Reported, held: int) -> Iterator[str]:
    sent = reported.stored.get("report", 0)
    if not sent:
        yield f"{reported.user} sent no report"
    if held != sent:
        yield f"{reported.user} sent {sent} reports, the call holds {held}"
    if reported.pending:
        yield f"{reported.user} could not send {reported.pending} records in time"
    for reason, count in reported.dropped.items():
        yield f"{reported.user} dropped {count} records: {reason}"


def _told(plan: Plan) -> list[str]:
    """Say what was wrong by construction, so that everyone can compare."""
    return [f"\nby construction: {name} sat behind {BAD_LINE_SAID}" for name in plan.access]


def _link(folder: Path, server: Server, call: calls.Call) -> str:
    """Return the address of the call's page that signs in whoever opens it."""
    with store.open(folder) as opened:
        invitation = access.Sessions(access.server_key(opened)).invite()
    page = quote(f"/calls/{call.call.id}", safe="")
    return f"{server.url}{dashboard.sign_in_path(invitation)}&next={page}"


def _stay(process: ServerProcess) -> None:
    terminal.say("the server stays until Ctrl-C")
    try:
        process.wait()
    except KeyboardInterrupt:
        return
    raise Unavailable("the server ended")


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    """Yield the folder to keep, or a temporary one that is removed in the end."""
    if given is not None:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="callstats-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
