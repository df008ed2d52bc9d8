"""Did it arrive? A result that comes later, to be awaited, waited for, or ignored."""

import contextlib
from collections.abc import Callable, Generator
from concurrent.futures import Future, InvalidStateError

from callstats.sdk.backend import SUCCESS, Status


class Delivery:
    """What became of something sent; usable from threads and from asyncio.

    It never raises for a failed delivery: its result is a ``Status`` whose ``is_success`` says
    whether the server has stored it. Nobody needs to look at it.
    """

    def __init__(self) -> None:
        self._future: Future[Status] = Future()

    def __repr__(self) -> str:
        """Show the status without waiting for it."""
        state = repr(self._future.result()) if self.is_done else "pending"
        return f"<Delivery {state}>"

    @property
    def is_done(self) -> bool:
        """Whether the result is known."""
        return self._future.done()

    def settle(self, status: str = SUCCESS, message: str = "") -> None:
        """Say what became of it; only the first word counts."""
        with contextlib.suppress(InvalidStateError):
            self._future.set_result(Status(status, message))

    def result(self, timeout: float | None = None) -> Status:
        """Wait for the result in a thread; raises TimeoutError after ``timeout`` seconds."""
        return self._future.result(timeout)

    def add_done_callback(self, callback: Callable[[Status], None]) -> None:
        """Call back with the result, at once if it is known, else on the thread that learns it."""
        self._future.add_done_callback(lambda future: callback(future.result()))

    def __await__(self) -> Generator[object, None, Status]:
        """Wait for the result in an event loop; giving up waiting changes nothing."""
        import asyncio  # costs more than all else here, and only those who await have it already

        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Status] = loop.create_future()

        def wake(status: Status) -> None:
            if not waiter.done():
                waiter.set_result(status)

        def tell(status: Status) -> None:
            # The loop may be closed by the time the server answers.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(wake, status)

        self.add_done_callback(tell)
        return waiter.__await__()


def settled(status: str = SUCCESS, message: str = "") -> Delivery:
    """Return a delivery whose result is known already."""
    delivery = Delivery()
    delivery.settle(status, message)
    return delivery
