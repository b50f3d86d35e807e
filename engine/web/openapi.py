"""Rim. The OpenAPI 3.1 description of the JSON routes, made of what they declare."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from starlette.routing import BaseRoute, Route

from engine import __version__
from engine.runtime.desk.rights import Right
from engine.web.access import NUMBER_MAX, TOKEN_HEADER
from engine.web.declared import Declared

API = "/api/"
REFERENCE = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_REFUSALS = {
    "400": "The request cannot be read.",
    "401": "Nobody is signed in, or the token is not good.",
    "403": "The right is missing, or the token of the form.",
    "404": "There is no such thing, or it is beyond the channels of who asks.",
    "413": "The body is too long.",
    "422": "It cannot be asked so; the text says why.",
    "503": "The store, or the node, does not answer.",
}
_ERROR = {
    "type": "object",
    "properties": {"error": {"type": "string"}},
    "required": ["error"],
    "additionalProperties": False,
}


def described(routes: Iterable[BaseRoute]) -> list[tuple[Route, Declared]]:
    """The JSON routes with what they declare. Raises AttributeError for one that does not."""
    return [
        (route, route.endpoint.declared)  # type: ignore[attr-defined]
        for route in routes
        if isinstance(route, Route) and route.path.startswith(API)
    ]


def description(routes: Iterable[BaseRoute], environment: str = "") -> dict[str, Any]:
    """The OpenAPI document.

    Args:
        routes: of the application.
        environment: what the site calls this engine.
    """
    found = described(routes)
    types = [one for _, declared in found for one in (declared.answer, declared.body) if one]
    schemas, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    named = dict(zip(map(id, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route, declared in found:
        path = _PARAMETER.sub(r"{\1}", route.path)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            paths.setdefault(path, {})[method.lower()] = _operation(route, declared, named)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Interface engine" + (f", {environment}" if environment else ""),
            "version": __version__,
            "description": "What the console's screens show, for programs: the same rights, masks"
            " and records. A program sends its token; a person's browser its session, and the token"
            " of a page with what it posts.",
        },
        "paths": paths,
        "components": {
            "schemas": {**components, "Refusal": _ERROR},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "engine_session"},
            },
        },
        "security": [{"token": []}, {"session": []}],
    }


def _operation(route: Route, declared: Declared, named: dict[int, Any]) -> dict[str, Any]:
    right = getattr(route.endpoint, "right", "")
    told = (route.endpoint.__doc__ or "").strip().splitlines()
    operation: dict[str, Any] = {
        "operationId": route.endpoint.__name__,
        "summary": told[0] if told else "",
        "description": f"Needs the right {right}." if isinstance(right, Right) else "",
        "parameters": [*_in_path(route.path), *_in_query(declared)],
        "responses": {
            "200": {"description": "What was asked for.", **_content(named[id(declared.answer)])},
            **{
                code: {"description": text, **_content({"$ref": "#/components/schemas/Refusal"})}
                for code, text in _REFUSALS.items()
            },
        },
    }
    if declared.body is not None:
        operation["requestBody"] = {"required": True, **_content(named[id(declared.body)])}
        operation["parameters"].append(
            {
                "name": TOKEN_HEADER,
                "in": "header",
                "description": "With a session: the token of the form of a page.",
                "schema": {"type": "string"},
            }
        )
    return operation


def _content(schema: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _in_path(path: str) -> list[dict[str, Any]]:
    number = {"type": "integer", "minimum": 0, "maximum": NUMBER_MAX}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": number if kind == "int" else {"type": "string"},
        }
        for name, kind in _PARAMETER.findall(path)
    ]


def _in_query(declared: Declared) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "in": "query",
            "description": one.meaning,
            "schema": {"type": "array", "items": {"type": "string"}}
            if one.repeated
            else {"type": "string"},
        }
        for one in declared.query
    ]
