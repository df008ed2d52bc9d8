"""How is a connection followed that no library of ours has made? By its own three methods."""

import asyncio
import functools
import weakref
from typing import ClassVar

from callstats.sdk.engine import Legs, OnEvent, OnState, Watchable
from callstats.sdk.notices import never_raises

STATES = (
    "connectionstatechange",
    "iceconnectionstatechange",
    "icegatheringstatechange",
    "signalingstatechange",
)


class Own:
    """The engine of a ``Watchable``: keeps the states that it was told."""

    name = "own"
    unknown: ClassVar[tuple[str, ...]] = ()
    is_prompt = False

    def __init__(self) -> None:
        self._states: dict[str, str] = {}
        self._on_state: OnState | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def find_loop(self, pc: Watchable) -> asyncio.AbstractEventLoop | None:  # noqa: ARG002
        """Return None: the running loop is as good a guess as any."""
        return None

    def read_states(self, pc: Watchable) -> dict[str, str]:  # noqa: ARG002
        """Return the states as they were told last."""
        return dict(self._states)

    def is_closed(self, pc: Watchable) -> bool:
        """Whether the connection says so."""
        return bool(pc.is_closed())

    def listen(self, pc: Watchable, on_state: OnState, on_event: OnEvent) -> None:  # noqa: ARG002
        """Ask to be told of states; nothing else is told."""
        self._loop = asyncio.get_running_loop()
        self._on_state = on_state
        # The connection will keep what it is given. That must not keep the watch.
        pc.on_state_change(functools.partial(_pass_on, weakref.ref(self)))

    def unlisten(self, pc: Watchable) -> None:  # noqa: ARG002
        """Take no notice any more of what is told."""
        self._on_state = None

    async def sample(self, pc: Watchable) -> Legs:
        """Return the stats objects that the connection tells."""
        return {"": [dict(each) for each in await pc.get_stats()]}

    def hear(self, name: object, state: object) -> None:
        """Take a state; in another thread than the loop's it is passed on to there."""
        loop = self._loop
        if self._on_state is None or loop is None or loop.is_closed():
            return
        if _runs_here(loop):
            self._take(name, state)
        else:
            loop.call_soon_threadsafe(self._take, name, state)

    def _take(self, name: object, state: object) -> None:
        if name in STATES and self._on_state is not None:
            self._states[str(name)] = str(state)
            self._on_state()


@never_raises(instead=None)
def _pass_on(engine: "weakref.ref[Own]", name: object, state: object) -> None:
    own = engine()
    if own is not None:
        own.hear(name, state)


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
