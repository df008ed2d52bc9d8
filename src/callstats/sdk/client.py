"""Report what happens in a call, from anywhere in a Python process.

Only the constructor raises, and only BadInput. Everything else takes what it is given, never waits
(but ``flush`` and ``close``, which are told how long), and counts in ``dropped`` what it could not
keep, by reason.
"""

import asyncio
import os
import time
import weakref
from types import TracebackType
from typing import Self

from callstats.clock import Clock, SystemClock
from callstats.sdk import forks, settings
from callstats.sdk.courier import OnStatus
from callstats.sdk.http import TIMEOUT
from callstats.sdk.life import Life, Setup
from callstats.sdk.logs import LogHandler
from callstats.sdk.notices import never_raises, tell_defect
from callstats.sdk.outbox import OnEnd
from callstats.sdk.watch import Watch
from callstats.wire import Error, Feedback, Log
from callstats.wire.records import MAX_NAME

MAX_TEXT = 65_536
"""Longest message or comment, in characters."""
MIN_BYTES = 1 << 20
"""Least memory to work with."""
CLOSE = 5.0
"""Seconds for flushing and closing unless told otherwise."""
LAST_SAMPLE = 1.0
"""Seconds that closing waits for the last sample of connections in other threads."""


class Client:
    """Reports for one user on one device to one collector.

    ``interval`` is the time in seconds between two samples of a connection. ``max_records`` and
    ``max_bytes`` bound what is kept while the server is away, and the memory for sending it: too
    low loses reports within seconds, too high takes the application's memory. What happens within
    ``linger`` seconds travels together. Give ``device`` where the user comes back on the same one;
    otherwise each client is a device of its own. ``timeout`` (seconds) limits one request.

    ``spool`` names a folder for what is unsent when the process ends; the next client that is given
    the same folder, server and app sends it. It takes ``max_bytes`` on disk, and as much again for
    what earlier processes left.

    ``on_status`` is told, in any thread, when it changes how the server takes us: ``success``,
    ``authError`` (app_id or app_secret), ``httpError`` (anything else), and why.

    Use it as a context manager, or call ``close``. In asyncio use ``async with``, which lets the
    loop go on while the rest is sent.
    """

    def __init__(
        self,
        url: str,
        *,
        app_id: int,
        app_secret: str,
        user: str,
        device: str | None = None,
        interval: float = 5.0,
        max_records: int = 10_000,
        max_bytes: int = 8 << 20,
        linger: float = 0.25,
        timeout: float = TIMEOUT,
        spool: str | os.PathLike[str] | None = None,
        on_status: OnStatus | None = None,
        clock: Clock | None = None,
    ) -> None:
        check = settings.check_number
        self.interval = check("interval", interval, at_least=0.1)
        self._setup = Setup(
            url=settings.check_url(url),
            app_id=settings.check_app_id(app_id),
            app_secret=settings.check_secret(app_secret),
            user=settings.check_name("user", user),
            device=None if device is None else settings.check_name("device", device),
            max_records=int(check("max_records", max_records, at_least=1)),
            max_bytes=int(check("max_bytes", max_bytes, at_least=MIN_BYTES)),
            linger=check("linger", linger, at_least=0),
            timeout=check("timeout", timeout, at_least=0.1),
            spool=settings.check_spool(spool),
            on_status=on_status,
            clock=clock or SystemClock(),
        )
        self.user = self._setup.user
        self._begin_life()
        forks.attend(self)
        if spool is not None:
            self._courier.adopt()

    def _begin_life(self) -> None:
        life = self._life = Life(self._setup)
        self.device = life.device
        self._participant = life.participant
        self._outbox = life.outbox
        self._courier = life.courier
        self._watches = life.watches
        # A client that is forgotten without close: let its thread carry the rest and end.
        self._finalizer = weakref.finalize(self, life.courier.finish, CLOSE)
        self._finalizer.atexit = False

    @never_raises(instead=None)
    def begin_anew(self) -> None:
        """Begin a new life in a forked child; called by the interpreter.

        The child has a client id of its own, and a device unless one was given. It sends nothing of
        what the parent reported, watches none of its connections, and starts its own thread with
        its first record.
        """
        was_closed = self._participant.is_closed
        self._finalizer.detach()
        forks.leave_behind(self._life)
        self._life.abandon()
        if not was_closed:
            self._begin_life()

    def event(
        self,
        name: str,
        *,
        conference: str,
        data: object = None,
        pc: object = None,
        at: float | None = None,
    ) -> None:
        """Report that something happened, now or ``at`` (seconds since 1970-01-01 UTC).

        ``data`` is any JSON value; it is read before this returns, so it may change afterwards.
        ``pc`` says on which of the watched peer connections it happened.
        """
        try:  # as never_raises does, but faster
            me = self._participant
            if me.accepts(name, "name") and me.enter(conference, at):
                connection, remote = (None, None) if pc is None else self._ends_of(pc)
                me.happened(name, conference, data, connection=connection, remote=remote, at=at)
        except Exception as error:
            tell_defect("Client.event", error)

    @never_raises(instead=None)
    def error(
        self,
        name: str,
        error: BaseException | str | None = None,
        *,
        conference: str | None = None,
        pc: object = None,
        at: float | None = None,
    ) -> None:
        """Report that something failed: the name of the function or the failure, and the error."""
        me = self._participant
        if me.accepts(name, "name") and (conference is None or me.enter(conference, at)):
            connection, remote = self._ends_of(pc)
            kind = type(error).__name__ if isinstance(error, BaseException) else None
            me.put(
                Error(
                    **me.said(conference, at),
                    name=name,
                    message="" if error is None else str(error)[:MAX_TEXT],
                    connection=connection,
                    remote=remote,
                    **me.details(None if kind is None else {"type": kind}),
                )
            )

    @never_raises(instead=None)
    def log(
        self,
        message: str,
        level: str = "info",
        *,
        conference: str | None = None,
        at: float | None = None,
    ) -> None:
        """Report a line of the application's log; one that is very long becomes several."""
        me = self._participant
        if conference is None or me.enter(conference, at):
            text = str(message)
            said = me.said(conference, at)
            for start in range(0, len(text) or 1, MAX_TEXT):
                part = text[start : start + MAX_TEXT]
                me.put(Log(**said, message=part, level=str(level)[:32]))

    @never_raises(instead=None)
    def feedback(
        self,
        *,
        conference: str,
        overall: int | None = None,
        audio: int | None = None,
        video: int | None = None,
        comment: str | None = None,
        at: float | None = None,
        on_delivery: OnEnd | None = None,
    ) -> None:
        """Report what the user thought of the call: ratings from 1 (bad) to 5 (excellent).

        Feedback is often given after leaving, so it does not imply that the user joins.
        ``on_delivery`` is called once, in any thread, with whether the server has stored it, and
        the reason if not.
        """
        me = self._participant
        if not all(_is_rating(rating) for rating in (overall, audio, video)):
            me.refuse("a rating that is no whole number from 1 to 5", on_delivery)
        elif me.accepts(conference, "conference", on_delivery):
            me.put(
                Feedback(
                    **me.said(conference, at),
                    overall=overall,
                    audio=audio,
                    video=video,
                    comment=None if comment is None else str(comment)[:MAX_TEXT],
                ),
                on_delivery,
            )

    def logging_handler(self, *, conference: str | None = None) -> LogHandler:
        """Return a handler for Python's ``logging`` that reports the lines it is given.

        They belong to ``conference``, or else to the one the user is in when they are written.
        Lines about our own reporting are left out.
        """
        return LogHandler(self, conference=conference)

    @never_raises(instead=None)
    def drop(self, reason: str, number: int = 1, *, conference: str | None = None) -> None:
        """Count what the application itself had to drop; the collector is told with the rest."""
        self._participant.lose(str(reason)[:MAX_NAME], max(0, int(number)), conference=conference)

    @never_raises(instead=None)
    def join(self, conference: str) -> None:
        """Report that the user entered; whatever else is said of a conference implies it."""
        self._participant.enter(conference)

    @never_raises(instead=None)
    def leave(self, conference: str) -> None:
        """Report that the user left, and stop watching the connections of the conference."""
        for watch in list(self._watches.values()):
            if watch.conference == conference:
                watch.close("left")
        self._participant.leave(conference)

    def watch(
        self,
        pc: object,
        *,
        conference: str,
        remote: str | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> Watch:
        """Sample a connection until it closes, and follow its states.

        It is a peer connection of aiortc or wrtc, a room of LiveKit, or a ``Watchable`` of yours.
        ``remote`` names the other end. ``loop`` is the event loop in which the connection lives;
        it is found where the connection knows it or where this is called in it.
        """
        watch = Watch(
            self._participant, conference=conference, remote=remote, interval=self.interval
        )
        self._begin(watch, pc, loop)
        return watch

    @never_raises(instead=None)
    def _begin(self, watch: Watch, pc: object, loop: asyncio.AbstractEventLoop | None) -> None:
        me = self._participant
        if watch.remote is not None and not me.accepts(watch.remote, "remote"):
            return
        former = self._watches.get(id(pc))
        if former is not None and former.pc is pc:
            former.close("watched anew")
        engine = watch.prepare(pc, self._forget)
        if engine is None:
            me.refuse(
                "nothing that can be watched: neither a connection of aiortc or wrtc, nor a room "
                "of LiveKit, nor a callstats.Watchable"
            )
            return
        self._courier.agent = f"{self._life.agent} {engine}"
        if me.enter(watch.conference):
            self._watches[id(pc)] = watch
            if not watch.begin(loop):
                self._courier.repeat(watch.retry)

    def _forget(self, watch: Watch, key: int) -> None:
        # Only now that the connection is gone: what is said of it after its end is still about it.
        if self._watches.get(key) is watch:
            del self._watches[key]

    def _ends_of(self, pc: object) -> tuple[str | None, str | None]:
        """Return the connection and the remote of a watched peer connection."""
        watch = None if pc is None else self._watches.get(id(pc))
        if watch is None or watch.pc is not pc:
            return None, None
        return watch.connection, watch.remote

    @never_raises(instead=None)
    def connect(self) -> None:
        """Try the server and the credentials now; ``on_status`` tells what came of it."""
        self._courier.knock()

    @property
    def sent(self) -> dict[str, int]:
        """Return how many records the collector has stored, by type."""
        return dict(self._courier.sent)

    @property
    def dropped(self) -> dict[str, int]:
        """Return how many records were lost, by reason; the collector is told as well."""
        return self._outbox.dropped

    @property
    def pending(self) -> int:
        """Return how many records the collector has not answered for."""
        return len(self._outbox)

    @property
    def pending_bytes(self) -> int:
        """Return the bytes these take, by the measure of ``max_bytes``."""
        return self._outbox.size

    @property
    def sole_conference(self) -> str | None:
        """Return the conference that the user is in, None for none or several."""
        return self._participant.sole_conference

    @property
    def calls(self) -> dict[str, str]:
        """Return the id of the call for each conference, as far as the collector told."""
        return dict(self._courier.calls)

    @never_raises(instead=False)
    def flush(self, timeout: float = CLOSE) -> bool:
        """Wait until all that was reported so far is sent; False if it takes longer."""
        return self._courier.flush(timeout)

    @never_raises(instead=False)
    def close(self, timeout: float = CLOSE) -> bool:
        """Leave all conferences, send what is left, and end; never takes longer than ``timeout``.

        Returns whether everything was sent. What is reported afterwards is dropped.
        """
        ends_at = time.monotonic() + timeout
        self._take_last_samples(min(LAST_SAMPLE, timeout / 2))
        for watch in list(self._watches.values()):
            watch.close("client closed")
        for conference in self._participant.conferences:
            self._participant.leave(conference)
        self._participant.is_closed = True
        return self._courier.close(max(0.0, ends_at - time.monotonic()))

    def _take_last_samples(self, timeout: float) -> None:
        ends_at = time.monotonic() + timeout
        samples = [watch.sample_elsewhere() for watch in list(self._watches.values())]
        for sample in samples:
            if sample is not None:
                sample.wait(max(0.0, ends_at - time.monotonic()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.close)


def _is_rating(value: object) -> bool:
    return value is None or (type(value) is int and 1 <= value <= 5)
