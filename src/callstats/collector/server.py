"""How does the collector listen, and how does it stop? uvicorn, with our protocol and our manners.

The address is bound before anything else starts, so that a port in use is a clear error and not a
log line, and who connects early waits instead of being refused; port 0 takes a free one. A stop
(SIGINT, SIGTERM or ``stop``) finishes the requests under way and commits what was taken.
"""

import errno
import gc
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from callstats.collector import http
from callstats.collector.errors import NotStarted, PortInUse
from callstats.collector.settings import Settings
from callstats.errors import BadInput, CallstatsError

logger = logging.getLogger(__name__)

BACKLOG = 2048


class _Uvicorn(uvicorn.Server):
    """uvicorn that tells when it listens, and that returns after a signal.

    uvicorn raises the signal again once it has stopped, which would end the process before the
    caller could close the store.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self._stop) for each in STOP_SIGNALS}
        try:
            yield
        finally:
            for each, former in before.items():
                signal.signal(each, former)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.handle_exit(number, frame)


STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Server:
    """One application on one address. Use ``run`` to block, or as a context manager in a thread."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Bind the address; raises PortInUse or BadInput."""
        self._socket = _bound(settings.host, settings.port)
        self.host = settings.host
        self.port: int = self._socket.getsockname()[1]
        self._uvicorn = _Uvicorn(_config(app, settings))
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where to reach it from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def run(self) -> None:
        """Serve until a signal or ``stop`` from another thread; raises NotStarted."""
        if threading.current_thread() is threading.main_thread():
            _spare_garbage_collection()
        try:
            self._uvicorn.run(sockets=[self._socket])
        except SystemExit:
            raise NotStarted from None
        finally:
            self._socket.close()

    def start(self) -> None:
        """Serve in a thread; return when connections are accepted, or raise NotStarted."""
        self._thread = threading.Thread(target=self._run_quietly, name="collector")
        self._thread.start()
        while not self._uvicorn.is_listening.wait(0.05):
            if not self._thread.is_alive():
                raise NotStarted

    def stop(self) -> None:
        """Finish what is under way and stop; safe to call twice and from any thread."""
        self._uvicorn.should_exit = True
        if self._thread is not None:
            self._thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _run_quietly(self) -> None:
        with suppress(NotStarted):
            self.run()


def run(app: ASGIApp, settings: Settings) -> None:
    """Serve an application until a signal."""
    Server(app, settings).run()


def _spare_garbage_collection() -> None:
    """Look for cycles less often: the process is ours alone.

    Rows wait for their commit as thousands of tuples, which every pass would walk although they
    are in no cycle; by default that is a tenth of the collector's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=http.protocol(settings.limits),
        ws="websockets-sansio",
        loop="uvloop",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive,  # type: ignore[arg-type]
        timeout_graceful_shutdown=settings.stop_seconds,  # type: ignore[arg-type]
        backlog=BACKLOG,
    )


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise BadInput(
            "host to listen on", found=f"{host!r} ({error.strerror})", allowed="a name or address"
        ) from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise _refused(host, port, error) from None
    return listening


def _refused(host: str, port: int, error: OSError) -> CallstatsError:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(host, port)
    return BadInput(
        f"address {host}:{port} to listen on",
        found=error.strerror or "an error",
        allowed="an address of this machine and a port that this user may use",
    )
