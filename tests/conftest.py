"""What every test may ask for."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from callstats import store as stores
from callstats.store import Engine, Store

_app_ids = count(100_000_001)


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, which is what the collector runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def engine_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the engine that tests share."""
    return tmp_path_factory.mktemp("shared") / "data"


@pytest.fixture(scope="session")
def engine(engine_folder: Path) -> Iterator[Engine]:
    """The engine that tests share: it starts once."""
    with Engine(engine_folder) as running:
        yield running


@pytest.fixture(scope="session")
def store(engine: Engine) -> Iterator[Store]:
    """A store on the shared engine; keep to an ``app_id`` of your own in it."""
    with stores.of_engine(engine) as opened:
        yield opened


@pytest.fixture
def app_id() -> int:
    """An app that no other test has, so that tests can share the store."""
    return next(_app_ids)
