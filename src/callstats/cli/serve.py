"""``callstats serve``: run the server, with everything in one folder."""

import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from callstats import access, collector, dashboard, store
from callstats.cli import terminal
from callstats.cli.announcement import announced
from callstats.cli.target import DEFAULT_FOLDER
from callstats.clock import SystemClock
from callstats.errors import BadInput

LEVELS = ("debug", "info", "warning", "error")
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

Number = Annotated[float | None, typer.Option(metavar="SECONDS")]
Bytes = Annotated[int | None, typer.Option(metavar="BYTES")]


def serve(
    *,
    data: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Data folder.  [default: ./callstats-data]"),
    ] = None,
    store: Annotated[
        str | None, typer.Option(metavar="URL", help="A ClickHouse server instead of a folder.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.  [127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port, 0 for a free one.  [8080]")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings in TOML.  [CALLSTATS_CONFIG]")
    ] = None,
    silence: Number = None,
    token_seconds: Number = None,
    header_seconds: Number = None,
    body_seconds: Number = None,
    header_bytes: Bytes = None,
    body_bytes: Bytes = None,
    keep_alive: Number = None,
    stop_seconds: Number = None,
    turn_urls: Annotated[str | None, typer.Option(metavar="URLS")] = None,
    log_level: Annotated[str | None, typer.Option(metavar="LEVEL")] = None,
) -> None:
    """Run the server: it receives reports, judges calls and shows them.

    Every option is also a variable CALLSTATS_… and a key of the TOML file. The secret of the TURN
    servers has no option, since everyone on the machine can read a command line.
    """
    # Nothing else is bound yet: the locals are the parameters, and the settings know their names.
    flags = {name: value for name, value in locals().items() if name != "config"}
    settings = _placed(collector.load(flags, os.environ, config))
    _begin_log(settings.log_level)
    # While it runs, the server takes both signals itself; this is for what comes before and after.
    with suppress(KeyboardInterrupt), terminal.sigterm_as_interrupt():
        _serve(settings)


def _placed(settings: collector.Settings) -> collector.Settings:
    """Say where the rows go: to one place only, and into the default folder if nobody says."""
    if settings.store is not None and settings.data is not None:
        raise BadInput("place of the data", found="data and store", allowed="one of them")
    if settings.store is None and settings.data is None:
        return replace(settings, data=str(DEFAULT_FOLDER))
    return settings


def _begin_log(level: str) -> None:
    if level.lower() not in LEVELS:
        raise BadInput("setting log_level", found=repr(level), allowed=" or ".join(LEVELS))
    logging.basicConfig(format=LOG_FORMAT, level=logging.WARNING)
    logging.getLogger("callstats").setLevel(level.upper())


def _serve(settings: collector.Settings) -> None:
    with store.open(settings.store or str(settings.data), share=False) as opened:
        clock = SystemClock()
        key = access.server_key(opened)
        sessions = access.Sessions(key, clock=clock)
        tokens = access.Tokens(key, clock=clock)
        pages = dashboard.routes(opened, sessions, tokens, clock=clock)
        application = collector.create_app(settings, opened, clock=clock, extra_routes=pages)
        server = collector.Server(application, settings)
        with announced(settings.data, server.url, tokens):
            _greet(server.url, sessions, is_new=not access.Apps(opened).list(), settings=settings)
            server.run()


def _greet(
    url: str, sessions: access.Sessions, *, is_new: bool, settings: collector.Settings
) -> None:
    """Say where the server is; the link that signs in goes to people and to the first log only."""
    lines = [f"callstats listens at {url}"]
    if is_new or sys.stdout.isatty():
        lines.append(f"sign in    {url}{dashboard.sign_in_path(sessions.invite())}")
    if is_new:
        folder = "" if settings.data is None else f" --data {settings.data}"
        lines.append(f"reports to {url}")
        lines.append(f"make an app with: callstats app create NAME{folder}")
    typer.echo("\n".join(lines))
    sys.stdout.flush()
