"""Backup, verification and retention, while serving: promised by every engine."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.exchange.store.engines import EmbeddedEngine, Engine, PostgresEngine, now_and_reopened
from tests.exchange.store.submissions import ORIGIN, document, status

from lienthong.core.errors import LienthongError
from lienthong.exchange.store.embedded import restore_backup
from lienthong.exchange.store.embedded.outside import copy_serving
from lienthong.exchange.store.errors import PayloadArchived, StoreMismatch
from lienthong.exchange.store.postgres import restore_postgres
from lienthong.exchange.store.protocol import Accepted, Store


def restored(engine: Engine, backup: Path, tmp_path: Path) -> Engine:
    """An engine over what a backup brings back."""
    if isinstance(engine, PostgresEngine):
        with engine.emptied() as dsn:
            restore_postgres(backup, dsn)
        return PostgresEngine(engine.dsn, tmp_path / "spool-restored")
    folder = tmp_path / "restored"
    restore_backup(backup, folder)
    return EmbeddedEngine(folder)


def test_a_backup_brings_everything_back(engine: Engine, store: Store, tmp_path: Path) -> None:
    store.commit([document(f"m{n}", payload=b"x" * 1000 * n) for n in range(20)], 1000)
    store.commit([document("large", payload=b"y" * 2_000_000), status("s0", 0, "03")], 2000)
    store.add_cosignature(20, b"line\n")
    store.add_timestamp(20, b"token")
    receipts = [store.receipt(index) for index in range(22)]
    note = store.checkpoint()
    store.backup(tmp_path / "backup")
    engine.close()
    again = restored(engine, tmp_path / "backup", tmp_path)
    back = again.open()
    try:
        assert back.tree_size() == 22
        assert back.checkpoint() == note
        assert [back.receipt(index) for index in range(22)] == receipts
        assert back.verify() == 22
        assert back.payload(7) == b"x" * 7000
        large = back.payload(20)
        assert not isinstance(large, bytes | None)
        assert large.read_bytes() == b"y" * 2_000_000
        assert back.cosignatures(20) == [b"line\n"]
        assert list(back.timestamps()) == [(20, b"token")]
        delivery = back.delivery(0, "B")
        assert delivery is not None
        assert delivery.state == "03"
        assert back.commit([document("m1", payload=b"x" * 1000)], 3000) == [Accepted(1, duplicate=True)]
        assert back.commit([document("new", ("somebody new",))], 3000) == [Accepted(22)]
        assert [item.index for item in back.inbox("somebody new")] == [22]
    finally:
        again.close()


def test_a_backup_taken_while_serving_is_one_moment_of_the_log(
    engine: Engine, store: Store, tmp_path: Path
) -> None:
    def serve() -> None:
        for n in range(0, 120, 4):
            store.commit([document(f"m{k}") for k in range(n, n + 4)], n)

    with ThreadPoolExecutor(1) as pool:
        serving = pool.submit(serve)
        store.backup(tmp_path / "backup")
        serving.result()
    manifest = json.loads((tmp_path / "backup" / "backup.json").read_text())
    engine.close()
    again = restored(engine, tmp_path / "backup", tmp_path)
    back = again.open()
    try:
        size = back.tree_size()
        assert size == manifest["size"]
        assert size % 4 == 0
        assert back.verify() == size
        assert back.checkpoint().decode() == manifest["checkpoint"]
    finally:
        again.close()


def test_a_backup_can_be_taken_again_into_the_same_folder(
    engine: Engine, store: Store, tmp_path: Path
) -> None:
    store.commit([document("m1")], 1000)
    store.backup(tmp_path / "backup")
    store.commit([document("m2", payload=b"z" * 2_000_000)], 1001)
    store.backup(tmp_path / "backup")
    engine.close()
    again = restored(engine, tmp_path / "backup", tmp_path)
    back = again.open()
    try:
        assert back.tree_size() == 2
        assert back.verify() == 2
    finally:
        again.close()


def test_verification_reads_everything_and_reports_progress(store: Store) -> None:
    assert store.verify() == 0
    for start in range(0, 60, 6):
        store.commit([document(f"m{n}") for n in range(start, start + 6)], start)
    seen: list[tuple[int, int]] = []
    assert store.verify(lambda done, total: seen.append((done, total))) == 60
    assert seen[-1] == (60, 60)


def test_retention_moves_containers_and_keeps_the_log(engine: Engine, store: Store, tmp_path: Path) -> None:
    contents = [b"%d" % n * 3000 for n in range(6)]
    for n, content in enumerate(contents):
        store.commit([document(f"m{n}", payload=content)], 1000 * (n + 1))
    store.commit([document("large", payload=b"L" * 1_500_000)], 6500)
    receipts = [store.receipt(index) for index in range(7)]
    assert store.archive(4000, tmp_path / "archive") == 3
    assert store.archive(4000, tmp_path / "archive") == 0
    for each in now_and_reopened(engine, store):
        assert [each.receipt(index) for index in range(7)] == receipts
        assert [each.payload(index) for index in range(3, 6)] == contents[3:]
        for index in range(3):
            assert each.record(index) is not None
            with pytest.raises(PayloadArchived):
                each.payload(index)
        assert each.verify() == 7
        assert [item.index for item in each.inbox("B")] == list(range(7))
    store = engine.open()
    assert store.archive(7000, tmp_path / "archive") == 4
    with pytest.raises(PayloadArchived):
        store.payload(6)
    assert store.commit([document("after")], 8000) == [Accepted(7)]
    assert store.verify() == 8
    kept = b"".join(path.read_bytes() for path in (tmp_path / "archive").rglob("*") if path.is_file())
    assert all(content in kept for content in [*contents, b"L" * 1_500_000])


def test_a_large_payload_sent_again_later_survives_the_retention_of_the_first(
    store: Store, tmp_path: Path
) -> None:
    content = b"S" * 1_200_000
    store.commit([document("m1", payload=content)], 1000)
    store.commit([document("m2", payload=content)], 5000)
    store.archive(2000, tmp_path / "archive")
    found = store.payload(1)
    assert not isinstance(found, bytes | None)
    assert found.read_bytes() == content


def test_a_folder_without_a_finished_backup_is_refused(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(StoreMismatch, match="no finished backup"):
        restored(engine, tmp_path / "nothing", tmp_path)


def test_a_target_that_cannot_be_written_is_an_error_that_says_so(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store.commit([document("m1")], 1000)
    with pytest.raises(LienthongError, match="copying stopped"):
        store.backup(tmp_path / "file" / "backup")
    assert store.commit([document("m2")], 1001) == [Accepted(1)]


def test_copies_of_one_log_are_not_overwritten_by_another_of_the_same_name(tmp_path: Path) -> None:
    for name in ("old", "new"):
        engine = EmbeddedEngine(tmp_path / name)
        store = engine.open()
        store.commit([document(f"{name}{n}") for n in range(3)], 1000)
        if name == "old":
            store.backup(tmp_path / "backup")
            before = {path: path.read_bytes() for path in (tmp_path / "backup").rglob("*.log")}
        else:
            with pytest.raises(StoreMismatch, match="another log"):
                store.backup(tmp_path / "backup")
            with pytest.raises(StoreMismatch, match="another log"):
                store.archive(2000, tmp_path / "backup")
            assert store.payload(0) is not None
        engine.close()
    assert {path: path.read_bytes() for path in (tmp_path / "backup").rglob("*.log")} == before


def test_a_store_that_another_process_serves_is_copied_from_outside(tmp_path: Path) -> None:
    serving = EmbeddedEngine(tmp_path / "hub")
    store = serving.open()
    with ThreadPoolExecutor(1) as pool:
        for n in range(0, 60, 3):
            store.commit([document(f"m{k}", payload=b"p" * 2000) for k in range(n, n + 3)], n)
        more = pool.submit(
            lambda: [store.commit([document(f"n{k}"), document(f"o{k}")], 100 + k) for k in range(60)]
        )
        snapshot = copy_serving(tmp_path / "hub", ORIGIN, tmp_path / "backup")
        more.result()
    serving.close()
    assert snapshot.size >= 60
    restore_backup(tmp_path / "backup", tmp_path / "restored")
    again = EmbeddedEngine(tmp_path / "restored")
    back = again.open()
    assert back.verify() == back.tree_size() == snapshot.size
    again.close()


def test_a_backup_inside_the_store_is_refused(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path / "hub")
    with pytest.raises(StoreMismatch, match="lost with it"):
        engine.open().backup(tmp_path / "hub" / "backup")
    engine.close()


def test_a_backup_is_not_restored_over_a_log(engine: Engine, store: Store, tmp_path: Path) -> None:
    store.commit([document("m1")], 1000)
    store.backup(tmp_path / "backup")
    with pytest.raises(StoreMismatch, match="already"):
        if isinstance(engine, PostgresEngine):
            restore_postgres(tmp_path / "backup", engine.dsn)
        elif isinstance(engine, EmbeddedEngine):
            restore_backup(tmp_path / "backup", engine.folder)
