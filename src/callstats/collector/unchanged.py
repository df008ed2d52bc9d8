"""Which stats objects say what they said last time? They are stored when they change.

A getStats result is mostly facts that never move: codecs, candidates, certificates, pairs that
were not chosen. A row for each of them with every report would be the larger part of the store
and of the engine's work, so such an object becomes a row with the first report of its connection
and again whenever it changed. The report itself is kept whole, so nothing is lost.

What was stored is remembered as a hash per object, for a bounded number of objects; forgetting
only costs rows that say nothing new. A connection whose rows could not be stored must be
forgotten, or its facts would be missing for good.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from msgspec.structs import astuple

from callstats.wire import Sample

CAPACITY = 1_000_000
"""Objects remembered, at about 100 bytes each. Too low stores rows that say nothing new."""

Connection = tuple[int, str, str, str, str, str]
"""App, call, client, user, device, connection."""

MOVING = frozenset(
    {
        "inbound-rtp",
        "outbound-rtp",
        "remote-inbound-rtp",
        "remote-outbound-rtp",
        "media-source",
        "media-playout",
        "transport",
    }
)
"""Types of which every sample is a row: a rate is made from two, also where nothing moved."""

_FACTS = Sample.__struct_fields__.index("timestamp") + 1
"""Where in a sample's tuple the members begin that tell whether it changed."""


class Unchanged:
    """Remembers what the store knows of each connection."""

    def __init__(self, *, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._size = 0
        self._known: OrderedDict[Connection, dict[int, int]] = OrderedDict()

    def news(self, connection: Connection, samples: Sequence[Sample]) -> list[tuple[Any, ...]]:
        """Return the samples to store, as tuples in the order of their members."""
        before = self._known.get(connection, {})
        now: dict[int, int] = {}
        news = []
        for sample in samples:
            row = astuple(sample)
            if not _is_moving(sample):
                name, facts = hash(sample.id), hash(row[_FACTS:])
                now[name] = facts
                if before.get(name) == facts:
                    continue
            news.append(row)
        self._remember(connection, now)
        return news

    def forget(self, connection: Connection) -> None:
        """Claim nothing about this connection any more."""
        self._size -= len(self._known.pop(connection, ()))

    def _remember(self, connection: Connection, facts: dict[int, int]) -> None:
        self.forget(connection)
        self._known[connection] = facts
        self._size += len(facts)
        while self._size > self._capacity:
            _, oldest = self._known.popitem(last=False)
            self._size -= len(oldest)


def _is_moving(sample: Sample) -> bool:
    return sample.type in MOVING or (sample.type == "candidate-pair" and sample.nominated is True)
