"""How is a batch taken? Step by step, and answered after the commit.

decode → the client's turn → what is new → rows → commit → answer

Until the commit nothing is promised; after it the journal, presence and the memory of unchanged
objects may rely on the rows. Without it they may not, and the client is told to come again.
"""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from callstats import wire
from callstats.clock import Clock
from callstats.collector.counts import Counts
from callstats.collector.faults import RETRY_AFTER
from callstats.collector.journal import Entry, Journal
from callstats.collector.prepare import Delivery, Draft
from callstats.collector.presence import Presence
from callstats.collector.unchanged import Unchanged
from callstats.errors import Unavailable
from callstats.store import Store, Writer
from callstats.wire import AnyRecord
from callstats.wire.batch import Answer, Header, Line, Refusal


class Outcome(Struct, frozen=True):
    """The answer to a batch; ``retry_after`` (seconds) is set where nothing new was stored."""

    answer: Answer
    retry_after: float | None = None


class Intake:
    """Takes batches: everything between the network and the Writer."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        presence: Presence,
        *,
        clock: Clock,
        counts: Counts,
    ) -> None:
        self._store = store
        self._writer = writer
        self._presence = presence
        self._clock = clock
        self._counts = counts
        self._unchanged = Unchanged()
        self._journal = Journal(self._highest_stored)

    async def take(self, app_id: int, body: bytes) -> Outcome:
        """Store what is new in a batch; raises BadInput where its header cannot be read."""
        header, lines, refused = wire.batch.decode(body)
        self._counts.add("batches")
        async with self._journal.turn(app_id, header.client) as entry:
            try:
                draft = await self._store_new(app_id, header, lines, entry)
            except Unavailable as error:
                return self._not_stored(entry, refused, error)
        return self._stored(entry, [*refused, *draft.refused], draft.calls)

    async def store(self, delivery: Delivery, records: Sequence[AnyRecord]) -> Draft:
        """Store records of a sender that never repeats one; raises Unavailable.

        What was refused, and why, is in the draft that is returned.
        """
        draft = Draft(delivery, self._presence, self._unchanged)
        lines = [Line(number, record) for number, record in enumerate(records, start=1)]
        self._counts.add("records", draft.take(lines, stored=0))
        for refused in draft.refused:
            self._counts.add(f"records refused ({refused.reason})")
        if draft.highest:
            await self._commit(draft)
        return draft

    async def _store_new(
        self, app_id: int, header: Header, lines: list[Line], entry: Entry
    ) -> Draft:
        await self._journal.look_up(app_id, header.client, entry)
        delivery = Delivery(app_id, header, self._clock.now())
        draft = Draft(delivery, self._presence, self._unchanged)
        new = draft.take(lines, stored=entry.highest)
        self._counts.add("records", new)
        self._counts.add("records repeated", len(lines) - new)
        if draft.highest:
            await self._commit(draft)
            entry.highest = draft.highest
        return draft

    async def _commit(self, draft: Draft) -> None:
        try:
            await self._writer.write(draft.rows)
        except BaseException:
            draft.discard()
            raise
        draft.settle()

    async def _highest_stored(self, app_id: int, client: str) -> int:
        rows = await asyncio.to_thread(
            self._store.rows, "highest_seq", app_id=app_id, client=client
        )
        return int(rows[0]["highest_seq"]) if rows else 0

    def _stored(self, entry: Entry, refused: list[Refusal], calls: dict[str, str]) -> Outcome:
        refused.sort(key=lambda refusal: refusal.line)
        for refusal in refused:
            self._counts.add(f"records refused ({refusal.reason})")
        return Outcome(Answer(stored=entry.highest, refused=refused, calls=calls))

    def _not_stored(self, entry: Entry, refused: list[Refusal], error: Unavailable) -> Outcome:
        self._counts.add("batches not stored")
        answer = Answer(stored=entry.highest, refused=refused, error=str(error))
        return Outcome(answer, error.retry_after or RETRY_AFTER)
