"""How do several real participants talk to each other? In a full mesh, until it is closed."""

import asyncio
import importlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, cast

from callstats.errors import BadInput, Unavailable
from callstats.testing.lab import media
from callstats.testing.lab.network import Access, Network
from callstats.testing.lab.peer import Endpoint, Peer, until

ENGINES = ("wrtc", "aiortc")
CONNECT_SECONDS = 30.0
"""How long a connection may take: two slow cores under load need some seconds."""

Observer = Callable[[str, str, Any], object]
"""Called with user, remote and peer connection as soon as the connection is made."""


class Engine(Protocol):
    """A module that makes participants of one WebRTC library."""

    def Endpoint(self, content: media.Media) -> Endpoint:  # noqa: N802 - a class
        """Make one participant's device."""


class Participant:
    """One participant: a name, and a connection to everyone else."""

    def __init__(self, name: str, endpoint: Endpoint) -> None:
        self.name = name
        self.peers: dict[str, Peer] = {}
        """By the name of the other end."""
        self._endpoint = endpoint

    @property
    def connections(self) -> dict[str, Any]:
        """The library's peer connections by the name of the other end."""
        return {remote: peer.pc for remote, peer in self.peers.items()}

    async def start(self) -> None:
        """Begin to talk and to move."""
        await self._endpoint.start()

    def call(self, remote: str) -> Peer:
        """Make the connection towards ``remote``."""
        peer = self._endpoint.peer()
        self.peers[remote] = peer
        return peer

    async def close(self) -> None:
        """Close every connection, then the media."""
        for peer in self.peers.values():
            await peer.close()
        await self._endpoint.close()


class Conference:
    """A full mesh of participants on loopback, for as long as the ``async with`` block lasts.

    ``access`` says who sits behind a bad access network; everyone else is connected directly.
    ``observer`` is where the SDK comes in: it is told every peer connection before negotiation.
    Raises Unavailable where the engine's library is missing or peers cannot connect.
    """

    def __init__(
        self,
        participants: Sequence[str],
        *,
        engine: str = "wrtc",
        access: Mapping[str, Access] | None = None,
        observer: Observer | None = None,
        seed: int = 0,
    ) -> None:
        access = access or {}
        made = check(participants, engine, access)
        self.participants = {
            name: Participant(name, made.Endpoint(media.make(index)))
            for index, name in enumerate(participants)
        }
        self.network = Network(access, seed=seed)
        self._observer = observer

    async def __aenter__(self) -> Self:
        try:
            await self._begin()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def run(
        self, seconds: float, *, progress: Callable[[float], object] | None = None
    ) -> None:
        """Let them talk; ``progress`` is told the seconds gone by about ten times a second."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        while (gone := loop.time() - started) < seconds:
            if progress is not None:
                progress(gone)
            await asyncio.sleep(min(0.1, seconds - gone))

    async def close(self) -> None:
        """Hang up everywhere; harmless when done twice."""
        for participant in self.participants.values():
            await participant.close()
        await self.network.close()

    async def _begin(self) -> None:
        for participant in self.participants.values():
            await participant.start()
        for caller, callee in itertools.combinations(self.participants.values(), 2):
            await self._connect(caller, callee)
        self.network.start()

    async def _connect(self, caller: Participant, callee: Participant) -> None:
        route = await self.network.route(caller.name, callee.name)
        near = self._observed(caller, callee.name)
        far = self._observed(callee, caller.name)
        answer = await far.answer(route.offered(await near.offer()))
        await near.accept(route.answered(answer))
        await until(
            lambda: near.is_connected() and far.is_connected(),
            what=f"{caller.name} and {callee.name} did not connect",
            seconds=CONNECT_SECONDS,
        )

    def _observed(self, participant: Participant, remote: str) -> Peer:
        peer = participant.call(remote)
        if self._observer is not None:
            self._observer(participant.name, remote, peer.pc)
        return peer


def check(participants: Sequence[str], engine: str, access: Mapping[str, Access]) -> Engine:
    """Return the engine if such a conference can be held; raises BadInput or Unavailable."""
    if len(participants) < 2 or len(set(participants)) < len(participants):
        raise BadInput(
            "participants", found=", ".join(participants), allowed="two or more, named differently"
        )
    if strangers := set(access).difference(participants):
        raise BadInput(
            "impaired participant",
            found=", ".join(sorted(strangers)),
            allowed=" or ".join(participants),
        )
    return _engine(engine)


def _engine(name: str) -> Engine:
    if name not in ENGINES:
        raise BadInput("engine", found=name, allowed=" or ".join(ENGINES))
    try:
        module = importlib.import_module(f"callstats.testing.lab.{name}")
    except ModuleNotFoundError as missing:
        raise Unavailable(
            f"the engine {name} needs {missing.name}: pip install 'callstats[{name}]'"
        ) from None
    return cast("Engine", module)
