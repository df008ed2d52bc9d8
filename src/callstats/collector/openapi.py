"""How does the API describe itself? An OpenAPI 3.1 document, made from the table of operations."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

import callstats
from callstats.collector import faults
from callstats.collector.operations import ARROW, JSON, Answer, Operation

_REFERENCE = "#/components/schemas/{name}"
_CONVERTOR = re.compile(r"\{(\w+)(?::\w+)?\}")
_BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
_ERRORS = {
    "400": "What was sent is not of the allowed form.",
    "401": "No token, or an expired or foreign one.",
    "403": "The token was issued for something else.",
    "404": "There is no such thing, or not for this token.",
    "408": "The request came too slowly.",
    "413": "The body is too large.",
    "503": "The store does not answer; Retry-After says when to come again.",
}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Describe every operation of the table."""
    kinds = _kinds(operations)
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    by_kind = dict(zip(kinds, schemas, strict=True))
    paths: dict[str, Any] = {}
    for each in operations:
        path = paths.setdefault(_CONVERTOR.sub(r"{\1}", each.path), {})
        path[each.method.lower()] = _described(each, by_kind, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "callstats", "version": callstats.__version__},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def operation(answer: Answer) -> Operation:
    """Return the line of the table that is about the document itself."""
    return Operation(
        name="describe",
        summary="Describe this API.",
        method="GET",
        path="/api/v1/openapi.json",
        answer=answer,
        scope=None,
        gives=JSON,
    )


def _kinds(operations: Sequence[Operation]) -> list[type[Struct]]:
    named = [kind for each in operations for kind in (each.arguments, each.takes, each.gives)]
    structs = [kind for kind in named if isinstance(kind, type)]
    return list(dict.fromkeys([*structs, faults.Body]))


def _described(
    operation: Operation, by_kind: dict[type[Struct], Any], components: dict[str, Any]
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [*_in_path(operation), *_in_query(operation, components)],
        "responses": {
            str(operation.status): {"description": "Done.", "content": _given(operation, by_kind)},
            **_faults(by_kind[faults.Body]),
        },
    }
    if operation.takes is not None:
        described["requestBody"] = {"required": True, "content": _taken(operation.takes, by_kind)}
    if operation.scope is not None:
        described["security"] = [{"token": []}]
        described["description"] = f"Needs a token with the scope `{operation.scope}`."
    return described


def _in_path(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _CONVERTOR.findall(operation.path)
    ]


def _in_query(operation: Operation, components: dict[str, Any]) -> list[dict[str, Any]]:
    if operation.arguments is None:
        return []
    schema = components[operation.arguments.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": kind}
        for name, kind in schema["properties"].items()
    ]


def _taken(takes: type[Struct] | str, by_kind: dict[type[Struct], Any]) -> dict[str, Any]:
    if isinstance(takes, str):
        return {takes: {"schema": {"type": "string"}}}
    return {JSON: {"schema": by_kind[takes]}}


def _given(operation: Operation, by_kind: dict[type[Struct], Any]) -> dict[str, Any]:
    gives = operation.gives
    whole = {JSON: {"schema": by_kind[gives]}} if isinstance(gives, type) else {}
    others = [*([gives] if isinstance(gives, str) else []), *operation.also_gives]
    return whole | {
        kind: {"schema": _BINARY if kind == ARROW else {"type": "string"}} for kind in others
    }


def _faults(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        status: {"description": text, "content": {JSON: {"schema": schema}}}
        for status, text in _ERRORS.items()
    }
