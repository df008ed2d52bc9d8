"""What must be known of a WebRTC library to watch its peer connections?

Each library has one module with a class that does what ``Engine`` says. Such a module is an edge:
it touches its library's objects, and imports nothing of it, since who has a connection has imported
its library. One engine follows one connection; it never holds it, it is given it.

For everything else there is ``Watchable``: three methods that an application writes itself.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol, cast, runtime_checkable

Stats = list[dict[str, object]]
"""The stats objects of one connection at one moment, with W3C members and units."""

Legs = dict[str, Stats]
"""Stats by leg: what is one connection for us may be several for a library. The main one is ``""``
and names no leg; the others have short names of the library's."""

Handlers = list[tuple[str, Callable[..., None]]]
"""What listens to a connection's events, by their names in the library."""

OnState = Callable[[], None]
OnEvent = Callable[[str, Mapping[str, object]], None]


class Home(NamedTuple):
    """Where the engine of a library is, and which class of the library it follows."""

    module: str
    engine: str
    connection: str


HOMES = {
    "aiortc": Home("callstats.sdk.aiortc", "Aiortc", "RTCPeerConnection"),
    "webrtc": Home("callstats.sdk.wrtc", "Wrtc", "RTCPeerConnection"),
    "livekit": Home("callstats.sdk.livekit", "LiveKit", "Room"),
}
"""By the package that a connection's class comes from."""


class Engine(Protocol):
    """What is asked about one connection; all but ``find_loop`` in the connection's loop."""

    name: str
    """Library and version, as in a user-agent string."""
    unknown: tuple[str, ...]
    """What the library cannot tell: ``type.member``, or ``type`` for whole objects."""
    is_prompt: bool
    """Whether ``sample`` answers without waiting."""

    def find_loop(self, pc: Any) -> asyncio.AbstractEventLoop | None:
        """Return the loop the connection lives in, None if it does not know."""

    def read_states(self, pc: Any) -> dict[str, str]:
        """Return the states known, each by the name of the W3C event that tells its change."""

    def is_closed(self, pc: Any) -> bool:
        """Whether the connection is closed for good."""

    def listen(self, pc: Any, on_state: OnState, on_event: OnEvent) -> None:
        """Call back when a state may have changed, and for what else happens to it."""

    def unlisten(self, pc: Any) -> None:
        """Call back no more, and leave the connection as it was found."""

    def sample(self, pc: Any) -> Awaitable[Legs]:
        """Return the stats as they are now, as copies."""


@runtime_checkable
class Watchable(Protocol):
    """What ``watch`` takes besides the libraries it knows: three methods of your own.

    They are called in the event loop that the watch runs in. An exception they raise costs the
    sample it was about, and is counted in ``Client.dropped``.
    """

    async def get_stats(self) -> Iterable[Mapping[str, object]]:
        """Return the stats objects of this moment, as W3C webrtc-stats names and measures them.

        Each has ``type``, ``id`` and ``timestamp`` (milliseconds since 1970). What is not known is
        left out.
        """

    def on_state_change(self, tell: Callable[[str, str], None]) -> None:
        """Call ``tell`` with each state as it is now, and again whenever one changes.

        Its first argument is the name of a W3C event (``connectionstatechange``,
        ``iceconnectionstatechange``, ``icegatheringstatechange``, ``signalingstatechange``), its
        second the state. ``tell`` may be called in any thread and never raises; after the watch has
        ended it does nothing.
        """

    def is_closed(self) -> bool:
        """Whether there will be no more to tell; the watch then ends."""


def find_engine(pc: object) -> Engine | None:
    """Return an engine for this connection, by the package its class comes from."""
    for each in type(pc).__mro__:
        home = HOMES.get(each.__module__.partition(".")[0])
        if home is not None and each.__name__ == home.connection:
            return _new(home.module, home.engine)
    if isinstance(pc, Watchable) and not isinstance(pc, type):
        return _new("callstats.sdk.watchable", "Own")
    return None


def _new(module: str, engine: str) -> Engine:
    return cast("Engine", getattr(importlib.import_module(module), engine)())


def describe(track: object) -> dict[str, object]:
    """Return what an event tells of a track."""
    told = {"kind": getattr(track, "kind", None), "id": getattr(track, "id", None)}
    return {name: str(value) for name, value in told.items() if value}
