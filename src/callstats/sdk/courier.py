"""Who carries the records to the collector? One thread, started with the first record.

It takes what waits in the outbox and sends it in batches, one after another. The lines of a batch
never change: it is repeated until the server has answered, so whatever got lost on the way, each
record counts once. (Only the header's time is that of the attempt, since the server reads the skew
of our clock from it.) With a spool, what earlier processes left behind goes first.
"""

import atexit
import logging
import random
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from callstats.sdk.bell import FOREVER, Bell
from callstats.sdk.http import Http, Outcome
from callstats.sdk.keeper import DAMAGED, Keeper
from callstats.sdk.ledger import DEFECT, Ledger
from callstats.sdk.lines import Line, Parcel, Scribe, cut
from callstats.sdk.notices import (
    Notices,
    call_back,
    never_raises,
    own_thread,
    tell_defect,
    tell_trouble,
)
from callstats.sdk.outbox import TOO_LARGE, Outbox
from callstats.sdk.spool import Legacy

if TYPE_CHECKING:
    from callstats.sdk.pulse import Pulse

BATCH_RECORDS = 1_000
BATCH_BYTES = 131_072
"""An eighth of what the server takes in one body. More saves few requests, costs more when a batch
has to be repeated, and takes several times its bytes while it is being sent."""
BACK_OFF = 0.5
MAX_BACK_OFF = 10.0
"""Seconds between attempts, doubling from the first to the second figure. Less floods a server
that is coming up again; more leaves its live view behind."""
MAX_RETRY_AFTER = 300.0
"""Seconds for which we believe a Retry-After."""
DENIED = 30.0
"""Seconds between attempts while the server does not accept the app's credentials."""
CHORE = 0.25
"""Seconds between two calls of a chore."""
EXIT = 2.0
"""Seconds that the interpreter's exit waits for what was not closed."""

OnStatus = Callable[[str, str], None]
"""Told whenever it changes how the server takes us: one of the values below, and why."""
STATUS = {
    "answered": "success",
    "too large": "success",
    "refused": "httpError",
    "later": "httpError",
    "denied": "authError",
}
"""The status for each verdict, in the words that the old service's clients know."""


