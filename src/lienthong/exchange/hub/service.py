"""The hub: directory, trust and store joined; one place that knows whether messages can be accepted now."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from time import monotonic, time
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from lienthong.core.errors import LienthongError
from lienthong.exchange.configuration import Configuration
from lienthong.exchange.container import Opened
from lienthong.exchange.edxml.envelope import Envelope
from lienthong.exchange.errors import NotFound, Unavailable
from lienthong.exchange.hub.acceptance import (
    TAKE_BACK,
    Acceptance,
    Acceptor,
    organ_in,
    subject_of,
    today,
    unknown_subject,
)
from lienthong.exchange.hub.addressing import own_code
from lienthong.exchange.hub.admission import Door
from lienthong.exchange.hub.group_commit import GroupCommit, Settled
from lienthong.exchange.hub.notices import Notices
from lienthong.exchange.hub.opening import Arrival, Opening
from lienthong.exchange.hub.quotas import Quotas, midnight_ms
from lienthong.exchange.hub.refusals import refusal
from lienthong.exchange.store.protocol import (
    Outcome,
    Record,
    RecordKind,
    Refused,
    SpooledPayload,
    Store,
    Submission,
)
from lienthong.registry.directory import Directory
from lienthong.registry.snapshot import DirectoryHolder

if TYPE_CHECKING:
    from lienthong.trust.certificates import TrustStore

P = ParamSpec("P")
T = TypeVar("T")


class ClockBehind(Unavailable):
    """The hub's clock stands before what it already recorded."""

    code = "clock-behind"


@dataclass(slots=True)
class Taken:
    """A message that is durable. ``duplicate``: it already was. ``forwarded``: (organ asked for, successor
    that got it); ``left_out``: locked members of a group, which got nothing.
    """

    index: int
    duplicate: bool
    receipt: bytes
    forwarded: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...]


@dataclass(slots=True)
class HubFigures:
    """Counts since the start. Written by the event loop's thread only."""

    documents: int = 0
    statuses: int = 0
    acknowledgements: int = 0
    duplicates: int = 0
    refused: int = 0
    payload_bytes: int = 0


