"""When a call is over, what is concluded? The loop that has ended calls judged and written down.

Presence says which calls ended, ``calls`` judges one in a worker thread, the Writer stores what
was concluded. A call that got a late record meanwhile is live again and comes back by itself:
conclusions carry the moment at which the call was found ended, and the row that says "live" a
later one, so the older conclusion never hides the newer state. What goes wrong with one call is
logged and tried again; the others go on.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from callstats import calls
from callstats.clock import Clock
from callstats.collector.counts import Counts
from callstats.collector.faults import log_unexpected
from callstats.collector.presence import GRACE, MEMORY, Ongoing, Presence, Stay
from callstats.errors import Unavailable
from callstats.store import Store, Writer

logger = logging.getLogger(__name__)

TICK = 1.0
"""Seconds between two looks. Higher delays every verdict; lower costs time for nothing."""
PAUSE = 5.0
"""Seconds until a call that could not be concluded is tried again."""
PORTION = 2_000
"""Calls asked about at once: an engine takes a question of up to 256 kB."""
TRIES = 3
"""How often a call is judged that cannot be judged; a store that is away is waited for instead."""


Row = Mapping[str, Any]


class Verdictless(Struct):
    """A call that ended and has no conclusion yet."""

    call: Ongoing
    version: int
    due_at: float
    tries: int = 0


class Finisher:
    """Concludes calls, one after the other."""

    def __init__(
        self, store: Store, writer: Writer, presence: Presence, *, clock: Clock, counts: Counts
    ) -> None:
        self._store = store
        self._writer = writer
        self._presence = presence
        self._clock = clock
        self._counts = counts
        self._waiting: dict[str, Verdictless] = {}

    async def rebuild(self) -> None:
        """Tell presence what the store knows: the calls that are live or ended lately."""
        now = self._clock.now()
        since = datetime.fromtimestamp(now - MEMORY, UTC)
        known = await asyncio.to_thread(self._store.rows, "open_calls", since=since)
        if not known:
            return
        people = await asyncio.to_thread(self._people, known)
        for call in known:
            self._restore(call, people.get((call["app_id"], call["id"]), []), now)
        logger.info("took over %d calls, %d live", len(known), self._presence.live_count())

    async def run(self) -> None:
        """Look for ended calls until cancelled."""
        while True:
            try:
                await self.step()
            except Exception as error:  # the loop outlives every single failure
                log_unexpected(error)
            await asyncio.sleep(TICK)

    async def step(self) -> None:
        """Conclude what ended by now."""
        now = self._clock.now()
        for call in self._presence.tick(now):
            self._waiting[call.id] = Verdictless(call, int(now * 1e9), now)
        for each in list(self._waiting.values()):
            if each.due_at <= now:
                await self._finish(each)

    async def _finish(self, each: Verdictless) -> None:
        """Conclude one call, unless it lives again: then it will end again."""
        del self._waiting[each.call.id]
        if not each.call.has_ended:
            return
        try:
            await self._conclude(each)
        except Unavailable:
            self._try_again(each)
        except Exception as error:  # one call must not stop the others
            log_unexpected(error)
            each.tries += 1
            if each.tries < TRIES:
                self._try_again(each)
            else:
                logger.warning("gave up judging call %s", each.call.id)
                self._counts.add("calls not judged")
        else:
            self._counts.add("calls concluded")

    async def _conclude(self, each: Verdictless) -> None:
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        ended_at = datetime.fromtimestamp(each.call.last_at, UTC)
        judged = await asyncio.to_thread(
            calls.judge, self._store, each.call.app_id, each.call.id, now=now, ended_at=ended_at
        )
        await self._writer.write(calls.conclusions(judged, version=each.version))

    def _try_again(self, each: Verdictless) -> None:
        each.due_at = self._clock.now() + PAUSE
        self._waiting.setdefault(each.call.id, each)

    # Taking over

    def _people(self, known: Sequence[Row]) -> dict[tuple[int, str], list[Row]]:
        """Return who is or was in each call."""
        people: dict[tuple[int, str], list[Row]] = defaultdict(list)
        for start in range(0, len(known), PORTION):
            some = known[start : start + PORTION]
            apps, ids = [call["app_id"] for call in some], [call["id"] for call in some]
            for row in self._store.rows("stays", apps=apps, calls=ids):
                people[row["app_id"], row["call"]].append(row)
        return people

    def _restore(self, call: Row, people: Sequence[Row], now: float) -> None:
        started_at = call["started_at"].timestamp()
        ended_at = call["ended_at"]
        heard = [max(row["heard_at"], row["left_at"]).timestamp() for row in people]
        last_at = ended_at.timestamp() if ended_at else max(heard, default=started_at)
        self._presence.restore(
            app_id=call["app_id"],
            call_id=call["id"],
            conference=call["conference"],
            started_at=started_at,
            last_at=last_at,
            people={(row["user"], row["device"]): _stay(row) for row in people},
            has_ended=bool(call["has_ended"]),
            now=now,
        )


def _stay(row: Row) -> Stay:
    """Return whether somebody is still there: who was heard after leaving came back."""
    left_at = row["left_at"].timestamp() if row["has_left"] else None
    is_back = left_at is not None and row["heard_at"].timestamp() > left_at + GRACE
    return Stay(row["since"].timestamp(), None if is_back else left_at)
