"""How is a peer connection of aiortc followed?

Its stats need a conversion, which is in ``aiortc_stats`` and ``aiortc_path``; what they do not
count is heard in ``aiortc_media``.
"""

import asyncio
import functools
import importlib.metadata
import weakref
from typing import Any, ClassVar

from callstats.sdk.aiortc_media import Received, Sent
from callstats.sdk.aiortc_path import Paths, connecting, transports
from callstats.sdk.aiortc_stats import UNKNOWN, receiving, sending
from callstats.sdk.engine import Handlers, Legs, OnEvent, OnState, describe
from callstats.sdk.taps import Taps

STATES = {
    "connectionstatechange": "connectionState",
    "iceconnectionstatechange": "iceConnectionState",
    "icegatheringstatechange": "iceGatheringState",
    "signalingstatechange": "signalingState",
}


class Aiortc:
    """The engine of a peer connection of aiortc."""

    unknown: ClassVar[tuple[str, ...]] = UNKNOWN
    is_prompt = True
    """Its getStats is a coroutine function that never waits."""

    def __init__(self) -> None:
        self.name = version()
        self._taps = Taps()
        self._paths = Paths()
        self._sent: weakref.WeakKeyDictionary[Any, Sent] = weakref.WeakKeyDictionary()
        self._received: weakref.WeakKeyDictionary[Any, Received] = weakref.WeakKeyDictionary()
        self._handlers: Handlers = []

    def find_loop(self, pc: Any) -> asyncio.AbstractEventLoop | None:
        """Return the loop that the connection's senders or its data channels belong to."""
        for owner in [*pc.getSenders(), pc.sctp]:
            loop = getattr(owner, "_RTCRtpSender__loop", None) or getattr(owner, "_loop", None)
            if isinstance(loop, asyncio.AbstractEventLoop):
                return loop
        return None

    def read_states(self, pc: Any) -> dict[str, str]:
        """Return the states by the events that tell their changes."""
        return {event: str(getattr(pc, attribute)) for event, attribute in STATES.items()}

    def is_closed(self, pc: Any) -> bool:
        """Whether the connection is closed for good; its signaling state is so a little earlier."""
        return bool(pc.connectionState == "closed")

    def listen(self, pc: Any, on_state: OnState, on_event: OnEvent) -> None:
        """Call back for changed states and remote tracks, and hear what goes through."""
        refer = weakref.ref(pc)

        def hear_state() -> None:
            self._hear(refer())
            on_state()

        def hear_track(track: object) -> None:
            self._hear(refer())
            on_event("track", describe(track))

        self._handlers = [*((event, hear_state) for event in STATES), ("track", hear_track)]
        for event, handler in self._handlers:
            pc.on(event, handler)
        self._hear(pc)

    def unlisten(self, pc: Any) -> None:
        """Call back no more; a closed connection has let go of its handlers already."""
        self._taps.remove()
        while self._handlers:
            event, handler = self._handlers.pop()
            if handler in pc.listeners(event):
                pc.remove_listener(event, handler)

    async def sample(self, pc: Any) -> Legs:
        """Return the stats objects of all senders, receivers and transports."""
        found: dict[str, dict[str, object]] = {}
        for transceiver in pc.getTransceivers():
            sender, receiver = transceiver.sender, transceiver.receiver
            sent, received = await sender.getStats(), await receiver.getStats()
            for stats in sending(transceiver, sent, self._sent.get(sender)):
                found[str(stats["id"])] = stats
            for stats in receiving(transceiver, received, self._received.get(receiver)):
                found[str(stats["id"])] = stats
        for transport in transports(pc):
            for stats in connecting(transport, self._paths):
                found[str(stats["id"])] = stats
        return {"": list(found.values())}

    def _hear(self, pc: Any) -> None:
        """Hear every part of the connection that is there by now; new ones come with a change."""
        if pc is None:
            return
        for transceiver in pc.getTransceivers():
            sender, receiver = transceiver.sender, transceiver.receiver
            self._sent.setdefault(sender, Sent()).listen(self._taps, sender)
            self._received.setdefault(receiver, Received()).listen(self._taps, receiver)
        for transport in transports(pc):
            self._paths.listen(self._taps, transport)


@functools.cache
def version() -> str:
    """Return library and version."""
    try:
        return f"aiortc/{importlib.metadata.version('aiortc')}"
    except importlib.metadata.PackageNotFoundError:
        return "aiortc"
