"""``Client``: the SDK for programs that do one thing after the other."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from lienthong.core.clock import Clock, utc_now
from lienthong.exchange.client.answers import InboxPage, SentRecord, TraceView
from lienthong.exchange.client.desk import Desk
from lienthong.exchange.client.http import Wire
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

T = TypeVar("T")


class Client:
    """One agency at its hub. Each verb is described at the step of the same name (``desk.py``,
    ``sending.py``, ``receiving.py``, ``inquiries.py``). Not for several threads at once.
    """

    def __init__(self, profile: AgencyProfile | Path, *, clock: Clock = utc_now) -> None:
        self.profile = load_profile(profile) if isinstance(profile, Path) else profile
        self.desk = Desk(self.profile, clock=clock)
        self._wire: Wire | None = None

    def send(
        self,
        message: Message,
        files: Sequence[File] = (),
        *,
        seal: bool = False,
        message_id: str | None = None,
    ) -> OutboxRow:
        return self.run(self.desk.sending.send(message, files, seal=seal, message_id=message_id))

    def enqueue(
        self,
        message: Message,
        files: Sequence[File] = (),
        *,
        seal: bool = False,
        message_id: str | None = None,
    ) -> OutboxRow:
        return self.run(self.desk.sending.enqueue(message, files, seal=seal, message_id=message_id))

    def deliver(self) -> Delivered:
        return self.run(self.desk.sending.deliver())

    def inbox(
        self,
        *,
        after: int = -1,
        limit: int = 100,
        pending: bool = False,
        lane: str | None = None,
        wait_s: int = 0,
    ) -> InboxPage:
        return self.run(
            self.desk.receiving.inbox(after=after, limit=limit, pending=pending, lane=lane, wait_s=wait_s)
        )

    def fetch(self, index: int) -> Received:
        return self.run(self.desk.receiving.fetch(index))

    def kept(self, index: int) -> Received:
        return self.run(self.desk.receiving.kept(index))

    def extract(self, received: Received, folder: Path) -> list[Path]:
        return received.extract(folder, self.profile)

    def acknowledge(self, indexes: Sequence[int], *, staff: str = "") -> list[int]:
        return self.run(self.desk.receiving.acknowledge(indexes, staff=staff))

    def report(
        self,
        about: int | Received,
        code: str,
        *,
        description: str = "",
        staff: str = "",
        message_id: str | None = None,
    ) -> OutboxRow:
        return self.run(
            self.desk.report(about, code, description=description, staff=staff, message_id=message_id)
        )

    def recall(self, index: int, *, reason: str, staff: str = "", message_id: str | None = None) -> OutboxRow:
        return self.run(self.desk.recall(index, reason=reason, staff=staff, message_id=message_id))

    def update(
        self,
        index: int,
        files: Sequence[File],
        *,
        reason: str,
        changed: Document | None = None,
        seal: bool = False,
        message_id: str | None = None,
    ) -> OutboxRow:
        return self.run(
            self.desk.update(
                index, list(files), reason=reason, changed=changed, seal=seal, message_id=message_id
            )
        )

    def replace(
        self,
        index: int,
        successor: Document,
        files: Sequence[File],
        *,
        reason: str,
        seal: bool = False,
        message_id: str | None = None,
    ) -> OutboxRow:
        return self.run(
            self.desk.replace(index, successor, list(files), reason=reason, seal=seal, message_id=message_id)
        )

    def trace(self, index: int) -> TraceView:
        return self.run(self.desk.inquiries.trace(index))

    def sent(self, *, before: int | None = None, limit: int = 100) -> tuple[SentRecord, ...]:
        return self.run(self.desk.inquiries.sent(before=before, limit=limit))

    def find(self, message_id: str) -> SentRecord:
        return self.run(self.desk.inquiries.find(message_id))

    def receipt(self, index: int) -> Receipt:
        return self.run(self.desk.inquiries.receipt(index))

    def agencies(self, text: str = "") -> list[Mapping[str, Any]]:
        return self.run(self.desk.inquiries.agencies(text))

    def directory(self) -> Directory:
        return self.run(self.desk.directory.current())

    def check_log(self) -> LogState:
        return self.run(self.desk.inquiries.check_log())

    def run(self, steps: Steps[T]) -> T:
        """Perform steps to their end."""
        try:
            effect = next(steps)
            while True:
                try:
                    result = self._perform(effect)
                except BaseException as error:
                    effect = steps.throw(error)
                else:
                    effect = steps.send(result)
        except StopIteration as end:
            value: T = end.value
            return value

    def _perform(self, effect: Effect) -> Any:
        if isinstance(effect, Call):
            if self._wire is None:
                self._wire = Wire(self.profile)
            return self._wire.perform(effect)
        if isinstance(effect, Work):
            return effect.run()
        time.sleep(effect.seconds)
        return None

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self.desk.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
