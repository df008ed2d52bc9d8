"""What if the process ends before the server is back? Then a folder keeps what is unsent.

Each life of a client has one file there: first the batch header that names the client, then
records as they are sent, with their numbers. Every line carries a checksum, so a torn or damaged
file costs what stands behind the damage and nothing else. The file is a copy of what the outbox
holds, written along as records come in; when it has grown to its limit it is written anew from
what is still unsent, so what the outbox gives up first is also what the disk gives up first.

A file belongs to whoever holds its lock, and the operating system lets go of that when the process
ends, however it ends. The next process takes such files over and sends their records under the name
and numbers that they have: whatever had arrived already counts once. A second lock, on the folder,
is held while files are made, replaced or taken over, so that nobody takes a file half made.

Nothing here is flushed to the medium: it survives the death of the process, not of the machine.
"""

import contextlib
import hashlib
import os
import stat
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from callstats.sdk.lines import Line, Parcel
from callstats.wire import batch

if sys.platform != "win32":  # where check_spool refuses
    import fcntl

PATIENCE = 2.0
"""Seconds to wait for the folder's lock, which is held for milliseconds."""
SUFFIX = ".spool"
MADE_ANEW = ".anew"

_encoder = msgspec.json.Encoder()


class _Kind(msgspec.Struct):
    type: str
    seq: int


class Spool:
    """The file of one life of a client, and the files that earlier lives left behind.

    Used by one thread at a time. Raises OSError where the disk does not play along.
    """

    def __init__(self, folder: Path, *, url: str, app_id: int, client: str, max_bytes: int) -> None:
        self.newest = 0
        """The number of the last record that is in the file."""
        self._folder = folder
        # What was meant for one server and app is sent to no other.
        self._target = hashlib.sha256(f"{url} {app_id}".encode()).hexdigest()[:16]
        self._client = client
        self._path = folder / f"{self._target}-{client}{SUFFIX}"
        self._max_bytes = max_bytes
        self._file: int | None = None
        self._size = self._empty_size = 0

    def write(self, lines: Iterable[Line], unsent: Callable[[], Iterable[Line]]) -> None:
        """Add lines; ``unsent`` returns all that matter, for when the file is to be made anew."""
        lines = list(lines)
        text = b"".join(_sealed(line.text) for line in lines)
        if not text:
            return
        if self._file is None or self._size + len(text) > self._max_bytes:
            self._make(unsent())
        else:
            self._append(self._file, text)
        self.newest = max(self.newest, *(line.seq for line in lines))

    def clear(self) -> None:
        """Forget what is in the file: all of it was answered for."""
        if self._file is not None and self._size > self._empty_size:
            os.ftruncate(self._file, self._empty_size)
            self._size = self._empty_size

    def close(self, *, is_done: bool) -> None:
        """Let go of the file for the next process; remove it if ``is_done``."""
        if self._file is None:
            return
        if is_done:
            self._path.unlink(missing_ok=True)
        self.leave()

    def leave(self) -> None:
        """Let go of the file as it is; the lock stays with the parent if this is a forked child."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def take_over(self) -> list["Legacy"]:
        """Lock and return the files of lives that have ended, oldest first."""
        with self._folder_lock():
            found = [legacy for path in self._files() if (legacy := _take(path)) is not None]
        return sorted(found, key=lambda legacy: legacy.written_at)

    def _files(self) -> Iterator[Path]:
        for path in self._folder.glob(f"{self._target}-*"):
            if path.suffix == MADE_ANEW:
                path.unlink(missing_ok=True)  # its maker died; nobody makes one now
            elif path.suffix == SUFFIX and path != self._path:
                yield path

    def _append(self, file: int, text: bytes) -> None:
        try:
            _write_all(file, text, at=self._size)
        except OSError:
            # Half a line would cost whatever is written behind it.
            with contextlib.suppress(OSError):
                os.ftruncate(file, self._size)
            raise
        self._size += len(text)

    def _make(self, lines: Iterable[Line]) -> None:
        """Make the file anew with these lines, as far as there is room, and lock it."""
        header = batch.Header(client=self._client, sent_at_ms=0)
        head = _sealed(_encoder.encode(header))
        text = b"".join([head, *_fitting(lines, self._max_bytes - len(head))])
        anew = self._path.with_suffix(MADE_ANEW)
        with self._folder_lock():
            file = _open(anew, os.O_CREAT | os.O_TRUNC)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _write_all(file, text, at=0)
                anew.rename(self._path)
            except OSError:
                os.close(file)
                anew.unlink(missing_ok=True)
                raise
        self.leave()
        self._file, self._size, self._empty_size = file, len(text), len(head)

    @contextlib.contextmanager
    def _folder_lock(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = _open(self._folder / "lock", os.O_CREAT)
        try:
            ends_at = time.monotonic() + PATIENCE
            while not _try_lock(lock):
                if time.monotonic() > ends_at:
                    raise TimeoutError
                time.sleep(0.01)
            yield
        finally:
            os.close(lock)


class Legacy:
    """The file that an earlier life left behind, locked by us until we are through with it."""

    def __init__(self, path: Path, file: int) -> None:
        self._path = path
        self._file = os.fdopen(file, "rb")
        status = os.fstat(file)
        self.written_at = status.st_mtime
        self.size = status.st_size
        self.is_damaged = False

    def __len__(self) -> int:
        """Return about how many records it has."""
        lines = sum(1 for _ in self._file) - 1
        self._file.seek(0)
        return max(0, lines)

    def parcels(self, limit: int) -> Iterator[Parcel]:
        """Read what can be sent, in parcels of at most ``limit`` bytes or of one line."""
        client = self._read_header()
        if client is None:
            return
        lines: list[Line] = []
        size = 0
        while (line := self._read_line()) is not None:
            if lines and size + len(line.text) > limit:
                yield Parcel(client, lines)
                lines, size = [], 0
            lines.append(line)
            size += len(line.text) + 1
        if lines:
            yield Parcel(client, lines)

    def remove(self) -> None:
        """Be through with it."""
        self._path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Leave it to the next process."""
        self._file.close()

    def _read_header(self) -> str | None:
        text = self._read()
        try:
            return None if text is None else msgspec.json.decode(text, type=batch.Header).client
        except msgspec.MsgspecError:
            self.is_damaged = True
            return None

    def _read_line(self) -> Line | None:
        text = self._read()
        if text is None:
            return None
        try:
            kind = msgspec.json.decode(text, type=_Kind)
        except msgspec.MsgspecError:
            self.is_damaged = True
            return None
        return Line(kind.seq, kind.type, text, is_held=False)

    def _read(self) -> bytes | None:
        """Return the next line if it is whole; what follows a damaged one cannot be trusted."""
        sealed = self._file.readline(batch.MAX_LINE + 10)
        text = _unsealed(sealed)
        if sealed and text is None:
            self.is_damaged = True
        return text


