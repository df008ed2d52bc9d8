"""A real collector over a real engine, and a sender that speaks to it as the SDK does."""

import gzip
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import urllib3

from callstats import store as stores
from callstats.access import App, Apps, Tokens, server_key
from callstats.collector import Server, Settings, create_app
from callstats.store import Store

SETTINGS = Settings(port=0, silence=30.0, stop_seconds=5.0)
PATIENCE = 60.0


def eventually(claim: Callable[[], Any], *, seconds: float = PATIENCE) -> Any:
    """Return what the claim returns as soon as it is true; fail when it is not in time."""
    deadline = time.monotonic() + seconds
    while not (found := claim()):
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.02)
    return found


class Peer:
    """Speaks HTTP to one collector."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url
        self.token = token
        self._pool = urllib3.PoolManager(retries=False, timeout=PATIENCE)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        sent.update(headers or {})
        return self._pool.request(method, self.url + path, body=body, headers=sent)

    def get(self, path: str) -> Any:
        reply = self.ask("GET", path)
        assert reply.status == 200, reply.data
        return reply.json()

    def refusal(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
        reply = self.ask(method, path, body)
        return reply.status, reply.json()["error"]

    def close(self) -> None:
        self._pool.clear()


class Sender(Peer):
    """One life of one client of an app."""

    def __init__(self, url: str, app: App) -> None:
        super().__init__(url)
        self.client = f"client-{secrets.token_hex(8)}"
        self.seq = 0
        asked = json.dumps({"appId": app.app_id, "appSecret": app.secret}).encode()
        self.token = self.ask("POST", "/v1/token", asked).json()["token"]

    def record(self, kind: str, *, at: float | None = None, **members: Any) -> dict[str, Any]:
        """Make the next record; ``at`` is in seconds."""
        self.seq += 1
        moment = (time.time() if at is None else at) * 1000
        who = {"user": "alice", "device": "laptop"}
        return {"type": kind, "seq": self.seq, "at": moment, **who, **members}

    def body(self, *records: dict[str, Any] | bytes, sent_at: float | None = None) -> bytes:
        header = {
            "type": "batch",
            "version": 1,
            "client": self.client,
            "sentAt": (time.time() if sent_at is None else sent_at) * 1000,
            "agent": "test",
        }
        lines = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in records]
        return b"\n".join([json.dumps(header).encode(), *lines])

    def post(self, body: bytes, **headers: str) -> urllib3.BaseHTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(
            "POST", "/v1/batch", body, headers={"Content-Type": "application/x-ndjson", **named}
        )

    def send(self, *records: dict[str, Any] | bytes, sent_at: float | None = None) -> Any:
        reply = self.post(
            gzip.compress(self.body(*records, sent_at=sent_at)), Content_Encoding="gzip"
        )
        assert reply.status == 200, reply.data
        return reply.json()


@pytest.fixture(scope="session")
def own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of these tests alone: a collector takes over every open call it finds."""
    with stores.open(tmp_path_factory.mktemp("collector") / "data") as opened:
        yield opened


@pytest.fixture(scope="module")
def server(own_store: Store) -> Iterator[Server]:
    with Server(create_app(SETTINGS, own_store), SETTINGS) as running:
        yield running


@pytest.fixture
def app(own_store: Store) -> App:
    return Apps(own_store).create("test")


@pytest.fixture
def new_sender(server: Server, app: App) -> Iterator[Callable[[], Sender]]:
    """Make senders of one app."""
    made: list[Sender] = []

    def new() -> Sender:
        made.append(Sender(server.url, app))
        return made[-1]

    yield new
    for sender in made:
        sender.close()


@pytest.fixture
def sender(new_sender: Callable[[], Sender]) -> Sender:
    return new_sender()


@pytest.fixture
def tokens(own_store: Store) -> Tokens:
    return Tokens(server_key(own_store))


@pytest.fixture
def reader(server: Server, app: App, tokens: Tokens) -> Iterator[Peer]:
    """Somebody who may read the calls of the app."""
    peer = Peer(server.url, tokens.issue("read", app.app_id))
    yield peer
    peer.close()


@pytest.fixture
def admin(server: Server, tokens: Tokens) -> Iterator[Peer]:
    """Somebody who may do everything."""
    peer = Peer(server.url, tokens.issue("admin"))
    yield peer
    peer.close()
