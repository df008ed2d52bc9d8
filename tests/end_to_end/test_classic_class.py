"""Does a call that is driven only through the classic class arrive whole?"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from callstats import calls
from callstats.cli.announcement import Server
from callstats.cli.api import AppGiven
from callstats.cli.child import ServerProcess
from callstats.sdk import FabricEvent, WrtcFuncName

EXAMPLE = Path(__file__).parents[2] / "examples" / "classic_callstats.py"
NEVER_SENT = {"fabricUsageEvent", "fabricStats", "signalingError"}
"""Declared by the class, and sent by no method of it."""
EVERYTHING = {*FabricEvent, *WrtcFuncName, "ssrcMap"} - NEVER_SENT - {"applicationLog"}


def start_example(server: Server, app: AppGiven) -> subprocess.Popen[str]:
    settings = {
        "CALLSTATS_URL": server.url,
        "CALLSTATS_APP_ID": str(app.app_id),
        "CALLSTATS_APP_SECRET": app.app_secret,
    }
    return subprocess.Popen(
        [sys.executable, str(EXAMPLE)],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def eventually(claim: Callable[[], Any], *, seconds: float = 120.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := claim()):
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.1)
    return found


def show(folder: Path) -> dict[str, Any]:
    """Return what ``callstats show last --json`` prints."""
    command = [sys.executable, "-m", "callstats", "show", "last", "--json", "--data", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def timeline(server: Server, call_id: str) -> list[calls.Happening]:
    with calls.open(server.url, token=server.token) as source:
        return source.timeline(call_id)


def has_call(server: Server) -> bool:
    with calls.open(server.url, token=server.token) as source:
        return bool(source.listing())


def test_all_that_the_class_can_say_is_shown_though_the_server_is_killed_meanwhile(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    with ServerProcess(folder, port=0) as first:
        port = urlsplit(first.server.url).port or 0
        example = start_example(first.server, first.server.api.create_app("classic"))
        eventually(lambda: has_call(first.server))
        os.kill(first.server.pid or 0, signal.SIGKILL)
        first.wait()
    with example, ServerProcess(folder, port=port) as second:
        out, err = example.communicate(timeout=120)
        shown = show(folder)
        told = timeline(second.server, shown["call"]["id"])

    assert (example.returncode, out) == (0, "feedback: success\ndropped: {}\n")
    assert set(err.splitlines()) <= {"callstats: cannot report now: no connection"}
    (alice,) = shown["participants"]
    assert (alice["user"], shown["call"]["conference"]) == ("alice-7f3a", "classic example")
    assert set(alice["events"]) >= EVERYTHING
    assert {each.name for each in told} >= EVERYTHING
    assert alice["reports"] > 0
    assert [each["overall"] for each in shown["feedback"]] == [4]
