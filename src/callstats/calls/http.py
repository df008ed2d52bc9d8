"""Calls from a running server, through its ``/api/v1``."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar
from urllib.parse import quote, urlencode

import msgspec
import pyarrow as pa
import urllib3

from callstats.calls import tables
from callstats.calls.errors import NoAnswer, NotAllowed, UnknownCall
from callstats.calls.model import Call, Happening, Listed, Series
from callstats.errors import BadInput, CallstatsError

SECONDS = 60.0
"""How long an answer may take. Lower: a long call that is judged while it lives is given up on;
higher: a server that hangs is noticed late."""
ARROW = "application/vnd.apache.arrow.stream"
NDJSON = "application/x-ndjson"
_LINE_CHUNK = 65_536

T = TypeVar("T")


class _Calls(msgspec.Struct):
    calls: list[Listed]


class _Events(msgspec.Struct):
    events: list[Happening]


class _AllSeries(msgspec.Struct):
    series: list[Series]


class _Fault(msgspec.Struct):
    code: str = ""
    message: str = ""
    found: str | None = None
    allowed: str | None = None


class _Faulty(msgspec.Struct):
    error: _Fault = msgspec.field(default_factory=_Fault)


class HttpSource:
    """Reads the calls that a token may read. Nothing is asked before the first question."""

    def __init__(self, url: str, *, token: str | None = None, seconds: float = SECONDS) -> None:
        self._base = url.rstrip("/") + "/api/v1"
        self._headers = {"Accept": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=5.0, read=seconds),
            retries=urllib3.Retry(total=1, raise_on_status=False),
        )

    def listing(
        self,
        *,
        limit: int = 100,
        before: datetime | None = None,
        conference: str | None = None,
    ) -> list[Listed]:
        """Return the calls that began last, the newest first."""
        moment = before.astimezone(UTC).isoformat() if before is not None else None
        asked = {"limit": limit, "before": moment, "conference": conference}
        return self._get("/calls", asked, _Calls).calls

    def call(self, call_id: str) -> Call:
        """Return one call, whole; raises UnknownCall."""
        return self._get(_path(call_id), {}, Call, call_id=call_id)

    def timeline(self, call_id: str, *, logs: bool = False) -> list[Happening]:
        """Return what happened in a call, in order."""
        asked = {"logs": "true" if logs else None}
        return self._get(_path(call_id, "events"), asked, _Events, call_id=call_id).events

    def series(
        self,
        call_id: str,
        *,
        user: str | None = None,
        device: str | None = None,
        connection: str | None = None,
        points: int | None = None,
    ) -> list[Series]:
        """Return streams over time."""
        asked = {"user": user, "device": device, "connection": connection, "points": points}
        return self._get(_path(call_id, "series"), asked, _AllSeries, call_id=call_id).series

    def reports(
        self,
        call_id: str,
        *,
        user: str | None = None,
        device: str | None = None,
        connection: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the reports of a call as they came."""
        asked = {"user": user, "device": device, "connection": connection}
        answer = self._ask("GET", _path(call_id, "reports"), asked, accept=NDJSON, call_id=call_id)
        try:
            for line in _lines(answer):
                yield _report(_decode(line, dict[str, Any]))
        except urllib3.exceptions.HTTPError:
            raise NoAnswer("the server broke off in the middle of the reports") from None
        finally:
            answer.release_conn()

    def query(self, sql: str) -> pa.Table:
        """Run SQL that only reads."""
        body = msgspec.json.encode({"sql": sql})
        answer = self._ask("POST", "/query", {}, accept=ARROW, body=body)
        try:
            return pa.ipc.open_stream(answer.read()).read_all()
        except (pa.ArrowInvalid, urllib3.exceptions.HTTPError):
            raise NoAnswer("the server did not answer with an Arrow stream") from None
        finally:
            answer.release_conn()

    def calls_table(
        self,
        *,
        limit: int = 100,
        before: datetime | None = None,
        conference: str | None = None,
    ) -> pa.Table:
        """Return ``listing`` as an Arrow table."""
        return tables.of_calls(self.listing(limit=limit, before=before, conference=conference))

    def series_table(self, call_id: str, *, points: int | None = None) -> pa.Table:
        """Return ``series`` as an Arrow table with one row for each point."""
        return tables.of_series(self.series(call_id, points=points))

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _get(
        self, path: str, asked: Mapping[str, Any], kind: type[T], *, call_id: str | None = None
    ) -> T:
        answer = self._ask("GET", path, asked, call_id=call_id)
        try:
            return _decode(answer.read(), kind)
        except urllib3.exceptions.HTTPError:
            raise NoAnswer("the server broke off in the middle of its answer") from None
        finally:
            answer.release_conn()

    def _ask(
        self,
        method: str,
        path: str,
        asked: Mapping[str, Any],
        *,
        accept: str | None = None,
        body: bytes | None = None,
        call_id: str | None = None,
    ) -> urllib3.BaseHTTPResponse:
        given = {name: value for name, value in asked.items() if value is not None}
        headers = dict(self._headers)
        if accept is not None:
            headers["Accept"] = accept
        if body is not None:
            headers["Content-Type"] = "application/json"
        url = self._base + path + (f"?{urlencode(given)}" if given else "")
        try:
            answer = self._pool.request(
                method, url, headers=headers, body=body, preload_content=False, redirect=False
            )
        except urllib3.exceptions.HTTPError:
            raise NoAnswer("the server cannot be reached") from None
        if answer.status != 200:
            _refuse(answer, call_id)
        return answer


def _path(call_id: str, part: str = "") -> str:
    return f"/calls/{quote(call_id, safe='')}" + (f"/{part}" if part else "")


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise NoAnswer(f"the server's answer is of another form: {error}") from None


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    for chunk in answer.stream(_LINE_CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line for line in lines if line)
    if rest:
        yield rest


def _report(members: dict[str, Any]) -> dict[str, Any]:
    """Return a report with its moments as such, as ``FolderSource`` gives it."""
    moments = {name: members[name] for name in ("at", "client_at") if name in members}
    return members | msgspec.convert(moments, dict[str, datetime])


def _refuse(answer: urllib3.BaseHTTPResponse, call_id: str | None) -> NoReturn:
    """Raise what the answer means to the caller."""
    try:
        fault = msgspec.json.decode(answer.read(), type=_Faulty).error
    except (msgspec.DecodeError, urllib3.exceptions.HTTPError):
        fault = _Fault()
    finally:
        answer.release_conn()
    raise _error(answer, fault, call_id)


def _error(answer: urllib3.BaseHTTPResponse, fault: _Fault, call_id: str | None) -> CallstatsError:
    said = fault.message or f"the server answered {answer.status}"
    if answer.status == 404 and call_id is not None:
        return UnknownCall(call_id)
    if answer.status in (401, 403):
        return NotAllowed(said)
    if 400 <= answer.status < 500 and answer.status not in (404, 429):
        return BadInput(said, found=fault.found or "nothing that is", allowed=fault.allowed or "")
    after = answer.headers.get("Retry-After", "")
    return NoAnswer(said, retry_after=float(after) if after.isdecimal() else None)
