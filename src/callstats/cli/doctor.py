"""``callstats doctor``: would a server run here, and if not, what would help?

Every check is a function that returns what it found; the list of them is what the command does.
"""

import email.utils
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct
from rich.markup import escape

from callstats import store
from callstats.cli import announcement, options, terminal
from callstats.cli.announcement import Server
from callstats.cli.target import choose
from callstats.errors import CallstatsError

OLDEST_PYTHON = (3, 11)
LEAST_FREE = 1 << 30
"""Bytes: the folder may grow to three times its data until old parts are deleted, and ClickHouse
refuses to write to a full disk."""
MOST_SKEW = 5.0
"""Seconds between two clocks: an answer that travels that long would look the same."""
ENGINE_SECONDS = 120
WATCHERS = {"wrtc": "webrtc", "aiortc": "aiortc", "livekit": "livekit"}
"""By extra: the module it brings."""


class Finding(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one check found, and what helps where it is a problem."""

    check: str
    ok: bool
    found: str
    fix: str | None = None


def doctor(
    *,
    port: Annotated[int, typer.Option(help="Port that the server shall have.")] = 8080,
    data: options.Data = None,
    url: options.Url = None,
    token: options.Token = None,
    json: options.Json = False,
) -> None:
    """Check what a server needs on this machine, or whether the one at --url is well."""
    findings = list(_examine(choose(data, url, token), port))
    is_well = all(each.ok for each in findings)
    if json:
        terminal.print_json({"ok": is_well, "checks": findings})
    else:
        terminal.show(*(_line(each) for each in findings))
    if not is_well:
        raise typer.Exit(1)


def _examine(where: Server | Path, port: int) -> Iterator[Finding]:
    yield python()
    if isinstance(where, Server):
        yield from remote_server(where)
    else:
        yield from _examine_machine(where, port)


def _examine_machine(folder: Path, port: int) -> Iterator[Finding]:
    yield engine()
    yield extras()
    yield data_folder(folder)
    yield free_disk(folder)
    running = announcement.read(folder)
    yield lock(folder, running)
    if running is not None and running.api.is_alive():
        yield from remote_server(running)
    else:
        yield free_port(port)


def python() -> Finding:
    """Check that the interpreter is recent enough."""
    found = ".".join(map(str, sys.version_info[:3]))
    wanted = ".".join(map(str, OLDEST_PYTHON))
    is_recent = sys.version_info >= OLDEST_PYTHON
    return _finding("python", is_recent, found, fix=f"install Python {wanted} or newer")


def engine() -> Finding:
    """Check that the embedded engine loads, in a process of its own: it may crash."""
    command = [sys.executable, "-c", "import chdb; print(chdb.engine_version)"]
    try:
        answer = subprocess.run(  # noqa: S603 - our own interpreter
            command, capture_output=True, text=True, timeout=ENGINE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return _finding("engine", False, "does not load", fix="look for memory or disk pressure")
    found = answer.stdout.strip() or (answer.stderr.strip().splitlines() or ["it crashed"])[-1]
    is_loaded = answer.returncode == 0
    fix = "pip install 'callstats[server]' on Linux (glibc) or macOS"
    return _finding("engine", is_loaded, f"chDB {found}" if is_loaded else found, fix=fix)


def extras() -> Finding:
    """Tell which WebRTC libraries can be watched; none is no problem for a server."""
    found = [extra for extra, module in WATCHERS.items() if importlib.util.find_spec(module)]
    return _finding("WebRTC libraries", True, ", ".join(found) or "none (the server needs none)")


def data_folder(folder: Path) -> Finding:
    """Check that the data folder can be written, or made."""
    existing = _nearest(folder)
    is_fine = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    found = f"{folder} can be {'written' if existing == folder else 'made'}"
    return _finding(
        "data folder",
        is_fine,
        found if is_fine else f"{existing} cannot be written",
        fix=f"give this user the right to write {existing}, or choose another --data",
    )


def free_disk(folder: Path) -> Finding:
    """Check that there is room."""
    free = shutil.disk_usage(_nearest(folder)).free
    found = f"{free / 2**30:.1f} GiB free"
    return _finding("disk", free >= LEAST_FREE, found, fix="free at least 1 GiB")


def lock(folder: Path, running: Server | None) -> Finding:
    """Check that no other process has the folder, but a server that answers."""
    if running is not None and running.api.is_alive():
        return _finding("lock", True, f"held by the server at {running.url}")
    if not folder.is_dir() or not any(folder.iterdir()):
        return _finding("lock", True, "free")
    try:
        store.Engine(folder).start().stop()
    except CallstatsError as error:
        return _finding(
            "lock", False, str(error), fix="stop that process, or choose another --data"
        )
    return _finding("lock", True, "free")


def free_port(port: int) -> Finding:
    """Check that the port is free; only where no server of ours runs."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return _finding("port", False, f"{port}: {error.strerror}", fix="choose another --port")
    return _finding("port", True, f"{port} is free")


def remote_server(server: Server) -> Iterator[Finding]:
    """Check that the server is well, the token good, and that the clocks agree."""
    try:
        date = server.api.date()
    except CallstatsError as error:
        yield _finding("server", False, str(error), fix="start it with callstats serve")
        return
    is_ready = server.api.is_ready()
    yield _finding(
        "server",
        is_ready,
        f"{server.url} {'takes reports' if is_ready else 'cannot store reports'}",
        fix="look into its log and at its disk",
    )
    yield _token(server)
    yield _clock(date)


def _token(server: Server) -> Finding:
    try:
        server.api.apps()
    except CallstatsError as error:
        return _finding("token", False, str(error), fix="pass an admin token of this server")
    return _finding("token", True, "is an admin's")


def _clock(date: str | None) -> Finding:
    if date is None:
        return _finding("clock", True, "the server does not tell its time")
    skew = time.time() - email.utils.parsedate_to_datetime(date).timestamp()
    found = f"{skew:+.0f} s from the server's"
    return _finding("clock", abs(skew) <= MOST_SKEW, found, fix="let NTP set both clocks")


def _finding(check: str, ok: bool, found: str, *, fix: str | None = None) -> Finding:
    return Finding(check=check, ok=ok, found=found, fix=None if ok else fix)


def _nearest(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    absolute = path.absolute()
    return path if path.exists() else next(each for each in absolute.parents if each.exists())


def _line(finding: Finding) -> str:
    mark = "[green]ok     [/green]" if finding.ok else "[bold red]problem[/bold red]"
    fix = f"  → {escape(finding.fix)}" if finding.fix else ""
    return f"{mark} {finding.check}: {escape(finding.found)}{fix}"
