"""What the hub does by itself, beside answering: watch the directory, the clock and its health, time-stamp
checkpoints. Nothing here may stop the exchange; trouble becomes a warning in health and in the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from lienthong.core.errors import LienthongError
from lienthong.exchange.server.application import Application
from lienthong.exchange.server.health import overall
from lienthong.trust.log.checkpoints import Checkpoint
from lienthong.trust.log.notes import Note
from lienthong.trust.profiles import Profile
from lienthong.trust.timestamps import request_timestamp, verify_timestamp

if TYPE_CHECKING:
    from lienthong.trust.tsa import TimeStampAuthority

HEALTH_EVERY_S = 15.0
CLOCK_EVERY_S = 1.0
OCSP_EVERY_S = 30.0
log = structlog.get_logger("lienthong.upkeep")


class Upkeep:
    """Runs from :meth:`start` to :meth:`stop`. ``tsa``: who time-stamps checkpoints, None for nobody."""

    def __init__(self, app: Application, tsa: str | TimeStampAuthority | None) -> None:
        self._app = app
        self._tsa = tsa
        self._tasks: list[asyncio.Task[None]] = []
        self._state = ""

    def start(self) -> None:
        configuration = self._app.hub.configuration
        chores: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (configuration.directory.look_every_s, self._directory),
            (CLOCK_EVERY_S, self._clock),
            (HEALTH_EVERY_S, self._health),
        ]
        if self._tsa is not None:
            chores.append((configuration.timestamps.every_s, self.stamp))
        if configuration.revocation.ocsp:
            chores.append((OCSP_EVERY_S, self._ask_ocsp))
        self._tasks = [asyncio.ensure_future(_repeat(every_s, chore)) for every_s, chore in chores]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _directory(self) -> None:
        hub = self._app.hub
        await hub.apart(hub.holder.refresh)
        before, problem = hub.version, hub.directory_problem
        hub.take_directory()
        if hub.version != before:
            log.info("directory", version=hub.version, before=before)
            if hub.configuration.revocation.ocsp:
                await self._ask_ocsp()
        if hub.directory_problem is not None and problem is None:
            log.error("directory", problem=hub.directory_problem.detail, code=hub.directory_problem.code)

    async def _clock(self) -> None:
        jump = self._app.hub.look_at_the_clock()
        if jump:
            log.warning("the clock jumped", seconds=round(jump, 1))

    async def _health(self) -> None:
        items = await self._app.hub.apart(self._app.health.look)
        state = overall(items)
        if state != self._state:
            self._state = state
            troubles = {one.name: one.detail for one in items if one.state != "ok"}
            (log.info if state == "ok" else log.warning)("health", state=state, **troubles)

    async def stamp(self) -> None:
        """Time-stamp the newest checkpoint, if it has none yet: SHA-256 of the note as the hub signed it."""
        hub, stamps = self._app.hub, self._app.stamps
        budget_s = hub.configuration.timestamps.budget_s
        tsa = self._tsa
        assert tsa is not None
        note = await hub.read(hub.store.checkpoint)
        size = Checkpoint.parse(Note.parse(note).text).size
        if size == stamps.last_size:
            return
        digest = self._app.digest_of_note(note)

        def ask() -> float:
            token = request_timestamp(tsa, digest, budget_s=budget_s)
            moment = verify_timestamp(token, digest, hub.trust)
            hub.store.add_timestamp(size, token)
            return moment.timestamp()

        try:
            stamps.last_s = await hub.apart(ask)
        except LienthongError as error:
            if stamps.problem != error.detail:
                log.warning("time-stamp", problem=error.detail, code=error.code)
            stamps.problem = error.detail
        else:
            stamps.last_size, stamps.problem = size, ""

    async def _ask_ocsp(self) -> None:
        """Have the answers about every agency's seal at hand before a message needs them."""
        hub = self._app.hub
        now = datetime.fromtimestamp(hub.clock(), UTC)
        try:
            agencies = hub.directory().agencies.values()
        except LienthongError:
            return
        wanted = [(seal.der, Profile.SEAL) for agency in agencies for seal in agency.seals]
        wanted += [(one.der, Profile.TLS_CLIENT) for agency in agencies for one in agency.tls]
        await hub.apart(hub.trust.prefetch, wanted, at=now)


async def _repeat(every_s: float, chore: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await chore()
        except Exception as fault:
            log.exception("upkeep", chore=chore.__name__, kind=type(fault).__name__)
        await asyncio.sleep(every_s)
