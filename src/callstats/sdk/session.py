"""Who reports, by which backend? One user with the credentials of one app.

The class ``CallStats`` has one session of its own. An application that reports to several apps, or
for several users, makes a session for each and gives it to the instances concerned.
"""

from collections import Counter
from collections.abc import Callable, KeysView
from typing import Any, Protocol

from callstats.clock import Clock, SystemClock
from callstats.errors import BadInput
from callstats.sdk.backend import (
    SUCCESS,
    Backend,
    BackendExists,
    BackendIncomplete,
    FabricEvent,
    Status,
    UserFeedback,
    UserId,
    WrtcFuncName,
    missing_parts,
)
from callstats.sdk.client_backend import ClientBackend
from callstats.sdk.delivery import Delivery, settled
from callstats.sdk.fabric import Fabric
from callstats.sdk.post import IsWell, Post
from callstats.sdk.reports_queue import (
    AssociationData,
    ErrorData,
    EventData,
    Report,
    ReportsQueue,
    ReportType,
)
from callstats.sdk.traced import ErrorHandler, Outcome, TracedBackend, logger

MAX_REPORTS = 1_000
MAX_BYTES = 1_048_576
"""Bounds of what waits for its fabric. Less loses the beginning of a call whose backend comes late;
more holds memory in an application that never initialises it."""
KEPT_FOR = 3_600.0
"""Seconds that a report waits for its fabric. Shorter loses what a lobby reports before the call;
longer tells a call what belongs to one long past."""
CLOSE = 5.0
"""Seconds for closing unless told otherwise."""

ENDED = "ended"
FAILED = "failed"
NO_BACKEND = "noBackend"


class Source(Protocol):
    """Where a report comes from: a fabric, or anything that knows these two."""

    @property
    def conf_id(self) -> str | None:
        """The conference."""

    @property
    def peerconnection(self) -> Any:
        """The peer connection."""


