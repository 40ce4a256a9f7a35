"""What watches the hub: health, metrics, and the description of the interface itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.exchange.server import shapes
from lienthong.exchange.server.access import LOOPBACK, OPERATE
from lienthong.exchange.server.health import overall
from lienthong.exchange.server.problems import Header
from lienthong.exchange.server.requests import JSON, PRIVATE, Request

if TYPE_CHECKING:
    from lienthong.exchange.server.application import Application

EXPOSITION: Header = ("content-type", "text/plain; version=0.0.4; charset=utf-8")


async def live(app: Application, request: Request) -> None:
    """``GET /health/live``: the process answers."""
    request.json(b'{"status":"ok"}')


async def ready(app: Application, request: Request) -> None:
    """``GET /health/ready``: 200 when messages can be accepted, else 503. Only the operator and programs on
    the hub's machine see the checks; others see the state.
    """
    items = await app.hub.apart(app.health.look)
    state = "failing" if app.stopping else overall(items)
    body: dict[str, object] = {"status": state}
    if request.rights & (OPERATE | LOOPBACK):
        body["checks"] = [
            {"name": one.name, "state": one.state, "detail": one.detail, "remedy": one.remedy}
            for one in items
        ]
    request.json(shapes.dumps(body), 503 if state == "failing" else 200)


async def metrics(app: Application, request: Request) -> None:
    """``GET /metrics``: Prometheus text."""
    request.answer(200, (EXPOSITION, PRIVATE), app.exposition.text())


async def description(app: Application, request: Request) -> None:
    """``GET /openapi.json``: OpenAPI 3.1, made from the table of routes."""
    request.answer(200, (JSON, ("cache-control", "public, max-age=300")), app.openapi)
