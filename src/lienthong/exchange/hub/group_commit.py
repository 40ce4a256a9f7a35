"""Group commit: one writer thread takes what has queued; one transaction, one sync, one signature a batch.

The event loop's thread owns the queue and assembles each batch, so nothing is locked: a batch crosses to
the writer once, and its outcomes come back with one ``call_soon_threadsafe``.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from time import perf_counter
from typing import Any, NamedTuple

from lienthong.core.errors import LienthongError
from lienthong.exchange.errors import Unavailable
from lienthong.exchange.hub.fairness import FairQueue
from lienthong.exchange.hub.quotas import QuotaUsedUp
from lienthong.exchange.store.errors import StoreFailed
from lienthong.exchange.store.protocol import Accepted, Outcome, SpooledPayload, Store, Submission


class QueueFull(Unavailable):
    """More is waiting than the hub may hold."""

    code = "queue-full"


class Settled(NamedTuple):
    """What became of a submission. ``receipt`` is empty when it was refused."""

    outcome: Outcome
    receipt: bytes


class _Job:
    __slots__ = ("future", "submission")

    def __init__(self, submission: Submission, future: asyncio.Future[Any]) -> None:
        self.submission = submission
        self.future = future


@dataclass(slots=True)
class CommitFigures:
    """Counts since the start, for metrics and health. Written by the event loop's thread only."""

    batches: int = 0
    records: int = 0
    seconds: float = 0.0
    failures: int = 0
    last_failure: str = ""
    failing: bool = False


Settle = Callable[[Submission, Outcome], None]
STEP_S = 0.002


