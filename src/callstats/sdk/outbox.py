"""Which records wait to be sent, and which must go when there are too many?

The outbox is bounded in records and in bytes, both counted until the server has answered. When it
is full the oldest reports go first (the next one tells the same again), then the oldest log lines,
and events last. Everything that goes is counted by reason, place and minute.

Each record gets a number when it comes in, which is also the one it is sent with: numbers go up in
the order of sending, which is what the server's "stored up to" relies on. What is dropped leaves a
hole, which harms nobody.

``put`` never waits and may be called from anywhere: threads, signal handlers, and callbacks of the
garbage collector that interrupt ``put`` itself. So it only appends to a deque, which is one atomic
step, and then sorts in whatever has arrived if nobody else is at it. Whoever holds the lock looks
again after letting go, so nothing that arrived meanwhile is left lying.
"""

import itertools
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple

from callstats.sdk.losses import NOWHERE, Loss, Losses, Place
from callstats.sdk.notices import call_back
from callstats.wire import Alive, AnyRecord, Log, Report

FULL = "outbox full"
TOO_LARGE = "too large"
KEPT = "kept on disk"
"""The one reason that is no loss: the record is in the spool, for the next process to send."""

OVERHEAD = 640
"""Bytes counted for a record besides its own text: the struct, its numbers, its place in the
deque, and its line once it is being sent. Measured: about 450; too low a figure breaks the promised
bound, too high a one keeps fewer records than there is room for."""

PATIENCE = 5.0
"""Seconds to wait for the outbox's lock."""

LIGHT = 1_280
"""Bytes that a record may count at most to be put lightly."""
CROWD = 1_024
"""Records that may lie about without being sorted in. Less has a burst of events sorted in by the
thread that reports them; more sets aside more of the outbox's room for them."""
JAM = 64
"""Records that may have arrived without being sorted in before ``put`` lets other threads run."""
TURN = 0.05
"""Seconds that ``put`` then waits at most; usually some microseconds."""

REPORTS, LOGS, EVENTS = range(3)
"""Ranks in the order in which they go when there is no room."""


OnEnd = Callable[[bool, str], None]
"""Told once what became of a record: whether the server has stored it, and if not, why."""


class Slip(NamedTuple):
    """What is kept of a record until it is answered for.

    The bytes it counts, whom to tell, and where and when something is missing if it is lost.
    """

    size: int
    on_end: OnEnd | None
    place: Place
    at_ms: float


class Waiting(NamedTuple):
    """One record in the outbox, and its number in the order of arrival."""

    order: int
    record: AnyRecord
    slip: Slip


