"""How is a peer connection watched? From its own event loop, through one engine module per library.

A watch holds the connection weakly and lives on timers of the connection's loop: no thread, and no
task but while a sample is being taken. It may begin and end in any thread, and ends for one of
these reasons: ``closed``, ``collected`` (by the garbage collector), ``loop closed``, ``stopped``,
``left``, ``watched anew``, ``client closed``.
"""

import asyncio
import secrets
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress

from callstats.sdk.engine import Engine, Legs, Stats, find_engine
from callstats.sdk.notices import never_raises, tell_trouble
from callstats.sdk.participant import Participant
from callstats.wire import Event, Report

TICK = 0.5
"""Seconds between two looks at a connection: whether a sample is due, and whether it is closed,
which wrtc tells by no event. Longer ends a call late; shorter wakes the loop for nothing."""
PATIENCE = 5.0
"""Seconds that getStats may take; it takes a few milliseconds where all is well."""

FAILED = "getStats failed"
LATE = "getStats took too long"


class Watch:
    """One peer connection being watched.

    ``connection`` is its id in all records; where a library has several connections in one object
    the others are called after it, such as ``<connection>-subscriber``. ``unknown`` lists what its
    library cannot tell: W3C members as ``type.member``, or ``type`` where the whole object is
    missing.
    """

    def __init__(
        self, participant: Participant, *, conference: str, remote: str | None, interval: float
    ) -> None:
        self.connection = secrets.token_hex(8)
        self.conference = conference
        self.remote = remote
        self.unknown: tuple[str, ...] = ()
        self._participant = participant
        self._interval = interval
        self._engine: Engine | None = None
        self._refer: Callable[[], object] = lambda: None
        self._forget: Callable[[], None] = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._states: dict[str, dict[str, str]] = {self.connection: {}}
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._due_at = self._late_at = 0.0
        self._reported_at = float("-inf")
        # Acquired once, by whoever ends the watch: a lock that is only tried cannot deadlock when
        # the garbage collector interrupts its holder.
        self._end = threading.Lock()

    @property
    def pc(self) -> object:
        """Return the peer connection, None when it is gone."""
        return self._refer()

    @property
    def is_live(self) -> bool:
        """Whether the connection is being watched."""
        return self._engine is not None and not self._end.locked()

    def prepare(self, pc: object, forget: Callable[["Watch", int], None]) -> str | None:
        """Get to know the connection; returns its engine's name, None if there is none for it."""
        engine = find_engine(pc)
        if engine is None:
            return None
        key = id(pc)
        self._refer = weakref.ref(pc, self._on_collected)
        self._forget = lambda: forget(self, key)
        self._engine = engine
        self.unknown = engine.unknown
        return engine.name

    def begin(self, loop: asyncio.AbstractEventLoop | None = None) -> bool:
        """Begin in the loop given, in the connection's, or in the running one; False if none."""
        pc = self.pc
        if self._engine is None or pc is None:
            return True
        self._loop = loop or self._engine.find_loop(pc) or _running_loop()
        if self._loop is None:
            return False
        if self._loop is _running_loop():
            self._start()
            return True
        try:
            self._loop.call_soon_threadsafe(self._start)
        except RuntimeError:
            self.close("loop closed")
        return True

    def retry(self) -> bool:
        """Try to begin once more, from outside the loop; True if that should be tried again."""
        return self.is_live and not self.begin()

    @never_raises(instead=None)
    def close(self, reason: str = "stopped") -> None:
        """End the watch, with a last sample where the library answers at once."""
        if self._engine is None or not self._end.acquire(blocking=False):
            return
        if self._loop is not None and self._loop.is_closed() and reason != "closed":
            reason = "loop closed"
        pc = self.pc
        if pc is not None and reason != "closed":
            self._sample_at_once(pc)
        if pc is not None:
            self._say_states(pc)
        for connection in list(self._states):
            self._say("watchend", {"reason": reason}, connection)
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._release)
            except RuntimeError:  # the loop is closed, and its timers with it
                _hush(self._task)

    @never_raises(instead=None)
    def sample_elsewhere(self) -> threading.Event | None:
        """Have a sample taken if the loop is another thread's; the event is set when it is."""
        loop = self._loop
        if loop is None or not loop.is_running() or loop is _running_loop() or not self.is_live:
            return None
        done = threading.Event()

        @never_raises(instead=None)
        def take() -> None:
            pc = self.pc
            if pc is None or not self.is_live:
                done.set()
                return
            self._take_sample(pc)
            if self._task is None:
                done.set()
            else:
                self._task.add_done_callback(lambda _: done.set())

        loop.call_soon_threadsafe(take)
        return done

    def _on_collected(self, _: object) -> None:
        self._forget()
        self.close("collected")

    # In the connection's loop

    @never_raises(instead=None)
    def _start(self) -> None:
        pc = self.pc
        if self._engine is None or self._loop is None or pc is None or not self.is_live:
            return
        self._say_start(self.connection)
        try:
            self._engine.listen(pc, self._on_state, self._on_event)
        except Exception as error:  # the library's trouble; there are still samples to take
            tell_trouble("following a connection's states", error)
        self._say_states(pc)
        self._due_at = self._loop.time() + min(TICK, self._interval)
        self._tick()

    @never_raises(instead=None)
    def _tick(self) -> None:
        if self._engine is None or self._loop is None or not self.is_live:
            return
        self._timer = self._loop.call_later(min(TICK, self._interval), self._tick)
        pc = self.pc
        if pc is None:
            self.close("collected")
        elif self._is_closed(pc):
            self.close("closed")
        elif (now := self._loop.time()) >= self._due_at:
            # After a time in which the loop was busy, go on from now rather than catch up.
            self._due_at = max(self._due_at + self._interval, now)
            self._take_sample(pc)

    def _take_sample(self, pc: object) -> None:
        """Ask for the stats, unless the last time is still unanswered; then give up on that.

        A library that does not even let itself be cancelled is not asked again: what waits in it
        would grow.
        """
        if self._loop is None:
            return
        if self._task is not None and not self._task.done():
            if self._loop.time() >= self._late_at:
                self._task.cancel()
                self._lose(LATE)
            return
        self._late_at = self._loop.time() + PATIENCE
        self._task = self._loop.create_task(self._sample(pc))
        self._task.add_done_callback(self._on_sampled)

    def _on_sampled(self, task: "asyncio.Task[None]") -> None:
        # A cancelled task keeps the frames it was cancelled in, and with them the connection.
        if self._task is task:
            self._task = None

    async def _sample(self, pc: object) -> None:
        if self._engine is None:
            return
        try:
            legs = await self._engine.sample(pc)
        except Exception as error:  # the library's trouble; a connection may close meanwhile
            self._lose_sample(pc, error)
        else:
            if self.is_live:
                self._report(pc, legs)

    def _lose_sample(self, pc: object, error: Exception) -> None:
        if self.is_live and not self._is_closed(pc):
            self._lose(FAILED)
            tell_trouble("getStats", error)

    def _lose(self, reason: str) -> None:
        self._participant.lose(reason, conference=self.conference, connection=self.connection)

    def _is_closed(self, pc: object) -> bool:
        """Whether the library says so; one that cannot say it any more is as good as closed."""
        try:
            return self._engine is None or self._engine.is_closed(pc)
        except Exception as error:  # the library's trouble, as in _sample
            tell_trouble("asking whether a connection is closed", error)
            return True

    def _sample_at_once(self, pc: object) -> None:
        """Take a sample without waiting, where the library never waits for its own."""
        if self._engine is None or not self._engine.is_prompt or self._is_fresh():
            return
        steps = self._engine.sample(pc).__await__()
        try:
            next(steps)
        except StopIteration as end:
            self._report(pc, end.value)
        except Exception as error:  # as in _sample
            self._lose_sample(pc, error)
        else:
            steps.close()

    def _is_fresh(self) -> bool:
        # Rates over a few milliseconds say nothing.
        return time.monotonic() - self._reported_at < min(TICK, self._interval) / 2

    @never_raises(instead=None)
    def _on_state(self) -> None:
        pc = self.pc
        if pc is None or self._engine is None or not self.is_live:
            return
        self._say_states(pc)
        if self._is_closed(pc):
            self.close("closed")
        elif self._states[self.connection].get("signalingstatechange") == "closed":
            # The connection is about to stop its streams: now or never.
            self._sample_at_once(pc)

    @never_raises(instead=None)
    def _on_event(self, name: str, data: Mapping[str, object]) -> None:
        if self.is_live:
            self._say(name, data, self.connection)

    @never_raises(instead=None)
    def _release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        pc = self.pc
        if self._engine is not None and pc is not None:
            with suppress(Exception):  # the library's trouble; there is nothing left to save
                self._engine.unlisten(pc)

    # What is said

    def _say_start(self, connection: str) -> None:
        if self._engine is not None:
            told = {"engine": self._engine.name, "interval": self._interval}
            self._say("watchstart", told, connection)

    def _say_states(self, pc: object) -> None:
        """Say of each connection what has changed; a library has one state for all its legs."""
        if self._engine is None:
            return
        for name, state in self._engine.read_states(pc).items():
            for connection, told in list(self._states.items()):
                if told.get(name) != state:
                    told[name] = state
                    self._say(name, {"state": state}, connection)

    def _say(self, name: str, data: Mapping[str, object], connection: str) -> None:
        me = self._participant
        me.put(
            Event(
                **me.said(self.conference),
                name=name,
                connection=connection,
                remote=self.remote,
                **me.details(data or None),
            )
        )

    def _report(self, pc: object, legs: Legs) -> None:
        self._say_states(pc)  # a library may have changed one without an event
        for leg, stats in legs.items():
            connection = f"{self.connection}-{leg}" if leg else self.connection
            if stats and connection not in self._states:
                self._states[connection] = {}
                self._say_start(connection)
                self._say_states(pc)
            self._report_leg(connection, stats)

    def _report_leg(self, connection: str, stats: Stats) -> None:
        me = self._participant
        raw = me.read(stats) if stats else None
        if raw is not None:
            self._reported_at = time.monotonic()
            me.put(
                Report(
                    **me.said(self.conference),
                    connection=connection,
                    remote=self.remote,
                    stats=raw,
                )
            )


def _hush(task: "asyncio.Task[None] | None") -> None:
    """Let a task that its closed loop will never finish go without a complaint in the log."""
    if task is not None and not task.done():
        with suppress(AttributeError):
            task._log_destroy_pending = False  # type: ignore[attr-defined] # as asyncio.gather does


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
