"""What the tests of the client may ask for: a collector, and clients that report to it."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import callstats
from callstats.sdk import notices

from .recording import SECRET, Collector, courier_threads, eventually


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    collector.start()
    yield collector
    collector.stop()


Connect = Callable[..., callstats.Client]


@pytest.fixture
def connect(collector: Collector) -> Iterator[Connect]:
    """Return a function that makes a client of the collector; all are closed at the end."""
    clients: list[callstats.Client] = []

    def connect(url: str | None = None, **options: Any) -> callstats.Client:
        settings = {"app_id": 42, "app_secret": SECRET, "user": "alice", "linger": 0.01}
        client = callstats.Client(url or collector.url, **{**settings, **options})
        clients.append(client)
        return client

    yield connect
    for client in clients:
        client.close(1.0)
    eventually(lambda: not courier_threads())


@pytest.fixture(autouse=True)
def no_defects(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An exception that we swallowed inside fails the test."""
    monkeypatch.setattr(notices, "_defects", notices.Notices())
    yield
    defects = [record for record in caplog.records if "callstats failed" in record.getMessage()]
    assert not defects, [record.getMessage() for record in defects]


@pytest.fixture(autouse=True)
def quiet_urllib3() -> None:
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
