"""What does a conference ask of a WebRTC library? One peer per connection, one voice for all."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from callstats.errors import Unavailable


class Peer(Protocol):
    """One end of one connection."""

    @property
    def pc(self) -> Any:
        """The library's own RTCPeerConnection."""

    async def offer(self) -> str:
        """Return a complete offer, candidates included."""

    async def answer(self, offer: str) -> str:
        """Take the other end's offer and return a complete answer."""

    async def accept(self, answer: str) -> None:
        """Take the other end's answer."""

    def is_connected(self) -> bool:
        """Tell whether packets flow."""

    async def close(self) -> None:
        """Close the connection."""


class Endpoint(Protocol):
    """One participant's device: its media go to every peer that it makes."""

    async def start(self) -> None:
        """Begin to talk and to move."""

    def peer(self) -> Peer:
        """Make one more connection, with this participant's media on it."""

    async def close(self) -> None:
        """Fall silent; the peers were closed before."""


async def until(
    claim: Callable[[], bool], *, what: str, seconds: float, every: float = 0.02
) -> None:
    """Wait until the claim holds; raises Unavailable that ``what`` did not happen in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not claim():
        if loop.time() > deadline:
            raise Unavailable(f"{what} within {seconds:g} s")
        await asyncio.sleep(every)
