"""Which report goes to the backend, when, and for which fabric?

Reports, new fabrics and the backend's word that it is well come in from any thread, at any moment:
while the backend is being called, from a log handler, from the garbage collector. So coming in is
one atomic step, an append to the inbox, and then the work is done by whoever gets the lock without
waiting for it. Who works looks again after letting go, so nothing is left lying, and what comes in
meanwhile keeps its order.

The work, as long as the backend says that it is well: register the fabrics that wait (first come,
first served), then send each report whose fabric is active, oldest first. What a backend did not
take is tried again with the next thing that comes in: there is no thread and no timer here.
"""

import os
import threading
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

from callstats.clock import Clock
from callstats.sdk.backend import SUCCESS, PeerConnection, Status
from callstats.sdk.fabric import Fabric
from callstats.sdk.reports_queue import (
    BACKEND_FAILED,
    FULL,
    UNKNOWN_KIND,
    AssociationData,
    ErrorData,
    EventData,
    Report,
    ReportsQueue,
)
from callstats.sdk.traced import TracedBackend, logger

if TYPE_CHECKING:
    from collections.abc import KeysView

MAX_ATTEMPTS = 3
"""Times a report is handed to a backend that raises. Fewer loses it to a passing fault; more lets
one that the backend cannot digest come back for longer."""


class IsWell(NamedTuple):
    """What comes in when a backend says that it is well."""

    backend: TracedBackend


Item = Report | Fabric | IsWell


