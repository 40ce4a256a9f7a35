"""What the hub says of itself, asked over HTTP at its own address: health, statistics, newest checkpoint.

A hub that is down, slow or answers nonsense is an answer too: :func:`ask` never raises for it.
"""

from __future__ import annotations

import base64
import binascii
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from django.utils.translation import gettext as _

from lienthong.web.deployment import configuration

TIMEOUT_S = 2.0
MAX_ANSWER = 1 << 20


@dataclass(frozen=True, slots=True)
class Check:
    """One thing the hub looks at. ``state``: ``ok``, ``warning`` or ``failing``."""

    name: str
    state: str
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of the newest signed checkpoint (C2SP tlog-checkpoint). ``root``: the hash, hex."""

    origin: str
    size: int
    root: str


@dataclass(frozen=True, slots=True)
class Report:
    """``address`` as asked; ``problem`` says why there is no answer, '' when there is one."""

    address: str
    problem: str = ""
    ready: bool = False
    checks: tuple[Check, ...] = ()
    statistics: Mapping[str, int] | None = None
    checkpoint: Checkpoint | None = None


def address(data: Path | None) -> str:
    """Where the hub is: ``LIENTHONG_HUB_URL``, else what ``lienthong.toml`` says, else the default port."""
    given = os.environ.get("LIENTHONG_HUB_URL", "")
    if given:
        return given.rstrip("/")
    chosen = configuration(data)
    if chosen is None:
        return "http://127.0.0.1:8440"
    listener = chosen.exchange
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(listener.host, listener.host)  # noqa: S104
    return f"{'https' if listener.tls else 'http'}://{host}:{listener.port}"


def ask(base: str, data: Path | None = None) -> Report:
    """Ask the hub at ``base``; the province's CA in ``data`` is trusted for its certificate."""
    try:
        with httpx.Client(
            base_url=base, timeout=TIMEOUT_S, verify=_trust(base, data), trust_env=False
        ) as hub:
            health = _get(hub, "/health/ready", accept=(200, 503))
            statistics = _get(hub, "/v1/statistics")
            checkpoint = _get(hub, "/v1/log/checkpoint")
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as problem:
        return Report(base, problem=_in_words(problem))
    body = _object(health)
    if body is None:
        return Report(base, problem=_("nó trả lời, nhưng không phải theo cách của trục liên thông"))
    assert health is not None
    return Report(
        base,
        ready=health.status_code == 200,
        checks=tuple(_checks(body.get("checks"))),
        statistics=_numbers(_object(statistics)),
        checkpoint=_checkpoint(checkpoint),
    )


def _trust(base: str, data: Path | None) -> ssl.SSLContext | bool:
    anchors = data / "pki" / "ca.pem" if data is not None else None
    if not base.startswith("https:") or anchors is None or not anchors.exists():
        return True
    return ssl.create_default_context(cafile=str(anchors))


def _get(hub: httpx.Client, path: str, *, accept: tuple[int, ...] = (200,)) -> httpx.Response | None:
    with hub.stream("GET", path) as answer:
        if answer.status_code not in accept:
            return None
        content = b""
        for chunk in answer.iter_bytes():
            content += chunk
            if len(content) > MAX_ANSWER:
                return None
    return httpx.Response(answer.status_code, content=content, request=answer.request)


def _object(answer: httpx.Response | None) -> dict[str, Any] | None:
    if answer is None:
        return None
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _numbers(body: dict[str, Any] | None) -> dict[str, int] | None:
    if body is None:
        return None
    return {name: value for name, value in body.items() if type(value) is int}


def _checks(found: Any) -> list[Check]:
    return [
        Check(
            name=str(item.get("name", "")),
            state=state if (state := item.get("state")) in ("ok", "warning") else "failing",
            detail=str(item.get("detail") or ""),
            remedy=str(item.get("remedy") or ""),
        )
        for item in (found if isinstance(found, list) else [])
        if isinstance(item, dict)
    ]


def _checkpoint(answer: httpx.Response | None) -> Checkpoint | None:
    lines = answer.text.split("\n") if answer is not None else []
    if len(lines) < 4 or not lines[1].isdigit():
        return None
    try:
        root = base64.b64decode(lines[2], validate=True)
    except binascii.Error:
        return None
    return Checkpoint(lines[0], int(lines[1]), root.hex())


def _in_words(problem: Exception) -> str:
    if isinstance(problem, httpx.ConnectError) and "CERTIFICATE" not in str(problem).upper():
        return _("không có gì đang nghe ở địa chỉ này")
    if isinstance(problem, httpx.TimeoutException):
        return _("nó không trả lời trong %(seconds)d giây") % {"seconds": TIMEOUT_S}
    return _("không kết nối được: %(reason)s") % {"reason": problem}
