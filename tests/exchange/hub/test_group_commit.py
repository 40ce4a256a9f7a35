"""Group commit: what queued shares one sync; a failure acknowledges nothing; a stop loses nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest

from lienthong.exchange.errors import Unavailable
from lienthong.exchange.hub.group_commit import GroupCommit, QueueFull
from lienthong.exchange.store.errors import DiskFull, StoreFailed
from lienthong.exchange.store.protocol import (
    Accepted,
    Lane,
    Outcome,
    RecordKind,
    Refused,
    Submission,
)


class ListStore:
    """The writer's side of the store protocol over a list, held up at a gate when asked to."""

    def __init__(self) -> None:
        self.batches: list[list[Submission]] = []
        self.times: list[int] = []
        self.threads: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.fail: Exception | None = None

    def commit(self, batch: Sequence[Submission], now_ms: int) -> list[Outcome]:
        self.entered.set()
        self.gate.wait()
        if self.fail is not None:
            raise self.fail
        self.threads.add(threading.current_thread().name)
        self.times.append(now_ms)
        self.batches.append(list(batch))
        first = sum(len(each) for each in self.batches[:-1])
        return [
            Refused("message-id-conflict", "another content")
            if one.message_id == "conflict"
            else Accepted(first + at)
            for at, one in enumerate(batch)
        ]

    def receipts(self, indexes: Sequence[int]) -> list[bytes]:
        return [b"receipt %d" % index for index in indexes]


def submission(sender: str, message_id: str, lane: Lane = Lane.NORMAL, size: int = 3) -> Submission:
    payload = b"x" * size
    return Submission(
        RecordKind.DOCUMENT, sender, message_id, sha256(payload).digest(), payload, ("B",), lane=lane
    )


Build = Callable[..., GroupCommit]


@pytest.fixture
def store() -> ListStore:
    return ListStore()


def start(store: ListStore, **settings: object) -> GroupCommit:
    options: dict[str, object] = {"clock_ms": lambda: 1_000, "on_settled": lambda one, outcome: None}
    return GroupCommit(store, asyncio.get_running_loop(), **{**options, **settings})  # type: ignore[arg-type]


async def until(event: threading.Event) -> None:
    await asyncio.get_running_loop().run_in_executor(None, event.wait)


def test_what_queues_during_a_commit_shares_the_next_one(store: ListStore) -> None:
    async def scene() -> None:
        commit = start(store)
        store.gate.clear()
        first = commit.submit(submission("A", "1"))
        await until(store.entered)
        others = [commit.submit(submission("A", str(n))) for n in range(2, 8)]
        store.gate.set()
        settled = await asyncio.gather(first, *others)
        await commit.close()

        assert [len(batch) for batch in store.batches] == [1, 6]
        assert settled[3].receipt == b"receipt 3"
        assert len(store.threads) == 1
        assert (commit.figures.batches, commit.figures.records) == (2, 7)

    asyncio.run(scene())


def test_the_writer_lingers_for_those_who_are_in_the_house(store: ListStore) -> None:
    async def scene() -> None:
        commit = start(store, in_house=lambda: 3, linger_s=30.0)
        waiting = [commit.submit(submission("A", "1")), commit.submit(submission("A", "2"))]
        for _ in range(5):
            await asyncio.sleep(0)
        assert not store.entered.is_set()
        waiting.append(commit.submit(submission("A", "3")))
        await asyncio.gather(*waiting)
        await commit.close()

        assert [len(batch) for batch in store.batches] == [3]

    asyncio.run(scene())


def test_a_refusal_concerns_its_own_message_only(store: ListStore) -> None:
    async def scene() -> None:
        settled_with = []
        commit = start(store, on_settled=lambda one, outcome: settled_with.append((one.message_id, outcome)))
        good, bad = commit.submit(submission("A", "1")), commit.submit(submission("A", "conflict"))
        assert (await good).outcome == Accepted(0)
        refused = await bad
        await commit.close()

        assert isinstance(refused.outcome, Refused)
        assert refused.receipt == b""
        assert [name for name, _ in settled_with] == ["1", "conflict"]

    asyncio.run(scene())


def test_when_the_store_fails_nobody_is_told_accepted_and_the_next_batch_is_tried(store: ListStore) -> None:
    async def scene() -> None:
        commit = start(store)
        store.fail = OSError(28, "No space left on device")
        lost = [commit.submit(submission("A", str(n))) for n in range(3)]
        for future in lost:
            with pytest.raises(StoreFailed) as failed:
                await future
            assert isinstance(failed.value.__cause__, OSError)
        assert commit.figures.failing
        assert "No space left" in commit.figures.last_failure

        store.fail = None
        assert (await commit.submit(submission("A", "9"))).outcome == Accepted(0)
        assert not commit.figures.failing
        await commit.close()

    asyncio.run(scene())


def test_the_store_s_own_reason_reaches_whoever_waits(store: ListStore) -> None:
    async def scene() -> None:
        commit = start(store)
        store.fail = DiskFull("there is no room in hub/")
        with pytest.raises(DiskFull):
            await commit.submit(submission("A", "1"))
        await commit.close()

    asyncio.run(scene())


def test_a_full_queue_refuses_instead_of_growing(store: ListStore) -> None:
    async def scene() -> None:
        commit = start(store, queue_records=2)
        store.gate.clear()
        first = commit.submit(submission("A", "1"))
        await until(store.entered)
        waiting = [commit.submit(submission("A", "2")), commit.submit(submission("A", "3"))]
        assert commit.full
        with pytest.raises(QueueFull):
            commit.submit(submission("A", "4"))
        store.gate.set()
        await asyncio.gather(first, *waiting)
        await commit.close()

    asyncio.run(scene())


def test_stopping_stores_what_has_queued_and_refuses_what_is_new(store: ListStore) -> None:
    async def scene() -> None:
        commit = start(store)
        store.gate.clear()
        first = commit.submit(submission("A", "1"))
        await until(store.entered)
        second = commit.submit(submission("A", "2"))
        closing = asyncio.ensure_future(commit.close())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable) as stopping:
            commit.submit(submission("A", "3"))
        assert stopping.value.code == "stopping"
        store.gate.set()
        await closing

        assert (await first).receipt == b"receipt 0"
        assert (await second).receipt == b"receipt 1"

    asyncio.run(scene())


def test_time_in_the_log_never_goes_back_when_the_clock_does(store: ListStore) -> None:
    async def scene() -> None:
        clock = iter([5_000, 4_000, 6_000])
        commit = start(store, clock_ms=lambda: next(clock))
        for n in range(3):
            await commit.submit(submission("A", str(n)))
        await commit.close()

        assert store.times == [5_000, 5_000, 6_000]

    asyncio.run(scene())


def test_a_sender_that_hangs_up_leaves_its_message_to_be_stored(store: ListStore) -> None:
    async def scene() -> None:
        commit = start(store)
        store.gate.clear()
        future = commit.submit(submission("A", "1"))
        await until(store.entered)
        future.cancel()
        store.gate.set()
        await commit.close()

        assert [one.message_id for batch in store.batches for one in batch] == ["1"]
        assert commit.figures.records == 1

    asyncio.run(scene())
