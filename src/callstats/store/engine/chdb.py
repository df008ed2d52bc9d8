"""How is the engine asked? Through connections of chDB, each used for one request.

chDB runs statements of one connection one after the other, and what ``SET`` changes stays with
its connection. So every request gets a connection of its own (0.4 ms), few at a time, and needs
no cleaning up behind it. One more is held open, because the engine stops with its last one.
"""

import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import urlencode

import chdb

CONNECTIONS = 4
"""Requests that run at the same time. Lower: an insert waits behind a long question. Higher:
each takes its share of the same few cores, and of memory."""

_SERVER_SETTINGS = {
    "background_pool_size": "2",
    "mark_cache_size": "134217728",
    "max_server_memory_usage_to_ram_ratio": "0.6",
}
_INSERT = re.compile(r"\s*INSERT\s", re.IGNORECASE)
_FORMAT = re.compile(r"\sFORMAT\s+(\w+)[\s;]*\Z", re.IGNORECASE)
_CODE = re.compile(r"Code: (\d+)")
_UNKNOWN_CODE = 1002


@dataclass(frozen=True, slots=True)
class Question:
    """One statement with what belongs to it."""

    sql: str
    data: bytes = b""
    """Rows for an INSERT, in the format that the statement names."""
    database: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    format: str = "TabSeparated"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the engine answered."""

    body: bytes
    format: str = ""


class EngineError(Exception):
    """The engine said no; ``code`` is ClickHouse's number for it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        found = _CODE.search(message)
        self.code = int(found.group(1)) if found else _UNKNOWN_CODE


class Database:
    """The engine's files, open from ``open`` to ``close``."""

    def __init__(self, folder: Path) -> None:
        self._incoming = folder / "incoming"
        shutil.rmtree(self._incoming, ignore_errors=True)
        self._incoming.mkdir(parents=True)
        self._target = f"{folder}?{urlencode(_SERVER_SETTINGS)}"
        self._gate = threading.BoundedSemaphore(CONNECTIONS)
        self._anchor = chdb.connect(self._target)

    def ask(self, question: Question) -> Reply:
        """Run one statement; raise EngineError where the engine refuses it."""
        with self._gate, self._connection() as connection:
            try:
                _apply(connection, question)
                if question.data and _INSERT.match(question.sql):
                    return _insert(connection, question, self._incoming)
                return _run(connection, question)
            except Exception as error:
                raise EngineError(str(error)) from None

    def stop_questions(self) -> None:
        """Ask whatever still runs to end."""
        with self._connection() as connection:
            connection.query("KILL QUERY WHERE query_id != queryID() ASYNC", "Null")

    def close(self) -> None:
        """Close the files; nothing may be running any more."""
        self._anchor.close()

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        connection = chdb.connect(self._target)
        try:
            yield connection
        finally:
            connection.close()


def _apply(connection: Any, question: Question) -> None:
    if question.database:
        connection.query(f"USE {_name(question.database)}", "Null")
    last = sorted(question.settings.items(), key=lambda item: item[0] == "readonly")
    for name, value in last:
        connection.query(f"SET {_name(name)} = {_text(value)}", "Null")


def _run(connection: Any, question: Question) -> Reply:
    result = connection.query(question.sql, question.format)
    named = _FORMAT.search(question.sql)
    return Reply(result.bytes() or b"", named.group(1) if named else question.format)


def _insert(connection: Any, question: Question, incoming: Path) -> Reply:
    """Insert rows by way of a file, which seldom gets as far as the disk.

    chDB's own ``send_insert`` is no way: with a full disk it says that all went well (chDB 26.9).
    Its table function ``Python`` costs each process the import of pandas.
    """
    named = _FORMAT.search(question.sql)
    if named is None:
        raise EngineError("Code: 62. an INSERT with rows must end with FORMAT and its name")
    with NamedTemporaryFile(dir=incoming) as file:
        file.write(question.data)
        file.flush()
        source = f"file({_text(file.name)}, {_text(named.group(1))})"
        insert = f"{question.sql[: named.start()]} SELECT * FROM {source}"  # noqa: S608 - escaped
        connection.query(insert, "Null")
    return Reply(b"")


def _name(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
