"""The engine process: ``python -m callstats.store.engine FOLDER``.

It says on one line of standard output where it listens (``{"url", "secret", "pid", "server"}``) or
why it does not (``{"error", "kind"}``), and serves until its standard input ends, which is also
what happens when its parent dies. Then it answers what it has begun, closes its files and leaves.
"""

import os
import secrets
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from callstats.errors import CallstatsError
from callstats.store.engine import folder as folders
from callstats.store.engine.chdb import Database
from callstats.store.engine.front import Front

DRAIN = 5.0
"""Seconds that questions get to finish at the end, and again after they were told to stop."""


def main(folder: Path) -> int:
    """Serve the folder until standard input ends; return the exit code."""
    try:
        folders.prepare(folder)
        with folders.locked(folder):
            return _serve(folder)
    except (CallstatsError, OSError) as error:
        _say(_fault(error))
        return 1


def _serve(folder: Path) -> int:
    try:
        database = Database(folder / folders.DATABASE)
    except Exception as error:
        _say({"kind": "Unavailable", "error": f"the engine does not open: {error}"})
        return 1
    front = Front(database, secrets.token_urlsafe(32))
    thread = threading.Thread(target=front.serve_forever, name="front", daemon=True)
    thread.start()
    address = folders.Address(
        url=front.url, secret=front.secret, pid=os.getpid(), server=os.getppid()
    )
    with folders.announced(folder, address):
        _say(address)
        _wait_for_the_end()
        front.shutdown()
    return _close(front, database)


def _wait_for_the_end() -> None:
    """Return when standard input ends or a signal asks to stop; chDB sets handlers of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    with suppress(_Interrupted):
        while os.read(sys.stdin.fileno(), 4096):
            pass


class _Interrupted(Exception):
    pass


def _interrupt(*_: object) -> None:
    raise _Interrupted


def _close(front: Front, database: Database) -> int:
    """Close once nothing runs: chDB crashes where it is closed under a running question."""
    front.server_close()
    if not front.drain(DRAIN):
        database.stop_questions()
        if not front.drain(DRAIN):
            os._exit(1)
    database.close()
    return 0


def _fault(error: Exception) -> dict[str, Any]:
    facts = {
        name: getattr(error, name)
        for name in ("what", "found", "allowed", "folder", "pid", "url")
        if hasattr(error, name)
    }
    return {"kind": type(error).__name__, "error": str(error), **facts}


def _say(what: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
