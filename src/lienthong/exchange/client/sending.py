"""Sending: seal once, keep, then try until there is a receipt that holds."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from lienthong.core.clock import VIETNAM, Clock
from lienthong.core.errors import LienthongError
from lienthong.exchange.client.build import completed
from lienthong.exchange.client.directory_copy import DirectoryCopy, encryption_certificates
from lienthong.exchange.client.errors import EvidenceMismatch, HubRefused, HubUnreachable
from lienthong.exchange.client.outbox import LARGE, Outbox, OutboxRow, Outgoing, pause_ms
from lienthong.exchange.client.problems import Problem
from lienthong.exchange.client.profile import AgencyProfile
from lienthong.exchange.client.receipt import check_receipt
from lienthong.exchange.client.session import Session
from lienthong.exchange.client.steps import Answer, Call, Steps, work
from lienthong.exchange.container import File, build
from lienthong.exchange.edxml.model import BusinessType, Document, Message, Reference, Status
from lienthong.exchange.edxml.rules import require_valid
from lienthong.exchange.store.crashpoints import crashpoint
from lienthong.registry.directory import Directory
from lienthong.trust.asic import MIMETYPE
from lienthong.trust.log.notes import NoteKey

POINTS: Final = (
    "client.built",
    "client.enqueued",
    "client.sending",
    "client.answered",
    "client.receipted",
    "client.fetched",
    "client.receipt-kept",
    "client.kept",
)
"""Every crash point of the client."""

URGENT = 3


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one round through the outbox came to. ``problem``: why it stopped before everything was tried."""

    sent: int = 0
    refused: int = 0
    postponed: int = 0
    problem: LienthongError | None = None