class Hub:
    """Use from one event loop. ``inline_reads``: the store answers point reads in microseconds, so they run
    on the loop; otherwise they go to a worker thread.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        store: Store,
        holder: DirectoryHolder,
        trust: TrustStore,
        spool: Path,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float] = time,
        inline_reads: bool = True,
    ) -> None:
        limits = configuration.limits
        self.configuration = configuration
        self.store = store
        self.holder = holder
        self.trust = trust
        self.spool = spool
        self.clock = clock
        self.loop = loop
        self.workers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="lienthong-worker")
        self._heavy = ThreadPoolExecutor(max_workers=2, thread_name_prefix="lienthong-heavy")
        self._large = Door(limits.concurrent)
        self.notices = Notices()
        self.door = Door(limits.waiting)
        self.quotas = Quotas()
        self.figures = HubFigures()
        self.acceptor = Acceptor(configuration, trust)
        self.opening: Opening[Settled] = Opening(
            loop, self.acceptor, take_over=self._queue_at_once, in_house=lambda: self.door.inside
        )
        self.started_s = clock()
        self.clock_jump_s = 0.0
        self._inline_reads = inline_reads
        self._clock_offset = clock() - monotonic()
        self._directory: Directory | None = None
        self.directory_problem: LienthongError | None = None
        self._expires_s = 0.0
        self.commit = GroupCommit(
            store,
            loop,
            clock_ms=lambda: int(clock() * 1000),
            on_settled=self._settled,
            in_house=lambda: self.door.inside,
            coming=lambda: self.opening.busy,
            batch_records=limits.batch_records,
            batch_bytes=limits.batch_bytes,
            queue_records=limits.queue_records,
            queue_bytes=limits.queue_bytes,
        )
        self._unsubscribe = store.subscribe(self._inboxes_grew)
        self.take_directory()

    # --- the directory in force

    def directory(self) -> Directory:
        """The directory in force; the reason why there is none, raised."""
        directory = self._directory
        if directory is None or self.clock() >= self._expires_s:
            self.take_directory()
            directory = self._directory
            if directory is None:
                raise self.directory_problem or Unavailable("there is no directory")
        return directory

    def take_directory(self) -> None:
        """Take over what the holder has. :meth:`DirectoryHolder.refresh` runs elsewhere."""
        try:
            directory = self.holder.current()
        except LienthongError as problem:
            self._directory, self.directory_problem = None, problem
        else:
            self._directory, self.directory_problem = directory, None
            self._expires_s = directory.expires_at.timestamp()

    @property
    def version(self) -> int:
        """The version of the directory in force, -1 when there is none."""
        return -1 if self._directory is None else self._directory.version

    def snapshot(self) -> tuple[bytes, int]:
        """The signed bytes of the directory in force and its version."""
        self.directory()
        directory, signed = self.holder.signed()
        return signed, directory.version

    # --- reading

    async def read(self, ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A store read: at once when the store is quick, else in a worker thread."""
        if self._inline_reads:
            return ask(*args, **kwargs)
        return await self.apart(ask, *args, **kwargs)

    def apart(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Anything that takes long, in a worker thread."""
        return self.loop.run_in_executor(self.workers, lambda: work(*args, **kwargs))

    async def party_record(self, agency: str, index: int) -> Record:
        """A record that the agency sent or received; for anybody else it does not exist."""
        record = await self.read(self.store.record, index) if index >= 0 else None
        if record is None or (record.sender != agency and agency not in record.recipients):
            raise NotFound(f"there is no record {index} that {agency} sent or received")
        return record

    # --- accepting

    def require_accepting(self, now_s: float) -> None:
        """:class:`Unavailable` with the reason when nothing can be accepted now. That there is a directory
        was asked at the door.
        """
        if self.commit.full:
            raise Unavailable(
                "too many messages wait to be stored",
                remedy="send again in a few seconds",
                code="queue-full",
            )
        behind_ms = self.commit.last_ms - now_s * 1000
        if behind_ms > self.configuration.clock.jump_s * 1000:
            raise ClockBehind(
                f"the hub's clock stands {behind_ms / 1000:.0f} s before its newest record",
                remedy="the operator sets the clock of the hub's machine",
            )

    async def open_quota(self, agency: str, now_s: float) -> None:
        """Learn from the store what the agency used today, once a day."""
        if not self.quotas.known(agency, now_s):
            _, used = await self.read(self.store.used_since, agency, midnight_ms(now_s))
            self.quotas.open(agency, self.directory().quota(agency), now_s, used)

    async def accept(
        self,
        sender: str,
        directory: Directory,
        payload: bytes | SpooledPayload,
        digest: bytes,
        now_s: float,
    ) -> Taken:
        """Verify, queue, and wait until the message is durable. ``sender``: who is at the door, by
        ``directory``, the one in force.

        A message that was accepted before gets its stored receipt, whatever has changed since. Raises
        what makes it unacceptable.
        """
        opened = refused = None
        if isinstance(payload, bytes):
            arrival = self.opening.open(payload, now_s, sender, directory, digest)
            found = await arrival.future
            if isinstance(found, Settled):
                return _taken(arrival.acceptance, found)
            opened, refused = found, arrival.refusal
        if opened is None:
            opened = await self._open_large(sender, payload, now_s)
        with opened:
            envelope = opened.envelope
            try:
                if refused is not None:
                    raise refused
                subject = None
                if envelope.business or envelope.kind == "status":
                    subject = await self._subject(envelope, sender, directory, now_s)
                acceptance = self.acceptor.accept(opened, payload, digest, sender, directory, subject, now_s)
            except LienthongError:
                earlier = await self._accepted_before(sender, envelope.message_id or "", digest)
                if earlier is None:
                    raise
                return earlier
        return _taken(acceptance, await self.commit.submit(acceptance.submission))

    def _queue_at_once(self, arrival: Arrival[Settled]) -> bool:
        """Judge and queue a document that is about no other, as the last step of opening. Anything else goes
        the way of :meth:`accept`, with the refusal when there is one.
        """
        opened = arrival.opened
        if opened.envelope.business or opened.envelope.kind == "status":
            return False
        try:
            acceptance = arrival.acceptance = self.acceptor.accept(
                opened,
                arrival.payload,
                arrival.digest,
                arrival.sender,
                arrival.directory,
                None,
                arrival.now_s,
            )
            self.commit.submit_for(acceptance.submission, arrival.future)
        except LienthongError as reason:
            arrival.refusal = reason
            return False
        except Exception:  # a fault of ours concerns this message alone, which meets it again
            return False
        return True

    async def _open_large(self, sender: str, payload: bytes | SpooledPayload, now_s: float) -> Opened:
        """In a worker thread, one of an agency at a time: reading a gigabyte takes seconds."""
        source = payload if isinstance(payload, bytes) else payload.path
        await self._large.enter(sender, 1)
        try:
            return await self.loop.run_in_executor(self._heavy, self.acceptor.open, source, now_s)
        finally:
            self._large.leave(sender)

    async def acknowledge(self, agency: str, indexes: list[int], staff: str) -> list[int]:
        """Take rows from the agency's inbox: each becomes a record of the log, once. Answers those taken, now
        or before. :class:`NotFound` names those that are not in the inbox; the others are taken.
        :class:`QuotaUsedUp` while too many of the agency's records wait; nothing is taken then, or, of more
        than its share of the queue, some: ask for all of them again.
        """
        rows = await self.apart(_inbox_rows, self.store, agency, indexes)
        fresh = [index for index in dict.fromkeys(indexes) if rows.get(index, True) is False]
        share = self.commit.share
        for start in range(0, len(fresh), share):
            some = fresh[start : start + share]
            self.commit.require_room(agency, len(some))
            await asyncio.gather(
                *(self.commit.submit(_acknowledgement(agency, index, staff)) for index in some)
            )
        missing = [str(index) for index in indexes if index not in rows]
        if missing:
            raise NotFound(f"not in the inbox of {agency}: {', '.join(missing)}", place="indexes")
        return indexes

    async def _subject(self, envelope: Envelope, sender: str, directory: Directory, now_s: float) -> Record:
        """The document that a message is about, which the sender sent or received."""
        document_id, organ = subject_of(envelope)
        organ = organ or organ_in(document_id)
        author = own_code(directory, organ, today(now_s)) if organ else None
        if organ and author is None:
            raise unknown_subject(envelope, document_id)
        if envelope.kind == "document" or envelope.status_code == TAKE_BACK:
            author = sender
        recipient = None if author == sender else sender
        found = await self.read(self.store.find_document, document_id, author, recipient)
        if found is None or (found.sender != sender and sender not in found.recipients):
            raise unknown_subject(envelope, document_id)
        return found

    async def _accepted_before(self, sender: str, message_id: str, digest: bytes) -> Taken | None:
        earlier = await self.read(self.store.find, sender, message_id)
        if earlier is None or earlier.digest != digest:
            return None
        receipt = await self.read(self.store.receipt, earlier.index)
        self.figures.duplicates += 1
        return Taken(earlier.index, True, receipt, earlier.forwarded, ())

    def _inboxes_grew(self, agencies: frozenset[str]) -> None:
        """On a thread of the store. Who begins to wait after this look reads its inbox after it, too."""
        if not self.notices.somebody:
            return
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            self.loop.call_soon_threadsafe(self.notices.announce, agencies)

    def _settled(self, submission: Submission, outcome: Outcome) -> None:
        figures = self.figures
        if isinstance(outcome, Refused):
            figures.refused += 1
        elif outcome.duplicate:
            figures.duplicates += 1
        elif submission.kind is RecordKind.ACKNOWLEDGEMENT:
            figures.acknowledgements += 1
        else:
            if submission.kind is RecordKind.DOCUMENT:
                figures.documents += 1
            else:
                figures.statuses += 1
            payload = submission.payload
            figures.payload_bytes += len(payload) if isinstance(payload, bytes) else payload.size

    # --- life

    def look_at_the_clock(self) -> float:
        """How far the wall clock has jumped against the monotonic one since it was last looked at, in
        seconds; 0 within the tolerance.
        """
        offset = self.clock() - monotonic()
        jump = offset - self._clock_offset
        self._clock_offset = offset
        self.clock_jump_s = jump if abs(jump) > self.configuration.clock.jump_s else 0.0
        return self.clock_jump_s

    async def close(self) -> None:
        """Answer who waits, store what has queued, close the store."""
        self.notices.close()
        await self.commit.close()
        self._unsubscribe()
        await self.apart(self.store.close)
        self.workers.shutdown(wait=True)
        self._heavy.shutdown(wait=True)


def _taken(acceptance: Acceptance, settled: Settled) -> Taken:
    """Raises why the store refused it."""
    outcome = settled.outcome
    if isinstance(outcome, Refused):
        raise refusal(outcome)
    forwarded = _forwarded(settled.receipt) if outcome.duplicate else acceptance.submission.forwarded
    return Taken(outcome.index, outcome.duplicate, settled.receipt, forwarded, acceptance.left_out)


def _forwarded(receipt: bytes) -> tuple[tuple[str, str], ...]:
    pairs = json.loads(receipt)["leaf"].get("forwarded", ())
    return tuple((asked, heir) for asked, heir in pairs)


def _inbox_rows(store: Store, agency: str, indexes: list[int]) -> dict[int, bool]:
    """Those of the indexes that are in the agency's inbox, and whether each is acknowledged. Read in pages
    that grow while what is asked for stands close together.
    """
    wanted = set(indexes)
    rows: dict[int, bool] = {}
    seen, limit = -1, 64
    for index in sorted(wanted):
        if index <= seen:
            continue
        page = store.inbox(agency, after=index - 1, limit=limit)
        found = {one.index: one.acknowledged_ms is not None for one in page if one.index in wanted}
        rows |= found
        seen = page[-1].index if len(page) == limit else _LAST
        limit = min(max(1, 2 * len(found)), 256)
    return rows


_LAST = 2**63 - 1


def _acknowledgement(agency: str, index: int, staff: str) -> Submission:
    """The nonce is in the leaf: the hashes of the log are public, and without it who took what and when
    could be tried out. The store takes a row once, under whatever id.
    """
    return Submission(
        RecordKind.ACKNOWLEDGEMENT,
        agency,
        f"acknowledgement/{index}/{token_hex(16)}",
        sha256(f"{agency}:{index}".encode()).digest(),
        b"",
        (),
        subject=index,
        summary=json.dumps({"staff": staff}, ensure_ascii=False).encode() if staff else b"{}",
        staff=staff,
    )
