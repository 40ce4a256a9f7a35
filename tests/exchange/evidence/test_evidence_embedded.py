"""A real embedded store, read back from its segments alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from tests.exchange.evidence.conftest import COMMUNE, LOG_KEY, NOW, PEOPLES_COMMITTEE, Province

from lienthong.exchange.evidence.bundle import verify_files
from lienthong.exchange.evidence.checks import Report, Trust
from lienthong.exchange.evidence.logs import verify_log
from lienthong.exchange.evidence.sources import EmbeddedFolder, StoreEntries
from lienthong.exchange.store.embedded import EmbeddedOptions, EmbeddedStore, open_embedded
from lienthong.exchange.store.errors import StoreCorrupt
from lienthong.exchange.store.protocol import Accepted, RecordKind, Submission
from lienthong.trust.keys import FileSigner, generate_key
from lienthong.trust.log.checkpoints import checkpoint_signer
from lienthong.trust.profiles import Profile
from lienthong.trust.timestamps import request_timestamp
from lienthong.trust.tsa import TimeStampAuthority

NOW_MS = int(NOW.timestamp() * 1000)
SMALL = EmbeddedOptions(segment_bytes=32 * 1024, step_bytes=16 * 1024, blob_from=16 * 1024, reserve=0)
PAYLOADS = [b"PK-%d " % i + b"x" * (20_000 if i % 5 == 0 else 3_000) for i in range(40)]
"""Every fifth is large enough for a blob of its own; together they fill several segments."""


def document(number: int) -> Submission:
    payload = PAYLOADS[number]
    return Submission(
        RecordKind.DOCUMENT,
        PEOPLES_COMMITTEE,
        f"m-{number}",
        sha256(payload).digest(),
        payload,
        (COMMUNE,),
        document_id=f"{PEOPLES_COMMITTEE},2026/03/01,{number}/CT-UBND",
    )


def acknowledgement(subject: int) -> Submission:
    digest = sha256(f"{COMMUNE}:{subject}".encode()).digest()
    return Submission(RecordKind.ACKNOWLEDGEMENT, COMMUNE, f"ack-{subject}", digest, b"", (), subject=subject)


def open_store(folder: Path) -> EmbeddedStore:
    return open_embedded(folder, "hub.example/log", checkpoint_signer(LOG_KEY), options=SMALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """40 documents and 2 acknowledgements in batches of three, over several segments."""
    store = open_store(tmp_path / "hub")
    for start in range(0, 40, 3):
        batch = [document(n) for n in range(start, min(start + 3, 40))]
        assert all(isinstance(each, Accepted) for each in store.commit(batch, NOW_MS + start))
    store.commit([acknowledgement(0), acknowledgement(1)], NOW_MS + 100)
    store.close()
    assert len(list((tmp_path / "hub/segments").glob("*.log"))) > 2
    return tmp_path / "hub"


def outcome(report: Report) -> dict[str, bool | None]:
    return {check.code: check.ok for check in report.checks}


def words(report: Report, code: str) -> str:
    return next(check.explanation.en for check in report.checks if check.code == code)


def test_the_log_of_an_embedded_store_holds(folder: Path, trust: Trust) -> None:
    report = verify_log(EmbeddedFolder(folder), trust)
    assert report.verdict == "holds", outcome(report)
    assert (report.facts["entries"], report.facts["containers"]) == (42, 40)
    assert report.facts["checkpoints"] == 15


def test_a_data_folder_is_found_to_hold_its_hub(folder: Path, trust: Trust) -> None:
    for place in (folder, folder.parent):
        (report,) = verify_files([place], trust)
        assert report.verdict == "holds"
    (report,) = verify_files([folder], trust, payloads=False)
    assert report.verdict == "holds"
    assert outcome(report)["log.payloads-absent"] is None


def test_a_log_is_checked_while_the_hub_writes(folder: Path, trust: Trust) -> None:
    store = open_store(folder)
    try:
        source = EmbeddedFolder(folder)
        store.commit([acknowledgement(2)], NOW_MS + 200)
        report = verify_log(source, trust)
        assert report.verdict == "holds"
        assert report.facts["entries"] == 43
        assert verify_log(StoreEntries(store), trust).verdict == "holds"
    finally:
        store.close()


def every_payload(folder: Path) -> Iterator[tuple[Path, int]]:
    """(segment, offset) of each container that lies in a segment."""
    for path in sorted((folder / "segments").glob("*.log")):
        data = path.read_bytes()
        at = data.find(b"PK-")
        while at != -1:
            yield path, at
            at = data.find(b"PK-", at + 1)


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def test_a_container_changed_on_the_disk_is_named(folder: Path, trust: Trust) -> None:
    path, at = next(every_payload(folder))
    overwrite(path, at, b"pk")
    report = verify_log(EmbeddedFolder(folder), trust)
    assert outcome(report)["log.payloads"] is False
    assert outcome(report)["log.roots"] is True
    assert "entry 1:" in words(report, "log.payloads")


def test_a_leaf_changed_on_the_disk_is_found(folder: Path, trust: Trust) -> None:
    path = folder / "segments/00000001.log"
    overwrite(path, path.read_bytes().index(b'"id":"m-1"') + 6, b"M")
    report = verify_log(EmbeddedFolder(folder), trust)
    assert report.verdict == "fails"
    assert "00000001.log" in words(report, "log.read")


def test_containers_that_vanished_are_missed(folder: Path, trust: Trust) -> None:
    blob = next((folder / "blobs").glob("??/*"))
    content = blob.read_bytes()
    blob.unlink()
    report = verify_log(EmbeddedFolder(folder), trust)
    assert outcome(report)["log.payloads"] is False
    assert "gone" in words(report, "log.payloads")
    blob.write_bytes(content[:-1] + b"y")
    assert outcome(verify_log(EmbeddedFolder(folder), trust))["log.payloads"] is False
    blob.write_bytes(content)
    path, at = list(every_payload(folder))[3]
    overwrite(path, at, bytes(3_000))
    assert outcome(verify_log(EmbeddedFolder(folder), trust))["log.payloads"] is False


def test_archived_containers_are_counted_and_the_log_still_holds(
    folder: Path, trust: Trust, tmp_path: Path
) -> None:
    store = open_store(folder)
    moved = store.archive(NOW_MS + 12, tmp_path / "archive")
    store.close()
    assert moved > 0
    report = verify_log(EmbeddedFolder(folder), trust)
    assert report.verdict == "holds", outcome(report)
    assert "not checked" in words(report, "log.payloads-absent")
    assert 0 < report.facts["containers"] < 40


def test_a_missing_segment_is_found(folder: Path, trust: Trust) -> None:
    (folder / "segments/00000002.log").unlink()
    (report,) = verify_files([folder], trust)
    assert report.verdict == "fails"


def test_a_torn_batch_at_the_end_is_said_and_not_counted(folder: Path, trust: Trust) -> None:
    last = max((folder / "segments").glob("*.log"))
    salt = last.read_bytes()[512:520]
    with last.open("ab") as file:
        file.write(salt + b"half a frame")
    report = verify_log(EmbeddedFolder(folder), trust)
    assert report.verdict == "holds"
    assert outcome(report)["log.tail"] is None
    assert report.facts["entries"] == 42


def test_time_stamps_over_checkpoints_are_verified(folder: Path, province: Province, trust: Trust) -> None:
    key = generate_key("p256")
    issued = province.ca.issue(
        Profile.TSA, subject_name="Dấu thời gian", public_key=key.public_key(), now=NOW, days=30
    )
    tsa = TimeStampAuthority(
        FileSigner(key, issued.certificate, issued.chain), clock=lambda: NOW + timedelta(minutes=3)
    )
    store = open_store(folder)
    token = request_timestamp(tsa, sha256(store.checkpoint()).digest())
    store.add_timestamp(42, token)
    store.close()
    report = verify_log(EmbeddedFolder(folder), trust)
    assert "the first 42 entries existed before" in words(report, "log.timestamps")
    store = open_store(folder)
    store.add_timestamp(42, request_timestamp(tsa, sha256(b"another checkpoint").digest()))
    store.close()
    assert outcome(verify_log(EmbeddedFolder(folder), trust))["log.timestamps"] is False
    unsure = replace(trust, certificates=None)
    assert "log.timestamps" not in outcome(verify_log(EmbeddedFolder(folder), unsure))


def test_receipts_given_out_are_found_in_the_log_after_a_restore(
    folder: Path, trust: Trust, tmp_path: Path
) -> None:
    """The newest receipt is enough to show that a restored log lacks nothing up to it."""
    from lienthong.exchange.evidence.bundle import notes_in

    store = open_store(folder)
    (receipt := tmp_path / "receipt.json").write_bytes(store.receipt(41))
    store.close()
    report = verify_log(EmbeddedFolder(folder), trust, against=notes_in(receipt))
    assert outcome(report)["log.against"] is True
    older = tmp_path / "older"
    earlier = open_store(older)
    earlier.commit([document(n) for n in range(3)], NOW_MS)
    earlier.close()
    report = verify_log(EmbeddedFolder(older), trust, against=notes_in(receipt))
    assert outcome(report)["log.against"] is False


def test_a_log_cut_at_its_end_is_found_by_what_its_index_has_seen(folder: Path, trust: Trust) -> None:
    last = max((folder / "segments").glob("*.log"))
    whole = last.stat().st_size
    for cut in (8, 700):
        with last.open("r+b") as segment:
            segment.truncate(whole - cut)
        before = sorted(folder.rglob("*"))
        report = verify_log(EmbeddedFolder(folder), trust)
        assert sorted(folder.rglob("*")) == before
        assert report.verdict == "fails"
        assert "its index has seen 42 records" in words(report, "log.tail")
        with pytest.raises(StoreCorrupt, match="the segments end before them"):
            open_store(folder)


def test_a_log_whose_end_became_zeros_is_neither_served_nor_good(folder: Path, trust: Trust) -> None:
    last = max((folder / "segments").glob("*.log"))
    whole = last.stat().st_size
    with last.open("r+b") as segment:
        segment.seek(whole - 4200)
        segment.write(bytes(4200))
    assert verify_log(EmbeddedFolder(folder), trust).verdict == "fails"
    for _ in range(2):
        with pytest.raises(StoreCorrupt, match="the segments end before them"):
            open_store(folder)


def test_a_log_without_its_index_is_judged_by_itself(folder: Path, trust: Trust) -> None:
    (folder / "index.sqlite3").write_bytes(b"no index")
    assert verify_log(EmbeddedFolder(folder), trust).verdict == "holds"
    (folder / "index.sqlite3").unlink()
    assert verify_log(EmbeddedFolder(folder), trust).verdict == "holds"


def test_a_log_that_is_being_written_is_not_taken_for_a_cut_one(folder: Path, trust: Trust) -> None:
    store = open_store(folder)
    try:
        store.commit([acknowledgement(2)], NOW_MS + 200)
        assert verify_log(EmbeddedFolder(folder), trust).verdict == "holds"
    finally:
        store.close()
