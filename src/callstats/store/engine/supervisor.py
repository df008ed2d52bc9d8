"""Who starts the engine, and starts it again after a crash? One ``Engine`` for each data folder."""

import logging
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from callstats.store.engine.folder import Address, is_running
from callstats.store.errors import FolderLocked, FolderUnusable, Unavailable

logger = logging.getLogger(__name__)

STARTUP = 60.0
"""Seconds that the engine gets to open its files: half a second for 10 million rows on an idle
machine, and much more on a busy one after a crash."""
HANDOVER = 20.0
"""Seconds to wait for the engine of a server that is gone already to finish and leave."""
SHUTDOWN = 30.0
"""Seconds that the engine gets to answer what it has begun and to close its files."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
"""Seconds between a crash and the next start: doubled each time, forgotten after a minute."""
_STEADY = 60.0


class Engine:
    """The engine process of one folder, from ``start`` to ``stop``; safe to use from threads."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder).absolute()
        self._process: subprocess.Popen[bytes] | None = None
        self._address: Address | None = None
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    def start(self) -> Self:
        """Start the engine and return when it answers.

        Raises FolderUnusable, FolderLocked (a running server has the folder) or Unavailable.
        """
        deadline = time.monotonic() + HANDOVER
        while True:
            try:
                self._launch()
                break
            except FolderLocked as error:
                if not _is_leaving(error) or time.monotonic() > deadline:
                    raise
            self._stopping.wait(FIRST_PAUSE)
        self._watcher = threading.Thread(target=self._watch, name="engine watcher", daemon=True)
        self._watcher.start()
        return self

    @property
    def address(self) -> Address:
        """Where the engine listens now; raises Unavailable while there is none."""
        address = self._address
        if address is None:
            raise Unavailable("the engine is not running", retry_after=1.0)
        return address

    @property
    def url(self) -> str:
        """The engine's URL, another one after each restart."""
        return self.address.url

    @property
    def secret(self) -> str:
        """What requests to the engine must carry, another one after each restart."""
        return self.address.secret

    def is_alive(self) -> bool:
        """Tell whether the process runs and has said where it listens."""
        process = self._process
        return self._address is not None and process is not None and process.poll() is None

    def stop(self) -> None:
        """Let the engine finish what it has begun, close its files and end."""
        self._stopping.set()
        process = self._process
        if process is not None:
            _end(process)
        if self._watcher is not None:
            self._watcher.join()
        self._address = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _launch(self) -> None:
        process = subprocess.Popen(  # noqa: S603 - our own module in our own interpreter
            [sys.executable, "-P", "-m", "callstats.store.engine", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._address = _greeting(process)
        except BaseException:
            _end(process)
            raise
        self._process = process

    def _watch(self) -> None:
        """Start the engine again whenever it ends without having been told to."""
        pause = FIRST_PAUSE
        while self._process is not None:
            started = time.monotonic()
            code = self._process.wait()
            self._address = None
            if self._stopping.is_set():
                return
            if time.monotonic() - started > _STEADY:
                pause = FIRST_PAUSE
            logger.error("the engine ended (%s); starting it again in %.1f s", _told(code), pause)
            pause = self._relaunch(pause)

    def _relaunch(self, pause: float) -> float:
        """Try until it runs or ``stop`` is called; return the pause for the next time."""
        if self._process is not None:
            _close_pipes(self._process)
        while not self._stopping.wait(pause):
            pause = min(2 * pause, LONGEST_PAUSE)
            try:
                self._launch()
            except Exception as error:
                logger.error("the engine does not start: %s", error)  # noqa: TRY400 - one line
            else:
                break
        return pause


def _greeting(process: subprocess.Popen[bytes]) -> Address:
    """Read the line that says where the engine listens, or why it does not."""
    if process.stdout is None:
        raise TypeError("an engine process needs a pipe for its output")
    ready, _, _ = select.select([process.stdout], [], [], STARTUP)
    if not ready:
        raise Unavailable(f"the engine said nothing for {STARTUP:.0f} s", retry_after=5.0)
    line = process.stdout.readline()
    if not line:
        raise Unavailable(f"the engine ended at once ({_told(process.wait())})", retry_after=5.0)
    said: dict[str, Any] = msgspec.json.decode(line)
    if "error" in said:
        raise _fault(said)
    return msgspec.convert(said, Address)


def _fault(said: dict[str, Any]) -> Exception:
    """Make the error again that the engine process met."""
    if said["kind"] == "FolderLocked":
        return FolderLocked(said["folder"], pid=said.get("pid"), url=said.get("url"))
    if said["kind"] == "FolderUnusable":
        return FolderUnusable(said["what"], found=said["found"], allowed=said["allowed"])
    return Unavailable(said["error"], retry_after=5.0)


def _is_leaving(error: FolderLocked) -> bool:
    """Tell whether the server that holds the folder is gone, so that its engine goes too."""
    return error.pid is None or not is_running(error.pid)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close the engine's standard input, which asks it to end; kill it if it does not."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(SHUTDOWN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _close_pipes(process)


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _told(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
