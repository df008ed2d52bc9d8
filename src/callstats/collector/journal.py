"""Up to which record is a client's life stored? And whose turn is it, when a batch is repeated?

A client sends its records in order and repeats what was not acknowledged, so one number per
client tells everything: the highest sequence number on disk. It is remembered here, and asked of
the store once for a client that is new to this process. Only one batch of a client is taken at a
time: a repeat that arrives while the first is still being written waits for it, and then finds
its records stored.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

CAPACITY = 100_000
"""Clients remembered. Fewer costs a question to the store for each that comes back; each takes
about half a kilobyte."""

Ask = Callable[[int, str], Awaitable[int]]
"""Asks the store for the highest sequence number of a client, 0 for none."""


class Entry:
    """What is known of one client while it is remembered."""

    __slots__ = ("highest", "is_asked", "lock", "waiting")

    def __init__(self) -> None:
        self.highest = 0
        self.is_asked = False
        self.lock = asyncio.Lock()
        self.waiting = 0


class Journal:
    """The clients heard of lately, least recently heard forgotten first."""

    def __init__(self, ask: Ask, *, capacity: int = CAPACITY) -> None:
        self._ask = ask
        self._capacity = capacity
        self._entries: OrderedDict[tuple[int, str], Entry] = OrderedDict()

    @asynccontextmanager
    async def turn(self, app_id: int, client: str) -> AsyncIterator[Entry]:
        """Wait for this client's turn and hand out its entry; ``highest`` may still be unknown."""
        entry = self._entry(app_id, client)
        entry.waiting += 1
        try:
            async with entry.lock:
                yield entry
        finally:
            entry.waiting -= 1

    async def look_up(self, app_id: int, client: str, entry: Entry) -> None:
        """Ask the store about a client that is new here; does nothing for a known one."""
        if not entry.is_asked:
            entry.highest = await self._ask(app_id, client)
            entry.is_asked = True

    def _entry(self, app_id: int, client: str) -> Entry:
        key = (app_id, client)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = Entry()
            self._shrink()
        else:
            self._entries.move_to_end(key)
        return entry

    def _shrink(self) -> None:
        """Forget the oldest; one whose batch is under way stays, and is looked at again later."""
        excess = len(self._entries) - self._capacity
        for _ in range(excess):
            key, entry = self._entries.popitem(last=False)
            if entry.waiting:
                self._entries[key] = entry
