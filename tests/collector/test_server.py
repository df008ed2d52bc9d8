"""The collector listens, stops, is killed and comes back without losing what it acknowledged."""

import signal
import socket
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import urllib3

from callstats import store as stores
from callstats.access import App, Apps
from callstats.clock import SystemClock
from callstats.collector import PortInUse, Server, Settings, create_app
from callstats.errors import BadInput
from callstats.store import Engine, Store

from .conftest import SETTINGS, Peer, Sender, eventually

ROOM = "standup"
PROGRAM = """
import logging, sys
from callstats import store as stores
from callstats.collector import Server, Settings, create_app
logging.basicConfig(level="INFO", format="%(levelname)s %(name)s %(message)s")
settings = Settings(port=0, stop_seconds=5.0)
with stores.open(sys.argv[1], share=False) as store:
    server = Server(create_app(settings, store), settings)
    print(server.url, flush=True)
    server.run()
print("left cleanly", flush=True)
"""


class Process:
    """A collector in a process of its own, as ``callstats serve`` runs it."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        eventually(lambda: answers(self.url))

    def end(self, number: signal.Signals) -> tuple[int, str, str]:
        """Send a signal; return the exit code and what was printed and logged."""
        self._process.send_signal(number)
        printed, logged = self._process.communicate(timeout=60)
        return self._process.returncode, printed, logged


def answers(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/healthz", retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def kept_app(folder: Path) -> App:
    """An app in the folder, made before any server runs."""
    with stores.open(folder) as store:
        return Apps(store).create("test")


def stored(folder: Path) -> set[tuple[str, int]]:
    with stores.open(folder) as store:
        rows = store.query_sql("SELECT DISTINCT client, seq FROM events").to_pylist()
    return {(row["client"], row["seq"]) for row in rows}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly(folder: Path, kept_app: App, number: signal.Signals) -> None:
    process = Process(folder)
    sender = Sender(process.url, kept_app)
    sender.send(sender.record("joined", conference=ROOM))

    code, printed, logged = process.end(number)

    sender.close()
    assert (code, printed) == (0, "left cleanly\n")
    assert "Traceback" not in logged
    assert stored(folder) == {(sender.client, 1)}


def test_being_killed_loses_nothing_that_was_acknowledged(folder: Path, kept_app: App) -> None:
    acknowledged: set[tuple[str, int]] = set()
    calls: set[str] = set()
    for _ in range(3):
        process = Process(folder)
        senders = [Sender(process.url, kept_app) for _ in range(4)]
        threads = [
            threading.Thread(target=send_until_it_breaks, args=(each, acknowledged, calls))
            for each in senders
        ]
        for thread in threads:
            thread.start()
        enough = len(acknowledged) + 20
        eventually(partial(holds_more, acknowledged, enough))
        process.end(signal.SIGKILL)
        for thread in threads:
            thread.join()
        for each in senders:
            each.close()

    assert len(acknowledged) > 60
    assert acknowledged <= stored(folder)
    assert len(calls) == 1


def holds_more(acknowledged: set[tuple[str, int]], than: int) -> bool:
    return len(acknowledged) > than


def send_until_it_breaks(
    sender: Sender, acknowledged: set[tuple[str, int]], calls: set[str]
) -> None:
    while True:
        try:
            answer = sender.send(sender.record("event", conference=ROOM, name="e"))
        except urllib3.exceptions.HTTPError:
            return
        acknowledged.add((sender.client, answer["stored"]))
        calls.add(answer["calls"][ROOM])


def test_after_a_restart_a_client_goes_on_where_it_was(folder: Path, kept_app: App) -> None:
    process = Process(folder)
    sender = Sender(process.url, kept_app)
    first = sender.body(sender.record("joined", conference=ROOM))
    before = sender.post(first).json()
    process.end(signal.SIGKILL)

    process = Process(folder)
    sender.url = process.url
    repeated = sender.post(first).json()
    after = sender.send(sender.record("event", conference=ROOM, name="e"))
    process.end(signal.SIGTERM)
    sender.close()

    assert repeated == before
    assert after["calls"] == before["calls"]
    assert stored(folder) == {(sender.client, 1), (sender.client, 2)}


class HurriedClock(SystemClock):
    """Makes patience run out sooner."""

    def monotonic(self) -> float:
        return super().monotonic() * 20


def test_while_the_store_is_away_nothing_is_acknowledged_and_later_it_is(tmp_path: Path) -> None:
    with Engine(tmp_path / "data") as engine, stores.of_engine(engine) as store:
        app = Apps(store).create("test")
        collector = create_app(SETTINGS, store, clock=HurriedClock())
        with Server(collector, SETTINGS) as server:
            sender, probe = Sender(server.url, app), Peer(server.url)
            sender.send(sender.record("joined", conference=ROOM))
            facts = [{"type": "codec", "id": "C", "timestamp": 1.0}]
            report = sender.record("report", conference=ROOM, connection="pc", stats=facts)
            body = sender.body(report, b"junk")

            engine.stop()
            reply = sender.post(body)
            status, error = probe.refusal("GET", "/readyz")
            engine.start()
            later = eventually(lambda: taken(sender, body))

            assert reply.status == 503
            assert int(reply.headers["Retry-After"]) >= 1
            assert (reply.json()["stored"], len(reply.json()["refused"])) == (1, 1)
            assert reply.json()["error"]
            assert (status, error["code"]) == (503, "unavailable")
            assert later["stored"] == 2
            sender.close()
            probe.close()
        assert store.query_sql("SELECT 1 FROM samples").num_rows == 1


def taken(sender: Sender, body: bytes) -> Any:
    reply = sender.post(body)
    return reply.json() if reply.status == 200 else None


def test_a_port_in_use_is_told_clearly(own_store: Store) -> None:
    app = create_app(SETTINGS, own_store)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(PortInUse, match=f"port in use: found another program on port {port}"):
            Server(app, Settings(port=port))


@pytest.mark.parametrize("host", ["no such host", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_told_clearly(own_store: Store, host: str) -> None:
    with pytest.raises(BadInput, match="to listen on"):
        Server(create_app(SETTINGS, own_store), Settings(host=host, port=0))


def test_it_listens_on_ipv6_too(own_store: Store) -> None:
    settings = Settings(host="::1", port=0)
    with Server(create_app(settings, own_store), settings) as server:
        assert server.url == f"http://[::1]:{server.port}"
        assert answers(server.url)


def test_stopping_leaves_no_thread_behind(own_store: Store) -> None:
    before = set(threading.enumerate())

    with Server(create_app(SETTINGS, own_store), SETTINGS) as server:
        assert answers(server.url)

    eventually(lambda: not {t for t in set(threading.enumerate()) - before if not t.daemon})


def test_no_secret_token_address_or_payload_is_logged(folder: Path, kept_app: App) -> None:
    process = Process(folder)
    sender = Sender(process.url, kept_app)
    secret_words = [kept_app.secret, sender.token or "", "127.0.0.1", "very private", sender.client]
    sender.send(
        sender.record("joined", conference="very private"),
        sender.record("event", conference="very private", name="very private"),
        b'{"type":"very private"}',
    )
    wrong = b'{"appId":%d,"appSecret":"very private"}' % kept_app.app_id
    assert sender.ask("POST", "/v1/token", wrong).status == 401
    sender.ask("GET", "/api/v1/calls?conference=very%20private")
    sender.ask("GET", "/very%20private")
    host, _, port = process.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as peer:
        peer.sendall(b"very private\r\n\r\n")
        peer.recv(1000)

    code, _, logged = process.end(signal.SIGTERM)

    sender.close()
    assert code == 0
    assert "counted: batches 1" in logged
    for word in secret_words:
        assert word not in logged
