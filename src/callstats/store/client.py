"""How is the store asked? Through ``Store``: one client for the engine and for a real ClickHouse.

Questions of ours are files in ``queries/``, their parameters bound by the server (``{name:Type}``).
A ``Store`` is safe to share between threads: it uses no session. Where the server went away, the
next request looks it up again, because the embedded engine has a new port after a restart.
"""

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import resources
from types import TracebackType
from typing import Any, Self

import clickhouse_connect
import msgspec
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from callstats.store import statement, tables
from callstats.store.errors import QueryRefused, Rejected, Unavailable
from callstats.store.rows import Row, make_block, split_by_partition, stream

SECONDS = 120.0
"""How long a question of ours may run. Too low breaks judging of long calls on a busy machine."""
MEMORY = 2 << 30
"""Bytes that a user's question may use at the engine."""

_FORMAT = "ArrowStream"
_INSERTING = {"max_threads": 1, "optimize_on_insert": 0}
"""One thread is enough for a block. Rows that a block repeats may lie there until parts are merged,
as those of two blocks do; looking for them at once is a third of the work of an insert."""
_TRANSIENT = frozenset({159, 160, 202, 209, 210, 241, 242, 243, 252, 319, 394, 425, 999})
"""ClickHouse's errors that pass: time-outs, too many queries or parts, memory, read-only tables,
no space, network, unknown status of an insert, cancelled, no keeper."""
_NO_SPACE = ("No space left on device", "NOT_ENOUGH_SPACE")


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Where a ClickHouse or the engine listens, and who asks."""

    host: str
    port: int
    user: str
    password: str
    database: str
    is_secure: bool = False

    def __repr__(self) -> str:
        """Show everything but the password."""
        return f"Server({self.host}:{self.port}/{self.database})"


class Store:
    """Everything that is kept; ``locate`` tells where it is now, or raises Unavailable."""

    def __init__(
        self, locate: Callable[[], Server], *, release: Callable[[], None] | None = None
    ) -> None:
        self._locate = locate
        self._release = release
        self._lock = threading.Lock()
        self._connected: Client | None = None

    def query(self, question: str, **parameters: Any) -> pa.Table:
        """Ask ``queries/<question>.sql`` and return all of its answer."""
        return self._ask(_text(question), parameters, {"max_execution_time": SECONDS})

    def rows(self, question: str, **parameters: Any) -> list[dict[str, Any]]:
        """Ask as ``query`` does; return plain Python, with moments as aware datetimes."""
        answer: list[dict[str, Any]] = self.query(question, **parameters).to_pylist()
        return answer

    def query_sql(
        self, sql: str, *, seconds: float = 30, memory: int = MEMORY, app_id: int | None = None
    ) -> pa.Table:
        """Run a user's own SQL, which may only read; with ``app_id``, only that app's rows.

        Raises QueryRefused where it is wrong, forbidden or asks for too much.
        """
        limits: dict[str, Any] = {"max_execution_time": seconds, "max_memory_usage": memory}
        if app_id is not None:
            limits["additional_table_filters"] = statement.only(app_id)
        try:
            checked = statement.check(sql, self._explain)
            return self._ask(checked, {}, {**limits, "readonly": 1})
        except (Rejected, _TooMuch) as error:
            raise QueryRefused("query", found=str(error), allowed=statement.ALLOWED) from None

    def insert(self, table: str, block: pa.Table | pa.RecordBatch, *, token: str) -> None:
        """Insert rows of one partition and return when they are on disk.

        Repeating it with the same token adds nothing.
        """
        batches = block.to_batches() if isinstance(block, pa.Table) else [block]
        columns = ", ".join(f"`{name}`" for name in block.schema.names)
        self._run(
            lambda client: client.command(
                f"INSERT INTO `{tables.BY_NAME[table].name}` ({columns}) FORMAT {_FORMAT}",
                data=stream(batches, block.schema),
                settings={"insert_deduplication_token": token, **_INSERTING},
            )
        )

    def append(self, table: str, records: Sequence[Row]) -> None:
        """Insert a few rows, tuples in the order of the table's columns, such as settings."""
        for _, run in split_by_partition(tables.BY_NAME[table], records):
            block = make_block(tables.BY_NAME[table], run)
            self.insert(table, block, token=uuid.uuid4().hex)

    def command(self, sql: str) -> None:
        """Run one statement of ours that returns nothing."""
        self._run(lambda client: client.command(sql))

    def ping(self) -> None:
        """Raise Unavailable unless the store answers."""
        self._run(lambda client: client.command("SELECT 1"), again=True)

    def make_database(self) -> None:
        """Create the store's database where it is not there yet."""
        server = self._locate()
        try:
            outside = _connect(msgspec.structs.replace(server, database="default"))
            try:
                outside.command(f"CREATE DATABASE IF NOT EXISTS `{server.database}`")
            finally:
                outside.close()
        except ClickHouseError as error:
            raise _told(error) from None

    def highest_migration(self) -> int:
        """Return the number of the last migration done, 0 for none."""
        version: int = self.query("highest_migration").column("version")[0].as_py()
        return version

    def close(self) -> None:
        """Close connections, and end the engine where it was started for this store."""
        self._forget()
        if self._release is not None:
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(
        self, sql: str, parameters: Mapping[str, Any], settings: Mapping[str, Any]
    ) -> pa.Table:
        answer = self._run(
            lambda client: client.raw_query(
                sql,
                parameters=dict(parameters),
                settings=dict(settings),
                transport_settings={"X-ClickHouse-Format": _FORMAT},
            ),
            again=True,
        )
        return pa.ipc.open_stream(answer).read_all()

    def _explain(self, sql: str, **parameters: Any) -> list[str]:
        answer = self._ask(sql, parameters, {"max_execution_time": SECONDS, "readonly": 1})
        lines: list[str] = answer.column(0).to_pylist()
        return lines

    def _run(self, ask: Callable[[Client], Any], *, again: bool = False) -> Any:
        """Ask; where the server is not there any more and it does no harm, once ``again``."""
        try:
            client = self._client()
            return ask(client)
        except ClickHouseError as error:
            gone = _is_gone(error)
            if gone:
                self._forget()
            if gone and again:
                return self._run(ask)
            raise _told(error) from None

    def _client(self) -> Client:
        with self._lock:
            if self._connected is None:
                self._connected = _connect(self._locate())
            return self._connected

    def _forget(self) -> None:
        with self._lock:
            client, self._connected = self._connected, None
        if client is not None:
            with suppress(ClickHouseError):
                client.close()