class Sending:
    """The outgoing half of a client."""

    def __init__(
        self,
        profile: AgencyProfile,
        outbox: Outbox,
        session: Session,
        directory: DirectoryCopy,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._profile = profile
        self._outbox = outbox
        self._session = session
        self._directory = directory
        self._clock = clock
        self._jitter = jitter
        self._log_key = NoteKey.parse(profile.checkpoint_key)

    def send(
        self,
        message: Message,
        files: Sequence[File] = (),
        *,
        seal: bool = False,
        message_id: str | None = None,
    ) -> Steps[OutboxRow]:
        """Seal ``message`` with ``files`` into a container, keep it in the outbox, and try to deliver.

        ``seal``: encrypt the files end to end to the recipients. ``message_id``: the sender's id for this
        message; what was kept under it before is delivered instead of being built again. Answers the row:
        ``sent`` with its receipt, ``queued`` when the hub could not be reached (it will be tried again by
        any later :meth:`deliver`), ``refused`` with the reason.
        """
        row = yield from self.enqueue(message, files, seal=seal, message_id=message_id)
        if row.state == "queued":
            yield from self.deliver()
        return (yield from work(lambda: self._require(row.message_id)))

    def enqueue(
        self,
        message: Message,
        files: Sequence[File] = (),
        *,
        seal: bool = False,
        message_id: str | None = None,
    ) -> Steps[OutboxRow]:
        """The same without trying: when this returns, the message is on the disk."""
        if message_id is not None:
            kept = yield from work(lambda: self._outbox.get(message_id))
            if kept is not None:
                return kept
        directory = (yield from self._directory.current()) if seal else None
        return (yield from work(lambda: self._keep([self._made(message, files, message_id, directory)])[0]))

    def enqueue_statuses(self, statuses: Sequence[Status]) -> Steps[list[OutboxRow]]:
        """Keep several statuses with one sync; those whose id is kept already stay as they are."""
        return (yield from work(lambda: self._keep_new(statuses)))

    def deliver(self) -> Steps[Delivered]:
        """Try everything that is due, urgent first. Stops where trying on is of no use now: no connection,
        no session, a hub that asks to wait.
        """
        sent = refused = postponed = 0
        tried: set[str] = set()
        while True:
            due = yield from work(lambda: self._outbox.due(self._now_ms()))
            rows = [row for row in due if row.message_id not in tried]
            if not rows:
                return Delivered(sent, refused, postponed)
            for row in rows:
                tried.add(row.message_id)
                try:
                    yield from self._attempt(row)
                    sent += 1
                except HubRefused as problem:
                    if problem.for_good:
                        yield from work(lambda p=problem, r=row: self._refuse(r, p))  # type: ignore[misc]
                        refused += 1
                        continue
                    yield from work(lambda p=problem, r=row: self._postpone(r, p))  # type: ignore[misc]
                    postponed += 1
                    if problem.status in (401, 429, 503):
                        return Delivered(sent, refused, postponed, problem)
                except EvidenceMismatch as problem:
                    yield from work(lambda p=problem, r=row: self._postpone(r, p))  # type: ignore[misc]
                    postponed += 1
                except HubUnreachable as problem:
                    yield from work(lambda p=problem, r=row: self._postpone(r, p))  # type: ignore[misc]
                    return Delivered(sent, refused, postponed + 1, problem)

    def _attempt(self, row: OutboxRow) -> Steps[None]:
        container = yield from work(lambda: self._outbox.container(row))
        crashpoint("client.sending")
        answer: Answer = yield from self._session.call(
            Call("POST", "/v1/messages", body=container, media_type=MIMETYPE, patience_s=300)
        )
        crashpoint("client.answered")
        yield from work(lambda: self._receipted(row, answer.body))

    def _receipted(self, row: OutboxRow, raw: bytes) -> None:
        receipt = check_receipt(
            raw, self._log_key, digest=row.digest, message_id=row.message_id, sender=self._profile.code
        )
        self._outbox.mark_sent(row.message_id, index=receipt.index, receipt=raw, now_ms=self._now_ms())
        crashpoint("client.receipted")

    def _keep_new(self, statuses: Sequence[Status]) -> list[OutboxRow]:
        made = {status.message_id or "": status for status in statuses}
        fresh = [status for name, status in made.items() if self._outbox.get(name) is None]
        if fresh:
            self._keep([self._made(status, (), None, None) for status in fresh])
        return [self._require(name) for name in made]

    def _keep(self, made: list[Outgoing]) -> list[OutboxRow]:
        crashpoint("client.built")
        self._outbox.enqueue(made, self._now_ms())
        crashpoint("client.enqueued")
        return [self._require(one.message_id) for one in made]

    def _require(self, message_id: str) -> OutboxRow:
        row = self._outbox.get(message_id)
        assert row is not None
        return row

    def _made(
        self, message: Message, files: Sequence[File], message_id: str | None, directory: Directory | None
    ) -> Outgoing:
        now = self._clock()
        if isinstance(message, Document):
            message = completed(message, self._profile, message_id=message_id, now=now)
        name = message.message_id
        assert name is not None
        today = now.astimezone(VIETNAM).date()
        require_valid(_with_references(message, files), today=today)
        large = sum(_size(file) for file in files) >= LARGE
        out = self._large_place(name) if large else None
        seal_for = (
            encryption_certificates(
                directory,
                sender=self._profile.code,
                to=[organ.organ_id for organ in message.recipients],
                on=today,
            )
            if directory is not None and isinstance(message, Document)
            else ()
        )
        made = build(message, files, self._profile.seal, out=out, seal_for=seal_for, signing_time=now)
        container: bytes | Path = out if made is None and out is not None else made or b""
        size, digest = _measure(container)
        return Outgoing(
            message_id=name,
            kind="status" if isinstance(message, Status) else "document",
            chain=_chain(message),
            container=container,
            size=size,
            digest=digest,
            urgent=isinstance(message, Document) and message.priority >= URGENT,
            summary=_summary(message),
        )

    def _large_place(self, message_id: str) -> Path:
        self._outbox.folder.mkdir(parents=True, exist_ok=True)
        return self._outbox.folder / f".{message_id}.building"

    def _refuse(self, row: OutboxRow, problem: HubRefused) -> None:
        self._outbox.mark_refused(row.message_id, Problem.of(problem), self._now_ms())

    def _postpone(self, row: OutboxRow, problem: LienthongError) -> None:
        pause = pause_ms(row.attempts + 1, self._jitter())
        if isinstance(problem, HubRefused) and problem.retry_after_s is not None:
            pause = max(pause, problem.retry_after_s * 1000)
        self._outbox.postpone(row.message_id, Problem.of(problem), due_ms=self._now_ms() + pause)

    def _now_ms(self) -> int:
        return int(self._clock().timestamp() * 1000)


def _with_references(message: Message, files: Sequence[File]) -> Message:
    """The message as it will be judged by the hub, with a reference for each file."""
    if isinstance(message, Status):
        return message
    references = tuple(Reference(file.name, file.media_type, file.name, file.description) for file in files)
    return replace(message, references=references)


def _size(file: File) -> int:
    return file.data.stat().st_size if isinstance(file.data, Path) else len(file.data)


def _chain(message: Message) -> str:
    if isinstance(message, Status):
        return message.response_for.document_id
    if message.business.type is BusinessType.REPLACE:
        return message.business.replacements[0].document_id
    return message.business.document_id or message.document_id


def _summary(message: Message) -> dict[str, object]:
    if isinstance(message, Status):
        return {
            "status": message.status_code,
            "about": message.response_for.document_id,
            "description": message.description,
        }
    return {
        "subject": message.subject,
        "code": str(message.code),
        "type": message.type.name,
        "document_id": message.document_id,
        "to": [organ.organ_id for organ in message.recipients],
        "business": int(message.business.type),
    }


def _measure(container: bytes | Path) -> tuple[int, bytes]:
    if isinstance(container, bytes):
        return len(container), sha256(container).digest()
    digest, size = sha256(), 0
    with container.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.digest()
