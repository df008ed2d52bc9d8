"""What is made anew when the process forks? One life of a client.

A life is what has a client id of its own: numbers from one on, an outbox, a thread, and the peer
connections that are watched. The set-up, which the user gave, outlives it.
"""

import importlib.metadata
import platform
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from callstats.clock import Clock
from callstats.sdk.courier import Courier, OnStatus
from callstats.sdk.http import Http
from callstats.sdk.keeper import Keeper
from callstats.sdk.lines import Scribe, Sender
from callstats.sdk.outbox import Outbox
from callstats.sdk.participant import Participant
from callstats.sdk.pulse import Pulse
from callstats.sdk.spool import Spool
from callstats.sdk.steady import Steady

if TYPE_CHECKING:
    from callstats.sdk.watch import Watch

SENDING = 640 << 10
"""Bytes set aside for the batch that is being sent: its lines, the body made of them, and 270 kB
for compressing it."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a client was set up with; see ``Client``."""

    url: str
    app_id: int
    app_secret: str = field(repr=False)
    user: str
    device: str | None
    max_records: int
    max_bytes: int
    linger: float
    timeout: float
    spool: Path | None
    on_status: OnStatus | None
    clock: Clock


class Life:
    """One life of a client: its participant, outbox, courier and watches."""

    def __init__(self, setup: Setup) -> None:
        self.device = setup.device or secrets.token_hex(4)
        self.agent = f"callstats-python/{_version()}"
        self.watches: dict[int, Watch] = {}
        self.outbox = Outbox(max_records=setup.max_records, max_bytes=setup.max_bytes - SENDING)
        clock = Steady(setup.clock)
        scribe = Scribe(Sender(secrets.token_hex(16), setup.user, self.device), clock)
        self.courier = Courier(
            self.outbox,
            Http(
                setup.url,
                app_id=setup.app_id,
                app_secret=setup.app_secret,
                timeout=setup.timeout,
            ),
            scribe,
            linger=setup.linger,
            on_status=setup.on_status,
            keeper=_keeper(setup, self.outbox, scribe),
        )
        self.courier.agent = self.agent
        self.participant = Participant(
            setup.user,
            self.device,
            outbox=self.outbox,
            courier=self.courier,
            clock=clock,
            platform={"os": platform.system(), "python": platform.python_version()},
        )
        self.courier.pulse = Pulse(self.participant)

    def abandon(self) -> None:
        """End without a word: in a forked child, this life is the parent's."""
        self.participant.is_closed = True
        self.courier.abandon()


def _keeper(setup: Setup, outbox: Outbox, scribe: Scribe) -> Keeper | None:
    if setup.spool is None:
        return None
    spool = Spool(
        setup.spool,
        url=setup.url,
        app_id=setup.app_id,
        client=scribe.client,
        max_bytes=setup.max_bytes,
    )
    return Keeper(spool, outbox, scribe, max_bytes=setup.max_bytes)


def _version() -> str:
    try:
        return importlib.metadata.version("callstats")
    except importlib.metadata.PackageNotFoundError:
        return "0"
