"""How do many small writes become few large commits? The Writer collects, commits, then answers.

::

    write() ─▶ queue ─▶ one commit: rows of all who wait ─▶ blocks ─▶ events, samples, reports, …
                                                                         │ all on disk
                                                                         ▼
    write() returns ◀──────────────────── on disk ◀──────────────────  clients

A commit begins some tens of milliseconds after its first row, or when it is large; but not sooner
than a quarter of a second after the one before, because a commit costs the engine some 20 ms for
the many columns of ``samples``, however few its rows. A few commits run at a time, but blocks are
made for one of them only, so that the engine has work while they are. ``clients`` is the journal of
what is acknowledged: its rows go last, and only once the commit before has ended well, so that no
client's later record is vouched for while an earlier one may be lost.
"""

import asyncio
import logging
import math
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Self, TypeVar

import pyarrow as pa

from callstats.clock import Clock
from callstats.store import tables
from callstats.store.client import Store
from callstats.store.errors import Unavailable
from callstats.store.rows import Rows, make_block, split_by_partition, warm_up

logger = logging.getLogger(__name__)

JOURNAL = tables.CLIENTS.name
PATIENCE = 8.0
"""Seconds for which a commit is tried again. Too low: a restart of the engine (1–2 s) fails
requests. Too high: senders wait for an answer that is no better than "later"."""
PAUSES = (0.05, 0.2, 0.5, 1.0)
"""Seconds between tries; the last one repeats."""
_IN_FLIGHT = 4
"""Commits at a time: one whose blocks are made, two that the engine works on, one whose journal is
written. Fewer leave a core idle; more would only keep more rows in memory."""
_THREADS = 4

_T = TypeVar("_T")


@dataclass(slots=True)
class _Waiting:
    """Rows that somebody waits for."""

    rows: Rows
    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _Insert:
    """One block for one partition of one table, under a token that makes repeating it safe."""

    table: str
    block: pa.RecordBatch
    token: str


