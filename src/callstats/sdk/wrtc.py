"""What does wrtc (libwebrtc, module ``webrtc``) know about its peer connections?

Everything that Chrome knows, with W3C members and units; here it only has to be copied. Two things
differ from aiortc: ``close`` tells nobody, so it is found out by looking; and a connection that
has handlers lives until it is closed or its loop is, so watching one that nobody closes keeps it.
"""

import asyncio
import functools
import importlib.metadata
from contextlib import suppress
from typing import Any, ClassVar

from callstats.sdk.engine import Handlers, Legs, OnEvent, OnState, describe

STATES = {
    "connectionstatechange": "connection_state",
    "iceconnectionstatechange": "ice_connection_state",
    "icegatheringstatechange": "ice_gathering_state",
    "signalingstatechange": "signaling_state",
}


class Wrtc:
    """The engine of a peer connection of wrtc."""

    unknown: ClassVar[tuple[str, ...]] = (
        "candidate-pair.availableIncomingBitrate",
        "remote-inbound-rtp.packetsReceived",
    )
    """What its stats lack, as Chrome's do."""
    is_prompt = False
    """Stats come from libwebrtc's own threads, so they are waited for."""

    def __init__(self) -> None:
        self.name = version()
        self._handlers: Handlers = []

    def find_loop(self, pc: Any) -> asyncio.AbstractEventLoop | None:
        """Return the loop the connection is bound to."""
        with suppress(Exception):
            loop = pc._loop()
            return loop if isinstance(loop, asyncio.AbstractEventLoop) else None
        return None

    def read_states(self, pc: Any) -> dict[str, str]:
        """Return the states by the events that tell their changes."""
        return {event: _text(getattr(pc, attribute)) for event, attribute in STATES.items()}

    def is_closed(self, pc: Any) -> bool:
        """Whether the connection is closed for good."""
        return _text(pc.signaling_state) == "closed"

    def listen(self, pc: Any, on_state: OnState, on_event: OnEvent) -> None:
        """Call back for changed states and remote tracks."""

        def hear_state(_: object) -> None:
            on_state()

        def hear_track(event: Any) -> None:
            on_event("track", describe(event.track))

        self._handlers = [*((event, hear_state) for event in STATES), ("track", hear_track)]
        for event, handler in self._handlers:
            pc.on(event, handler)

    def unlisten(self, pc: Any) -> None:
        """Call back no more."""
        while self._handlers:
            event, handler = self._handlers.pop()
            pc.off(event, handler)

    async def sample(self, pc: Any) -> Legs:
        """Return the stats objects; a member that libwebrtc does not tell is absent."""
        report = await pc.get_stats()
        return {"": [stats.to_json() for stats in report.values()]}


@functools.cache
def version() -> str:
    """Return library and version."""
    try:
        return f"wrtc/{importlib.metadata.version('wrtc')}"
    except importlib.metadata.PackageNotFoundError:
        return "wrtc"


def _text(state: object) -> str:
    return str(getattr(state, "value", state))
