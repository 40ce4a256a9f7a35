"""What listens where a data folder is to be served: its hub, its web, nothing yet, or another program.

Looked at from outside, over the ports that ``lienthong.toml`` names.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

import httpx

from lienthong.exchange.configuration import Configuration, ConfigurationError
from lienthong.exchange.server.health import HealthItem
from lienthong.exchange.server.listening import free_port

ASK_S = 3.0
WEB_TITLE = "– Liên Thông</title>"
"""How every page of the web ends its title, those that say there is no such page among them."""


def hub(configuration: Configuration) -> Iterator[HealthItem]:
    """The hub itself: serving and well, serving and not, or not serving with its port free."""
    listener = configuration.exchange
    url = _hub_url(configuration)
    answer = _readiness(configuration)
    if answer is None:
        try:
            free_port(listener.host, listener.port, "[exchange] port")
        except ConfigurationError as error:
            yield HealthItem("hub", "failing", f"something that is not a hub is at {url}", error.remedy or "")
            return
        yield HealthItem(
            "hub", "ok", f"not serving; {url} is free: lienthong serve --data {configuration.data}"
        )
        return
    status, checks = answer
    if status == 200:
        yield HealthItem("hub", "ok", f"serves at {url}")
    else:
        yield HealthItem("hub", "failing", f"serves at {url} and cannot accept now")
    for one in checks:
        if one["state"] != "ok":
            yield HealthItem(f"hub: {one['name']}", one["state"], one["detail"], one["remedy"])


def web(configuration: Configuration) -> Iterator[HealthItem]:
    """The web's port: free, the web's own, or taken so that ``lienthong serve`` would refuse to start."""
    listener = configuration.web
    if not listener.enabled:
        return
    url = f"http://{_reachable(listener.host)}:{listener.port}"
    try:
        free_port(listener.host, listener.port, "[web] port")
    except ConfigurationError as error:
        if error.code != "port-taken":
            yield HealthItem("web", "failing", f"{error.place}: {error.detail}", error.remedy or "")
        elif not _is_a_web(url):
            yield HealthItem(
                "web", "failing", f"something that is not the hub's web is at {url}", error.remedy or ""
            )
        elif _readiness(configuration) is None:
            yield HealthItem(
                "web", "warning", f"a hub's web is at {url}, and the hub is not running", error.remedy or ""
            )
        else:
            yield HealthItem("web", "ok", f"serves at {url}")
        return
    yield HealthItem("web", "ok", f"not serving; {url} is free")


def _reachable(host: str) -> str:
    found = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared
    return f"[{found}]" if ":" in found else found


def _hub_url(configuration: Configuration) -> str:
    listener = configuration.exchange
    return f"{'https' if listener.tls else 'http'}://{_reachable(listener.host)}:{listener.port}"


def _readiness(configuration: Configuration) -> tuple[int, list[Any]] | None:
    """The status and the checks of what a hub answers; None when no hub does."""
    anchors = configuration.path("pki/ca.pem")
    verify: ssl.SSLContext | bool = False
    if configuration.exchange.tls and anchors.exists():
        verify = ssl.create_default_context(cafile=str(anchors))
        verify.check_hostname = False
    try:
        answer = httpx.get(
            f"{_hub_url(configuration)}/health/ready", verify=verify, timeout=ASK_S, trust_env=False
        )
        body = answer.json()
    except (httpx.HTTPError, ValueError):
        return None
    return (answer.status_code, body.get("checks", [])) if isinstance(body, dict) else None


def _is_a_web(url: str) -> bool:
    """Asked for a page that it does not have: the status page would go on to ask the hub."""
    behind_a_proxy = {"X-Forwarded-Proto": "https"}
    try:
        answer = httpx.get(f"{url}/robots.txt", headers=behind_a_proxy, timeout=ASK_S, trust_env=False)
    except httpx.HTTPError:
        return False
    return WEB_TITLE in answer.text