class Outbox:
    """Keeps records until they are answered for, within its bounds; safe from any thread."""

    def __init__(self, *, max_records: int, max_bytes: int) -> None:
        self.max_records = max_records
        self.max_bytes = max_bytes
        # Never acquired twice: whoever is at it is among the busy before it tries.
        self._lock = threading.RLock()
        self._busy: set[int] = set()
        self._crowd = min(CROWD, max_records // 8, max_bytes // 4 // LIGHT)
        self._arrived: deque[tuple[AnyRecord | Callable[[], AnyRecord], OnEnd | None]] = deque()
        self._lost: deque[tuple[str, int, Place, float]] = deque()
        self._orders = itertools.count(1)
        self._newest = 0
        self._waiting: tuple[deque[Waiting], ...] = (deque(), deque(), deque())
        self._taken: dict[int, Slip] = {}
        self._ended: deque[tuple[OnEnd, bool, str]] = deque()
        self._size = 0
        self._losses = Losses()

    def __len__(self) -> int:
        """Return how many records wait or are being sent."""
        return len(self._arrived) + sum(map(len, self._waiting)) + len(self._taken)

    @property
    def size(self) -> int:
        """Return the bytes counted for what waits or is being sent."""
        with self._seen():
            return self._size

    @property
    def dropped(self) -> dict[str, int]:
        """Return how many records were dropped so far, by reason."""
        with self._seen():
            return dict(self._losses.total)

    @property
    def newest(self) -> int:
        """Return the number of the record that arrived last, 0 for none."""
        with self._seen():
            return self._newest

    @property
    def oldest(self) -> int | None:
        """Return the number of the first record that is not answered for, None for none."""
        with self._seen():
            heads = [
                waiting.order for queue in self._waiting for waiting in itertools.islice(queue, 1)
            ]
            return min([*heads, *self._taken], default=None)

    @property
    def has_losses(self) -> bool:
        """Whether something was dropped since ``take_losses`` was last asked."""
        with self._seen():
            return bool(self._losses)

    def put(self, record: AnyRecord, on_end: OnEnd | None = None) -> None:
        """Add a record; never waits for anything but the processor."""
        self._arrived.append((record, on_end))
        self._settle()

    def put_lightly(self, make: Callable[[], AnyRecord]) -> bool:
        """Add a record that is yet to be made and counts less than ``LIGHT``, at next to no cost.

        It is made and sorted in by the next who is at it anyway. Returns True when there are so
        many that somebody should be.
        """
        self._arrived.append((make, None))
        number = len(self._arrived)
        if number >= self._crowd:
            self._settle()
        return number == self._crowd // 2

    def tidy(self) -> None:
        """Sort in what has arrived."""
        self._settle()

    def count(
        self, reason: str, number: int = 1, *, place: Place = NOWHERE, at_ms: float = 0.0
    ) -> None:
        """Note that something was lost outside the outbox; never waits."""
        self._lost.append((reason, number, place, at_ms))
        self._settle()

    def take(self, *, records: int, size: int) -> list[Waiting]:
        """Hand over the oldest records for sending; they count until ``end``."""
        taken: list[Waiting] = []
        total = 0
        with self._held():
            while len(taken) < records and (waiting := self._first()) is not None:
                total += waiting[0].slip.size
                if taken and total > size:
                    break
                taken.append(waiting.popleft())
            self._taken.update((each.order, each.slip) for each in taken)
        return taken

    def end(self, orders: Iterable[int], reason: str | None = None) -> None:
        """Let go of records that ``take`` handed over: stored, or dropped for a reason."""
        with self._held():
            for order in orders:
                self._leave(self._taken.pop(order), reason)

    def end_all(self, reason: str) -> None:
        """Drop everything that ``take`` handed over."""
        with self._held():
            while self._taken:
                self._leave(self._taken.popitem()[1], reason)

    def take_losses(self) -> list[tuple[int, Loss]]:
        """Return what was dropped since the last time this was asked, numbered for sending.

        As long as something waits this returns nothing, since that has lower numbers.
        """
        with self._held():
            if any(self._waiting):
                return []
            return [(next(self._orders), loss) for loss in self._losses.take()]

    def since(self, order: int) -> list[Waiting]:
        """Return what waits and came in after the record of this number, in order."""
        with self._held():
            newer = (
                itertools.takewhile(lambda each: each.order > order, reversed(waiting))
                for waiting in self._waiting
            )
            return sorted(itertools.chain(*newer), key=lambda each: each.order)

    def drop_all(self, reason: str) -> None:
        """Give up everything that still waits; what is being sent stays."""
        with self._held():
            for waiting in self._waiting:
                while waiting:
                    self._leave(waiting.popleft().slip, reason)

    @contextmanager
    def _held(self) -> Iterator[None]:
        me = threading.get_ident()
        if me in self._busy:
            # A signal handler or the garbage collector has interrupted us here: better an error,
            # which the caller swallows, than a wait without end.
            raise TimeoutError
        self._busy.add(me)
        try:
            if not self._lock.acquire(timeout=PATIENCE):
                raise TimeoutError
            self._sort_in()
            yield
        finally:
            self._let_go(me)
        self._settle()

    @contextmanager
    def _seen(self) -> Iterator[None]:
        """Hold the lock for looking only; look without it rather than raise."""
        with ExitStack() as stack:
            with suppress(TimeoutError):
                stack.enter_context(self._held())
            yield

    def _let_go(self, me: int) -> None:
        # A signal handler may have raised right after the lock was acquired, so ask it.
        if self._lock._is_owned():  # type: ignore[attr-defined]
            self._lock.release()
        self._busy.discard(me)

    def _settle(self) -> None:
        me = threading.get_ident()
        while (self._arrived or self._lost) and me not in self._busy:
            self._busy.add(me)
            try:
                if not self._try():
                    break
                self._sort_in()
            finally:
                self._let_go(me)
        self._tell_ended()

    def _try(self) -> bool:
        # Not waiting is right, unless the lock's holder waits for its turn on the processor while
        # we pile up records: then let it have that.
        if len(self._arrived) < self._crowd + JAM:
            return self._lock.acquire(blocking=False)
        return self._lock.acquire(timeout=TURN)

    def _sort_in(self) -> None:
        while self._lost:
            self._losses.note(*self._lost.popleft())
        while self._arrived:
            arrived, on_end = self._arrived.popleft()
            self._place(arrived() if callable(arrived) else arrived, on_end)

    def _place(self, record: AnyRecord, on_end: OnEnd | None) -> None:
        self._newest = next(self._orders)
        slip = Slip(size_of(record), on_end, place_of(record), record.at_ms)
        rank = rank_of(record)
        while not self._has_room(slip):
            worse = next((waiting for waiting in self._waiting[: rank + 1] if waiting), None)
            is_too_large = slip.size + self._crowd * LIGHT > self.max_bytes
            if worse is None or is_too_large:
                self._tell(slip, TOO_LARGE if is_too_large else FULL)
                return
            self._leave(worse.popleft().slip, FULL)
        self._size += slip.size
        self._waiting[rank].append(Waiting(self._newest, record, slip))

    def _has_room(self, slip: Slip) -> bool:
        count = sum(map(len, self._waiting)) + len(self._taken)
        # What is put lightly has its room set aside.
        size = self._size + slip.size + self._crowd * LIGHT
        return count + self._crowd < self.max_records and size <= self.max_bytes

    def _first(self) -> deque[Waiting] | None:
        queues = [waiting for waiting in self._waiting if waiting]
        return min(queues, key=lambda waiting: waiting[0].order, default=None)

    def _leave(self, slip: Slip, reason: str | None) -> None:
        self._size -= slip.size
        self._tell(slip, reason)

    def _tell(self, slip: Slip, reason: str | None) -> None:
        if reason is not None and reason != KEPT:
            self._losses.note(reason, 1, slip.place, slip.at_ms)
        if slip.on_end is not None:
            self._ended.append((slip.on_end, reason is None, reason or ""))

    def _tell_ended(self) -> None:
        # Not under the lock: what is called may well report something.
        while self._ended:
            with suppress(IndexError):  # another thread was faster
                on_end, is_stored, reason = self._ended.popleft()
                call_back(on_end, is_stored, reason)


def rank_of(record: AnyRecord) -> int:
    """Return how early a record goes when there is no room."""
    if isinstance(record, Report | Alive):
        return REPORTS
    return LOGS if isinstance(record, Log) else EVENTS


def place_of(record: AnyRecord) -> Place:
    """Return what is incomplete without this record."""
    return Place(record.conference, getattr(record, "connection", None))


def size_of(record: AnyRecord) -> int:
    """Return the bytes a record counts: its texts, and ``OVERHEAD`` for everything else."""
    size = OVERHEAD + len(record.user) + len(record.device) + len(record.conference or "")
    if isinstance(record, Report):
        return size + memoryview(record.stats).nbytes
    for name in _TEXTS:
        value = getattr(record, name, None)
        if value is not None:
            size += sys.getsizeof(value) if isinstance(value, str) else memoryview(value).nbytes
    return size


_TEXTS = ("name", "data", "message", "comment")
