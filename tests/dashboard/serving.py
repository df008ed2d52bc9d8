"""The dashboard on a real socket, and a visitor who reads it without following redirects."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlencode

import urllib3
import uvicorn
from starlette.applications import Starlette

from callstats import dashboard
from callstats.access import Sessions, Tokens
from callstats.clock import Clock
from callstats.store import Rows, Store

KEY = b"a key of thirty-two bytes or so."


class Served:
    """A running dashboard: where it is, and what signs in to it."""

    def __init__(self, url: str, store: Store, clock: Clock) -> None:
        self.url = url
        self.store = store
        self.sessions = Sessions(KEY, clock=clock)
        self.tokens = Tokens(KEY, clock=clock)

    def link(self) -> str:
        """Return the link that the terminal would print."""
        return self.url + dashboard.sign_in_path(self.sessions.invite())

    def keep(self, rows: Rows) -> None:
        """Store rows as the collector and the finisher do."""
        for table, found in rows.by_table.items():
            self.store.append(table, found)


@contextmanager
def serve(store: Store, clock: Clock) -> Iterator[Served]:
    """Serve the dashboard on a free port of loopback until the block ends."""
    sessions, tokens = Sessions(KEY, clock=clock), Tokens(KEY, clock=clock)
    app = Starlette(routes=dashboard.routes(store, sessions, tokens, clock=clock))
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    listener.listen(64)  # from now on nobody is refused, however late the thread starts
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="dashboard")
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", store, clock)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


class Answer:
    """What came back: status, headers and text."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


class Visitor:
    """Somebody with a browser that keeps one cookie and runs no script."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookie = ""
        self._pool = urllib3.PoolManager(retries=False)

    def get(self, path: str, **headers: str) -> Answer:
        """Fetch a path."""
        return self._ask("GET", path, None, headers)

    def post(self, path: str, **fields: str) -> Answer:
        """Send a form."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, urlencode(fields).encode(), form)

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        sent = dict(headers) | ({"Cookie": self.cookie} if self.cookie else {})
        reply = self._pool.request(method, self.url + path, body=body, headers=sent, redirect=False)
        if cookie := reply.headers.get("Set-Cookie"):
            self.cookie = cookie.partition(";")[0]
        return Answer(reply.status, reply.headers, reply.data)

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.clear()
