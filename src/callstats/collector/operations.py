"""What is one operation of the API, and how does it become a route?

An operation says what it takes and gives, so that the route, the check of what was sent and the
OpenAPI document all come from the same line of the table.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Struct
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from callstats.access import Grant, Scope
from callstats.collector import body, cors, faults
from callstats.collector.errors import Fault, Refusal
from callstats.collector.gate import Gate

JSON = "application/json"
NDJSON = "application/x-ndjson"
ARROW = "application/vnd.apache.arrow.stream"

Asked = TypeVar("Asked", bound=Struct)
Answer = Callable[[Request, Grant | None], Awaitable[Response]]


class Operation(Struct, frozen=True, kw_only=True):
    """One method of one path: who may use it, what it takes and what it gives."""

    name: str
    summary: str
    method: str
    path: str
    """In Starlette's form, such as ``/api/v1/calls/{call_id}``."""
    answer: Answer | ASGIApp
    """A function of the request and its grant, or an application that does all of it itself."""
    scope: Scope | None
    """None: nobody needs to be known."""
    is_application: bool = False
    is_for_pages: bool = False
    """Pages of every origin may use it."""
    arguments: type[Struct] | None = None
    takes: type[Struct] | str | None = None
    """A struct, or the media type of a body that is none."""
    gives: type[Struct] | str
    also_gives: Sequence[str] = ()
    """Further media types of the answer, chosen by Accept."""
    status: int = 200


def route(operation: Operation, gate: Gate, *, limit: int) -> Route:
    """Return the route of an operation: admit, answer, and tell every error alike."""
    if operation.is_application:
        return _shared(
            Route(operation.path, operation.answer, methods=[operation.method]), operation
        )
    answer = cast("Answer", operation.answer)

    async def endpoint(request: Request) -> Response:
        request.state.limit = limit
        try:
            scope = operation.scope
            grant = None if scope is None else gate.admit(request.headers, scope)
            return await answer(request, grant)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:
            return faults.response(error)

    return _shared(Route(operation.path, endpoint, methods=[operation.method]), operation)


def _shared(route: Route, operation: Operation) -> Route:
    if not operation.is_for_pages:
        return route
    methods = [operation.method, "OPTIONS"]
    return Route(operation.path, cors.Shared(route.app), methods=methods)


def arguments(request: Request, kind: type[Asked]) -> Asked:
    """Return the query part of the URL as a struct; raises Refusal."""
    return _converted(dict(request.query_params), kind, "the query of the URL")


async def payload(request: Request, kind: type[Asked]) -> Asked:
    """Return the JSON body as a struct; raises Refusal or body.TooLarge."""
    try:
        decoded = msgspec.json.decode(await body.read(request.receive, request.state.limit))
    except msgspec.DecodeError as error:
        raise _refusal("the body", str(error), "JSON") from None
    return _converted(decoded, kind, "the body")


def json(value: object, *, status: int = 200) -> Response:
    """Return an answer that no cache on its way may keep."""
    return Response(
        msgspec.json.encode(value),
        status_code=status,
        media_type=JSON,
        headers={"Cache-Control": "no-store"},
    )


def _converted(value: Any, kind: type[Asked], place: str) -> Asked:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        allowed = ", ".join(field.encode_name for field in msgspec.structs.fields(kind))
        raise _refusal(place, str(error), f"an object of {allowed}") from None


def _refusal(place: str, found: str, allowed: str) -> Refusal:
    fault = Fault(code="bad_input", message=f"{place} is wrong", found=found[:200], allowed=allowed)
    return Refusal(400, fault)
