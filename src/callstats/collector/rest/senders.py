"""Who speaks through the old interface, and what time is it there?

Its clients never repeat or number what they send, so the collector does: each user on each device
gets a client id of its own and numbers that rise, new after a restart, when nothing can come
twice. Their clocks are not told either, only the moment of each event. A message travels and may
wait in a queue but never arrives before it was sent, so of what is said at once (joining, being
alive, reports) the message that seems to have travelled least tells most about the clock::

    skew = the highest (timestamp - arrival) of the last one to two minutes

Other events may be told late; alone they only show that a clock is ahead, not that it is behind.
"""

import math
import secrets
from collections import OrderedDict

from msgspec import Raw

from callstats.wire import Event

CAPACITY = 200_000
"""Senders remembered, at about half a kilobyte each. Fewer gives one that comes back a new client
id, and its clock is measured anew."""
MAX_CONNECTIONS = 1_000
"""Connections of one sender (a bridge has one for each user) of which is remembered what came with
the last report. Fewer stores again what is known."""
NOTABLE = 1.0
"""Seconds by which a clock must have changed to be written down again."""
WINDOW = 60.0
"""Seconds after which an older measurement may be forgotten. Lower believes a network that became
slow to be a clock that changed; higher takes longer to notice that one was set."""


class Sender:
    """One user on one device."""

    __slots__ = ("_before", "_best", "_said", "_since", "_written", "client", "seq")

    def __init__(self) -> None:
        self.client = f"rest-{secrets.token_hex(10)}"
        self.seq = 0
        self._said: dict[str, int] = {}
        self._written = math.inf
        self._since = -math.inf
        self._best = -math.inf
        self._before = -math.inf

    def number(self) -> int:
        """Return the number of the next record."""
        self.seq += 1
        return self.seq

    def knows(self, connection: str, data: Raw) -> bool:
        """Tell whether this came with the connection's last report too."""
        return self._said.get(connection) == hash(bytes(data))

    def keep(self, beside: Event) -> None:
        """Remember what came with a report besides its stats."""
        if len(self._said) >= MAX_CONNECTIONS:
            self._said.clear()
        self._said[beside.connection or ""] = hash(bytes(beside.data))

    def is_due(self, skew: float) -> bool:
        """Tell whether the store should hear of the sender: it does not know it, or its clock."""
        return not abs(skew - self._written) < NOTABLE

    def wrote(self, skew: float) -> None:
        """Remember what the store knows."""
        self._written = skew

    def skew(self, said_at: float | None, now: float, *, is_prompt: bool) -> float:
        """Return by how many seconds the client's clock is ahead, and learn from this message."""
        if said_at is not None and (is_prompt or said_at > now):
            if now - self._since > WINDOW:
                self._since, self._before, self._best = now, self._best, -math.inf
            self._best = max(self._best, said_at - now)
        best = max(self._best, self._before)
        return 0.0 if best == -math.inf else best


class Senders:
    """The senders heard of lately, least recently heard forgotten first."""

    def __init__(self, *, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._known: OrderedDict[tuple[int, str, str], Sender] = OrderedDict()

    def get(self, app_id: int, user: str, device: str) -> Sender:
        """Return who speaks for this user on this device."""
        key = (app_id, user, device)
        sender = self._known.get(key)
        if sender is None:
            sender = self._known[key] = Sender()
            if len(self._known) > self._capacity:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return sender
