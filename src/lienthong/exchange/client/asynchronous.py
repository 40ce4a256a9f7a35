"""``AsyncClient``: the SDK for programs that do many things at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from lienthong.core.clock import Clock, utc_now
from lienthong.exchange.client.answers import InboxPage, SentRecord, TraceView
from lienthong.exchange.client.desk import Desk
from lienthong.exchange.client.directory_copy import DirectoryCopy
from lienthong.exchange.client.http import AsyncWire
from lienthong.exchange.client.inquiries import LogState
from lienthong.exchange.client.outbox import OutboxRow
from lienthong.exchange.client.profile import AgencyProfile, load_profile
from lienthong.exchange.client.receipt import Receipt
from lienthong.exchange.client.receiving import Received
from lienthong.exchange.client.sending import Delivered
from lienthong.exchange.client.steps import Call, Effect, Steps, Work
from lienthong.exchange.container import File
from lienthong.exchange.edxml.model import Document, Message
from lienthong.registry.directory import Directory
from lienthong.trust.certificates import TrustStore

T = TypeVar("T")


class AsyncClient:
    """The same verbs as ``Client``, awaited; what blocks (disk, cryptography) runs in worker threads.

    ``wire``, ``trust`` and ``directory`` may be shared by the clients of one process that have one hub.
    """

    def __init__(
        self,
        profile: AgencyProfile | Path,
        *,
        clock: Clock = utc_now,
        wire: AsyncWire | None = None,
        trust: TrustStore | None = None,
        directory: DirectoryCopy | None = None,
    ) -> None:
        self.profile = load_profile(profile) if isinstance(profile, Path) else profile
        self.desk = Desk(self.profile, clock=clock, trust=trust, directory=directory)
        self._wire = wire
        self._own_wire = wire is None

    async def send(
        self,
        message: Message,
        files: Sequence[File] = (),
        *,
        seal: bool = False,
        message_id: str | None = None,
    ) -> OutboxRow:
        return await self.run(self.desk.sending.send(message, files, seal=seal, message_id=message_id))

    async def enqueue(
        self,
        message: Message,
        files: Sequence[File] = (),
        *,
        seal: bool = False,
        message_id: str | None = None,
    ) -> OutboxRow:
        return await self.run(self.desk.sending.enqueue(message, files, seal=seal, message_id=message_id))

    async def deliver(self) -> Delivered:
        return await self.run(self.desk.sending.deliver())

    async def inbox(
        self,
        *,
        after: int = -1,
        limit: int = 100,
        pending: bool = False,
        lane: str | None = None,
        wait_s: int = 0,
    ) -> InboxPage:
        return await self.run(
            self.desk.receiving.inbox(after=after, limit=limit, pending=pending, lane=lane, wait_s=wait_s)
        )

    async def fetch(self, index: int) -> Received:
        return await self.run(self.desk.receiving.fetch(index))

    async def kept(self, index: int) -> Received:
        return await self.run(self.desk.receiving.kept(index))

    async def extract(self, received: Received, folder: Path) -> list[Path]:
        return await asyncio.to_thread(received.extract, folder, self.profile)

    async def acknowledge(self, indexes: Sequence[int], *, staff: str = "") -> list[int]:
        return await self.run(self.desk.receiving.acknowledge(indexes, staff=staff))

    async def report(
        self,
        about: int | Received,
        code: str,
        *,
        description: str = "",
        staff: str = "",
        message_id: str | None = None,
    ) -> OutboxRow:
        return await self.run(
            self.desk.report(about, code, description=description, staff=staff, message_id=message_id)
        )

    async def recall(
        self, index: int, *, reason: str, staff: str = "", message_id: str | None = None
    ) -> OutboxRow:
        return await self.run(self.desk.recall(index, reason=reason, staff=staff, message_id=message_id))

    async def update(
        self,
        index: int,
        files: Sequence[File],
        *,
        reason: str,
        changed: Document | None = None,
        seal: bool = False,
        message_id: str | None = None,
    ) -> OutboxRow:
        return await self.run(
            self.desk.update(
                index, list(files), reason=reason, changed=changed, seal=seal, message_id=message_id
            )
        )

    async def replace(
        self,
        index: int,
        successor: Document,
        files: Sequence[File],
        *,
        reason: str,
        seal: bool = False,
        message_id: str | None = None,
    ) -> OutboxRow:
        return await self.run(
            self.desk.replace(index, successor, list(files), reason=reason, seal=seal, message_id=message_id)
        )

    async def trace(self, index: int) -> TraceView:
        return await self.run(self.desk.inquiries.trace(index))

    async def sent(self, *, before: int | None = None, limit: int = 100) -> tuple[SentRecord, ...]:
        return await self.run(self.desk.inquiries.sent(before=before, limit=limit))

    async def find(self, message_id: str) -> SentRecord:
        return await self.run(self.desk.inquiries.find(message_id))

    async def receipt(self, index: int) -> Receipt:
        return await self.run(self.desk.inquiries.receipt(index))

    async def agencies(self, text: str = "") -> list[Mapping[str, Any]]:
        return await self.run(self.desk.inquiries.agencies(text))

    async def directory(self) -> Directory:
        return await self.run(self.desk.directory.current())

    async def check_log(self) -> LogState:
        return await self.run(self.desk.inquiries.check_log())

    async def run(self, steps: Steps[T]) -> T:
        """Perform steps to their end."""
        try:
            effect = next(steps)
            while True:
                try:
                    result = await self._perform(effect)
                except BaseException as error:
                    effect = steps.throw(error)
                else:
                    effect = steps.send(result)
        except StopIteration as end:
            value: T = end.value
            return value

    async def _perform(self, effect: Effect) -> Any:
        if isinstance(effect, Call):
            if self._wire is None:
                self._wire = AsyncWire(self.profile)
            return await self._wire.perform(effect)
        if isinstance(effect, Work):
            return await asyncio.to_thread(effect.run)
        await asyncio.sleep(effect.seconds)
        return None

    async def aclose(self) -> None:
        if self._wire is not None and self._own_wire:
            await self._wire.aclose()
        self.desk.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
