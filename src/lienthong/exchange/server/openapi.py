"""OpenAPI 3.1 of the whole interface, made from the table of routes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lienthong import __version__
from lienthong.exchange.server import access
from lienthong.exchange.server.problems import MEDIA_TYPE
from lienthong.exchange.server.schemas import SCHEMAS

if TYPE_CHECKING:
    from lienthong.exchange.server.routing import Route

COMMON_PROBLEMS = (400, 405, 500, 503)
_SPECIAL_PROBLEMS = {405: "WrongMethod", 429: "TooMuch", 503: "Unavailable"}
_PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "index": {"description": "Index of the record in the log", "schema": {"type": "integer", "minimum": 0}},
    "tile": {"description": "The rest of a C2SP tlog-tiles path", "schema": {"type": "string"}},
}
_TAGS = {
    "identity": "Who is asking",
    "exchange": "Messages, inbox, receipts",
    "directory": "Who can be written to",
    "log": "The transparency log",
    "trust": "Built-in trust services",
    "operation": "For whoever runs or watches the hub",
}


def document(title: str, routes: Sequence[Route]) -> bytes:
    """The description as UTF-8 JSON."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": title,
                "version": __version__,
                "description": "The exchange hub. Errors are RFC 9457 problem details with a stable `code`. "
                "See docs/reference/api.md.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
            "tags": [{"name": name, "description": words} for name, words in _TAGS.items()],
            "paths": paths,
            "components": {
                "schemas": SCHEMAS,
                "securitySchemes": {
                    "session": {"type": "http", "scheme": "bearer", "description": "From POST /v1/sessions"},
                    "signature": {
                        "type": "apiKey",
                        "in": "header",
                        "name": "Signature-Input",
                        "description": "HTTP message signature (RFC 9421) with the agency's TLS client key",
                    },
                },
                "responses": {
                    "Problem": _problem("What was wrong, where, and what to do"),
                    "WrongMethod": _problem(
                        "The path does not answer this method", "Allow", "The methods it answers"
                    ),
                    "TooMuch": _problem(
                        "The agency's quota, or its share of the hub, is used up",
                        "Retry-After",
                        "Seconds to wait",
                    ),
                    "Unavailable": _problem(
                        "The hub cannot do this now; nothing was stored", "Retry-After", "Seconds to wait"
                    ),
                },
            },
        },
        ensure_ascii=False,
        indent=1,
    ).encode()


def _operation(route: Route) -> dict[str, Any]:
    public = bool(route.access & access.PUBLIC)
    open_to_some = public or bool(route.access & access.LOOPBACK)
    whom = access.words(route.access) + (", who sent or received the record" if route.parties else "")
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "description": f"For {whom}.",
        "tags": [route.tag],
        "x-access": access.names(route.access),
        "security": ([{}] if open_to_some else []) + [{"session": []}, {"signature": []}],
        "responses": _responses(route, public),
    }
    parameters = [
        {"name": name, "in": "path", "required": True, **_PATH_PARAMETERS[name]}
        for name in re.findall(r"\{([a-z]+)\}", route.path)
    ]
    parameters += [
        {
            "name": one.name,
            "in": one.where,
            "required": one.required,
            "description": one.description,
            "schema": one.schema,
        }
        for one in route.parameters
    ]
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        media_type, schema = route.body
        operation["requestBody"] = {"required": True, "content": {media_type: _content(media_type, schema)}}
    return operation


def _responses(route: Route, public: bool) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for answer in route.answers:
        responses[str(answer.status)] = {
            "description": answer.description,
            "content": {answer.media_type: _content(answer.media_type, answer.schema)},
        }
    problems = {*COMMON_PROBLEMS, *route.problems, 401}
    if not public:
        problems.add(403)
    if route.parameters or "{" in route.path or route.problems:
        problems.add(404)
    for status in sorted(problems):
        if str(status) not in responses:
            name = _SPECIAL_PROBLEMS.get(status, "Problem")
            responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return responses


def _problem(description: str, header: str = "", meaning: str = "") -> dict[str, Any]:
    """A problem document (RFC 9457), with the header that goes with it."""
    answer: dict[str, Any] = {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if header:
        answer["headers"] = {header: {"description": meaning, "schema": {"type": "string"}}}
    return answer


def _content(media_type: str, schema: str) -> dict[str, Any]:
    if schema:
        return {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    if media_type.startswith("text/"):
        return {"schema": {"type": "string"}}
    return {} if media_type != "application/json" else {"schema": {"type": "object"}}