class GroupCommit:
    """The accept queue and its writer. Call everything from the event loop's thread.

    ``clock_ms`` answers Unix milliseconds; what reaches the store never goes back. ``in_house`` answers how
    many submissions are on their way, those handed over included: while more of them keep coming, or
    ``coming`` says that some will any moment, the writer lingers in steps of :data:`STEP_S`, at most
    ``linger_s``, so that they share its sync.
    ``on_settled`` is called for each outcome before its waiter resumes.
    """

    def __init__(
        self,
        store: Store,
        loop: asyncio.AbstractEventLoop,
        *,
        clock_ms: Callable[[], int],
        on_settled: Settle,
        in_house: Callable[[], int] = lambda: 0,
        coming: Callable[[], bool] = lambda: False,
        batch_records: int = 128,
        batch_bytes: int = 16 * 1024**2,
        queue_records: int = 4096,
        queue_bytes: int = 128 * 1024**2,
        linger_s: float = 0.010,
    ) -> None:
        self.figures = CommitFigures()
        self._store = store
        self._loop = loop
        self._clock_ms = clock_ms
        self._on_settled = on_settled
        self._in_house = in_house
        self._coming = coming
        self._batch_records = batch_records
        self._batch_bytes = batch_bytes
        self._queue_records = queue_records
        self._queue_bytes = queue_bytes
        self._linger_s = linger_s
        self._queue: FairQueue[_Job] = FairQueue()
        self._busy = False
        self._planned: asyncio.Handle | None = None
        self._seen = 0
        self._lately = 0
        self._lingers_until = 0.0
        self._batch_began = 0.0
        self.last_ms = 0
        self._closing: asyncio.Future[None] | None = None
        self._batches: SimpleQueue[list[_Job] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="lienthong-writer", daemon=True)
        self._thread.start()

    @property
    def backlog(self) -> int:
        """Records that wait for the writer."""
        return self._queue.records

    @property
    def full(self) -> bool:
        return self._queue.records >= self._queue_records or self._queue.bytes >= self._queue_bytes

    @property
    def share(self) -> int:
        """Records that one agency may have waiting when it hands over many at once."""
        return max(1, self._queue_records // 4)

    def require_room(self, agency: str, records: int) -> None:
        """Raises unless so many more records of an agency may queue: what it asks for at once must not shut
        the others out.
        """
        waiting = self._queue.of(agency)
        if waiting + records > self.share:
            raise QuotaUsedUp(f"{waiting} records of {agency} wait to be stored already", 1)
        if self.full or self._queue.records + records > self._queue_records:
            raise QueueFull("too many messages wait to be stored", remedy="send again in a few seconds")

    def busy_seconds(self) -> float:
        """How long the batch under way has taken so far, 0 when the writer is idle."""
        return perf_counter() - self._batch_began if self._busy else 0.0

    def submit(self, submission: Submission) -> asyncio.Future[Settled]:
        """Queue a submission. The future fails with :class:`StoreFailed` when its batch was not stored."""
        future: asyncio.Future[Settled] = self._loop.create_future()
        self.submit_for(submission, future)
        return future

    def submit_for(self, submission: Submission, future: asyncio.Future[Any]) -> None:
        """:meth:`submit` for somebody who waits on ``future`` already."""
        if self._closing is not None:
            raise Unavailable("the hub is stopping", code="stopping", remedy="send again in a few seconds")
        if self.full:
            raise QueueFull("too many messages wait to be stored", remedy="send again in a few seconds")
        payload = submission.payload
        size = 0 if isinstance(payload, SpooledPayload) else len(payload)
        self._queue.push(submission.sender, submission.lane, _Job(submission, future), size)
        if not self._busy:
            self._schedule_flush()

    async def close(self) -> None:
        """Refuse what is new, store what has queued, end the writer."""
        if self._closing is None:
            self._closing = self._loop.create_future()
            if not self._busy and not self._queue.records:
                self._closing.set_result(None)
        await asyncio.shield(self._closing)
        self._batches.put(None)
        await self._loop.run_in_executor(None, self._thread.join)

    def _schedule_flush(self) -> None:
        """Write now when nobody else is to be expected; else give the others a moment."""
        waiting = self._queue.records
        alone = waiting >= min(max(self._in_house(), self._lately), self._batch_records)
        planned = self._planned
        if planned is None:
            self._lingers_until = self._loop.time() + self._linger_s
            self._seen = waiting
            self._planned = (
                self._loop.call_soon(self._flush) if alone else self._loop.call_later(STEP_S, self._linger)
            )
        elif alone and isinstance(planned, asyncio.TimerHandle):
            planned.cancel()
            self._planned = self._loop.call_soon(self._flush)

    def _linger(self) -> None:
        waiting = self._queue.records
        idle = waiting == self._seen and not self._coming()
        if idle or self._loop.time() >= self._lingers_until:
            self._flush()
        else:
            self._seen = waiting
            self._planned = self._loop.call_later(STEP_S, self._linger)

    def _flush(self) -> None:
        self._planned = None
        if self._busy or not self._queue.records:
            return
        self._busy = True
        self._batch_began = perf_counter()
        self._batches.put(self._queue.take(self._batch_records, self._batch_bytes))

    def _next(self) -> None:
        if not self._busy and self._queue.records:
            self._schedule_flush()

    def _write(self) -> None:
        """The writer thread."""
        while (batch := self._batches.get()) is not None:
            result: list[Settled] | Exception
            try:
                result = self._commit([job.submission for job in batch])
            except Exception as error:
                result = error
            self._loop.call_soon_threadsafe(self._settle, batch, result)

    def _commit(self, submissions: Sequence[Submission]) -> list[Settled]:
        self.last_ms = max(self.last_ms, self._clock_ms())
        outcomes = self._store.commit(submissions, self.last_ms)
        accepted = [outcome.index for outcome in outcomes if isinstance(outcome, Accepted)]
        receipts = iter(self._store.receipts(accepted))
        return [
            Settled(outcome, next(receipts) if isinstance(outcome, Accepted) else b"") for outcome in outcomes
        ]

    def _settle(self, batch: list[_Job], result: list[Settled] | Exception) -> None:
        self._busy = False
        self._lately = len(batch) + self._queue.records
        figures = self.figures
        figures.batches += 1
        figures.seconds += perf_counter() - self._batch_began
        if isinstance(result, Exception):
            figures.failures += 1
            figures.failing = True
            figures.last_failure = f"{type(result).__name__}: {result}"
            for job in batch:
                if not job.future.done():
                    job.future.set_exception(_store_failed(result))
        else:
            figures.failing = False
            figures.records += len(batch)
            on_settled = self._on_settled
            for job, settled in zip(batch, result, strict=True):
                on_settled(job.submission, settled.outcome)
                if not job.future.done():
                    job.future.set_result(settled)
        if self._queue.records:
            # After those who were just told have left, so that they are not waited for.
            self._loop.call_soon(self._next)
        elif self._closing is not None and not self._closing.done():
            self._closing.set_result(None)


def _store_failed(cause: Exception) -> LienthongError:
    """The store's own reason (no room, read-only …) where it gave one."""
    if isinstance(cause, LienthongError):
        return cause
    failed = StoreFailed(
        "the message could not be made durable and was not accepted",
        remedy="send it again with the same message id; the operator finds the cause with lienthong doctor",
    )
    failed.__cause__ = cause
    return failed