class Courier:
    """Empties the outbox into the collector, in a thread of its own."""

    def __init__(
        self,
        outbox: Outbox,
        http: Http,
        scribe: Scribe,
        *,
        linger: float,
        on_status: OnStatus | None = None,
        keeper: Keeper | None = None,
        bell: Bell | None = None,
    ) -> None:
        self.agent = ""
        self.pulse: Pulse | None = None
        self._ledger = Ledger(outbox, scribe.client, keeper)
        self.sent = self._ledger.sent
        self.calls = self._ledger.calls
        self._outbox = outbox
        self._http = http
        self._scribe = scribe
        self._linger = linger
        self._on_status = on_status
        self._status = ""
        self._keeper = keeper
        self._is_to_adopt = self._is_to_knock = False
        self._notices = Notices()
        self._limit = BATCH_BYTES
        self._chores: deque[Callable[[], bool]] = deque()
        self._bell = bell or Bell()
        self._is_awake = False
        self._is_pressed = False
        self._close_by = FOREVER
        self._progress = threading.Condition()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    # What other threads call

    def wake(self) -> None:
        """Say that there is something to carry; never waits, and starts the thread if need be."""
        if self._thread is None:
            self._start()
        if not self._is_awake:
            self._is_awake = True
            self._bell.ring()

    def nudge(self) -> None:
        """Have the outbox tidied, also while the server is away."""
        self._bell.ring()

    def knock(self) -> None:
        """Try the server and the credentials now, rather than with the first record."""
        self._is_to_knock = True
        self.wake()
        self._bell.ring()

    def adopt(self) -> None:
        """Send what earlier processes left in the spool."""
        self._is_to_adopt = True
        self.wake()
        self._bell.ring()

    def repeat(self, chore: Callable[[], bool]) -> None:
        """Call ``chore`` now and then in the courier's thread, until it returns False."""
        self._chores.append(chore)
        self.wake()
        self._bell.ring()

    def flush(self, timeout: float) -> bool:
        """Wait until all that is in the outbox now is answered for; False if it takes longer."""
        last = self._outbox.newest
        if self._is_through(last):
            return True
        self.wake()
        self._is_pressed = True
        self._bell.ring()
        with self._progress:
            return self._progress.wait_for(lambda: self._is_through(last), timeout)

    def finish(self, timeout: float) -> None:
        """Let the thread end when all is carried, or after ``timeout`` seconds; does not wait."""
        self._close_by = min(self._close_by, self._bell.time() + timeout)
        if self._thread is not None:
            atexit.unregister(self.close)
            self._bell.ring()

    def close(self, timeout: float) -> bool:
        """Carry what can be carried in time, keep or drop the rest; True if all was carried."""
        last = self._outbox.newest
        self.finish(timeout)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(0.0, self._close_by - self._bell.time()))
        is_through = self._is_through(last) and not self._ledger.has_given_up
        self._give_up()
        return is_through

    def abandon(self) -> None:
        """Leave everything to the parent: this is the copy of a courier in a forked child."""
        self._close_by = 0.0
        atexit.unregister(self.close)
        if self._keeper is not None:
            self._keeper.leave()

    @property
    def is_closing(self) -> bool:
        """Whether ``finish`` or ``close`` was called."""
        return self._close_by != FOREVER

    def _is_through(self, last: int) -> bool:
        oldest = self._outbox.oldest
        return oldest is None or oldest > last

    def _start(self) -> None:
        # Not waited for: whoever holds this lock is starting the thread already, perhaps we are
        # the very thread that does, interrupted by the garbage collector.
        if self.is_closing or not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="callstats-courier", daemon=True)
                thread.start()
                self._thread = thread
                self._close_at_exit()
        except RuntimeError:
            self._notices.tell("thread", "callstats cannot start a thread; nothing is reported")
        finally:
            self._starting.release()

    def _close_at_exit(self) -> None:
        atexit.register(self.close, EXIT)
        # The children that multiprocessing makes end without atexit before Python 3.14.
        process = sys.modules.get("multiprocessing.process")
        if process is not None and process.parent_process() is not None:
            from multiprocessing.util import Finalize

            Finalize(None, self.close, args=(EXIT,), exitpriority=0)

    # What the thread does

    def _run(self) -> None:
        own_thread.is_ours = True
        while not self._take_turn():
            pass
        self._give_up()
        self._http.close()
        self._tell_progress()

    def _take_turn(self) -> bool:
        """Wait for work and do it; return whether this was the last turn."""
        try:
            self._await_work()
            self._do_chores()
            self._carry()
            return self._is_done()
        except Exception as error:  # a guest never raises into its host
            tell_defect("the courier", error)
            self._ledger.lose_all(DEFECT)
            self._bell.wait(CHORE)
            return self._is_late()

    @never_raises(instead=None)
    def _give_up(self) -> None:
        """Keep on disk what is left, or drop it."""
        is_done = len(self._outbox) == 0
        self._ledger.give_up_all()
        if self._keeper is not None:
            self._keeper.keep(self._loss_lines())
            self._keeper.close(is_done=is_done)

    def _is_done(self) -> bool:
        return self.is_closing and (self._is_late() or not self._has_work())

    def _is_late(self) -> bool:
        return self._bell.time() >= self._close_by

    def _has_work(self) -> bool:
        # Losses travel with the next record; only when no more will come they go alone.
        has_losses = self.is_closing and self._outbox.has_losses
        return len(self._outbox) > 0 or has_losses or self._is_to_knock or self._is_to_adopt

    def _await_work(self) -> None:
        self._is_awake = False
        rest = None if self.pulse is None or self.is_closing else self.pulse.beat(self._bell.time())
        if not self._has_work():
            self._bell.wait(CHORE if self._chores else rest)
        self._is_awake = True
        ends_at = self._bell.time() + self._linger
        while self._may_linger() and (left := ends_at - self._bell.time()) > 0:
            self._bell.wait(left)
        self._is_pressed = False

    def _may_linger(self) -> bool:
        return len(self._outbox) > 0 and not self._is_pressed and not self.is_closing

    def _do_chores(self) -> None:
        for _ in range(len(self._chores)):
            chore = self._chores.popleft()
            if chore():
                self._chores.append(chore)

    def _carry(self) -> None:
        """Send all that waits, as long as the server takes it and we may."""
        while self._has_work() and not self._is_late():
            if self._is_to_knock:
                self._is_to_knock = False
                self._insist(lambda: self._http.knock(deadline=self._close_by))
            if self._is_to_adopt:
                self._is_to_adopt = False
                self._adopt()
            self._deliver_all(cut(Parcel(self._scribe.client, self._take_lines()), self._limit))

    def _adopt(self) -> None:
        """Send what earlier processes left in the spool, under their names and numbers."""
        legacies = self._keeper.take_over() if self._keeper is not None else []
        for legacy in legacies:
            try:
                self._forward(legacy)
            except OSError as error:
                tell_trouble("reading the spool", error)
            finally:
                legacy.close()

    def _forward(self, legacy: Legacy) -> None:
        for parcel in legacy.parcels(self._limit):
            if self._is_late() or not self._deliver_all([parcel]):
                return
        if legacy.is_damaged:
            self._outbox.count(DAMAGED)
        legacy.remove()

    def _take_lines(self) -> list[Line]:
        taken = self._outbox.take(records=BATCH_RECORDS, size=self._limit)
        if self.pulse is not None:
            self.pulse.note((each.record for each in taken), self._bell.time())
        lines = []
        for waiting in taken:
            line = self._scribe.write(waiting.record, waiting.order)
            if isinstance(line, Line):
                lines.append(line)
            else:
                self._outbox.end([waiting.order], line)
        lines += self._loss_lines()
        if self._keeper is not None:
            self._keeper.keep(lines)
        return lines

    def _loss_lines(self) -> list[Line]:
        losses = (self._scribe.write_loss(loss, seq) for seq, loss in self._outbox.take_losses())
        return [line for line in losses if isinstance(line, Line)]

    def _deliver_all(self, parcels: Iterable[Parcel]) -> bool:
        """Send parcels one after another; False if there was no time for all of them."""
        pieces = deque(parcels)
        while pieces:
            if not self._deliver(pieces):
                self._ledger.give_up(pieces)
                return False
            self._tell_progress()
        return True

    def _deliver(self, pieces: deque[Parcel]) -> bool:
        """Send the first piece until there is an answer, then remove it or cut it in two.

        False if there is no time left for that: then the pieces stay as they are.
        """
        piece = pieces[0]
        outcome = self._insist(lambda: self._send(piece))
        if outcome is None:
            return False
        pieces.popleft()
        if outcome.answer is not None:
            self._ledger.settle(piece, outcome.answer)
        elif outcome.verdict == "too large" and len(piece.lines) > 1:
            self._limit = max(len(piece.lines[0].text), self._limit // 2)
            pieces.extendleft(reversed(_halves(piece)))
        else:
            self._ledger.lose(
                piece, TOO_LARGE if outcome.verdict == "too large" else outcome.reason
            )
        return True

    def _send(self, piece: Parcel) -> Outcome:
        header = self._scribe.header(piece.client, self.agent)
        return self._http.send(header, [line.text for line in piece.lines], deadline=self._close_by)

    def _insist(self, request: Callable[[], Outcome]) -> Outcome | None:
        """Repeat a request until it is answered; None if there is no time left for that."""
        attempt = 0
        while True:
            outcome = request()
            self._tell_status(outcome)
            if outcome.verdict not in ("later", "denied"):
                return outcome
            if not self._is_late():
                self._complain(outcome)
            if not self._pause(_delay(outcome, attempt), is_firm=outcome.retry_after is not None):
                # From here on we are late, whatever time was left: it is too short for a retry.
                self._close_by = min(self._close_by, self._bell.time())
                return None
            attempt += 1

    def _pause(self, seconds: float, *, is_firm: bool) -> bool:
        """Wait before the next attempt; False if that would be too late.

        A flush, or the beginning of a close, ends the pause early unless the server asked for it.
        """
        ends_at = self._bell.time() + seconds
        was_closing = self.is_closing
        while (left := ends_at - self._bell.time()) > 0:
            is_cut = self._is_pressed or self.is_closing != was_closing
            if is_cut and not is_firm:
                break
            if ends_at >= self._close_by:
                return False
            self._bell.wait(min(left, CHORE) if self._chores or self._keeper else left)
            self._do_chores()
            self._outbox.tidy()
            if self._keeper is not None:
                self._keeper.keep()
        self._is_pressed = False
        return not self._is_late()

    def _complain(self, outcome: Outcome) -> None:
        if outcome.verdict == "denied":
            self._notices.tell(
                "denied",
                "callstats: the server does not accept this app_id and app_secret "
                f"({outcome.reason}); records are kept as far as there is room",
                level=logging.ERROR,
            )
        else:
            self._notices.tell("away", f"callstats: cannot report now: {outcome.reason}")

    def _tell_status(self, outcome: Outcome) -> None:
        status = STATUS[outcome.verdict]
        if self._on_status is not None and status != self._status:
            call_back(self._on_status, status, outcome.reason)
        self._status = status

    def _tell_progress(self) -> None:
        with self._progress:
            self._progress.notify_all()


def _halves(parcel: Parcel) -> list[Parcel]:
    middle = len(parcel.lines) // 2
    return [
        parcel._replace(lines=parcel.lines[:middle]),
        parcel._replace(lines=parcel.lines[middle:]),
    ]


def _delay(outcome: Outcome, attempt: int) -> float:
    """Return the seconds until the next attempt, spread so that not all clients come at once."""
    if outcome.retry_after is not None:
        return min(outcome.retry_after, MAX_RETRY_AFTER)
    if outcome.verdict == "denied":
        longest = DENIED
    else:
        longest = min(MAX_BACK_OFF, BACK_OFF * 2.0 ** min(attempt, 10))
    return longest * random.uniform(0.5, 1)  # noqa: S311 - no secret depends on it
