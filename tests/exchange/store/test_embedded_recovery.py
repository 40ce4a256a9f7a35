"""Opening after anything: torn tails are cut, damage is told with its place, the index comes back."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.exchange.store.submissions import (
    ORIGIN,
    acknowledgement,
    document,
    sign_checkpoint,
    spooled,
    status,
)
from tests.exchange.store.test_embedded_failures import abandon

from lienthong.core.errors import LienthongError
from lienthong.exchange.store.embedded import (
    EmbeddedOptions,
    EmbeddedStore,
    layout,
    open_embedded,
    rebuild_index,
)
from lienthong.exchange.store.errors import StoreCorrupt, StoreMismatch
from lienthong.exchange.store.protocol import Accepted

SMALL = EmbeddedOptions(segment_bytes=24_000, step_bytes=4_096, blob_from=8_000)


def opened(folder: Path) -> EmbeddedStore:
    return open_embedded(folder, ORIGIN, sign_checkpoint, options=SMALL)


def filled(folder: Path, *, clean: bool = True, batches: int = 20) -> list[bytes]:
    """A store of a few segments; answers the receipts. ``clean``: closed, else abandoned as by a crash."""
    store = opened(folder)
    for n in range(batches):
        content = random.Random(n).randbytes(1_500)
        size = store.tree_size()
        store.commit([document(f"d{n}", ("B", "C"), payload=content), status(f"s{n}", size, "03")], n)
        store.commit([acknowledgement(size, message_id=f"k{n}")], n)
    store.add_cosignature(5, b"cosignature\n")
    store.add_timestamp(5, b"token")
    receipts = [store.receipt(index) for index in range(store.tree_size())]
    if clean:
        store.close()
    else:
        abandon(store)
    return receipts


def lose_index(folder: Path) -> None:
    for path in folder.glob("index.sqlite3*"):
        path.unlink()


def same(folder: Path, receipts: list[bytes]) -> EmbeddedStore:
    store = opened(folder)
    assert [store.receipt(index) for index in range(store.tree_size())] == receipts
    assert store.verify() == len(receipts)
    assert store.cosignatures(5) == [b"cosignature\n"]
    assert list(store.timestamps()) == [(5, b"token")]
    return store


def segments(folder: Path) -> list[Path]:
    return sorted((folder / "segments").iterdir())


def test_the_index_is_rebuilt_from_the_segments_alone(tmp_path: Path) -> None:
    receipts = filled(tmp_path)
    store = opened(tmp_path)
    before = store.statistics()
    inbox, deliveries = store.inbox("C"), [store.deliveries(n) for n in range(len(receipts))]
    usage = store.used_since("A", 0)
    store.close()
    lose_index(tmp_path)
    seen: list[tuple[int, int]] = []
    rebuilt = rebuild_index(tmp_path, ORIGIN, lambda done, total: seen.append((done, total)))
    assert rebuilt == len(receipts)
    assert seen[-1] == (len(receipts), len(receipts))
    store = same(tmp_path, receipts)
    after = store.statistics()
    assert (after.states, after.documents, after.deliveries) == (
        before.states,
        before.documents,
        before.deliveries,
    )
    assert store.inbox("C") == inbox
    assert [store.deliveries(n) for n in range(len(receipts))] == deliveries
    assert store.used_since("A", 0) == usage
    assert store.commit([document("d3", payload=random.Random(3).randbytes(1_500))], 99)[0] == Accepted(
        9, duplicate=True
    )
    store.close()


def test_a_missing_index_is_made_at_opening(tmp_path: Path) -> None:
    receipts = filled(tmp_path)
    lose_index(tmp_path)
    same(tmp_path, receipts).close()


@pytest.mark.parametrize("damage", ["garbage", "empty", "zeros-inside", "another-schema"])
def test_a_damaged_index_is_rebuilt_at_opening(tmp_path: Path, damage: str) -> None:
    receipts = filled(tmp_path)
    path = tmp_path / "index.sqlite3"
    if damage == "garbage":
        path.write_bytes(random.Random(1).randbytes(50_000))
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "zeros-inside":
        data = path.read_bytes()
        path.write_bytes(data[:4096] + bytes(len(data) - 4096))
    else:
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
    same(tmp_path, receipts).close()


def test_an_index_that_stayed_behind_is_caught_up(tmp_path: Path) -> None:
    store = opened(tmp_path / "hub")
    store.commit([document("m1")], 1)
    store.close()
    old = (tmp_path / "hub" / "index.sqlite3").read_bytes()
    store = opened(tmp_path / "hub")
    for n in range(30):
        store.commit([document(f"n{n}"), status(f"s{n}", 0, "03") if n == 0 else document(f"o{n}")], n)
    receipts = [store.receipt(index) for index in range(61)]
    store.close()
    lose_index(tmp_path / "hub")
    (tmp_path / "hub" / "index.sqlite3").write_bytes(old)
    store = opened(tmp_path / "hub")
    assert [store.receipt(index) for index in range(61)] == receipts
    delivery = store.delivery(0, "B")
    assert delivery is not None
    assert delivery.state == "03"
    store.close()


def test_an_index_of_another_log_is_not_believed(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    filled(first)
    receipts = filled(second, batches=5)
    lose_index(second)
    shutil.copy(first / "index.sqlite3", second / "index.sqlite3")
    same(second, receipts).close()


def test_an_index_that_knows_more_than_the_segments_is_an_error(tmp_path: Path) -> None:
    filled(tmp_path)
    last = segments(tmp_path)[-1]
    last.write_bytes(last.read_bytes()[:512])
    with pytest.raises(StoreCorrupt, match="segments end before them") as corrupt:
        opened(tmp_path)
    assert "restore" in str(corrupt.value)


def test_a_torn_tail_is_put_aside_and_cut(tmp_path: Path) -> None:
    receipts = filled(tmp_path, clean=False)
    store = opened(tmp_path)
    end = store._writer.end.offset
    store.commit([document("never acknowledged", payload=b"p" * 3000)], 99)
    abandon(store)
    lose_index(tmp_path)
    path = segments(tmp_path)[-1]
    data = path.read_bytes()
    path.write_bytes(data[: end + 1000])
    store = same(tmp_path, receipts)
    assert store.torn is not None
    assert (store.torn.path, store.torn.offset) == (path, end)
    assert store.torn.saved.read_bytes() == data[end : end + 1000].rstrip(b"\0")
    store.close()
    store = opened(tmp_path)
    assert store.torn is None
    store.close()


@pytest.mark.parametrize("index_lost", [False, True])
def test_damage_in_the_middle_names_segment_and_offset(tmp_path: Path, index_lost: bool) -> None:
    filled(tmp_path)
    if index_lost:
        lose_index(tmp_path)
    path = segments(tmp_path)[0]
    data = bytearray(path.read_bytes())
    data[700] ^= 1
    path.write_bytes(data)
    if index_lost:
        with pytest.raises(StoreCorrupt, match=r"00000001\.log, offset 512") as corrupt:
            opened(tmp_path)
        assert "restore" in str(corrupt.value)
        assert path.read_bytes() == data
    else:
        store = opened(tmp_path)
        with pytest.raises(StoreCorrupt, match=r"00000001\.log"):
            store.verify()
        store.close()


def test_damage_before_the_end_of_the_last_segment_is_not_taken_for_a_torn_tail(tmp_path: Path) -> None:
    filled(tmp_path, clean=False)
    lose_index(tmp_path)
    path = segments(tmp_path)[-1]
    data = bytearray(path.read_bytes())
    data[540] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreCorrupt, match="and others follow it"):
        opened(tmp_path)
    assert path.read_bytes() == data


def test_damage_before_a_clean_close_is_never_cut(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.commit([document("m1", payload=b"x" * 2000)], 1)
    store.close()
    lose_index(tmp_path)
    path = segments(tmp_path)[-1]
    data = bytearray(path.read_bytes())
    data[1500] ^= 1
    path.write_bytes(data)
    store = opened(tmp_path)
    with pytest.raises(StoreCorrupt, match="container of record 0"):
        store.payload(0)
    with pytest.raises(StoreCorrupt):
        store.verify()
    store.close()


def test_a_missing_segment_is_named(tmp_path: Path) -> None:
    filled(tmp_path)
    segments(tmp_path)[1].unlink()
    with pytest.raises(StoreCorrupt, match="segment 2 is missing"):
        opened(tmp_path)


def test_a_missing_last_segment_is_noticed(tmp_path: Path) -> None:
    filled(tmp_path)
    segments(tmp_path)[-1].unlink()
    with pytest.raises(StoreCorrupt, match="segments end before them"):
        opened(tmp_path)


def test_swapped_segments_are_noticed(tmp_path: Path) -> None:
    filled(tmp_path)
    lose_index(tmp_path)
    first, second, *_ = segments(tmp_path)
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)
    with pytest.raises(StoreCorrupt, match="this is segment 2"):
        opened(tmp_path)


def test_a_container_with_the_bytes_of_a_frame_cannot_pass_for_one(tmp_path: Path) -> None:
    """A sender puts a copy of a segment into its document, and the power fails while it is written."""
    store = opened(tmp_path)
    store.commit([document("m1")], 1)
    stolen = segments(tmp_path)[0].read_bytes()[512:3000].rstrip(b"\0").ljust(2488, b"\0")
    other = EmbeddedOptions(segment_bytes=1 << 20, step_bytes=4096)
    store.close()
    store = open_embedded(tmp_path / "other", ORIGIN, sign_checkpoint, options=other)
    store.commit([document("m0")], 1)
    end = store._writer.end.offset
    store.commit([document("m1", payload=bytes(300) + stolen)], 2)
    abandon(store)
    lose_index(tmp_path / "other")
    path = segments(tmp_path / "other")[0]
    data = bytearray(path.read_bytes())
    data[end : end + 128] = bytes(128)
    path.write_bytes(data)
    store = open_embedded(tmp_path / "other", ORIGIN, sign_checkpoint, options=other)
    assert store.tree_size() == 1
    assert store.torn is not None
    store.close()


def test_uploads_and_blobs_that_no_record_needs_are_removed_at_opening(tmp_path: Path) -> None:
    store = opened(tmp_path)
    path = tmp_path / "spool" / "kept"
    path.write_bytes(b"k" * 9000)
    store.commit([spooled("m1", path)], 1)
    store.close()
    orphan = tmp_path / "blobs" / "ab" / ("ab" * 32)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"its batch never became durable")
    (tmp_path / "spool" / "half an upload").write_bytes(b"x")
    store = opened(tmp_path)
    assert not orphan.exists()
    assert not list((tmp_path / "spool").iterdir())
    kept = store.payload(0)
    assert isinstance(kept, Path)
    assert kept.read_bytes() == b"k" * 9000
    store.close()


@pytest.mark.parametrize("size", [1_500, 20_000])
@pytest.mark.parametrize(("version", "small"), [(1, 0), (2, layout.SMALL)])
def test_a_payload_is_checked_by_the_tag_that_it_was_written_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, version: int, small: int
) -> None:
    content = random.Random(size).randbytes(size)
    monkeypatch.setattr(layout, "SMALL", small)
    monkeypatch.setattr(layout, "FRAME_VERSION", version)
    options = EmbeddedOptions(blob_from=30_000)
    store = open_embedded(tmp_path, ORIGIN, sign_checkpoint, options=options)
    store.commit([document("d", payload=content)], 1)
    store.close()
    monkeypatch.undo()
    store = open_embedded(tmp_path, ORIGIN, sign_checkpoint, options=options)
    assert store.payload(0) == content
    (segment,) = (tmp_path / "segments").iterdir()
    data = bytearray(segment.read_bytes())
    data[data.index(content) + size // 2] ^= 1
    segment.write_bytes(data)
    with pytest.raises(StoreCorrupt, match="container of record 0 is not what was written"):
        store.payload(0)
    store.close()


def test_a_log_of_a_later_version_is_refused_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not cut: what a later version acknowledged stays."""
    monkeypatch.setattr(layout, "FRAME_VERSION", 3)
    store = opened(tmp_path)
    store.commit([document("d")], 1)
    abandon(store)
    monkeypatch.undo()
    (segment,) = (tmp_path / "segments").iterdir()
    before = segment.read_bytes()
    with pytest.raises(StoreMismatch, match="a frame has version 3"):
        opened(tmp_path)
    assert segment.read_bytes() == before


