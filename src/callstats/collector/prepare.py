"""What becomes of one batch? Rows for the store, call ids for the sender, refusals with reasons.

Each line walks through the same steps: is it new, can it be read, when was it, which call is it,
which rows is it. A line that fails a step is refused by itself; the others go on. Nothing here
waits, so a batch is prepared at one moment.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from callstats import wire
from callstats.collector.presence import Kind, Ongoing, Presence
from callstats.collector.unchanged import Connection, Unchanged
from callstats.errors import BadInput
from callstats.store import Rows
from callstats.wire.batch import Header, Line, Refusal

TOLERANCE = 2.0
"""Seconds by which clocks may differ before a client's times are corrected. The delay of the
network looks like a difference too: lower would move times for nothing, higher leaves errors."""
OLDEST = 7 * 86_400.0
"""Age in seconds at which a record is refused: each day is a partition of its own on disk, and a
sender must not be able to make thousands of them."""
_LAST = 10_413_791_999.0
"""The end of 2299, the last moment a column can hold; only a client's own clock says later."""


ReadStats = Callable[[msgspec.Raw], tuple[Sequence[wire.Sample], int]]


class Delivery(Struct, frozen=True):
    """One batch as it arrived: from which app, its header, and when by our clock."""

    app_id: int
    header: Header
    received_at: float
    call: str | None = None
    """The call that every record belongs to, where the sender names it; else presence decides."""
    read_stats: ReadStats = wire.samples.decode
    """How the sender writes the stats of its reports."""
    is_signed: bool = True
    """Whether the sender is written down too; one that never repeats itself need not be always."""

    @property
    def skew(self) -> float:
        """Seconds that the client's clock is ahead of ours, the network's delay included."""
        return self.header.sent_at_ms / 1000 - self.received_at

    def our_time(self, at_ms: float) -> float:
        """Return when it happened by our clock: corrected, and never after its arrival."""
        correction = self.skew if abs(self.skew) > TOLERANCE else 0.0
        return min(at_ms / 1000 - correction, self.received_at)


class Draft:
    """What one batch becomes; filled line by line."""

    def __init__(self, delivery: Delivery, presence: Presence, unchanged: Unchanged) -> None:
        self.rows = Rows()
        self.refused: list[Refusal] = []
        self.calls: dict[str, str] = {}
        self.highest = 0
        self.connections: list[Connection] = []
        self._ongoing: dict[str, Ongoing] = {}
        self._delivery = delivery
        self._presence = presence
        self._unchanged = unchanged
        self._speaker = ("", "")

    def take(self, lines: Iterable[Line], *, stored: int) -> int:
        """Walk every line that is not stored yet through the steps; return how many were new."""
        seen: set[int] = set()
        for line in lines:
            seq = line.record.seq
            if seq <= stored or seq in seen:
                self._repeat(line)
                continue
            seen.add(seq)
            self._take(line)
        self._sign()
        return len(seen)

    def settle(self) -> None:
        """Say that the rows are on disk: presence need not repeat its own."""
        for call in self._ongoing.values():
            call.row_is_due = False

    def discard(self) -> None:
        """Say that the rows may not be on disk: what they claimed must be stored again."""
        for call in self._ongoing.values():
            call.row_is_due = True
        for connection in self.connections:
            self._unchanged.forget(connection)

    # The steps of one line

    def _take(self, line: Line) -> None:
        try:
            content = self._read(line.record)
            at = self._placed(line.record)
        except BadInput as error:
            self._refuse(line, error)
            return
        call = self._hear(line.record, at)
        self._write(line.record, content, call, at)
        self.highest = max(self.highest, line.record.seq)
        self._speaker = (line.record.user, line.record.device)

    def _read(self, record: wire.AnyRecord) -> Any:
        if isinstance(record, wire.Report):
            samples, damaged = self._delivery.read_stats(record.stats)
            return _text(record.stats), samples, damaged
        return _READERS[type(record)](record)

    def _placed(self, record: wire.AnyRecord) -> float:
        at = self._delivery.our_time(record.at_ms)
        age = self._delivery.received_at - at
        if age > OLDEST:
            raise BadInput(
                "too old",
                found=f"{age / 86_400:.0f} days before it was sent",
                allowed=f"{OLDEST / 86_400:.0f} days",
            )
        return at

    def _hear(self, record: wire.AnyRecord, at: float) -> str:
        if record.conference is None:
            return ""
        call = self._presence.hear(
            self._delivery.app_id,
            record.conference,
            (record.user, record.device),
            KINDS[type(record)],
            at=at,
            now=self._delivery.received_at,
            call_id=self._delivery.call,
        )
        self._ongoing[call.id] = call
        self.calls[record.conference] = call.id
        return call.id

    def _repeat(self, line: Line) -> None:
        """Answer about a line that was dealt with before as it was answered then."""
        try:
            self._read(line.record)
        except BadInput as error:
            self._refuse(line, error)
        else:
            self._point_to_call(line.record)

    def _refuse(self, line: Line, error: BadInput) -> None:
        self.refused.append(
            Refusal(line.number, line.record.seq, error.what, error.found, error.allowed)
        )

    def _point_to_call(self, record: wire.AnyRecord) -> None:
        """Name the call of a record that is stored already; it may be long over."""
        if record.conference is None or record.conference in self.calls:
            return
        at = self._delivery.our_time(record.at_ms)
        call_id = self._presence.find(
            self._delivery.app_id, record.conference, at, self._delivery.received_at
        )
        if call_id is not None:
            self.calls[record.conference] = call_id

    # Rows

    def _write(self, record: wire.AnyRecord, content: Any, call: str, at: float) -> None:
        if isinstance(record, wire.Alive):
            return
        if isinstance(record, wire.Report):
            self._write_report(record, content, call, at)
            return
        name, data = content
        self.rows.add(
            "events",
            (
                self._delivery.app_id,
                call,
                at,
                _client_time(record.at_ms),
                self._delivery.received_at,
                record.conference or "",
                record.user,
                record.device,
                getattr(record, "connection", None) or "",
                getattr(record, "remote", None) or "",
                KINDS[type(record)],
                name,
                data,
                self._delivery.header.client,
                record.seq,
            ),
        )

    def _write_report(self, record: wire.Report, content: Any, call: str, at: float) -> None:
        payload, samples, damaged = content
        app_id, client = self._delivery.app_id, self._delivery.header.client
        place = (record.user, record.device, record.connection)
        identity = (*place, record.remote or "", client, record.seq)
        connection = (app_id, call, client, *place)
        self.connections.append(connection)
        start = (app_id, call, at, self._delivery.received_at, *identity)
        news = self._unchanged.news(connection, samples)
        self.rows.add_all("samples", [start + row for row in news])
        times = (at, _client_time(record.at_ms), self._delivery.received_at)
        self.rows.add("reports", (app_id, call, *times, *identity, payload, len(samples), damaged))

    def _sign(self) -> None:
        """Add what vouches for the rest: the calls' own rows, and the client's journal entry."""
        version = int(self._delivery.received_at * 1e9) + 1
        for call in self._ongoing.values():
            if call.row_is_due:
                self.rows.add("calls", live_row(call, version=version))
        if self.highest and self._delivery.is_signed:
            header = self._delivery.header
            self.rows.add(
                "clients",
                (
                    self._delivery.app_id,
                    header.client,
                    self.highest,
                    self._delivery.received_at,
                    _client_time(header.sent_at_ms),
                    self._delivery.skew,
                    header.agent,
                    *self._speaker,
                ),
            )


