"""How does a link get hold of real packets? By standing between two peers on loopback.

A relay serves one connection and has two sockets. The far peer is told that the near one lives at
``outside``, the near one that the far one lives at ``inside``::

    far peer ── outside │ downlink ▶ │ inside ── near peer   (behind the bad access)
                        │ ◀ uplink   │

Packets that do not come from the two peers' own sockets are not forwarded, so nothing can find
another way in.
"""

import asyncio
from typing import cast

from callstats.testing.lab.link import Link

Address = tuple[str, int]
LOOPBACK = "127.0.0.1"


class _Side(asyncio.DatagramProtocol):
    """One socket: what it receives from its peer goes through a link and out at the other side."""

    def __init__(self, link: Link) -> None:
        self.received = 0
        self.bytes_received = 0
        self.strangers = 0
        self.peer: Address | None = None
        self.other: _Side | None = None
        self._link = link
        self._transport: asyncio.DatagramTransport | None = None
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.address: Address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        if addr[:2] != self.peer or self.other is None:
            self.strangers += 1
            return
        self.received += 1
        self.bytes_received += len(data)
        now = self._loop.time()
        leaves_at = self._link.admit(len(data), now)
        if leaves_at is None:
            return
        if leaves_at <= now:
            self.other.send(data)
        else:
            self._loop.call_at(leaves_at, self.other.send, data)

    def send(self, data: bytes) -> None:
        if self._transport is not None and self.peer is not None:
            self._transport.sendto(data, self.peer)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None


class Relay:
    """The two sockets of one connection; several relays may share the links of one access."""

    def __init__(self, outside: _Side, inside: _Side) -> None:
        self._outside = outside
        self._inside = inside
        outside.other, inside.other = inside, outside

    @classmethod
    async def open(cls, *, downlink: Link, uplink: Link) -> "Relay":
        """Bind both sockets."""
        outside = await _bind(downlink)
        try:
            inside = await _bind(uplink)
        except OSError:
            outside.close()
            raise
        return cls(outside, inside)

    @property
    def outside(self) -> Address:
        """Where the far peer finds the near one."""
        return self._outside.address

    @property
    def inside(self) -> Address:
        """Where the near peer finds the far one."""
        return self._inside.address

    def between(self, *, far: Address | None = None, near: Address | None = None) -> None:
        """Name the sockets of the peers, each as soon as it is known."""
        self._outside.peer = far or self._outside.peer
        self._inside.peer = near or self._inside.peer

    @property
    def received(self) -> int:
        """Packets received from both peers, including those that were lost afterwards."""
        return self._outside.received + self._inside.received

    @property
    def bytes_from_near(self) -> int:
        """Bytes the near peer sent, as payload of UDP."""
        return self._inside.bytes_received

    @property
    def bytes_from_far(self) -> int:
        """Bytes the far peer sent, as payload of UDP."""
        return self._outside.bytes_received

    def close(self) -> None:
        """Close both sockets; packets still under way are lost."""
        self._outside.close()
        self._inside.close()


async def _bind(link: Link) -> _Side:
    loop = asyncio.get_running_loop()
    _, side = await loop.create_datagram_endpoint(lambda: _Side(link), local_addr=(LOOPBACK, 0))
    return side
