"""Where the exchange listens and under which names it may be addressed; light enough for the supervisor."""

from __future__ import annotations

import errno
import socket
from dataclasses import replace
from urllib.parse import urlsplit

from lienthong.exchange.configuration import Configuration, ConfigurationError


def with_real_port(configuration: Configuration) -> Configuration:
    """The configuration with port 0 replaced by a free one. A port that is taken is told now: Granian would
    share it with whoever has it.
    """
    listener = configuration.exchange
    port = free_port(listener.host, listener.port, f"{configuration.data}/lienthong.toml: [exchange] port")
    return replace(configuration, exchange=replace(listener, port=port))


def free_port(host: str, port: int, place: str) -> int:
    """``port`` when it can be listened on (0: any free one), else :class:`ConfigurationError`."""
    where = address(host)
    family = socket.AF_INET6 if ":" in where else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((where, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            raise ConfigurationError(
                f"port {port} of {host} is taken by another process"
                if taken
                else f"cannot listen on {host}, port {port}: {error.strerror}",
                place=place,
                remedy="stop that process, or choose another port",
                code="port-taken" if taken else None,
            ) from None
        found: int = probe.getsockname()[1]
        return found


def address(host: str) -> str:
    """The IP address to listen on."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise ConfigurationError(
            f"{host!r} is no address of this machine: {error.strerror}", place="[exchange] host"
        ) from None


def url_of(configuration: Configuration) -> str:
    """Where the exchange listens."""
    listener = configuration.exchange
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    return f"{'https' if listener.tls else 'http'}://{host}:{listener.port}"


def authorities(configuration: Configuration) -> frozenset[str]:
    """The names (``host:port``, lower case) under which signed requests may address this hub."""
    listener = configuration.exchange
    names = {urlsplit(url_of(configuration)).netloc.lower()}
    if address(listener.host).startswith("127.") or listener.host == "::1":
        names.add(f"localhost:{listener.port}")
    if listener.public_url:
        parts = urlsplit(listener.public_url)
        names.add(parts.netloc.lower())
        default = {"https": 443, "http": 80}[parts.scheme]
        if parts.port is None:
            names.add(f"{parts.netloc.lower()}:{default}")
    return frozenset(names)
