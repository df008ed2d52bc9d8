"""Who sits behind which access network, and how does it change during the call?"""

import asyncio
from collections.abc import Mapping, Sequence

from msgspec import Struct

from callstats.testing.lab import sdp
from callstats.testing.lab.link import Impairment, Link
from callstats.testing.lab.relay import Relay


class Step(Struct, frozen=True, kw_only=True):
    """From ``at`` seconds after the start on, a direction is as said; None leaves it as it is."""

    at: float
    downlink: Impairment | None = None
    uplink: Impairment | None = None


class Access(Struct, frozen=True, kw_only=True):
    """One participant's way to everyone else, and how it changes.

    The downlink carries what the others send to this participant, the uplink what it sends. All
    its connections share both, as they share a home's line.
    """

    downlink: Impairment = Impairment()
    uplink: Impairment = Impairment()
    steps: Sequence[Step] = ()


class Line:
    """The access of one participant while a conference runs."""

    def __init__(self, access: Access, *, seed: str) -> None:
        self.downlink = Link(access.downlink, seed=f"{seed} down")
        self.uplink = Link(access.uplink, seed=f"{seed} up")
        self._steps = sorted(access.steps, key=lambda step: step.at)

    async def play(self) -> None:
        """Take every step when its time has come, counted from now."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        for step in self._steps:
            await asyncio.sleep(started + step.at - loop.time())
            self.downlink.impairment = step.downlink or self.downlink.impairment
            self.uplink.impairment = step.uplink or self.uplink.impairment


class Network:
    """Every packet's way: direct between good accesses, through a relay for the others'.

    Session descriptions pass through it, as through a signalling server, and come out naming
    only the way that the network wants the packets to take.
    """

    def __init__(self, access: Mapping[str, Access], *, seed: int = 0) -> None:
        self.lines = {name: Line(each, seed=f"{seed} {name}") for name, each in access.items()}
        self.relays: dict[tuple[str, str], list[Relay]] = {}
        """By (caller, callee): one relay for each of the two that has an access of its own."""
        self._script: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin the script of every access."""
        self._script = [asyncio.create_task(line.play()) for line in self.lines.values()]

    async def route(self, caller: str, callee: str) -> "Route":
        """Prepare the way between two participants."""
        return Route(
            near_caller=await self._relay(caller, (caller, callee)),
            near_callee=await self._relay(callee, (caller, callee)),
        )

    async def _relay(self, name: str, pair: tuple[str, str]) -> Relay | None:
        line = self.lines.get(name)
        if line is None:
            return None
        relay = await Relay.open(downlink=line.downlink, uplink=line.uplink)
        self.relays.setdefault(pair, []).append(relay)
        return relay

    async def close(self) -> None:
        """Stop the scripts and close every relay."""
        for task in self._script:
            task.cancel()
        await asyncio.gather(*self._script, return_exceptions=True)
        for relays in self.relays.values():
            for relay in relays:
                relay.close()


class Route:
    """The way of one connection: up to two relays, one in front of each end."""

    def __init__(self, *, near_caller: Relay | None, near_callee: Relay | None) -> None:
        self._near_caller = near_caller
        self._near_callee = near_callee

    def offered(self, description: str) -> str:
        """Return the caller's description as the callee shall see it."""
        return _shown(description, near=self._near_caller, far=self._near_callee)

    def answered(self, description: str) -> str:
        """Return the callee's description as the caller shall see it."""
        return _shown(description, near=self._near_callee, far=self._near_caller)


def _shown(description: str, *, near: Relay | None, far: Relay | None) -> str:
    """Lead the way to a peer from its own socket through its relay, then the other end's."""
    address = sdp.address(description)
    if near is not None:
        near.between(near=address)
        address = near.outside
    if far is not None:
        far.between(far=address)
        address = far.inside
    return sdp.with_address(description, address)
