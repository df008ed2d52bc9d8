"""How does the demo get a server? As a process of its own, that ends with the demo."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from callstats.cli import announcement
from callstats.cli.announcement import Server
from callstats.errors import Unavailable

START_SECONDS = 90.0
"""The engine opens its files meanwhile: a second on an idle machine, a minute on a busy one."""
STOP_SECONDS = 60.0


class ServerProcess:
    """``callstats serve`` on a folder, from entering the block to leaving it."""

    def __init__(self, folder: Path, *, port: int) -> None:
        self._folder = folder
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process

    def __enter__(self) -> Self:
        # A session of its own: Ctrl-C reaches the demo alone, which then stops the server.
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            self._command(),
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            start_new_session=True,
        )
        try:
            self.server = self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask the server to finish and leave; harmless when done twice."""
        if self._process is not None:
            _end(self._process)
        self._log.close()

    def wait(self) -> None:
        """Return when the server ends by itself."""
        if self._process is not None:
            self._process.wait()

    def _command(self) -> list[str]:
        serve = [sys.executable, "-m", "callstats", "serve"]
        return [*serve, "--data", str(self._folder), "--port", str(self._port)]

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> Server:
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None:
            said = announcement.read(self._folder)
            if said is not None and said.pid == process.pid and said.api.is_ready():
                return said
            if time.monotonic() > deadline:
                raise Unavailable(f"the server did not start within {START_SECONDS:g} s")
            time.sleep(0.05)
        raise Unavailable(f"the server did not start: {self._last_words()}")

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("callstats: ") if lines else "it said nothing"


def _environment() -> dict[str, str]:
    """Return ours without settings of a server: this one is set by its command line alone."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CALLSTATS_")}


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
