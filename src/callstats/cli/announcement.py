"""How do commands find the server that runs on a folder? By what it wrote into ``server.json``."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from callstats import access
from callstats.cli.api import Api
from callstats.errors import Refused

FILE = "server.json"
TOKEN_SECONDS = 10 * 365 * 86_400
"""As long as a server may run: who can read the file can read the key of the folder as well."""


class Server(Struct, frozen=True, kw_only=True):
    """A running server, and a token that opens it."""

    url: str
    token: str
    pid: int | None = None

    def __repr__(self) -> str:
        """Show where it is, and never the token."""
        return f"Server(url={self.url!r}, pid={self.pid})"

    @property
    def api(self) -> Api:
        """Return what talks to it."""
        return Api(self.url, self.token)


@contextmanager
def announced(folder: str | None, url: str, tokens: access.Tokens) -> Iterator[None]:
    """Tell the owner's other processes where the server is, for as long as the block lasts."""
    if folder is None:
        yield
        return
    file = Path(folder) / FILE
    token = tokens.issue("admin", seconds=TOKEN_SECONDS)
    _write_privately(file, msgspec.json.encode(Server(url=url, token=token, pid=os.getpid())))
    try:
        yield
    finally:
        with suppress(OSError):
            file.unlink()


def read(folder: Path) -> Server | None:
    """Return what the last server on this folder said of itself, None where nothing is said."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Server)
    except PermissionError:
        raise Refused(f"the server on {folder} belongs to another user") from None
    except (OSError, msgspec.DecodeError):
        return None


def _write_privately(file: Path, content: bytes) -> None:
    """Replace a file whole; a new temporary file is readable by its owner only."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as written:
            written.write(content)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