class Writer:
    """Collects rows from one event loop and commits them in groups."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        max_bytes: int = 64 << 20,
        linger: float = 0.03,
        spacing: float = 0.25,
        max_rows: int = 10_000,
    ) -> None:
        self._store = store
        self._clock = clock
        self._max_bytes = max_bytes
        self._linger = linger
        self._spacing = spacing
        self._max_rows = max_rows
        self._queue: list[_Waiting] = []
        self._queued_rows = 0
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._large = asyncio.Event()
        self._slots = asyncio.Semaphore(_IN_FLIGHT)
        self._making = asyncio.Lock()
        self._commits: set[asyncio.Task[None]] = set()
        self._last: asyncio.Task[None] | None = None
        self._loop: asyncio.Task[None] | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._stopping = False
        self._began = -math.inf

    @property
    def queued_bytes(self) -> int:
        """How much memory the rows take that are not committed yet, roughly."""
        return self._bytes

    async def start(self) -> None:
        """Begin to take rows."""
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="writer")
        await self._in_thread(warm_up)
        self._loop = asyncio.create_task(self._run(), name="writer")

    async def stop(self) -> None:
        """Commit what was taken, then take no more."""
        self._stopping = True
        self._arrived.set()
        self._large.set()
        if self._loop is not None:
            await self._loop
        await asyncio.gather(*self._commits, return_exceptions=True)
        if self._threads is not None:
            self._threads.shutdown()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def write(self, rows: Rows) -> None:
        """Return when all rows are on disk; raise Unavailable where that cannot be said."""
        if not rows:
            return
        if self._stopping or self._loop is None:
            raise Unavailable("the writer is not running", retry_after=1.0)
        if self._bytes + rows.size > self._max_bytes:
            raise Unavailable("the queue of rows to be written is full", retry_after=2.0)
        waiting = _Waiting(rows, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._bytes += rows.size
        self._queued_rows += rows.count
        self._arrived.set()
        if self._queued_rows >= self._max_rows:
            self._large.set()
        await waiting.done

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            if not self._stopping:
                await self._settle()
            await self._slots.acquire()
            batch = self._take()
            if batch:
                self._begin(batch)
            else:
                self._slots.release()
            if self._stopping and not self._queue:
                return

    async def _settle(self) -> None:
        """Wait for more rows to come, a moment long, unless there are many already."""
        since = self._clock.monotonic() - self._began
        with suppress(TimeoutError):
            async with asyncio.timeout(max(self._linger, self._spacing - since)):
                await self._large.wait()
        self._began = self._clock.monotonic()

    def _take(self) -> list[_Waiting]:
        """Remove from the queue what makes one commit of about ``max_rows``."""
        count = taken = 0
        for waiting in self._queue:
            if taken and count + waiting.rows.count > self._max_rows:
                break
            count += waiting.rows.count
            taken += 1
        batch, self._queue = self._queue[:taken], self._queue[taken:]
        self._queued_rows -= count
        if not self._queue:
            self._arrived.clear()
        if self._queued_rows < self._max_rows and not self._stopping:
            self._large.clear()
        return batch

    def _begin(self, batch: list[_Waiting]) -> None:
        before = self._last
        task = asyncio.create_task(self._commit(batch, before), name="commit")
        self._last = task
        self._commits.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._commits.discard(task)
        self._slots.release()
        if self._last is task:
            self._last = None
        if not task.cancelled():
            task.exception()

    async def _commit(self, batch: list[_Waiting], before: asyncio.Task[None] | None) -> None:
        """Write one group and answer everyone in it; raise what went wrong, for the next one."""
        try:
            await self._write_group(batch, before)
        except Unavailable as error:
            _answer(batch, error)
            raise
        except Exception:
            logger.exception("a group of rows was refused; writing each part alone")
            await self._write_each(batch, before)
        else:
            _answer(batch, None)
        finally:
            self._bytes -= sum(waiting.rows.size for waiting in batch)

    async def _write_each(self, batch: list[_Waiting], before: asyncio.Task[None] | None) -> None:
        """Write what each one waits for alone, so that wrong rows fail only who brought them."""
        for waiting in batch:
            try:
                await self._write_group([waiting], before)
            except Unavailable as error:
                _answer(batch, error)
                raise
            except Exception as error:
                _answer([waiting], error)
            else:
                _answer([waiting], None)

    async def _write_group(self, batch: list[_Waiting], before: asyncio.Task[None] | None) -> None:
        async with self._making:
            rows, journal = await self._in_thread(lambda: _inserts(batch))
        results = await asyncio.gather(*map(self._insert, rows), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        if before is not None:
            await _wait_for(before)
        for insert in journal:
            await self._insert(insert)

    async def _insert(self, insert: _Insert) -> None:
        """Insert one block; while the store is away, try again with the same token."""
        deadline = self._clock.monotonic() + PATIENCE
        for pause in _pauses():
            try:
                await self._in_thread(
                    lambda: self._store.insert(insert.table, insert.block, token=insert.token)
                )
            except Unavailable:
                if self._clock.monotonic() + pause > deadline:
                    raise
            else:
                return
            await asyncio.sleep(pause)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _pauses() -> Iterator[float]:
    yield from PAUSES
    while True:
        yield PAUSES[-1]


async def _wait_for(before: asyncio.Task[None]) -> None:
    """Raise Unavailable unless the commit before has ended well."""
    await asyncio.wait([before])
    if before.cancelled() or before.exception() is not None:
        raise Unavailable("the commit before this one failed", retry_after=1.0)


def _answer(batch: Sequence[_Waiting], error: Exception | None) -> None:
    for waiting in batch:
        if waiting.done.done():
            continue
        if error is None:
            waiting.done.set_result(None)
        else:
            waiting.done.set_exception(error)


def _inserts(batch: Sequence[_Waiting]) -> tuple[list[_Insert], list[_Insert]]:
    """Make the blocks of one commit: those of rows, and those of the journal."""
    together = Rows()
    for waiting in batch:
        together.extend(waiting.rows)
    commit = uuid.uuid4().hex
    inserts: dict[bool, list[_Insert]] = {False: [], True: []}
    for name, rows in together.by_table.items():
        table = tables.BY_NAME[name]
        for partition, run in split_by_partition(table, rows):
            insert = _Insert(name, make_block(table, run), f"{commit}-{partition}")
            inserts[name == JOURNAL].append(insert)
    return inserts[False], inserts[True]
