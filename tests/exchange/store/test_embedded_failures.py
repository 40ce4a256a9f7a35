"""Disks that are full, read-only or broken: nothing is acknowledged, the reason is told, nothing is lost."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.exchange.store.submissions import ORIGIN, document, sign_checkpoint, spooled

from lienthong.exchange.store.counts import Counts
from lienthong.exchange.store.embedded import EmbeddedOptions, EmbeddedStore, open_embedded
from lienthong.exchange.store.embedded.files import Buffer, Files
from lienthong.exchange.store.errors import DiskFull, StoreFailed, StoreLocked, StoreMismatch
from lienthong.exchange.store.protocol import Accepted


class FaultyFiles(Files):
    """The real file system, until ``fail`` names a call to fail with an error number."""

    def __init__(self) -> None:
        self.fail: dict[str, int] = {}
        self.written_before_failing = 0
        self.free = 1 << 40

    def _check(self, call: str) -> None:
        if call in self.fail:
            raise OSError(self.fail[call], os.strerror(self.fail[call]))

    def write(self, fd: int, buffers: Sequence[Buffer], offset: int) -> None:
        if "write" in self.fail:
            part = b"".join(buffers)[: self.written_before_failing]
            super().write(fd, [part], offset)
        self._check("write")
        super().write(fd, buffers, offset)

    def sync_data(self, fd: int) -> None:
        self._check("sync_data")
        super().sync_data(fd)

    def sync(self, fd: int) -> None:
        self._check("sync")
        super().sync(fd)

    def allocate(self, fd: int, offset: int, length: int) -> None:
        self._check("allocate")
        super().allocate(fd, offset, length)

    def open_new(self, path: Path) -> int:
        self._check("open_new")
        return super().open_new(path)

    def free_bytes(self, path: Path) -> int:
        return self.free


@pytest.fixture
def files() -> FaultyFiles:
    return FaultyFiles()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "hub"


def opened(folder: Path, files: Files, **sizes: int) -> EmbeddedStore:
    return open_embedded(folder, ORIGIN, sign_checkpoint, options=EmbeddedOptions(**sizes), files=files)


def test_a_full_disk_accepts_nothing_and_heals_by_itself(folder: Path, files: FaultyFiles) -> None:
    store = opened(folder, files)
    store.commit([document("m1")], 1000)
    files.fail, files.written_before_failing = {"write": errno.ENOSPC}, 300
    with pytest.raises(DiskFull, match="no room"):
        store.commit([document("m2"), document("m3")], 1001)
    assert store.tree_size() == 1
    assert store.record(1) is None
    files.fail = {}
    assert store.commit([document("m3")], 1002) == [Accepted(1)]
    store.close()
    store = opened(folder, Files())
    assert store.verify() == 2
    assert store.find("A", "m2") is None
    store.close()


def test_a_half_written_batch_followed_by_a_crash_is_cut(folder: Path, files: FaultyFiles) -> None:
    store = opened(folder, files)
    store.commit([document("m1")], 1000)
    files.fail, files.written_before_failing = {"write": errno.ENOSPC}, 300
    with pytest.raises(DiskFull):
        store.commit([document("m2")], 1001)
    abandon(store)
    store = opened(folder, Files())
    assert store.torn is not None
    assert store.torn.saved.read_bytes()
    assert store.tree_size() == 1
    assert store.commit([document("m2")], 1002) == [Accepted(1)]
    store.close()


def abandon(store: EmbeddedStore) -> None:
    """Let go of the files as a killed process does: nothing is flushed, marked or trimmed."""
    store._checkpointer.stop()
    store._index.connection.close()
    store._writer.close()
    store._lock.release()
    store._closed = True


def test_no_room_to_reserve_is_a_full_disk(folder: Path, files: FaultyFiles) -> None:
    store = opened(folder, files, step_bytes=4096)
    files.fail = {"allocate": errno.EDQUOT}
    with pytest.raises(DiskFull):
        store.commit([document("m1", payload=b"x" * 100_000)], 1000)
    files.fail = {}
    assert store.commit([document("m1", payload=b"x" * 100_000)], 1000) == [Accepted(0)]
    store.close()


def test_no_room_for_a_new_segment_is_a_full_disk(folder: Path, files: FaultyFiles) -> None:
    store = opened(folder, files, segment_bytes=20_000, step_bytes=4096)
    store.commit([document("m1", payload=b"x" * 15_000)], 1000)
    files.fail = {"open_new": errno.ENOSPC}
    with pytest.raises(DiskFull):
        store.commit([document("m2", payload=b"x" * 15_000)], 1001)
    files.fail = {}
    assert store.commit([document("m2", payload=b"x" * 15_000)], 1002) == [Accepted(1)]
    assert store.verify() == 2
    store.close()


def test_a_reserve_of_free_space_is_kept(folder: Path, files: FaultyFiles) -> None:
    store = opened(folder, files, reserve=1 << 20)
    assert store.health().writable
    files.free = 1 << 19
    assert not store.health().writable
    assert "reserve" in store.health().reason
    with pytest.raises(DiskFull):
        store.commit([document("m1")], 1000)
    files.free = 1 << 21
    assert store.commit([document("m1")], 1000) == [Accepted(0)]
    store.close()


@pytest.mark.parametrize("call", ["sync_data", "write"])
def test_after_a_failed_sync_nothing_is_accepted_until_the_store_is_reopened(
    folder: Path, files: FaultyFiles, call: str
) -> None:
    store = opened(folder, files)
    store.commit([document("m1")], 1000)
    receipt = store.receipt(0)
    files.fail = {call: errno.EIO}
    with pytest.raises(StoreFailed, match="nothing of the batch was acknowledged") as failed:
        store.commit([document("m2")], 1001)
    assert failed.value.remedy
    assert not isinstance(failed.value, DiskFull)
    files.fail = {}
    # The disk seems well again, but what the kernel threw away nobody knows.
    with pytest.raises(StoreFailed):
        store.commit([document("m2")], 1002)
    with pytest.raises(StoreFailed):
        store.add_cosignature(1, b"line\n")
    assert not store.health().writable
    assert store.receipt(0) == receipt
    store.close()
    store = opened(folder, Files())
    assert store.receipt(0) == receipt
    (outcome,) = store.commit([document("m2")], 1003)
    assert isinstance(outcome, Accepted)
    assert outcome.index == 1
    assert store.verify() == 2
    store.close()


def test_a_disk_that_cannot_sync_is_not_opened(folder: Path, files: FaultyFiles) -> None:
    opened(folder, Files()).close()
    files.fail = {"sync_data": errno.EIO}
    with pytest.raises(OSError, match="Input/output error"):
        opened(folder, files)
    files.fail = {}
    opened(folder, files).close()


def test_a_failed_sync_of_a_large_payload_stops_the_store(folder: Path, files: FaultyFiles) -> None:
    store = opened(folder, files, blob_from=1000)
    files.fail = {"sync": errno.EIO}
    with pytest.raises(StoreFailed):
        store.commit([document("m1", payload=b"x" * 2000)], 1000)
    files.fail = {}
    with pytest.raises(StoreFailed):
        store.commit([document("m2")], 1001)
    store.close()
    store = opened(folder, Files(), blob_from=1000)
    assert store.tree_size() == 0
    assert not list((folder / "blobs").glob("*/*"))
    store.close()


def test_a_vanished_upload_refuses_its_batch_and_no_other(folder: Path, tmp_path: Path) -> None:
    store = opened(folder, Files())
    path = folder / "spool" / "upload"
    path.write_bytes(b"x" * 10)
    submission = spooled("m1", path)
    path.unlink()
    with pytest.raises(StoreFailed, match="gone"):
        store.commit([submission], 1000)
    assert store.commit([document("m2")], 1001) == [Accepted(0)]
    store.close()


def test_a_read_only_folder_says_so(tmp_path: Path, files: FaultyFiles) -> None:
    store = opened(tmp_path / "hub", files)
    files.fail = {"write": errno.EROFS}
    with pytest.raises(StoreFailed, match="Read-only file system"):
        store.commit([document("m1")], 1000)
    assert "Read-only" in store.health().reason
    store.close()


def test_an_index_that_cannot_be_written_is_mended_before_the_next_batch(folder: Path) -> None:
    store = opened(folder, Files())
    store.commit([document("m1")], 1000)
    # SQLite itself refuses the next insert, as it does when it meets a full disk.
    store._index.connection.execute(
        "CREATE TEMP TRIGGER full BEFORE INSERT ON records "
        "BEGIN SELECT raise(ABORT, 'database or disk is full'); END"
    )
    with pytest.raises(StoreFailed, match="index"):
        store.commit([document("m2")], 1001)
    with pytest.raises(StoreFailed):
        store.record(0)
    assert not store.health().writable
    # It was durable in the log before the index failed, so the retry is a duplicate.
    assert store.commit([document("m2"), document("m3")], 1002) == [Accepted(1, duplicate=True), Accepted(2)]
    assert store.health().writable
    assert store.verify() == 3
    store.close()


def test_a_damaged_index_is_rebuilt_while_serving(folder: Path) -> None:
    store = opened(folder, Files(), flush_rows=1)
    for n in range(50):
        store.commit([document(f"m{n}")], n)
    store._checkpointer.stop()
    store._index.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = folder / "index.sqlite3"
    damaged = bytearray(path.read_bytes())
    for at in range(4096, len(damaged), 64):
        damaged[at] ^= 0xFF
    path.write_bytes(damaged)
    store._index.connection.execute("PRAGMA shrink_memory")
    with pytest.raises(StoreFailed):
        for n in range(50):
            store.find("A", f"m{n}")
            store.inbox("B")
    assert store.commit([document("new")], 100) == [Accepted(50)]
    assert store.find("A", "m7") is not None
    assert [item.index for item in store.inbox("B")] == list(range(51))
    store.close()


def test_one_process_at_a_time(folder: Path) -> None:
    store = opened(folder, Files())
    with pytest.raises(StoreLocked, match=f"process {os.getpid()}") as locked:
        opened(folder, Files())
    assert locked.value.remedy
    store.close()
    opened(folder, Files()).close()


def test_the_log_of_another_hub_is_refused(folder: Path) -> None:
    opened(folder, Files()).close()
    with pytest.raises(StoreMismatch, match="configured as"):
        open_embedded(folder, "other.example", sign_checkpoint)


def test_a_commit_whose_checkpoint_cannot_be_signed_changes_nothing(folder: Path) -> None:
    fails = False

    def sign(size: int, root: bytes) -> bytes:
        if fails:
            raise RuntimeError("the token was pulled out")
        return sign_checkpoint(size, root)

    store = open_embedded(folder, ORIGIN, sign)
    store.commit([document("m1")], 1000)
    fails = True
    with pytest.raises(RuntimeError):
        store.commit([document("m2")], 1001)
    fails = False
    assert store.tree_size() == 1
    assert store.commit([document("m2")], 1002) == [Accepted(1)]
    assert store.verify() == 2
    store.close()


def test_sqlite_errors_never_reach_the_caller(folder: Path) -> None:
    store = opened(folder, Files())
    store.commit([document("m1")], 1000)
    store._index.connection.execute("DROP TABLE inbox")
    with pytest.raises(StoreFailed) as failed:
        store.inbox("B")
    assert isinstance(failed.value.__cause__, sqlite3.Error)
    store.commit([document("m2")], 1001)
    assert [item.index for item in store.inbox("B")] == [0, 1]
    store.close()


def test_whatever_interrupts_the_indexing_of_a_batch_it_is_mended(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(folder, Files())
    store.commit([document("m1")], 1000)
    with monkeypatch.context() as patched:
        patched.setattr(Counts, "add", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.commit([document("m2")], 1001)
    assert store.tree_size() == 1
    assert store.commit([document("m3")], 1002) == [Accepted(2)]
    assert store.find("A", "m2") is not None
    assert store.verify() == 3
    store.close()
