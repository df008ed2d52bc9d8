import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest

from callstats.testing.lab import Impairment, Link, Relay
from callstats.testing.lab.peer import until

pytestmark = pytest.mark.anyio


class Socket(asyncio.DatagramProtocol):
    """One peer's socket: keeps what it received, and when."""

    def __init__(self) -> None:
        self.received: list[tuple[float, bytes]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)
        self.address: tuple[str, int] = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002
        self.received.append((asyncio.get_running_loop().time(), data))


@asynccontextmanager
async def sockets(count: int) -> AsyncIterator[list[Socket]]:
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_datagram_endpoint(Socket, local_addr=("127.0.0.1", 0))
        for _ in range(count)
    ]
    try:
        yield [protocol for _, protocol in made]
    finally:
        for transport, _ in made:
            transport.close()


@asynccontextmanager
async def relayed(downlink: Link, uplink: Link) -> AsyncIterator[tuple[Relay, Socket, Socket]]:
    """Yield a relay with the far and the near peer at its sides."""
    relay = await Relay.open(downlink=downlink, uplink=uplink)
    try:
        async with sockets(2) as (far, near):
            relay.between(far=far.address, near=near.address)
            yield relay, far, near
    finally:
        relay.close()


async def eventually(claim: Callable[[], bool]) -> None:
    await until(claim, what="the claim did not come true", seconds=20)


async def test_packets_pass_both_ways_and_come_from_the_relay() -> None:
    async with relayed(Link(), Link()) as (relay, far, near):
        far.transport.sendto(b"to the near one", relay.outside)
        near.transport.sendto(b"back", relay.inside)
        await eventually(lambda: bool(far.received and near.received))
        assert (near.received[0][1], far.received[0][1]) == (b"to the near one", b"back")
        assert (relay.bytes_from_far, relay.bytes_from_near, relay.received) == (15, 4, 2)


async def test_real_packets_are_lost_at_the_configured_rate() -> None:
    downlink = Link(Impairment(loss=0.2), seed=5)
    async with relayed(downlink, Link()) as (relay, far, near):
        for n in range(1, 1001):
            far.transport.sendto(n.to_bytes(2), relay.outside)
            if n % 100 == 0:  # a socket's buffer is finite
                await eventually(lambda n=n: relay.received == n)  # type: ignore[misc]
        await eventually(lambda: len(near.received) == downlink.passed)
        assert downlink.lost == pytest.approx(200, abs=40)


async def test_real_packets_are_delayed_in_the_impaired_direction_only() -> None:
    async with relayed(Link(Impairment(delay=0.2)), Link()) as (relay, far, near):
        sent = asyncio.get_running_loop().time()
        far.transport.sendto(b"late", relay.outside)
        near.transport.sendto(b"at once", relay.inside)
        await eventually(lambda: bool(far.received and near.received))
        assert near.received[0][0] - sent >= 0.2
        assert far.received[0][0] < near.received[0][0]


async def test_strangers_find_no_way_in() -> None:
    async with relayed(Link(), Link()) as (relay, far, near), sockets(1) as (stranger,):
        stranger.transport.sendto(b"let me in", relay.outside)
        stranger.transport.sendto(b"let me in", relay.inside)
        far.transport.sendto(b"known", relay.outside)
        await eventually(lambda: bool(near.received))
        assert [data for _, data in near.received] == [b"known"]
        assert far.received == []


async def test_packets_under_way_are_dropped_when_the_relay_closes() -> None:
    async with relayed(Link(Impairment(delay=0.05)), Link()) as (relay, far, near):
        far.transport.sendto(b"too late", relay.outside)
        await eventually(lambda: relay.received == 1)
        relay.close()
        await asyncio.sleep(0.1)
        assert near.received == []
