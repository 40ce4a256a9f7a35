"""The exchange process: everything of a data folder opened, served, and closed in order."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

import structlog
import uvloop
from granian.constants import HTTPModes
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from lienthong.core.errors import LienthongError
from lienthong.exchange.configuration import Configuration, ConfigurationError
from lienthong.exchange.hub.service import Hub
from lienthong.exchange.server.allocation import keep_freed_memory
from lienthong.exchange.server.application import Application
from lienthong.exchange.server.authentication import Doorkeeper
from lienthong.exchange.server.listening import (
    address,
    authorities,
    bound_stalls,
    local_programs,
    url_of,
    with_real_port,
)
from lienthong.exchange.server.replay import ReplayGuard
from lienthong.exchange.server.sessions import Tokens, open_key
from lienthong.exchange.server.tls import tls_settings
from lienthong.exchange.server.upkeep import Upkeep
from lienthong.exchange.store.protocol import SignCheckpoint, Store
from lienthong.registry.snapshot import DirectoryHolder
from lienthong.trust.certificates import TrustStore
from lienthong.trust.keys import load_signer, read_file
from lienthong.trust.log.checkpoints import checkpoint_signer
from lienthong.trust.log.notes import NoteSigner
from lienthong.trust.ocsp import OcspClient
from lienthong.trust.responder import OcspResponder
from lienthong.trust.revocation import Staleness
from lienthong.trust.tsa import TimeStampAuthority

if TYPE_CHECKING:
    from lienthong.trust.keys import Signer

DRAIN_S = 20.0
"""How long requests under way may take after the signal to stop."""
BUFFER = 64 * 1024
"""What Granian reads ahead of a connection: little, so that a flood waits in the kernel and not in memory."""
log = structlog.get_logger("lienthong.process")

Ready = Callable[[Configuration], None]


def serve(configuration: Configuration, ready: Ready | None = None) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends at once. ``ready``: see :func:`run`."""

    async def until_told() -> bool:
        stop = asyncio.Event()

        def told() -> None:
            if stop.is_set():
                os._exit(1)
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, told)
        return await run(configuration, stop=stop, ready=settled)

    def settled(found: Configuration) -> None:
        # What was built until now stays: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 50, 50)
        if ready is not None:
            ready(found)

    if not uvloop.run(until_told()):
        os._exit(0)


async def run(
    configuration: Configuration,
    *,
    stop: asyncio.Event,
    ready: Ready | None = None,
    opened: Callable[[Application], None] | None = None,
    clock: Callable[[], float] = time,
) -> bool:
    """Serve until ``stop`` is set; then answer what is under way, store what has queued, close. Answers
    whether all of that was done within :data:`DRAIN_S`.

    ``ready`` is called once connections are taken, with the configuration that holds the real port;
    ``opened`` before. ``clock`` answers Unix seconds. Raises what keeps the exchange from starting.
    """
    configuration = with_real_port(configuration)
    app, upkeep = open_application(configuration, asyncio.get_running_loop(), clock)
    hub = app.hub
    if opened is not None:
        opened(app)
    try:
        server = build_server(configuration, app.__rsgi__)
        upkeep.start()
        serving = asyncio.ensure_future(server.serve())
        await _listening(configuration, serving)
        bound_stalls(configuration.exchange.port, configuration.exchange.stalled_s)
        log.info("serving", url=url_of(configuration), directory=hub.version, entries=hub.store.tree_size())
        if ready is not None:
            ready(configuration)
        told = asyncio.ensure_future(stop.wait())
        await asyncio.wait((serving, told), return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        log.info("stopping", inside=hub.door.inside, waiting=hub.commit.backlog)
        app.stopping = True
        hub.notices.close()
        server.stop()
        done, _ = await asyncio.wait((serving,), timeout=DRAIN_S)
        if not done:
            log.warning("requests under way are cut off", after_s=DRAIN_S)
    finally:
        await upkeep.stop()
        await hub.close()
    log.info("stopped")
    if done:
        serving.result()
    return bool(done)


def open_application(
    configuration: Configuration, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time
) -> tuple[Application, Upkeep]:
    """Everything of the data folder, opened; a :class:`LienthongError` names the file and the remedy."""
    passphrase = configuration.passphrase()
    signer = checkpoint_key(configuration)
    sign = checkpoint_signer(signer)
    trust = trust_store(configuration)
    holder = DirectoryHolder(
        configuration.path(configuration.directory.file),
        trust,
        lambda: datetime.fromtimestamp(clock(), UTC),
        look_every_s=1e9,
        highest=configuration.path("hub/directory.version"),
    )
    tokens = Tokens(open_key(configuration.data))
    store = open_store(configuration, sign)
    hub = Hub(
        configuration,
        store=store,
        holder=holder,
        trust=trust,
        spool=_spool(configuration),
        loop=loop,
        clock=clock,
        inline_reads=configuration.store.engine == "embedded",
    )
    tsa = _tsa(configuration, passphrase)
    app = Application(
        hub,
        door=Doorkeeper(
            directory=hub.directory,
            trust=trust,
            tokens=tokens,
            authorities=authorities(configuration),
            request_skew_s=configuration.clock.request_skew_s,
            trusted_proxies=configuration.proxy.trusted,
            client_cert_header=configuration.proxy.client_cert_header,
            concurrent=configuration.limits.concurrent,
            local_programs=local_programs(configuration),
            replay=ReplayGuard(file=configuration.path("secrets") / f"nonces-{configuration.exchange.port}"),
        ),
        tokens=tokens,
        sign_checkpoint=sign,
        tsa=tsa,
        ocsp=_ocsp(configuration, passphrase),
        clock=clock,
    )
    choice = configuration.timestamps.authority
    stamps = {"off": None, "built-in": tsa}.get(choice, choice)
    return app, Upkeep(app, stamps)


def checkpoint_key(configuration: Configuration) -> NoteSigner:
    """The log's key; its name must be the origin in the configuration."""
    path = configuration.path("keys/checkpoint.key")
    signer = NoteSigner.parse(read_file(path).decode("ascii", "replace"))
    if signer.key.name != configuration.hub.origin:
        raise ConfigurationError(
            f"the log's key is that of {signer.key.name!r}",
            place=f"{configuration.data}/lienthong.toml: [hub] origin",
            remedy=f'write origin = "{signer.key.name}"',
        )
    return signer


def trust_store(configuration: Configuration) -> TrustStore:
    """Anchors and CRLs of ``pki/``, with OCSP when the configuration asks for it."""
    choice = configuration.revocation
    client = None
    if choice.ocsp:
        client = OcspClient(folder=configuration.path("hub/ocsp"), budget_s=choice.budget_s)
        configuration.path("hub/ocsp").mkdir(mode=0o700, parents=True, exist_ok=True)
    return TrustStore.from_folder(
        configuration.path("pki"),
        ocsp=client,
        staleness=Staleness(grace=timedelta(days=choice.grace_days)),
    )


def open_store(configuration: Configuration, sign: SignCheckpoint) -> Store:
    """The store that the configuration names."""
    origin = configuration.hub.origin
    if configuration.store.engine == "embedded":
        from lienthong.exchange.store.embedded import open_embedded

        return open_embedded(configuration.path("hub"), origin, sign)
    from lienthong.exchange.store.postgres import open_postgres

    return open_postgres(configuration.store.dsn, origin, sign)


def build_server(configuration: Configuration, application: Any) -> Server:
    """Granian in this process, as the configuration says."""
    keep_freed_memory()
    listener = configuration.exchange
    server = Server(
        application,
        address(listener.host),
        listener.port,
        interface="rsgi",
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(listener.header_timeout_s * 1000), max_buffer_size=BUFFER
        ),
        websockets=False,
        backlog=listener.connections,
        backpressure=listener.connections,
        log_level=LogLevels.warning,
        log_dictconfig=_GRANIAN_LOG,
    )
    if listener.tls:
        server.ssl_ctx = tls_settings(configuration)
    elif listener.client_certificates == "required":
        raise ConfigurationError("client certificates need tls = true", place="[exchange]")
    return server


