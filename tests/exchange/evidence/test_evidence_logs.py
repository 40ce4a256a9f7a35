from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.evidence.conftest import LOG_KEY, NOW, Log

from lienthong.exchange.evidence.checks import Report, Trust
from lienthong.exchange.evidence.items import Entry, Stated
from lienthong.exchange.evidence.logs import verify_log
from lienthong.exchange.evidence.sources import TileFolder, log_source
from lienthong.trust.log.errors import LogError
from lienthong.trust.log.notes import NoteSigner
from lienthong.trust.log.policy import Policy

TRUST = Trust(Policy.of([LOG_KEY.key]), NOW)


@dataclass
class Kept:
    """A log as any store keeps it: entries, payload digests, and a checkpoint after each batch."""

    log: Log
    entries: list[Entry] = field(default_factory=list)
    notes: dict[int, bytes] = field(default_factory=dict)
    size: int = 0

    def __post_init__(self) -> None:
        self.entries = [
            Entry(leaf, sha256(payload).digest() if payload else None)
            for leaf, payload in zip(self.log.leaves, self.log.payloads, strict=True)
        ]
        self.notes = dict(self.log.checkpoints)
        self.size = len(self.entries)

    def items(self) -> Iterator[Entry | Stated]:
        for index, entry in enumerate(self.entries, 1):
            yield entry
            if index in self.notes:
                yield Stated(self.notes[index])


def outcome(report: Report) -> dict[str, bool | None]:
    return {check.code: check.ok for check in report.checks}


def test_a_whole_log_holds(log: Log, trust: Trust) -> None:
    progress: list[tuple[int, int]] = []
    report = verify_log(Kept(log), trust, progress=lambda done, total: progress.append((done, total)))
    assert report.verdict == "holds"
    assert outcome(report) == {
        "log.roots": True,
        "log.signatures": True,
        "log.cover": True,
        "log.entries": True,
        "log.payloads": True,
    }
    assert (report.facts["entries"], report.facts["checkpoints"], report.facts["containers"]) == (7, 3, 6)
    assert progress[-1] == (7, 7)


def test_without_a_key_the_log_agrees_with_itself_and_that_is_all(log: Log, no_trust: Trust) -> None:
    report = verify_log(Kept(log), no_trust)
    assert report.verdict == "incomplete"
    assert outcome(report)["log.signatures"] is None


@given(st.integers(0, 6), st.data())
def test_an_entry_changed_added_or_taken_away_is_found(index: int, data: st.DataObject) -> None:
    log = Log()
    log.commit([b"PK-0", b"PK-1", b"PK-2"])
    log.commit([b"PK-3", b"PK-4", b"PK-5", b"PK-6"])
    kept = Kept(log)
    how = data.draw(st.sampled_from(["change", "drop", "repeat", "swap"]))
    if how == "change":
        kept.entries[index] = Entry(kept.entries[index].leaf.replace(b"m-", b"x-"), None)
    elif how == "drop":
        del kept.entries[index]
    elif how == "repeat":
        kept.entries.insert(index, kept.entries[index])
    else:
        kept.entries[index], kept.entries[index - 1] = kept.entries[index - 1], kept.entries[index]
    report = verify_log(kept, TRUST)
    assert report.verdict == "fails"
    assert outcome(report).get("log.roots", True) is False or outcome(report).get("log.cover") is False


def test_a_container_that_was_replaced_is_named_and_the_rest_is_still_checked(log: Log, trust: Trust) -> None:
    kept = Kept(log)
    kept.entries[1] = replace(kept.entries[1], payload=sha256(b"forged").digest())
    report = verify_log(kept, trust)
    assert outcome(report)["log.payloads"] is False
    assert outcome(report)["log.roots"] is True
    assert "entry 1:" in next(c for c in report.checks if c.code == "log.payloads").explanation.en


def test_containers_that_are_not_there_are_counted_and_not_held_against_the_log(
    log: Log, trust: Trust
) -> None:
    kept = Kept(log)
    kept.entries = [replace(entry, payload=None) for entry in kept.entries]
    report = verify_log(kept, trust)
    assert report.verdict == "holds"
    assert outcome(report)["log.payloads-absent"] is None
    assert "6 not checked" in report.checks[-1].explanation.en


def test_entries_that_no_checkpoint_covers_are_an_error(log: Log, trust: Trust) -> None:
    kept = Kept(log)
    del kept.notes[7]
    report = verify_log(kept, trust)
    assert outcome(report)["log.cover"] is False
    kept.notes.clear()
    assert outcome(verify_log(kept, trust))["log.roots"] is False


