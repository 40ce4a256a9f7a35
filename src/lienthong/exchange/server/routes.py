"""The one table of routes: what there is, who may call it, which function answers, how it is described.

Whatever is not in the table does not exist; whoever is not in a route's ``access`` is refused.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lienthong.exchange.server import inbox, messages, observation, services, transparency
from lienthong.exchange.server.access import AGENCY, AUDIT, LOOPBACK, OPERATE, PUBLIC, WITNESS
from lienthong.exchange.server.problems import NoSuchPath, WrongMethod
from lienthong.trust.asic import MIMETYPE
from lienthong.trust.timestamps import MEDIA_QUERY, MEDIA_REPLY

if TYPE_CHECKING:
    from lienthong.exchange.server.application import Application
    from lienthong.exchange.server.requests import Request

Handler = Callable[["Application", "Request"], Awaitable[None]]
Schema = dict[str, Any]

_PARAMETERS = {"index": "(0|[1-9][0-9]{0,17})", "tile": "([0-9a-z./]{1,80})"}
INTEGER: Schema = {"type": "integer", "minimum": 0}


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


_LIMIT = Parameter("limit", "At most so many lines", {"type": "integer", "minimum": 1})
_AFTER = Parameter("after", "Only lines with a greater index", {"type": "integer", "minimum": -1})

ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/sessions",
        AGENCY,
        services.open_session,
        "openSession",
        "Sign in: one request signed by RFC 9421 with the agency's TLS client key gives a bearer token",
        (Answer(201, "The token", schema="Session"),),
        problems=(408, 411, 413),
        tag="identity",
    ),
    Route(
        "POST",
        "/v1/messages",
        AGENCY,
        messages.accept,
        "sendMessage",
        "Hand over a sealed container: a document, a request about one, or a status",
        (
            Answer(201, "Accepted, durable, in the log: the receipt", schema="Receipt"),
            Answer(200, "The same message was accepted before: its receipt, again", schema="Receipt"),
        ),
        body=(MIMETYPE, ""),
        problems=(408, 409, 411, 413, 415, 422, 429),
    ),
    Route(
        "GET",
        "/v1/messages",
        AGENCY,
        messages.find,
        "findMessage",
        "One's own message by its message id",
        (Answer(200, "The record", schema="Record"),),
        (Parameter("message_id", "The sender's id of the message", {"type": "string"}, required=True),),
    ),
    Route(
        "GET",
        "/v1/messages/{index}",
        AGENCY,
        messages.fetch,
        "fetchMessage",
        "The container, as it was sent",
        (Answer(200, "The container", MIMETYPE),),
        problems=(410,),
        parties=True,
    ),
    Route(
        "GET",
        "/v1/messages/{index}/receipt",
        AGENCY,
        messages.receipt,
        "fetchReceipt",
        "The receipt: leaf, inclusion proof, signed checkpoint; always the same bytes",
        (Answer(200, "The receipt", schema="Receipt"),),
        parties=True,
    ),
    Route(
        "GET",
        "/v1/messages/{index}/trace",
        AGENCY,
        messages.trace,
        "traceMessage",
        "A document's life: where it stands with each recipient, and every record about it. "
        "A recipient sees its own part",
        (Answer(200, "The life of the document", schema="Trace"),),
        parties=True,
    ),
    Route(
        "GET",
        "/v1/inbox",
        AGENCY,
        inbox.inbox,
        "readInbox",
        "What has arrived for the agency, in index order; with `wait`, as soon as something arrives",
        (Answer(200, "A page", schema="InboxPage"),),
        (
            _AFTER,
            _LIMIT,
            Parameter("lane", "Only this lane", {"type": "string", "enum": ["normal", "urgent"]}),
            Parameter(
                "pending",
                "1: only what is not acknowledged, urgent first",
                {"type": "string", "enum": ["0", "1"]},
            ),
            Parameter("wait", "Seconds to wait when there is nothing", INTEGER),
        ),
        problems=(429,),
    ),
    Route(
        "GET",
        "/v1/inbox/events",
        AGENCY,
        inbox.events,
        "streamInbox",
        "The same as server-sent events: `id` is the index, `data` an inbox line. "
        "Ends now and then; reconnect with Last-Event-ID",
        (Answer(200, "A stream of events", "text/event-stream"),),
        (
            _AFTER,
            Parameter("Last-Event-ID", "The last event received", {"type": "string"}, "header"),
        ),
        problems=(429,),
    ),
    Route(
        "POST",
        "/v1/inbox/acknowledgements",
        AGENCY,
        inbox.acknowledge,
        "acknowledge",
        "The agency's system has taken these records: each becomes a record of the log",
        (Answer(200, "Those taken, now or before", schema="Acknowledged"),),
        body=("application/json", "Acknowledge"),
        problems=(408, 411, 413, 415),
    ),
    Route(
        "GET",
        "/v1/sent",
        AGENCY,
        inbox.sent,
        "readSent",
        "What the agency sent, newest first",
        (Answer(200, "A page", schema="SentPage"),),
        (Parameter("before", "Only records with a smaller index", INTEGER), _LIMIT),
    ),
    Route(
        "GET",
        "/v1/directory",
        AGENCY,
        services.directory,
        "fetchDirectory",
        "The signed directory snapshot in force (CMS)",
        (Answer(200, "The snapshot", "application/pkcs7-mime"),),
        tag="directory",
    ),
    Route(
        "GET",
        "/v1/agencies",
        AGENCY,
        services.agencies,
        "listAgencies",
        "Agencies active today, with whether the asker may send to them, and the groups",
        (Answer(200, "Agencies", schema="Agencies"),),
        (
            Parameter("q", "Words of the name or code, Vietnamese marks or not", {"type": "string"}),
            _LIMIT,
        ),
        tag="directory",
    ),
    Route(
        "GET",
        "/v1/log/checkpoint",
        PUBLIC,
        transparency.checkpoint,
        "fetchCheckpoint",
        "The newest checkpoint (C2SP signed note) with its cosignatures",
        (Answer(200, "The note", "text/plain"),),
        tag="log",
    ),
    Route(
        "GET",
        "/v1/log/tile/entries/{tile}",
        AUDIT,
        transparency.entries,
        "fetchEntries",
        "A bundle of leaves (C2SP tlog-tiles): who sent what to whom, so for auditors only",
        (Answer(200, "The bundle", "application/octet-stream"),),
        tag="log",
    ),
    Route(
        "GET",
        "/v1/log/tile/{tile}",
        PUBLIC,
        transparency.tile,
        "fetchTile",
        "A tile of hashes (C2SP tlog-tiles)",
        (Answer(200, "The tile", "application/octet-stream"),),
        tag="log",
    ),
    Route(
        "GET",
        "/v1/log/inclusion",
        PUBLIC,
        transparency.inclusion,
        "proveInclusion",
        "That a record is in the log (C2SP tlog-proof, with the checkpoint of that size)",
        (Answer(200, "The proof", "text/plain"),),
        (
            Parameter("index", "The record", INTEGER, required=True),
            Parameter("size", "The size of the log to prove it for; the newest when left out", INTEGER),
        ),
        tag="log",
    ),
    Route(
        "GET",
        "/v1/log/consistency",
        PUBLIC,
        transparency.consistency,
        "proveConsistency",
        "That the log only grew between two sizes",
        (Answer(200, "The proof", schema="Consistency"),),
        (
            Parameter("from", "The older size", INTEGER, required=True),
            Parameter("to", "The newer size; the newest when left out", INTEGER),
        ),
        tag="log",
    ),
    Route(
        "POST",
        "/v1/log/cosignatures",
        WITNESS,
        transparency.cosign,
        "cosign",
        "A witness's cosignature line over a checkpoint (C2SP tlog-cosignature)",
        (Answer(201, "Kept", schema="Cosigned"),),
        (Parameter("size", "The size of the checkpoint that was cosigned", INTEGER),),
        body=("text/plain", ""),
        problems=(408, 411, 413),
        tag="log",
    ),
    Route(
        "POST",
        "/v1/tsa",
        AGENCY | LOOPBACK,
        services.stamp,
        "stamp",
        "The built-in time-stamping authority (RFC 3161)",
        (Answer(200, "The response", MEDIA_REPLY),),
        body=(MEDIA_QUERY, ""),
        problems=(408, 411, 413, 415),
        tag="trust",
    ),
    Route(
        "POST",
        "/v1/ocsp",
        PUBLIC,
        services.certificate_status,
        "certificateStatus",
        "The built-in OCSP responder (RFC 6960)",
        (Answer(200, "The response", services.OCSP_RESPONSE),),
        body=(services.OCSP_REQUEST, ""),
        problems=(408, 411, 413, 415),
        tag="trust",
    ),
    Route(
        "GET",
        "/v1/statistics",
        OPERATE | AUDIT | LOOPBACK,
        services.statistics,
        "readStatistics",
        "Counts since the log began",
        (Answer(200, "Counts", schema="Statistics"),),
        tag="operation",
    ),
    Route(
        "GET",
        "/health/live",
        PUBLIC,
        observation.live,
        "live",
        "The process answers",
        (Answer(200, "It does", schema="Live"),),
        tag="operation",
    ),
    Route(
        "GET",
        "/health/ready",
        PUBLIC,
        observation.ready,
        "ready",
        "Whether messages can be accepted; the operator and the hub's own machine also see why",
        (
            Answer(200, "They can", schema="Ready"),
            Answer(503, "They cannot", schema="Ready"),
        ),
        tag="operation",
    ),
    Route(
        "GET",
        "/metrics",
        OPERATE | LOOPBACK,
        observation.metrics,
        "metrics",
        "Prometheus metrics",
        (Answer(200, "Metrics", "text/plain"),),
        tag="operation",
    ),
    Route(
        "GET",
        "/openapi.json",
        PUBLIC,
        observation.description,
        "describe",
        "This description",
        (Answer(200, "OpenAPI 3.1"),),
        tag="operation",
    ),
)


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
