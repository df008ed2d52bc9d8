"""Who looks at a live call again and again? Pages that stay open; they share one judgement.

Judging a live call reads all its samples. A judgement therefore stands for ten times as long as it
took: a small call is fresh at every look, and a call of hundreds of streams, which takes more than
a second, costs a tenth of one core however many people watch it.
"""

import threading
from collections import OrderedDict
from datetime import datetime

from msgspec import Struct

from callstats.calls import reading
from callstats.calls.model import Call
from callstats.clock import Clock
from callstats.store import Store

PATIENCE = 10.0
"""How many times its cost a judgement stands. Lower: judging takes the machine from receiving;
higher: an open page is late."""
MAX_KEPT = 100
"""Judgements kept; the one that was asked for longest ago goes first."""


class _Judgement(Struct, frozen=True):
    call: Call
    made_at: float
    cost: float


class Recent:
    """Reads calls for many; thread-safe."""

    def __init__(self, store: Store, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._kept: OrderedDict[str, _Judgement] = OrderedDict()
        self._lock = threading.Lock()
        self._judging: dict[str, threading.Lock] = {}

    def read(self, app_id: int | None, call_id: str, *, now: datetime) -> Call:
        """Return a call as ``calls.read`` does, or as it did a moment ago where that took long."""
        with self._turn(call_id):
            kept = self._kept.get(call_id)
            if kept is not None and app_id in {None, kept.call.call.app_id} and self._stands(kept):
                return kept.call
            return self._read(app_id, call_id, now)

    def _read(self, app_id: int | None, call_id: str, now: datetime) -> Call:
        began = self._clock.monotonic()
        call = reading.read(self._store, app_id, call_id, now=now)
        made_at = self._clock.monotonic()
        with self._lock:
            self._kept.pop(call_id, None)
            if call.call.state == "live":
                self._kept[call_id] = _Judgement(call, made_at, made_at - began)
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return call

    def _turn(self, call_id: str) -> threading.Lock:
        """Return what lets one judge a call while the others wait for that judgement."""
        with self._lock:
            if len(self._judging) > MAX_KEPT:
                self._judging = {k: lock for k, lock in self._judging.items() if lock.locked()}
            return self._judging.setdefault(call_id, threading.Lock())

    def _stands(self, kept: _Judgement) -> bool:
        return self._clock.monotonic() - kept.made_at < PATIENCE * kept.cost