def test_a_checkpoint_by_another_key_is_found(log: Log, trust: Trust) -> None:
    kept = Kept(log)
    impostor = replace(log, signer=NoteSigner.from_seed("hub.example/log", b"\x55" * 32))
    kept.notes[4] = impostor.checkpoint(4)
    assert outcome(verify_log(kept, trust))["log.signatures"] is False
    renamed = replace(log, signer=NoteSigner.from_seed("elsewhere.example/log", b"\x55" * 32))
    kept.notes[4] = renamed.checkpoint(4)
    assert outcome(verify_log(kept, trust))["log.roots"] is False


def test_times_that_run_backwards_are_found(trust: Trust) -> None:
    log = Log()
    log.commit([b"PK-0"], NOW)
    log.commit([b"PK-1"], NOW - timedelta(seconds=1))
    report = verify_log(Kept(log), trust)
    assert outcome(report)["log.entries"] is False
    assert outcome(report)["log.roots"] is True


def test_an_entry_that_is_no_leaf_is_found_although_the_tree_covers_it(trust: Trust) -> None:
    log = Log()
    log.append([b"not a leaf", b'{"a": 1}', b"[1]"], [b"", b"", b""])
    report = verify_log(Kept(log), trust)
    assert outcome(report)["log.entries"] is False
    assert "3 are damaged" in report.checks[-1].explanation.en


def test_a_checkpoint_kept_elsewhere_shows_that_nothing_is_missing(log: Log, trust: Trust) -> None:
    """After a restore: the backup is complete exactly when it continues what others have seen."""
    seen = [log.checkpoint(0), log.checkpoint(2), log.checkpoint(7)]
    report = verify_log(Kept(log), trust, against=seen)
    assert report.verdict == "holds"
    assert outcome(report)["log.against"] is True
    short = Log()
    short.commit([b"PK-0", b"PK-1", b"PK-2"])
    report = verify_log(Kept(short), trust, against=seen)
    assert outcome(report)["log.against"] is False
    assert "missing" in next(c for c in report.checks if c.code == "log.against").explanation.en


def test_a_rewritten_log_does_not_continue_what_was_seen(log: Log, trust: Trust) -> None:
    rewritten = Log()
    rewritten.commit([b"PK-0", b"another PK-1", b"PK-2"])
    report = verify_log(Kept(rewritten), trust, against=[log.checkpoint(2)])
    assert outcome(report)["log.against"] is False
    assert "rewritten" in next(c for c in report.checks if c.code == "log.against").explanation.en


def test_a_known_checkpoint_must_be_signed_by_the_log(log: Log, trust: Trust) -> None:
    impostor = replace(log, signer=NoteSigner.from_seed("hub.example/log", b"\x55" * 32))
    report = verify_log(Kept(log), trust, against=[impostor.checkpoint(2)])
    assert outcome(report) == {"log.against": False}


def test_a_log_mirrored_as_tiles_holds(trust: Trust, tmp_path: Path) -> None:
    log = Log()
    log.commit([b"PK-%d" % i for i in range(300)])
    source = log_source(log.write_tiles(tmp_path))
    report = verify_log(source, trust)
    assert report.verdict == "holds"
    assert report.facts["entries"] == 300


def test_damaged_tiles_are_found(log: Log, trust: Trust, tmp_path: Path) -> None:
    log.write_tiles(tmp_path)
    bundle = tmp_path / "tile/entries/000.p/7"
    whole = bundle.read_bytes()
    bundle.write_bytes(whole.replace(b"m-2", b"m-3"))
    assert outcome(verify_log(TileFolder(tmp_path), trust))["log.roots"] is False
    bundle.write_bytes(whole[:-1])
    assert outcome(verify_log(TileFolder(tmp_path), trust))["log.read"] is False
    bundle.unlink()
    report = verify_log(TileFolder(tmp_path), trust)
    assert "entry bundles" in report.checks[0].explanation.en
    (tmp_path / "checkpoint").write_bytes(b"\xff")
    with pytest.raises(LogError):
        TileFolder(tmp_path)


@given(st.data())
def test_a_mirror_changed_anywhere_never_holds(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    log = Log()
    log.commit([b"PK-0", b"PK-1", b"PK-2"])
    folder = log.write_tiles(tmp_path_factory.mktemp("tiles"))
    path = data.draw(st.sampled_from([folder / "checkpoint", folder / "tile/entries/000.p/3"]))
    was = path.read_bytes()
    at = data.draw(st.integers(0, len(was) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda v: v != was[at]))
    path.write_bytes(was[:at] + bytes([value]) + was[at + 1 :])
    try:
        report = verify_log(TileFolder(folder), TRUST)
    except LogError as error:
        assert str(error)
        return
    assert report.verdict == "fails"