class Post:
    """The fabrics of one backend and the reports that wait for them; safe from any thread."""

    def __init__(self, queue: ReportsQueue, *, clock: Clock, kept_for: float) -> None:
        self.queue = queue
        self.backend: TracedBackend | None = None
        self.initialized = False
        """Whether the backend was well and accepted a fabric at least once."""
        self.is_held = False
        """Whether the backend is being made: what comes in waits for that to end."""
        self._is_well = False
        self._clock = clock
        self._kept_for = kept_for
        self._fabrics: dict[Fabric, None] = {}
        self.fabrics: KeysView[Fabric] = self._fabrics.keys()
        self._waiting: dict[Fabric, None] = {}
        self._inbox: deque[Item] = deque()
        self._lock = threading.Lock()
        self._process = os.getpid()
        # What the one who works remembers
        self._refused: set[Fabric] = set()
        self._again: list[Report] = []
        self._place = 0
        self._told: Counter[str] = Counter()

    # What anybody may call

    def enrol(self, fabric: Fabric) -> None:
        """Take a new fabric."""
        self._fabrics[fabric] = None
        self.take(fabric)

    def strike(self, fabric: Fabric) -> None:
        """Take a fabric off the list; one that was not accepted yet still will be."""
        self._fabrics.pop(fabric, None)

    def take(self, item: Item) -> None:
        """Take what comes in, and do the work if nobody else is at it; never waits."""
        if self._process != os.getpid():
            self._begin_anew_after_fork()
        if isinstance(item, Report):
            if self._send_at_once(item):
                return
            if len(self._inbox) >= self.queue.max_reports:
                self.queue.dropped[FULL] += 1
                return
        self._inbox.append(item)
        self.settle()

    def settle(self) -> None:
        """Do the work that has come in, unless somebody else is at it."""
        while self._inbox and not self.is_held and self._lock.acquire(blocking=False):
            try:
                self._work()
            finally:
                self._lock.release()

    def drop_backend(self) -> None:
        """Go on without a backend: fabrics and reports wait for the next one."""
        self.backend = None
        self._is_well = False

    def forget(self) -> None:
        """Forget all fabrics and all that waits."""
        self.drop_backend()
        self.initialized = False
        self._fabrics.clear()
        self._waiting.clear()
        self._inbox.clear()
        self.queue.clear()
        self._told.clear()

    def _begin_anew_after_fork(self) -> None:
        # The parent sends what waits; its threads, and the locks they held, are not here.
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._inbox.clear()
        self._waiting.clear()
        self.queue.clear()

    # The work

    def _send_at_once(self, report: Report) -> bool:
        """Send a report in front of which nothing waits, as is usual; else return False.

        This is the same work in short: it takes a quarter of the time.
        """
        backend = self.backend
        if backend is None or not self._is_well or self._waiting or not self._may_go(report):
            return False
        if self._inbox or len(self.queue) or not self._lock.acquire(blocking=False):
            return False
        try:
            self._deliver(report, backend)
            self._put_back()
            if self.queue.dropped:
                self._tell_losses(backend)
        finally:
            self._lock.release()
        if self._inbox:
            self.settle()
        return True

    def _work(self) -> None:
        self._refused.clear()
        while True:
            self._sort_in()
            backend = self.backend
            if backend is None or not self._is_well:
                break
            if (fabric := self._next_fabric()) is not None:
                self._register(fabric, backend)
            elif (index := self._next_report()) is not None:
                self._deliver(self.queue.take(index), backend)
            else:
                break
        self._put_back()
        if backend is not None and self._is_well and self.queue.dropped:
            self._tell_losses(backend)

    def _sort_in(self) -> None:
        while self._inbox:
            item = self._inbox.popleft()
            if isinstance(item, Report):
                self._let_go(self.queue.add(item))
            elif isinstance(item, Fabric):
                self._waiting[item] = None
            elif item.backend is self.backend:
                self._recover()
        self._let_go(self.queue.expire(self._clock.monotonic() - self._kept_for))

    def _recover(self) -> None:
        self._is_well = True
        for fabric in tuple(self._waiting):
            fabric.reset_tries()

    def _let_go(self, gone: list[Report]) -> None:
        """Look after what the queue let go: a fabric whose end is gone has nothing to wait for."""
        if gone:
            self._place = 0
        for report in gone:
            if report.is_end and report.fabric is not None:
                self._waiting.pop(report.fabric, None)

    def _next_fabric(self) -> Fabric | None:
        if not self._waiting:
            return None
        now = self._clock.monotonic()
        due = (f for f in tuple(self._waiting) if f not in self._refused and f.is_due(now))
        return next(due, None)

    def _next_report(self) -> int | None:
        """Return the place of the first report that may go; those before it need not be asked."""
        while self._place < len(self.queue):
            if self._may_go(self.queue[self._place]):
                return self._place
            self._place += 1
        return None

    def _may_go(self, report: Report) -> bool:
        if report.fabric is not None:
            return report.fabric.has_fabric
        return self.initialized if report.conf_id is not None else self._default() is not None

    def _default(self) -> Fabric | None:
        # Other threads may add fabrics meanwhile, so not on the dict itself.
        return next((fabric for fabric in tuple(self._fabrics) if fabric.has_fabric), None)

    def _register(self, fabric: Fabric, backend: TracedBackend) -> None:
        logger.debug("add_new_fabric, try %d", fabric.tries + 1)
        logger.info("add_new_fabric %s %r", fabric.remote_user_id, fabric)
        failure = self._ask(fabric, backend)
        if failure is None:
            fabric.accept()
            self._waiting.pop(fabric, None)
            self.initialized = True
            self._place = 0
        else:
            fabric.refuse(failure, self._clock.monotonic())
            self._refused.add(fabric)

    def _ask(self, fabric: Fabric, backend: TracedBackend) -> str | None:
        """Have a fabric registered; return why not, None where it was."""
        try:
            status = backend.add_new_fabric(
                fabric.peerconnection,
                fabric.remote_user_id,
                backend.usage,
                fabric.conf_id,
                self._hear_of_fabric,
            )
        except Exception as error:
            backend.handle_error(error)
            return type(error).__name__
        if isinstance(status, Status) and status.is_success:
            return None
        message = status.message or status.status if isinstance(status, Status) else "no status"
        logger.error("callstats does not watch %r: %s", fabric, message)
        return message

    def _tell_losses(self, backend: TracedBackend) -> None:
        """Tell a backend that wants to know it what was dropped since the last time."""
        tell = getattr(backend.inner, "drop", None)
        if not callable(tell):
            return
        lost = Counter(self.queue.dropped) - self._told
        self._told += lost
        for reason, number in lost.items():
            try:
                tell(reason, number)
            except Exception as error:
                backend.handle_error(error)

    def _hear_of_fabric(self, status: str, message: str = "") -> None:
        if status != SUCCESS and self.backend is not None:
            logger.error("callstats monitoring status: %s %s", status, message)

    def _deliver(self, report: Report, backend: TracedBackend) -> None:
        if not self._send(report, backend):
            self._again.append(report.tried())

    def _send(self, report: Report, backend: TracedBackend) -> bool:
        """Make the call that the report is about; return whether the backend took it."""
        data, at = report.data, report.at
        pc, conf_id = self._ends_of(report)
        args: tuple[object, ...]
        match data:
            case EventData() if report.is_end:
                name, args = "send_fabric_event", (pc, backend.end_event, conf_id)
            case EventData(event, event_data):
                name, args = "send_fabric_event", (pc, event, conf_id, event_data)
            case ErrorData(function, error):
                name, args = "report_error", (pc, conf_id, function, error)
            case AssociationData(user_id, ssrc, usage_label, container_id):
                name = "associate_mst_with_user_id"
                args = (pc, user_id, conf_id, ssrc, usage_label, container_id)
            case _:
                self.queue.dropped[UNKNOWN_KIND] += 1
                return True
        return backend.attempt(name, *args, at=at).is_ok

    def _ends_of(self, report: Report) -> tuple[PeerConnection | None, str | None]:
        """Return connection and conference, for what has none those of the first active fabric."""
        pc, conf_id = report.pc, report.conf_id
        if pc is not None and conf_id is not None:
            return pc, conf_id
        default = self._default()
        if default is None:
            return pc, conf_id
        if pc is None and not report.is_before_connection:
            pc = default.peerconnection
        return pc, default.conf_id if conf_id is None else conf_id

    def _put_back(self) -> None:
        """Keep for the next time what the backend raised on, unless it had its chances."""
        if not self._again:
            return
        again = [report for report in self._again if report.attempts < MAX_ATTEMPTS]
        if lost := len(self._again) - len(again):
            self.queue.dropped[BACKEND_FAILED] += lost
        self._again.clear()
        self.queue.put_first(again)
        self._place = 0
