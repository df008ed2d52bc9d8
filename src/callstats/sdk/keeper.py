"""When is the outbox copied to disk? Before each batch is sent, and while the server is away.

The courier calls this; a thread that closes the client does when the courier is stuck in a request.
A disk that does not play along costs the copy and nothing else.
"""

import threading
from collections.abc import Callable, Iterable, Sequence

from callstats.sdk.lines import Line, Scribe
from callstats.sdk.notices import Notices
from callstats.sdk.outbox import Outbox
from callstats.sdk.spool import Legacy, Spool

DAMAGED = "spool damaged"
FULL = "spool full"
PATIENCE = 1.0
"""Seconds to wait for another thread that is writing."""


class Keeper:
    """Sees to it that the spool has what the outbox has; safe from any thread, never raises."""

    def __init__(self, spool: Spool, outbox: Outbox, scribe: Scribe, *, max_bytes: int) -> None:
        self._spool = spool
        self._outbox = outbox
        self._scribe = scribe
        self._max_bytes = max_bytes
        self._in_hand: dict[int, Line] = {}
        self._lock = threading.Lock()
        self._notices = Notices()

    def keep(self, taken: Sequence[Line] = ()) -> bool:
        """Write what is not on disk yet: these lines, which are about to be sent, and what waits.

        Returns whether all of it is there now.
        """
        self._in_hand.update((line.seq, line) for line in taken)
        return self._try(
            lambda: self._spool.write(self._unsent_since(self._spool.newest), self._unsent_since)
        )

    def settle(self, answered: Iterable[Line]) -> None:
        """Note what was answered for; with the last of it the file is emptied."""

        def clear() -> None:
            for line in answered:
                self._in_hand.pop(line.seq, None)
            if not self._in_hand and len(self._outbox) == 0:
                self._spool.clear()

        self._try(clear)

    def forget(self) -> None:
        """Note that nothing is about to be sent any more."""
        self._in_hand.clear()

    def close(self, *, is_done: bool) -> None:
        """Let go of the file; remove it if nothing waited and nothing was about to be sent."""
        self._try(lambda: self._spool.close(is_done=is_done and not self._in_hand))

    def leave(self) -> None:
        """Let go of the file in a forked child: it is the parent's."""
        self._spool.leave()

    def take_over(self) -> list[Legacy]:
        """Return what earlier processes left, oldest first; the oldest goes if it is too much."""
        found: list[Legacy] = []
        self._try(lambda: found.extend(self._spool.take_over()))
        while sum(legacy.size for legacy in found) > self._max_bytes:
            oldest = found.pop(0)
            self._outbox.count(FULL, len(oldest))
            oldest.remove()
        return found

    def _unsent_since(self, seq: int = 0) -> list[Line]:
        """Return the lines of what was not answered for, from after a number on."""
        in_hand = [line for line in list(self._in_hand.values()) if line.seq > seq]
        waiting = self._outbox.since(seq)
        lines = (self._scribe.write(each.record, each.order) for each in waiting)
        return [*in_hand, *(line for line in lines if isinstance(line, Line))]

    def _try(self, write: Callable[[], None]) -> bool:
        """Write unless another thread is at it for long; return whether it worked."""
        if not self._lock.acquire(timeout=PATIENCE):
            return False
        try:
            write()
        except OSError as error:
            kind = type(error).__name__
            self._notices.tell("spool", f"callstats: the spool folder cannot be used ({kind})")
            return False
        finally:
            self._lock.release()
        return True
