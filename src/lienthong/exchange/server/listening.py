"""Where the exchange listens and under which names it may be addressed; light enough for the supervisor."""

from __future__ import annotations

import errno
import os
import socket
import sys
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from lienthong.exchange.configuration import Configuration, ConfigurationError


def with_real_port(configuration: Configuration) -> Configuration:
    """The configuration with port 0 replaced by a free one. A port that is taken is told now: Granian would
    share it with whoever has it.
    """
    listener = configuration.exchange
    port = free_port(
        listener.host,
        listener.port,
        f"{configuration.data}/lienthong.toml: [exchange] port",
        then=f"then tell the agencies of this folder: lienthong init --data {configuration.data}",
    )
    return replace(configuration, exchange=replace(listener, port=port))


def free_port(host: str, port: int, place: str, *, then: str = "") -> int:
    """``port`` when it can be listened on (0: any free one), else :class:`ConfigurationError`. ``place``: the
    key that says which port; ``then``: what is to be done once it was changed.
    """
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
                remedy="\n".join(
                    filter(
                        None,
                        (
                            f"see which it is (ss -ltnp 'sport = :{port}') and stop it, or write another "
                            f"port into {place}",
                            then,
                        ),
                    )
                ),
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


_DEFAULT_PORTS = {"https": 443, "http": 80}


def _own_names(configuration: Configuration) -> set[str]:
    listener = configuration.exchange
    names = {urlsplit(url_of(configuration)).netloc.lower()}
    if address(listener.host).startswith("127.") or listener.host == "::1":
        names.add(f"localhost:{listener.port}")
    return names


def authorities(configuration: Configuration) -> frozenset[str]:
    """The names (``host:port``, lower case) under which signed requests may address this hub."""
    listener = configuration.exchange
    names = _own_names(configuration)
    if listener.public_url:
        parts = urlsplit(listener.public_url)
        names.add(parts.netloc.lower())
        default = _DEFAULT_PORTS[parts.scheme]
        if parts.port is None:
            names.add(f"{parts.netloc.lower()}:{default}")
    return frozenset(names)


def local_programs(configuration: Configuration) -> bool:
    """Whether a request from a loopback address can be taken for one of a program on this machine.

    Where a proxy must stand before the hub (``public_url`` leads elsewhere than to the listener), the hub has
    to know which addresses are the proxy's; else everybody would come from this machine.
    """
    listener = configuration.exchange
    if not listener.public_url or configuration.proxy.trusted:
        return True
    if ip_address(address(listener.host)).is_loopback:
        return urlsplit(listener.public_url).netloc.lower() in _own_names(configuration)
    public = urlsplit(listener.public_url)
    return (public.port or _DEFAULT_PORTS[public.scheme]) == listener.port


def bound_stalls(port: int, seconds: float) -> int:
    """Let the kernel close connections whose other side takes nothing, or has vanished, for ``seconds``.

    Granian sets no limit on writing. The options are set on this process's listening sockets of the port,
    from which every accepted connection inherits them (Linux). Answers how many sockets were found.
    """
    if sys.platform != "linux":
        return 0
    found = 0
    for path in Path("/proc/self/fd").iterdir():
        try:
            if not str(path.readlink()).startswith("socket:"):
                continue
            one = socket.socket(fileno=os.dup(int(path.name)))
        except OSError:
            continue
        with one:
            if one.type != socket.SOCK_STREAM or one.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            listens = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if not listens or one.getsockname()[1] != port:
                continue
            probe_s = max(1, int(seconds / 4))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, probe_s)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, probe_s)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
            found += 1
    return found
