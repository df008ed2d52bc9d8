"""What does one collector consist of? Everything is made and wired here.

::

    POST /v1/batch ──▶ BatchDoor ──▶ Intake ──▶ Writer ──▶ store
    /v1/apps/… ──────▶ RestDoor ───────┤          ▲
                                    Presence ──▶ Finisher
    /api/v1/… ───────▶ Api ──────────────────────────────▶ store
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callstats.access import (
    Apps,
    Grant,
    PublicKeys,
    Sessions,
    Tokens,
    call_ids,
    server_key,
)
from callstats.clock import Clock, SystemClock
from callstats.collector import faults, openapi, operations, scripts
from callstats.collector.api import Api, table
from callstats.collector.batch import BatchDoor, batch_operation
from callstats.collector.counts import Counts
from callstats.collector.errors import Fault, Refusal
from callstats.collector.finisher import Finisher
from callstats.collector.gate import Gate
from callstats.collector.ice import IceServers
from callstats.collector.intake import Intake
from callstats.collector.presence import Presence
from callstats.collector.proofs import Proofs
from callstats.collector.rest import Authentication, Rest, RestDoor
from callstats.collector.settings import Settings
from callstats.store import Store, Writer

COUNT_SECONDS = 60.0
"""How often the log says what was counted."""


def create_app(
    settings: Settings,
    store: Store,
    *,
    clock: Clock | None = None,
    extra_routes: Sequence[BaseRoute] = (),
) -> Starlette:
    """Return the collector over an open store, with further routes (the dashboard's) after ours.

    Its lifespan starts and stops the Writer and the Finisher; the store stays the caller's.
    ``app.state.collector`` holds the parts. Raises Unavailable where the store does not answer.
    """
    collector = Collector(settings, store, clock=clock or SystemClock())
    app = Starlette(
        routes=[*collector.routes(), *extra_routes],
        lifespan=collector.lifespan,
        exception_handlers={HTTPException: _http_error},
        middleware=[Middleware(_Guard)],
    )
    app.state.collector = collector
    return app


class Collector:
    """The parts of one collector, and their common life."""

    def __init__(self, settings: Settings, store: Store, *, clock: Clock) -> None:
        key = server_key(store)
        self.counts = Counts()
        self.tokens = Tokens(key, clock=clock)
        self.presence = Presence(
            lambda app_id, at: call_ids.issue(
                key, app_id, at, secrets.token_bytes(call_ids.RANDOM_BYTES)
            ),
            silence=settings.silence,
        )
        self.writer = Writer(store, clock=clock)
        self.finisher = Finisher(store, self.writer, self.presence, clock=clock, counts=self.counts)
        self._limit = settings.body_bytes
        self._store = store
        self._gate = Gate(self.tokens, Sessions(key, clock=clock), clock=clock)
        intake = Intake(store, self.writer, self.presence, clock=clock, counts=self.counts)
        self._door = BatchDoor(self._gate, intake, limit=self._limit)
        apps = Apps(store)
        proofs = Proofs(apps, PublicKeys(store), clock=clock)
        ice_servers = IceServers(settings.turn_urls.split(","), settings.turn_secret, clock=clock)
        self._api = Api(
            *(store, apps, self.tokens, proofs, ice_servers),
            clock=clock,
            token_seconds=settings.token_seconds,
        )
        authentication = Authentication(
            *(proofs, self.tokens, ice_servers),
            clock=clock,
            seconds=settings.token_seconds,
            limit=self._limit,
        )
        rest_door = RestDoor(
            *(store, self._gate, intake, self.presence),
            key=key,
            clock=clock,
            counts=self.counts,
            limit=self._limit,
        )
        self._rest = Rest(
            rest_door, authentication, clock=clock, counts=self.counts, limit=self._limit
        )

    def routes(self) -> list[BaseRoute]:
        """Return every route of the collector; the busiest comes first."""
        described = [batch_operation(self._door), *table(self._api)]

        async def describe(_: Request, __: Grant | None) -> Response:
            return operations.json(description)

        described.append(openapi.operation(describe))
        description = openapi.document(described)
        ours = [operations.route(each, self._gate, limit=self._limit) for each in described]
        return [*ours[:1], *self._rest.routes(), *ours[1:], *scripts.routes()]

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Take over what the store knows, run, and at the end commit what was taken."""
        await self.finisher.rebuild()
        async with self.writer:
            background = [
                asyncio.create_task(self.finisher.run(), name="finisher"),
                asyncio.create_task(self._log_counts(), name="counts"),
            ]
            try:
                yield
            finally:
                for task in background:
                    task.cancel()
                await asyncio.gather(*background, return_exceptions=True)
        self.counts.log()

    async def _log_counts(self) -> None:
        while True:
            await asyncio.sleep(COUNT_SECONDS)
            self.counts.log()


def _http_error(_: Request, error: Exception) -> Response:
    """Tell an error of the routing, such as an unknown path, in our shape."""
    if not isinstance(error, HTTPException):
        raise error
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
    fault = Fault(code=code, message=error.detail.lower())
    return faults.response(Refusal(error.status_code, fault, headers=error.headers))


class _Guard:
    """Tells and logs what goes wrong in any route in our way: without quoting a payload."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if scope["type"] != "http":
                raise
            answer = faults.response(error)
            if not has_begun:
                await answer(scope, receive, send)
