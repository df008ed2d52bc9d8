"""A collector, and clients of the old service that talk to it."""

from collections.abc import Callable, Iterator

import pytest

from callstats.access import App
from callstats.collector import Server

from .client import OldClient


@pytest.fixture
def new_client(server: Server, app: App) -> Iterator[Callable[..., OldClient]]:
    """Make clients of one app that have a token."""
    made: list[OldClient] = []

    def new(user: str = "alice", device: str = "d1", of: App | None = None) -> OldClient:
        made.append(OldClient(server.url, of or app, user, device))
        made[-1].authenticate()
        return made[-1]

    yield new
    for client in made:
        client.close()


@pytest.fixture
def client(new_client: Callable[..., OldClient]) -> OldClient:
    return new_client()
