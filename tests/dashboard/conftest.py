"""A dashboard over the real engine, and visitors who are signed in to it."""

from collections.abc import Iterator

import pytest

from callstats.access import COOKIE
from callstats.clock import SystemClock
from callstats.store import Store

from .serving import Served, Visitor, serve


@pytest.fixture(scope="session")
def served(store: Store) -> Iterator[Served]:
    """The dashboard on a real socket, shared by the tests: keep to an app of your own."""
    with serve(store, SystemClock()) as running:
        yield running


@pytest.fixture
def stranger(served: Served) -> Iterator[Visitor]:
    """Somebody who is not signed in."""
    visitor = Visitor(served.url)
    yield visitor
    visitor.close()


@pytest.fixture
def admin(served: Served, stranger: Visitor) -> Visitor:
    """Somebody who may see every app."""
    stranger.cookie = f"{COOKIE}={served.sessions.begin()}"
    return stranger


@pytest.fixture
def reader(served: Served, app_id: int, stranger: Visitor) -> Visitor:
    """Somebody who may see the calls of the test's own app only."""
    stranger.cookie = f"{COOKIE}={served.tokens.issue('read', app_id)}"
    return stranger