def _take(path: Path) -> Legacy | None:
    """Lock a file that nobody holds; None if somebody does, or if it is none of ours."""
    try:
        file = _open(path)
    except OSError:
        return None
    status = os.fstat(file)
    is_ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
    if is_ours and _try_lock(file):
        return Legacy(path, file)
    os.close(file)
    return None


def _open(path: Path, flags: int = 0) -> int:
    return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_all(file: int, text: bytes, *, at: int) -> None:
    view = memoryview(text)
    while view:
        written = os.pwrite(file, view, at)
        view, at = view[written:], at + written


def _fitting(lines: Iterable[Line], room: int) -> list[bytes]:
    """Return the lines there is room for, sealed: reports go first, then logs, then the oldest."""
    kept: list[tuple[int, bytes]] = []
    for line in sorted(
        lines, key=lambda line: (line.kind == "report", line.kind == "log", -line.seq)
    ):
        text = _sealed(line.text)
        room -= len(text)
        if room < 0:
            break
        kept.append((line.seq, text))
    return [text for _, text in sorted(kept)]


def _sealed(text: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _unsealed(line: bytes) -> bytes | None:
    seal, _, text = line.partition(b" ")
    is_whole = text.endswith(b"\n") and seal == b"%08x" % zlib.crc32(text[:-1])
    return text[:-1] if is_whole else None
