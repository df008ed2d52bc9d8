"""What lies in a data folder, and whose is it?

::

    callstats.json   says that the folder is ours
    engine.lock      held by the engine process for as long as it lives
    engine.json      where the running engine listens and its secret; for the owner's eyes only
    engine/          the engine's own files
    server.json      the collector's, not ours
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from callstats.store.errors import FolderLocked, FolderUnusable

MARKER = "callstats.json"
LOCK = "engine.lock"
ADDRESS = "engine.json"
DATABASE = "engine"
USER = "callstats"
"""Whom requests to the engine say they are; the secret is the password."""
_OURS = frozenset({MARKER, LOCK, ADDRESS, DATABASE, "server.json", "lost+found"})


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where an engine listens. ``pid`` is its process, ``server`` the one that started it."""

    url: str
    secret: str
    pid: int
    server: int

    def __repr__(self) -> str:
        """Show everything but the secret."""
        return f"Address(url={self.url!r}, pid={self.pid}, server={self.server})"


def prepare(folder: Path) -> None:
    """Make the folder, or check that it is ours and can be written; raise FolderUnusable."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        others = {entry.name for entry in folder.iterdir()} - _OURS
        if others and not (folder / MARKER).exists():
            raise FolderUnusable(
                f"data folder {folder}",
                found=f"files of somebody else, such as {min(others)}",
                allowed="an empty folder or one that callstats made",
            )
        write_privately(folder / MARKER, b'{"folder":"callstats data","format":1}\n')
    except OSError as error:
        raise FolderUnusable(
            f"data folder {folder}",
            found=error.strerror or str(error),
            allowed="a folder that can be written",
        ) from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder; raise FolderLocked where another process does."""
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _holder(folder) from None
        yield


def _holder(folder: Path) -> FolderLocked:
    address = read_address(folder)
    if address is None:
        return FolderLocked(str(folder))
    return FolderLocked(str(folder), pid=address.server, url=address.url)


def read_address(folder: Path) -> Address | None:
    """Return where the folder's engine said that it listens; None where there is no word of it."""
    try:
        return msgspec.json.decode((folder / ADDRESS).read_bytes(), type=Address)
    except (OSError, msgspec.DecodeError):
        return None


@contextmanager
def announced(folder: Path, address: Address) -> Iterator[None]:
    """Tell the owner's other processes where the engine listens, for as long as it does."""
    write_privately(folder / ADDRESS, msgspec.json.encode(address))
    try:
        yield
    finally:
        with suppress(OSError):
            (folder / ADDRESS).unlink()


def write_privately(path: Path, content: bytes) -> None:
    """Replace a file whole, readable by its owner only."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def is_running(pid: int) -> bool:
    """Tell whether a process of that number exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
