"""Who is in which conference? One user on one device, who has joined before anything else is said.

The client and its watches all speak through this: it fills in who and when, says ``joined`` at the
first mention of a conference, and hands everything to the outbox. Nothing here waits.
"""

from functools import partial
from typing import TypedDict

import msgspec
from msgspec import Raw

from callstats.sdk.courier import Courier
from callstats.sdk.ledger import CLOSED
from callstats.sdk.lines import NOT_JSON
from callstats.sdk.losses import Place
from callstats.sdk.notices import Notices, call_back
from callstats.sdk.outbox import LIGHT, OVERHEAD, OnEnd, Outbox
from callstats.sdk.settings import is_name
from callstats.sdk.steady import Steady
from callstats.wire import Alive, AnyRecord, Event, Joined, Left
from callstats.wire.records import MAX_NAME, NOTHING

UNUSABLE = "unusable argument"
LIGHT_TEXT = LIGHT - OVERHEAD - 256
"""Characters of what an event says besides user and device, for it to be put lightly."""
END_OF_TIME = 8.64e12
"""Seconds since 1970 up to which a record can be dated."""

_encoder = msgspec.json.Encoder(enc_hook=str)


class Said(TypedDict):
    """The members that every record has."""

    seq: int
    at_ms: float
    user: str
    device: str
    conference: str | None


class Details(TypedDict, total=False):
    """What more there is to say of an event or an error; left out where there is nothing."""

    data: Raw


class Participant:
    """Speaks for one user on one device."""

    def __init__(
        self,
        user: str,
        device: str,
        *,
        outbox: Outbox,
        courier: Courier,
        clock: Steady,
        platform: dict[str, str],
    ) -> None:
        self.user = user
        self.device = device
        self.is_closed = False
        self._outbox = outbox
        self._courier = courier
        self._clock = clock
        self._platform = platform
        self._notices = Notices()
        self._joined: dict[str, object] = {}

    @property
    def conferences(self) -> list[str]:
        """Return the conferences that were joined and not left."""
        return list(self._joined)

    @property
    def sole_conference(self) -> str | None:
        """Return the conference the user is in, None for none or several."""
        joined = self.conferences
        return joined[0] if len(joined) == 1 else None

    def said(self, conference: str | None, at: float | None = None) -> Said:
        """Return who speaks, when (now), in which conference; numbers are given at sending."""
        moment = self._clock.now() if at is None else self._moment(at)
        return {
            "seq": 1,
            "at_ms": moment * 1e3,
            "user": self.user,
            "device": self.device,
            "conference": conference,
        }

    def _moment(self, at: object) -> float:
        """Return the moment told, or now if it is none."""
        if isinstance(at, int | float) and 0 <= at < END_OF_TIME:
            return max(0.0, self._clock.place(at))
        return self._clock.now()

    def happened(
        self,
        name: str,
        conference: str,
        data: object,
        *,
        connection: str | None = None,
        remote: str | None = None,
        at: float | None = None,
    ) -> None:
        """Say that something happened, at the least cost for the thread that says so."""
        raw = None if data is None else self._encode(data)
        size = len(name) + len(conference) + (0 if raw is None else len(raw))
        at_ms = (self._clock.now() if at is None else self._moment(at)) * 1e3
        make = partial(self._event, name, conference, raw, connection, remote, at_ms)
        if size <= LIGHT_TEXT and name.isascii() and conference.isascii() and not self.is_closed:
            if self._outbox.put_lightly(make):
                self._courier.nudge()
            self._courier.wake()
        else:
            self.put(make())

    def _event(
        self,
        name: str,
        conference: str,
        raw: bytes | None,
        connection: str | None,
        remote: str | None,
        at_ms: float,
    ) -> Event:
        return Event(
            seq=1,
            at_ms=at_ms,
            user=self.user,
            device=self.device,
            conference=conference,
            name=name,
            connection=connection,
            remote=remote,
            data=NOTHING if raw is None else Raw(bytes(memoryview(raw))),
        )

    def put(self, record: AnyRecord, on_end: OnEnd | None = None) -> None:
        """Hand a record to the outbox."""
        if self.is_closed:
            self.lose(CLOSED, conference=record.conference)
            if on_end is not None:
                call_back(on_end, False, CLOSED)
            return
        self._outbox.put(record, on_end)
        self._courier.wake()

    def enter(self, conference: object, at: float | None = None) -> bool:
        """Say ``joined`` unless that was said; False if this cannot name a conference."""
        if isinstance(conference, str) and conference in self._joined:
            return True
        if not self.accepts(conference, "conference"):
            return False
        # Of several threads that come here at once, one finds its own mark in the dict.
        mark = object()
        if self._joined.setdefault(str(conference), mark) is mark:
            agent = self._courier.agent
            said = self.said(str(conference), at)
            self.put(Joined(**said, agent=agent, platform=self._platform))
        return True

    def stay(self, conference: str) -> None:
        """Say that the user is still there, if so."""
        if conference in self._joined:
            self.put(Alive(**self.said(conference)))

    def leave(self, conference: str) -> None:
        """Say ``left`` if ``joined`` was said."""
        if self._joined.pop(conference, None) is not None:
            self.put(Left(**self.said(conference)))

    def accepts(self, name: object, what: str, on_end: OnEnd | None = None) -> bool:
        """Whether this can be a name; otherwise what it belongs to is dropped and counted."""
        if is_name(name):
            return True
        self.refuse(f"a {what} that is no text of 1 to {MAX_NAME} characters", on_end)
        return False

    def refuse(self, found: str, on_end: OnEnd | None = None) -> None:
        """Count something that cannot be used, and tell its author."""
        self.lose(UNUSABLE)
        self._notices.tell(found, f"callstats was given {found}, and ignores it")
        if on_end is not None:
            call_back(on_end, False, UNUSABLE)

    def lose(
        self,
        reason: str,
        number: int = 1,
        *,
        conference: str | None = None,
        connection: str | None = None,
    ) -> None:
        """Count something that could not be had or kept, now, and where it is missing."""
        place = Place(conference or self.sole_conference, connection)
        self._outbox.count(reason, number, place=place, at_ms=self._clock.now() * 1e3)

    def details(self, value: object) -> Details:
        """Return ``data`` of a record with a JSON value as it is at this moment, if it is one.

        What JSON does not know is told by its ``str``.
        """
        raw = self.read(value) if value is not None else None
        return {} if raw is None else {"data": raw}

    def read(self, value: object) -> Raw | None:
        """Return a JSON value as it is at this moment; None, and a count, where it is none."""
        raw = self._encode(value)
        # msgspec leaves up to a third of the memory unused at the end; a copy does not.
        return None if raw is None else Raw(bytes(memoryview(raw)))

    def _encode(self, value: object) -> bytes | None:
        try:
            return _encoder.encode(value)
        except Exception:  # the value's own code may raise anything
            self.lose(NOT_JSON)
            return None
