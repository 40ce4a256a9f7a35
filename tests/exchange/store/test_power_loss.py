"""Power is cut after every single file-system call of a workload; no receipted record may be missing."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.exchange.store.power import Disk, RecordingFiles, UnsyncedFiles
from tests.exchange.store.submissions import (
    ORIGIN,
    acknowledgement,
    document,
    sign_checkpoint,
    spooled,
    status,
)

from lienthong.exchange.store.embedded import EmbeddedOptions, EmbeddedStore, open_embedded
from lienthong.exchange.store.protocol import Accepted, Submission

MEMORY = Path("/dev/shm")
SMALL = EmbeddedOptions(segment_bytes=16_384, step_bytes=4_096, blob_from=6_000, reserve=0, flush_rows=12)
INDEX = ("index.sqlite3", "index.sqlite3-wal")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a place: thousands of stores are opened, and no real power is cut."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="lienthong-power-") as name:
        yield Path(name)


@dataclass
class Recording:
    """What was promised when: after so many calls, these receipts had been given out."""

    files: RecordingFiles
    receipts: list[tuple[int, str, int, bytes]] = field(default_factory=list)
    cosignatures: list[tuple[int, int, bytes]] = field(default_factory=list)
    archived: list[tuple[int, int]] = field(default_factory=list)
    indexes: list[tuple[int, dict[str, bytes]]] = field(default_factory=list)

    def commit(self, store: EmbeddedStore, batch: list[Submission], now_ms: int) -> None:
        outcomes = store.commit(batch, now_ms)
        for each, outcome in zip(batch, outcomes, strict=True):
            assert isinstance(outcome, Accepted)
            promised = len(self.files.calls), each.sender + each.message_id, outcome.index
            self.receipts.append((*promised, store.receipt(outcome.index)))
        self.indexes.append((len(self.files.calls), self.index_files()))

    def index_files(self) -> dict[str, bytes]:
        root = self.files.root
        return {name: (root / name).read_bytes() for name in INDEX if (root / name).exists()}


def payload(n: int, size: int) -> bytes:
    return random.Random(n).randbytes(size)


def run_workload(root: Path, *, rounds: int) -> Recording:
    """Small and large documents, statuses, acknowledgements, cosignatures, rotations, an archive, a close."""
    files = RecordingFiles(root)
    recording = Recording(files)
    store = open_embedded(root, ORIGIN, sign_checkpoint, options=SMALL, files=files)
    for n in range(rounds):
        size = store.tree_size()
        batch = [
            document(f"d{n}a", payload=payload(n, 900 + 400 * (n % 5))),
            document(f"d{n}b", ("B", "C"), payload=payload(n, 7_000) if n % 3 == 0 else None),
            status(f"s{n}", size, "03"),
            acknowledgement(size + 1, message_id=f"k{n}"),
        ]
        if n % 4 == 1:
            path = root / "spool" / f"upload-{n}"
            fd = files.open_new(path)
            files.write(fd, [payload(n, 9_000)], 0)
            files.sync(fd)
            files.close(fd)
            files.sync_folder(path.parent)
            batch.append(spooled(f"p{n}", path))
        recording.commit(store, batch, 1_000 * (n + 1))
        if n % 3 == 2:
            line = f"— witness{n} signature\n".encode()
            store.add_cosignature(size, line)
            recording.cosignatures.append((len(files.calls), size, line))
        if n == rounds - 3:
            store.archive(3_000, root.parent / "archive")
            recording.archived.append((len(files.calls), 8))
    store.close()
    recording.indexes.append((len(files.calls), recording.index_files()))
    return recording


def check(store: EmbeddedStore, recording: Recording, calls: int) -> None:
    """Everything promised before so many calls is there, once, byte for byte, and the log verifies."""
    size = store.tree_size()
    promised = 0
    for at, key, index, receipt in recording.receipts:
        if at > calls:
            break
        assert store.receipt(index) == receipt, f"receipt of {key}"
        promised = index + 1
    assert size >= promised
    ids = [(record.sender, record.message_id) for n in range(size) if (record := store.record(n))]
    assert len(ids) == size == len(set(ids))
    assert store.verify() == size
    for at, tree_size, line in recording.cosignatures:
        if at <= calls:
            assert line in store.cosignatures(tree_size)
    inbox = {item.index for item in store.inbox("B", limit=1000)}
    rows = {
        n for n in range(size) if (record := store.record(n)) and record.kind < 3 and "B" in record.recipients
    }
    assert inbox == rows


def survive(
    recording: Recording, disk: Disk, calls: int, luck: random.Random, keep: float, root: Path
) -> None:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    disk.lose_power(luck, keep, root)
    earlier = [index for at, index in recording.indexes if at <= calls]
    if earlier and luck.random() < 0.7:
        # What SQLite had brought to disk by then: some earlier state, whole.
        for name, content in luck.choice(earlier[-3:]).items():
            (root / name).write_bytes(content)
    elif luck.random() < 0.2:
        (root / "index.sqlite3").write_bytes(luck.randbytes(8_192))
    store = open_embedded(root, ORIGIN, sign_checkpoint, options=SMALL, files=UnsyncedFiles())
    try:
        check(store, recording, calls)
        again = store.tree_size()
        assert store.commit([document("after the storm")], 0) == [Accepted(again)]
    finally:
        store.close()


@pytest.mark.parametrize(("seed", "keep"), [(1, 0.0), (2, 1.0), (3, 0.5), (4, 0.9)])
def test_a_power_cut_after_any_call_loses_nothing_receipted(folder: Path, seed: int, keep: float) -> None:
    recording = run_workload(folder / "hub", rounds=10)
    luck = random.Random(seed)
    disk = Disk({})
    for calls, call in enumerate(recording.files.calls, 1):
        disk.apply(call)
        survive(recording, disk, calls, luck, keep, folder / "after")
    assert {"create", "write", "sync", "sync-folder", "rename", "truncate", "grow"} <= {
        call.what for call in recording.files.calls
    }


def test_a_power_cut_during_recovery_loses_nothing_receipted(folder: Path) -> None:
    recording = run_workload(folder / "hub", rounds=5)
    luck = random.Random(5)
    disk = Disk({})
    for calls, call in enumerate(recording.files.calls, 1):
        disk.apply(call)
        if luck.random() > 0.08:
            continue
        root = folder / "first"
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        disk.lose_power(luck, 0.6, root)
        files = RecordingFiles(root)
        open_embedded(root, ORIGIN, sign_checkpoint, options=SMALL, files=files).close()
        second = Disk(files.initial)
        for each in files.calls:
            second.apply(each)
            survive(recording, second, calls, luck, 0.5, folder / "second")


def test_the_simulated_disk_does_drop_what_is_not_synced(folder: Path) -> None:
    """The test of the test: a store that never syncs must be caught."""

    class Careless(RecordingFiles):
        def sync_data(self, fd: int) -> None:
            """Pretend."""

    files = Careless(folder / "hub")
    recording = Recording(files)
    store = open_embedded(folder / "hub", ORIGIN, sign_checkpoint, options=SMALL, files=files)
    recording.commit(store, [document("m1")], 1000)
    disk = Disk({})
    for call in files.calls:
        disk.apply(call)
    with pytest.raises(AssertionError):
        survive_without_index(recording, disk, folder / "after")
    store.close()


def survive_without_index(recording: Recording, disk: Disk, root: Path) -> None:
    root.mkdir()
    disk.lose_power(random.Random(0), 0.0, root)
    store = open_embedded(root, ORIGIN, sign_checkpoint, options=SMALL)
    try:
        assert store.tree_size() == len(recording.receipts)
    finally:
        store.close()