def _connect(server: Server) -> Client:
    return clickhouse_connect.get_client(
        host=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        database=server.database,
        interface="https" if server.is_secure else "http",
        compress=server.is_secure,
        autogenerate_session_id=False,
        autogenerate_query_id=False,
        dedicated_pool=True,
        query_limit=0,
        query_retries=0,
        client_name="callstats",
    )


@cache
def _text(question: str) -> str:
    path = resources.files("callstats.store").joinpath("queries", f"{question}.sql")
    return path.read_text(encoding="utf-8")


class _TooMuch(Unavailable):
    """A question met a limit of time or memory."""


def _is_gone(error: ClickHouseError) -> bool:
    return isinstance(error, DatabaseError) and error.code is None


def _told(error: ClickHouseError) -> Exception:
    """Say in one line what happened, without an address or what was asked."""
    code = getattr(error, "code", None)
    message = statement.one_line(str(error))
    if any(sign in str(error) for sign in _NO_SPACE):
        return Unavailable("the store's disk is full", retry_after=30.0)
    if code in (158, 159, 160, 241, 307, 396):
        return _TooMuch(message, retry_after=1.0)
    if code in _TRANSIENT:
        return Unavailable(message, retry_after=1.0)
    if code is None:
        return Unavailable("the store does not answer", retry_after=1.0)
    return Rejected(message, code=code)