def test_a_damaged_large_payload_is_found_by_verification(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.commit([document("m1", payload=b"L" * 9000)], 1)
    path = store.payload(0)
    assert isinstance(path, Path)
    path.write_bytes(b"L" * 8999 + b"l")
    with pytest.raises(StoreCorrupt, match="digest") as corrupt:
        store.verify()
    assert str(path) in str(corrupt.value)
    store.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damaged_byte_is_noticed_or_harmless(tmp_path: Path, data: st.DataObject) -> None:
    """Flip one byte anywhere in the segments: opening and verifying either fails with a reason or the log is
    whole. Nothing else is raised, and a receipt never changes silently.
    """
    pristine = tmp_path / "pristine"
    if not pristine.exists():
        filled(pristine, batches=6)
        lose_index(pristine)
    folder = tmp_path / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(pristine, folder)
    path = data.draw(st.sampled_from(segments(folder)))
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        store = opened(folder)
    except LienthongError as error:
        assert error.place
        assert error.remedy
        return
    try:
        size = store.verify()
        assert size in (17, 18)
    except StoreCorrupt as error:
        assert error.place
    finally:
        store.close()


def test_what_the_store_keeps_is_its_owners_alone(tmp_path: Path) -> None:
    """Also an index that an earlier version left open to everybody, and whatever the umask is."""
    before = os.umask(0)
    try:
        folder = tmp_path / "hub"
        for _ in range(2):
            store = open_embedded(folder, ORIGIN, sign_checkpoint, options=EmbeddedOptions(blob_from=10))
            store.commit([document("m1")], 1000)
            found = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
            assert any(path.name.endswith("-wal") for path in found)
            assert {path: mode for path, mode in found.items() if mode & 0o077} == {}
            store.close()
            (folder / "index.sqlite3").chmod(0o644)
    finally:
        os.umask(before)
