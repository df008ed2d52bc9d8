"""What can be asked over HTTP? The functions that answer, and the table of them.

``operations`` is the one list: the routes, the scopes they need and the OpenAPI document are made
from it. A token of one app sees that app's calls only; for it, a call of another app does not
exist.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import msgspec
import pyarrow as pa
from msgspec.structs import asdict
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from callstats import access, calls
from callstats.access import App, Apps, Grant, Tokens
from callstats.clock import Clock
from callstats.collector import messages
from callstats.collector.errors import Fault, Refusal
from callstats.collector.ice import IceServers
from callstats.collector.operations import ARROW, NDJSON, Operation, arguments, json, payload
from callstats.collector.proofs import Asked, Proofs
from callstats.errors import BadInput, Unavailable
from callstats.store import Store

PREFIX = "/api/v1"
READY_SECONDS = 5.0
"""How long the store may take to answer: longer than any commit, shorter than a prober waits."""


class Api:
    """Answers what is asked; every method is one operation."""

    def __init__(
        self,
        store: Store,
        apps: Apps,
        tokens: Tokens,
        proofs: Proofs,
        ice_servers: IceServers,
        *,
        clock: Clock,
        token_seconds: float,
    ) -> None:
        self._store = store
        self._apps = apps
        self._tokens = tokens
        self._proofs = proofs
        self._ice_servers = ice_servers
        self._clock = clock
        self._token_seconds = token_seconds

    # Tokens and apps

    async def token(self, request: Request, _: Grant | None) -> Response:
        """Exchange an app's secret, or what it signed for a user, for a token to send."""
        asked = await payload(request, messages.TokenAsked)
        origin = request.headers.get("origin")
        app = await run_in_threadpool(self._proven, asked, origin)
        token = self._tokens.issue("send", app.app_id, seconds=self._token_seconds)
        ice_servers = self._ice_servers.of(asked.user_id or "")
        return json(messages.TokenGiven(token, self._token_seconds, ice_servers))

    def _proven(self, asked: messages.TokenAsked, origin: str | None) -> App:
        if asked.app_secret is not None:
            return self._proofs.check_secret(asked.app_id, asked.app_secret, origin)
        if asked.code is None or asked.user_id is None:
            raise BadInput("the body", found="no proof", allowed="appSecret, or userId and code")
        return self._proofs.check(Asked(asked.user_id, asked.app_id, asked.code), origin)

    async def list_apps(self, _: Request, __: Grant | None) -> Response:
        """Return every app."""
        known = await run_in_threadpool(self._apps.list)
        return json(messages.AppList([_shown(app) for app in known]))

    async def create_app(self, request: Request, _: Grant | None) -> Response:
        """Make an app."""
        asked = await payload(request, messages.NewApp)
        return json(_given(await run_in_threadpool(self._apps.create, asked.name)), status=201)

    async def rotate_app(self, request: Request, _: Grant | None) -> Response:
        """Give an app a new secret."""
        app_id: int = request.path_params["app_id"]
        try:
            rotated = await run_in_threadpool(self._apps.rotate, app_id)
        except access.UnknownApp as error:
            raise Refusal(404, Fault(code="unknown_app", message=str(error))) from None
        return json(_given(rotated))

    # Probes

    async def alive(self, _: Request, __: Grant | None) -> Response:
        """Answer: that is all there is to tell."""
        return json(messages.Status("alive"))

    async def ready(self, _: Request, __: Grant | None) -> Response:
        """Ask the store whether it answers."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                await run_in_threadpool(self._store.ping)
        except TimeoutError:
            raise Unavailable("the store does not answer", retry_after=READY_SECONDS) from None
        return json(messages.Status("ready"))

    # Calls

    async def listing(self, request: Request, grant: Grant | None) -> Response:
        """Return one page of the list of calls."""
        asked = arguments(request, messages.ListingAsked)
        app_id = _narrowed(grant, asked.app_id)
        found = await run_in_threadpool(
            calls.listing,
            self._store,
            app_id,
            limit=asked.limit,
            before=asked.before,
            conference=asked.conference,
        )
        has_more = len(found) == asked.limit
        return json(messages.CallList(found, found[-1].started_at if has_more else None))

    async def call(self, request: Request, grant: Grant | None) -> Response:
        """Return one call, whole."""
        return json(await self._call(request, grant))

    async def series(self, request: Request, grant: Grant | None) -> Response:
        """Return the streams of a call over time."""
        asked = arguments(request, messages.SeriesAsked)
        found = await self._of_call(request, grant, calls.series, asdict(asked))
        return json(messages.SeriesList(found))

    async def events(self, request: Request, grant: Grant | None) -> Response:
        """Return what happened in a call."""
        asked = arguments(request, messages.EventsAsked)
        found = await self._of_call(request, grant, calls.timeline, asdict(asked))
        return json(messages.EventList(found))

    async def reports(self, request: Request, grant: Grant | None) -> Response:
        """Return the reports of a call as they came, one a line."""
        asked = arguments(request, messages.ReportsAsked)
        found = iter(await self._of_call(request, grant, calls.reports, asdict(asked)))
        # The first is read before the answer begins: what fails later can be told no more.
        first = await run_in_threadpool(next, found, None)
        lines = _lines(found if first is None else chain([first], found))
        return StreamingResponse(lines, media_type=NDJSON)

    async def bridges(self, request: Request, grant: Grant | None) -> Response:
        """Return how the media servers are and were."""
        asked = arguments(request, messages.BridgesAsked)
        found = await run_in_threadpool(
            calls.bridges,
            self._store,
            _narrowed(grant, asked.app_id),
            now=datetime.fromtimestamp(self._clock.now(), UTC),
            span=timedelta(hours=asked.hours),
        )
        return json(messages.BridgeList(found))

    async def query(self, request: Request, grant: Grant | None) -> Response:
        """Run a statement that only reads."""
        asked = await payload(request, messages.QueryAsked)
        table = await run_in_threadpool(
            self._store.query_sql, asked.sql, app_id=_narrowed(grant, asked.app_id)
        )
        if ARROW in request.headers.get("accept", ""):
            return Response(await run_in_threadpool(_arrow, table), media_type=ARROW)
        return json(await run_in_threadpool(_result, table))

    async def _call(self, request: Request, grant: Grant | None) -> calls.Call:
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        return await run_in_threadpool(
            calls.read, self._store, _narrowed(grant), _call_id(request), now=now
        )

    async def _of_call(
        self,
        request: Request,
        grant: Grant | None,
        ask: Callable[..., Any],
        options: dict[str, Any],
    ) -> Any:
        call_id = _call_id(request)
        app_id = await run_in_threadpool(self._app_of, _narrowed(grant), call_id)
        return await run_in_threadpool(ask, self._store, app_id, call_id, **options)

    def _app_of(self, app_id: int | None, call_id: str) -> int:
        """Return the app of a call that a token for ``app_id`` (None: all) may see."""
        rows = self._store.rows("call_app", app_id=app_id or 0, call=call_id)
        if not rows:
            raise calls.UnknownCall(call_id)
        return int(rows[0]["app_id"])


def table(api: Api) -> list[Operation]:
    """Return every operation of this module, with what it takes and gives."""
    call = f"{PREFIX}/calls/{{call_id}}"
    return [
        Operation(
            name="issue_token",
            summary="Exchange an app's secret, or what it signed, for a token to send records.",
            method="POST",
            path="/v1/token",
            answer=api.token,
            scope=None,
            is_for_pages=True,
            takes=messages.TokenAsked,
            gives=messages.TokenGiven,
        ),
        Operation(
            name="list_calls",
            summary="List calls, the latest first.",
            method="GET",
            path=f"{PREFIX}/calls",
            answer=api.listing,
            scope="read",
            arguments=messages.ListingAsked,
            gives=messages.CallList,
        ),
        Operation(
            name="read_call",
            summary="Read one call, whole.",
            method="GET",
            path=call,
            answer=api.call,
            scope="read",
            gives=calls.Call,
        ),
        Operation(
            name="read_series",
            summary="Read the streams of a call over time.",
            method="GET",
            path=f"{call}/series",
            answer=api.series,
            scope="read",
            arguments=messages.SeriesAsked,
            gives=messages.SeriesList,
        ),
        Operation(
            name="read_events",
            summary="Read what happened in a call, in order.",
            method="GET",
            path=f"{call}/events",
            answer=api.events,
            scope="read",
            arguments=messages.EventsAsked,
            gives=messages.EventList,
        ),
        Operation(
            name="read_reports",
            summary="Read the reports of a call as they came, one a line.",
            method="GET",
            path=f"{call}/reports",
            answer=api.reports,
            scope="read",
            arguments=messages.ReportsAsked,
            gives=NDJSON,
        ),
        Operation(
            name="list_bridges",
            summary="Read how the media servers are and were.",
            method="GET",
            path=f"{PREFIX}/bridges",
            answer=api.bridges,
            scope="read",
            arguments=messages.BridgesAsked,
            gives=messages.BridgeList,
        ),
        Operation(
            name="query",
            summary="Run one SQL statement that only reads; as Arrow where Accept asks for it.",
            method="POST",
            path=f"{PREFIX}/query",
            answer=api.query,
            scope="admin",
            takes=messages.QueryAsked,
            gives=messages.QueryResult,
            also_gives=(ARROW,),
        ),
        Operation(
            name="list_apps",
            summary="List the apps.",
            method="GET",
            path=f"{PREFIX}/apps",
            answer=api.list_apps,
            scope="admin",
            gives=messages.AppList,
        ),
        Operation(
            name="create_app",
            summary="Make an app; its secret is told this once.",
            method="POST",
            path=f"{PREFIX}/apps",
            answer=api.create_app,
            scope="admin",
            takes=messages.NewApp,
            gives=messages.AppGiven,
            status=201,
        ),
        Operation(
            name="rotate_app",
            summary="Give an app a new secret; the one before stays valid until the next time.",
            method="POST",
            path=f"{PREFIX}/apps/{{app_id:int}}/rotate",
            answer=api.rotate_app,
            scope="admin",
            gives=messages.AppGiven,
        ),
        Operation(
            name="check_alive",
            summary="Tell whether the process is alive.",
            method="GET",
            path="/healthz",
            answer=api.alive,
            scope=None,
            gives=messages.Status,
        ),
        Operation(
            name="check_ready",
            summary="Tell whether a batch sent now would be stored.",
            method="GET",
            path="/readyz",
            answer=api.ready,
            scope=None,
            gives=messages.Status,
        ),
    ]


def _call_id(request: Request) -> str:
    call_id: str = request.path_params["call_id"]
    if not access.call_ids.is_well_formed(call_id):
        raise calls.UnknownCall(call_id)
    return call_id


def _shown(app: App) -> messages.AppShown:
    return messages.AppShown(app.app_id, app.name, app.origins, app.created_at)


def _narrowed(grant: Grant | None, asked: int | None = None) -> int | None:
    """Return the app to answer about: the token's own, else the one asked for, else all."""
    return grant.app_id if grant is not None and grant.app_id is not None else asked


def _given(app: App) -> messages.AppGiven:
    return messages.AppGiven(app.app_id, app.secret, app.name, app.created_at)


def _lines(reports: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    for report in reports:
        yield msgspec.json.encode(report) + b"\n"


def _arrow(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    whole: bytes = sink.getvalue().to_pybytes()
    return whole


def _result(table: pa.Table) -> messages.QueryResult:
    columns = [column.to_pylist() for column in table.columns]
    return messages.QueryResult(table.column_names, list(zip(*columns, strict=True)))
