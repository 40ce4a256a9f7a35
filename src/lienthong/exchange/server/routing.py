"""What a route is, and finding the one that a request means."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lienthong.exchange.server.problems import NoSuchPath, WrongMethod

if TYPE_CHECKING:
    from lienthong.exchange.server.application import Application
    from lienthong.exchange.server.requests import Request

Handler = Callable[["Application", "Request"], Awaitable[None]]
Schema = dict[str, Any]

_PARAMETERS = {"index": "(0|[1-9][0-9]{0,17})", "tile": "([0-9a-z./]{1,80})"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query field or request header. ``schema`` is JSON Schema 2020-12."""

    name: str
    description: str
    schema: Schema
    where: str = "query"
    required: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A success. ``schema`` names a component of openapi.py; '' for a body that is not JSON."""

    status: int
    description: str
    media_type: str = "application/json"
    schema: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """``access``: a mask of who may call. ``parties``: the handler lets in only who sent or received the
    record. ``problems``: statuses it may answer with beside 400, 401, 403, 404, 405, 500 and 503.
    """

    method: str
    path: str
    access: int
    handler: Handler
    operation: str
    summary: str
    answers: tuple[Answer, ...]
    parameters: tuple[Parameter, ...] = ()
    body: tuple[str, str] | None = None
    problems: tuple[int, ...] = ()
    parties: bool = False
    tag: str = "exchange"


class Router:
    """Finds routes: fixed paths by one look-up, paths with parameters by their pattern, in table order."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._fixed: dict[str, dict[str, tuple[Route, tuple[str, ...]]]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Route]]] = []
        patterns: dict[str, dict[str, Route]] = {}
        for route in routes:
            if "{" in route.path:
                patterns.setdefault(route.path, {})[route.method] = route
            else:
                self._fixed.setdefault(route.path, {})[route.method] = (route, ())
        for path, methods in patterns.items():
            expression = re.sub(r"\{([a-z]+)\}", lambda match: _PARAMETERS[match[1]], path)
            self._patterns.append((re.compile(expression, re.ASCII), methods))

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]]:
        """The route and its path parameters; :class:`NoSuchPath` or :class:`WrongMethod`."""
        fixed = self._fixed.get(path)
        if fixed is not None:
            found = fixed.get(method)
            if found is None:
                raise WrongMethod(method, sorted(fixed))
            return found
        for pattern, methods in self._patterns:
            match = pattern.fullmatch(path)
            if match is not None:
                route = methods.get(method)
                if route is None:
                    raise WrongMethod(method, sorted(methods))
                return route, match.groups()
        raise NoSuchPath(f"there is nothing at {path[:80]!r}", remedy="GET /openapi.json lists what there is")
