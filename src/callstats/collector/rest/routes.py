"""Which paths did the old service have? Its hosts become one server, so all of them are here."""

from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from callstats.clock import Clock
from callstats.collector import body, cors
from callstats.collector.counts import Counts
from callstats.collector.errors import Disconnected
from callstats.collector.rest import replies, target
from callstats.collector.rest.authenticate import Authentication
from callstats.collector.rest.door import RestDoor
from callstats.collector.rest.replies import Reply
from callstats.wire import callstats_rest

PREFIX = target.PREFIX.decode()


class Rest:
    """Everything that a client of the old service asks for."""

    def __init__(
        self,
        door: RestDoor,
        authentication: Authentication,
        *,
        clock: Clock,
        counts: Counts,
        limit: int,
    ) -> None:
        self._door = door
        self._authentication = authentication
        self._clock = clock
        self._counts = counts
        self._limit = limit

    def routes(self) -> list[BaseRoute]:
        """Return the routes, the busiest first."""
        return [
            _Below(PREFIX, self._door),
            Route("/authenticate", _Endpoint("POST", self._authentication.answer), name=NAME),
            Route("/clockSync", _Endpoint("GET", self._tell_time), name=NAME),
            Route("/generics", _Endpoint("POST", self._take_diagnosis), name=NAME),
        ]

    async def _tell_time(self, _: Request) -> Reply:
        return Reply(200, {"now": round(self._clock.now() * 1000)})

    async def _take_diagnosis(self, request: Request) -> Reply:
        """Take what the browser's library says of itself before it has a token.

        Anybody can say it, so it is counted and not kept.
        """
        callstats_rest.members(await body.read(request.receive, self._limit))
        self._counts.add("diagnoses of old libraries")
        return Reply(200, {"status": "success"})


NAME = "callstats_rest"
"""Of all these routes: their manual is docs/reference/callstats-rest.md."""


class _Below(Route):
    """Everything below a path, whatever it is encoded like; cheaper than matching a pattern."""

    def __init__(self, prefix: str, app: ASGIApp) -> None:
        super().__init__(prefix, app, name=NAME)
        self._prefix = prefix

    def matches(self, scope: Scope) -> tuple[Match, dict[str, Any]]:
        """Tell whether the path begins so."""
        if scope["type"] == "http" and scope["path"].startswith(self._prefix):
            return Match.FULL, {}
        return Match.NONE, {}


class _Endpoint:
    """A small endpoint of one method, with its preflight and its errors in the old form."""

    def __init__(self, method: str, answer: Any) -> None:
        self._method = method
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a client that went away gets no answer."""
        if scope["method"] == "OPTIONS":
            await cors.preflight(scope, receive, send)
            return
        try:
            replies.require_method(scope, self._method)
            reply = await self._answer(Request(scope, receive))
        except Disconnected:
            return
        except Exception as error:
            reply = replies.refusal(error)
        await reply(scope, receive, send)