class Session:
    """One backend, who reports by it, its fabrics, and what waits for them.

    Only ``init_backend`` raises, and only BackendExists. ``dropped`` counts by reason what could
    not be kept; ``error_handler`` is given what the backend raises, which else goes to the log.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        max_reports: int = MAX_REPORTS,
        max_bytes: int = MAX_BYTES,
        kept_for: float = KEPT_FOR,
    ) -> None:
        self.call_stats_id: int | str | None = None
        self.user_id: UserId | None = None
        self.error_handler: ErrorHandler | None = None
        self.reports_queue = ReportsQueue(max_reports=max_reports, max_bytes=max_bytes)
        self._clock = clock or SystemClock()
        self._post = Post(self.reports_queue, clock=self._clock, kept_for=kept_for)

    @property
    def backend(self) -> TracedBackend | None:
        """The backend, None before ``init_backend`` and where that failed."""
        return self._post.backend

    @property
    def initialized(self) -> bool:
        """Whether the backend was well and accepted a fabric at least once."""
        return self._post.initialized

    @property
    def fabrics(self) -> KeysView[Fabric]:
        """The fabrics that have not ended, oldest first: one set for the session's whole life."""
        return self._post.fabrics

    @property
    def dropped(self) -> Counter[str]:
        """How many reports could not be kept, by reason."""
        return self.reports_queue.dropped

    def init_backend(
        self,
        *,
        call_stats_id: int | str | None = None,
        call_stats_secret: str | None = None,
        alias_name: str | None = None,
        user_name: str | None = None,
        url: str | None = None,
        backend: Callable[[], Backend] | None = None,
    ) -> bool:
        """Make the backend and sign in; return False where that fails, and log why.

        ``backend`` is called without arguments and returns one; without it a client of the
        collector at ``url`` is made. The secret goes to the backend and is not kept here. Raises
        BackendExists where there is a backend already: its credentials stay in force.
        """
        if self.backend is not None or self._post.is_held:
            raise BackendExists
        user_id = UserId(alias_name, user_name)
        self._post.is_held = True
        try:
            made = self._post.backend = self._make(backend, url)
            made.initialize(call_stats_id, call_stats_secret, user_id, self._listener(made))
        except Exception as error:
            self._post.drop_backend()
            self.handle_error(error)
            logger.error("the callstats backend is off: %s", error)
            return False
        else:
            self.call_stats_id, self.user_id = call_stats_id, user_id
            return True
        finally:
            self._post.is_held = False
            self._post.settle()

    def close(self, timeout: float = CLOSE) -> None:
        """End all fabrics, let the backend send what is left, and be as new.

        A backend that has ``close(timeout)`` is told to; ``init_backend`` may be called again.
        """
        for fabric in tuple(self.fabrics):
            self.end(fabric)
        close = getattr(self.backend and self.backend.inner, "close", None)
        try:
            if callable(close):
                close(timeout)
        except Exception as error:
            self.handle_error(error)
        self._post.forget()
        self.dropped.clear()
        self.call_stats_id = self.user_id = self.error_handler = None

    def add(self, fabric: Fabric) -> None:
        """Take a new fabric; it is registered now, or when the backend is well."""
        self._post.enrol(fabric)

    def end(self, fabric: Fabric) -> None:
        """End a fabric: its reports go first, then its end; later reports on it are dropped."""
        if fabric.is_ended:
            return
        end = EventData(FabricEvent.FABRIC_TERMINATED)
        report = self._new_report(ReportType.EVENT, fabric, end, is_end=True)
        fabric.is_ended = True
        self._post.strike(fabric)
        self._post.take(report)

    def report(
        self,
        about: ReportType,
        source: Source | None,
        data: ErrorData | EventData | AssociationData,
    ) -> None:
        """Take a report of a fabric, of something that knows conference and connection, or None."""
        if isinstance(source, Fabric) and source.is_ended:
            self._refuse_late(source)
        else:
            self._post.take(self._new_report(about, source, data))

    def send_feedback(
        self, conf_id: str, overall: int | None, comment: str | None = None
    ) -> Delivery:
        """Report what the user thought; needs a backend, but no fabric."""
        if self.backend is None:
            logger.error("callstats feedback is lost: there is no backend")
            return settled(NO_BACKEND, "init_backend was not called, or failed")
        feedback = UserFeedback(self.user_id, overall, comment)
        return _delivery(self.backend.attempt("send_user_feedback", conf_id, feedback))

    def handle_error(self, error: Exception) -> None:
        """Hand an error to the application's handler, or log it where there is none."""
        try:
            if self.error_handler is not None:
                self.error_handler(error)
            else:
                logger.error("a call of the callstats backend failed", exc_info=error)
        except Exception:  # noqa: S110 - neither handlers nor log filters may break us
            pass

    def _make(self, factory: Callable[[], Backend] | None, url: str | None) -> TracedBackend:
        made = factory() if factory is not None else _client_of(url)
        if missing := missing_parts(made):
            raise BackendIncomplete(missing)
        return TracedBackend(made, self.handle_error)

    def _listener(self, backend: TracedBackend) -> Callable[[str, str], None]:
        def listen(status: str, message: str = "") -> None:
            logger.info("callstats status: %s %s", status, message)
            if status == SUCCESS:
                self._post.take(IsWell(backend))

        return listen

    def _new_report(
        self,
        about: ReportType,
        source: Source | None,
        data: ErrorData | EventData | AssociationData,
        *,
        is_end: bool = False,
    ) -> Report:
        conf_id, pc = (None, None) if source is None else (source.conf_id, source.peerconnection)
        if isinstance(data, ErrorData) and data.type == WrtcFuncName.GET_USER_MEDIA:
            pc = None  # the devices failed, whatever connections there are
        return Report(
            type=about,
            conf_id=conf_id,
            pc=pc,
            data=data,
            fabric=source if isinstance(source, Fabric) else None,
            at=self._clock.now(),
            since=self._clock.monotonic(),
            is_end=is_end,
        )

    def _refuse_late(self, fabric: Fabric) -> None:
        self.dropped[ENDED] += 1
        if not fabric.is_warned:
            fabric.is_warned = True
            logger.warning("reports on %r are dropped", fabric)


def _client_of(url: str | None) -> Backend:
    if url is None:
        raise BadInput(
            "init_backend", found="neither url nor backend", allowed="the collector's url"
        )
    return ClientBackend(url)


def _delivery(outcome: Outcome) -> Delivery:
    """Return what a backend said of feedback as a delivery."""
    value = outcome.value
    if not outcome.is_ok:
        return settled(FAILED, "the backend raised")
    if isinstance(value, Delivery):
        return value
    if isinstance(value, Status):
        return settled(value.status, value.message)
    return settled(SUCCESS, "the backend took it and does not say whether it arrived")