KINDS: dict[type[wire.Record], Kind] = {
    wire.Joined: "joined",
    wire.Left: "left",
    wire.Alive: "alive",
    wire.Event: "event",
    wire.Error: "error",
    wire.Log: "log",
    wire.Feedback: "feedback",
    wire.Report: "report",
    wire.Dropped: "dropped",
}


def live_row(call: Ongoing, *, version: int) -> tuple[Any, ...]:
    """Return the row of ``calls`` that says: this call is going on."""
    return (
        *(call.app_id, call.id, call.conference, call.started_at, None, "live"),
        *(len(call.people), 0, "unknown", "", "", version),
    )


# What is in a record that becomes an event: its name and its data


def _read_event(record: wire.Event) -> tuple[str, str]:
    return record.name, _text(record.data)


def _read_error(record: wire.Error) -> tuple[str, str]:
    return record.name, _json({"message": record.message, **_more(record)})


def _read_log(record: wire.Log) -> tuple[str, str]:
    return record.level, _json({"message": record.message, **_more(record)})


def _read_feedback(record: wire.Feedback) -> tuple[str, str]:
    said = {name: getattr(record, name) for name in ("overall", "audio", "video", "comment")}
    known = {name: value for name, value in said.items() if value is not None}
    return "", _json({**known, **_more(record)})


def _read_dropped(record: wire.Dropped) -> tuple[str, str]:
    return "", _json(record.counts)


def _read_joined(record: wire.Joined) -> tuple[str, str]:
    said: dict[str, Any] = {"agent": record.agent, "platform": record.platform}
    known = {name: value for name, value in said.items() if value} | _more(record)
    return "", _json(known) if known else ""


def _read_left(record: wire.Left) -> tuple[str, str]:
    more = _more(record)
    return "", _json(more) if more else ""


def _read_alive(_: wire.Alive) -> tuple[str, str]:
    return "", ""


def _more(record: wire.WithData) -> dict[str, msgspec.Raw]:
    """Return what the source said beyond the record's own members, if anything."""
    if not bytes(record.data):
        return {}
    _text(record.data)
    return {"data": record.data}


_READERS: dict[type[wire.Record], Callable[[Any], Any]] = {
    wire.Joined: _read_joined,
    wire.Left: _read_left,
    wire.Alive: _read_alive,
    wire.Event: _read_event,
    wire.Error: _read_error,
    wire.Log: _read_log,
    wire.Feedback: _read_feedback,
    wire.Dropped: _read_dropped,
}

_encoder = msgspec.json.Encoder()


def _json(value: object) -> str:
    return _encoder.encode(value).decode()


def _text(raw: msgspec.Raw) -> str:
    """Return JSON that was kept as it came; that it is UTF-8 was not checked when it was read."""
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(
            "wrong form", found=f"no UTF-8 at byte {error.start}", allowed="UTF-8"
        ) from None


def _client_time(ms: float) -> float:
    return min(ms / 1000, _LAST)
