"""Where is the store? A data folder with the embedded engine, or a ClickHouse by its URL."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from callstats.errors import BadInput
from callstats.store.client import Server, Store
from callstats.store.engine import USER, Address, Engine, read_address
from callstats.store.errors import Unavailable
from callstats.store.migrations import migrate

DATABASE = "callstats"
_SCHEMES = {"clickhouse": False, "clickhouses": True}
_PORTS = {False: 8123, True: 8443}


def open_store(target: str | Path, *, share: bool = True) -> Store:
    """Open a data folder, or ``clickhouse://user:password@host:port/database``.

    A folder's running engine is shared; where there is none (or ``share`` is not wanted), one is
    started for the life of the store. The schema is brought up to date. Raises BadInput,
    FolderUnusable, FolderLocked, FolderTooNew or Unavailable.
    """
    if "://" in str(target):
        server = _server(str(target))
        return _migrated(Store(lambda: server))
    folder = Path(target)
    shared = _running(folder) if share else None
    return shared or of_engine(Engine(folder).start(), stop=True)


def of_engine(engine: Engine, *, stop: bool = False) -> Store:
    """Return a store over a running engine; ``stop`` says to end it with the store."""
    store = Store(lambda: _at(engine.address), release=engine.stop if stop else None)
    return _migrated(store)


def _running(folder: Path) -> Store | None:
    """Return a store over the engine that has the folder already, None where there is none."""
    if read_address(folder) is None:
        return None
    store = Store(lambda: _announced(folder))
    try:
        store.make_database()
    except Unavailable:
        store.close()
        return None
    return _migrated(store)


def _announced(folder: Path) -> Server:
    address = read_address(folder)
    if address is None:
        raise Unavailable("the engine of the data folder is not running", retry_after=1.0)
    return _at(address)


def _at(address: Address) -> Server:
    where = urlsplit(address.url)
    return Server(
        host=where.hostname or "",
        port=where.port or 0,
        user=USER,
        password=address.secret,
        database=DATABASE,
    )


def _server(url: str) -> Server:
    where = urlsplit(url)
    if where.scheme not in _SCHEMES or not where.hostname:
        raise BadInput(
            "address of the store",
            found=f"a URL with scheme {where.scheme!r}",
            allowed="a folder, clickhouse://… or clickhouses://…",
        )
    is_secure = _SCHEMES[where.scheme]
    return Server(
        host=where.hostname,
        port=where.port or _PORTS[is_secure],
        user=unquote(where.username or "default"),
        password=unquote(where.password or ""),
        database=where.path.strip("/") or DATABASE,
        is_secure=is_secure,
    )


def _migrated(store: Store) -> Store:
    try:
        store.make_database()
        migrate(store)
    except BaseException:
        store.close()
        raise
    return store