_GRANIAN_LOG = {
    "handlers": {"console": {"class": "logging.NullHandler"}, "access": {"class": "logging.NullHandler"}},
    "loggers": {
        "_granian": {"handlers": [], "level": "WARNING", "propagate": True},
        "granian.access": {"handlers": [], "level": "WARNING", "propagate": False},
    },
}


def _tsa(configuration: Configuration, passphrase: bytes | None) -> TimeStampAuthority | None:
    signer = _service_signer(configuration, "tsa", passphrase)
    if signer is None and configuration.timestamps.authority == "built-in":
        raise ConfigurationError(
            "the built-in time-stamping authority has no key",
            place=str(configuration.path("keys/tsa.pem")),
            remedy='make one with `lienthong init --data DIR`, or set [timestamps] authority = "off"',
        )
    return TimeStampAuthority(signer) if signer is not None else None


def _ocsp(configuration: Configuration, passphrase: bytes | None) -> OcspResponder | None:
    signer = _service_signer(configuration, "ocsp", passphrase)
    if signer is None or not configuration.path("pki/issuing/ledger.jsonl").exists():
        return None
    return OcspResponder.from_folder(configuration.path("pki"), {"issuing": signer})


def _service_signer(configuration: Configuration, name: str, passphrase: bytes | None) -> Signer | None:
    key, certificate = (configuration.path(f"keys/{name}.{kind}") for kind in ("key", "pem"))
    if not key.exists() or not certificate.exists():
        return None
    return load_signer(key, certificate, passphrase=passphrase)


def _spool(configuration: Configuration) -> Path:
    """Where large bodies arrive. What an ended process left there is removed (the embedded store does so
    for its own).
    """
    folder = configuration.path("hub/spool")
    if configuration.store.engine != "embedded":
        folder = configuration.path(f"hub/spool-{configuration.exchange.port}")
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


async def _listening(configuration: Configuration, serving: asyncio.Future[None]) -> None:
    """Wait until connections are taken."""
    where = address(configuration.exchange.host)
    if where in ("0.0.0.0", "::"):  # noqa: S104 - told apart, not bound
        where = "::1" if ":" in where else "127.0.0.1"
    while not serving.done():
        with suppress(OSError):
            _, writer = await asyncio.open_connection(where, configuration.exchange.port)
            writer.close()
            return
        await asyncio.sleep(0.01)
    serving.result()
    raise LienthongError("the server ended before it listened", code="server-ended")
