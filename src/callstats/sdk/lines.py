"""How do records become lines of a batch? With their number, and once and for good."""

from typing import NamedTuple

import msgspec

from callstats.clock import Clock
from callstats.sdk.losses import Loss
from callstats.sdk.outbox import TOO_LARGE
from callstats.wire import AnyRecord, Dropped, batch

NOT_JSON = "not JSON"


class Sender(NamedTuple):
    """Who sends: one life of one client, for a user on a device."""

    client: str
    user: str
    device: str


class Line(NamedTuple):
    """A numbered record; ``is_held`` says whether the outbox waits to hear what became of it."""

    seq: int
    kind: str
    text: bytes
    is_held: bool = True


class Parcel(NamedTuple):
    """Lines of one sender that are sent together."""

    client: str
    lines: list[Line]


class Scribe:
    """Writes the lines of one sender."""

    def __init__(self, sender: Sender, clock: Clock) -> None:
        self.client = sender.client
        self._sender = sender
        self._clock = clock

    def header(self, client: str, agent: str) -> batch.Header:
        """Return the first line of a batch that is sent now."""
        return batch.Header(client=client, sent_at_ms=self._clock.now() * 1e3, agent=agent)

    def write(self, record: AnyRecord, seq: int) -> Line | str:
        """Return the record's line, or the reason why it cannot be sent."""
        try:
            text = batch.encode_record(msgspec.structs.replace(record, seq=seq))
        except (TypeError, ValueError, msgspec.MsgspecError):
            # Half a surrogate pair is text to Python and nothing to UTF-8.
            return NOT_JSON
        if len(text) > batch.MAX_LINE:
            return TOO_LARGE
        return Line(seq, type(record).__name__.lower(), text)

    def write_loss(self, loss: Loss, seq: int) -> Line | str:
        """Return the line that tells what was lost."""
        dropped = Dropped(
            seq=seq,
            at_ms=loss.at_ms or self._clock.now() * 1e3,
            user=self._sender.user,
            device=self._sender.device,
            conference=loss.place.conference,
            connection=loss.place.connection,
            counts=loss.counts,
        )
        line = self.write(dropped, seq)
        return line._replace(is_held=False) if isinstance(line, Line) else line


def cut(parcel: Parcel, limit: int) -> list[Parcel]:
    """Cut a parcel into some of at most ``limit`` bytes, one line at least."""
    parcels = []
    start = 0
    for texts in batch.split([line.text for line in parcel.lines], limit=limit):
        lines = parcel.lines[start : start + len(texts)]
        parcels.append(parcel._replace(lines=lines))
        start += len(texts)
    return parcels
