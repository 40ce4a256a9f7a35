from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.trust.log import merkle
from lienthong.trust.log.checkpoints import Checkpoint, check_cosignature, sign_checkpoint
from lienthong.trust.log.errors import (
    Inconsistent,
    SplitView,
    StaleOldSize,
    UnknownLog,
    UntrustedLogSignature,
    WitnessError,
    WitnessStateError,
)
from lienthong.trust.log.notes import KeyType, NoteSigner
from lienthong.trust.log.proofs import AddCheckpoint
from lienthong.trust.log.witness import SIZE_TYPE, Witness, WitnessState, pull

LOG_KEY = NoteSigner.from_seed("hub.example/log", b"\x31" * 32)
KEY = NoteSigner.from_seed("stnmt.example/witness", b"\x32" * 32, KeyType.COSIGNATURE_V1)
NOW = 1_700_000_000


class Log:
    """A log that can show any of its past, or another one; also the transport a witness pulls from."""

    def __init__(self, history: str = "honest", shared: int = 0) -> None:
        self.hashes = [
            merkle.leaf_hash(f"{'honest' if i < shared else history} {i}".encode()) for i in range(40)
        ]
        growth = merkle.Frontier().append(self.hashes)
        self._nodes = {(level, index): h for level, index, h in growth.nodes}
        self._nodes.update(((0, i), h) for i, h in enumerate(self.hashes))
        self.size = 0
        self.posted: list[bytes] = []

    def at(self, size: int, signer: NoteSigner = LOG_KEY) -> bytes:
        root = merkle.root_hash(self.node, size)
        return sign_checkpoint(Checkpoint(signer.key.name, size, root), signer)

    def node(self, level: int, index: int) -> bytes:
        return self._nodes[level, index]

    def proof(self, old: int, new: int) -> merkle.Proof:
        return merkle.consistency_proof(self.node, old, new)

    def checkpoint(self) -> bytes:
        return self.at(self.size)

    def consistency(self, old: int, new: int) -> Sequence[bytes]:
        return self.proof(old, new)

    def post_cosignature(self, size: int, line: bytes) -> None:
        assert size == self.size
        self.posted.append(line)


def witness_at(folder: Path) -> Witness:
    return Witness(KEY, [LOG_KEY.key], WitnessState(folder), lambda: NOW)


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return witness_at(tmp_path / "witness")


def request(log: Log, old: int, new: int) -> bytes:
    return bytes(AddCheckpoint(old, log.proof(old, new), log.at(new)))


def test_a_growing_log_is_cosigned_step_by_step(witness: Witness) -> None:
    log = Log()
    seen = 0
    for size in (0, 0, 1, 5, 5, 8, 33, 40):
        answer = witness.add_checkpoint(request(log, seen, size))
        assert answer.status == 200
        checkpoint = Checkpoint("hub.example/log", size, merkle.root_hash(log.node, size))
        assert check_cosignature(answer.body, checkpoint, [KEY.key]).time_s == NOW
        seen = size


def test_a_witness_remembers_across_restarts(tmp_path: Path) -> None:
    log = Log()
    assert witness_at(tmp_path).add_checkpoint(request(log, 0, 20)).status == 200
    again = witness_at(tmp_path)
    assert again.seen("hub.example/log").size == 20
    answer = again.add_checkpoint(request(log, 0, 30))
    assert (answer.status, answer.body, answer.content_type) == (409, b"20\n", SIZE_TYPE)


def test_a_rewritten_log_is_not_cosigned(witness: Witness) -> None:
    """Whatever proof the liar can compute, the answer is 422 and the memory stays."""
    witness.add_checkpoint(request(Log(), 0, 20))
    liar = Log("another history", shared=10)
    assert witness.add_checkpoint(request(liar, 20, 30)).status == 422
    assert witness.add_checkpoint(bytes(AddCheckpoint(20, (), liar.at(30)))).status == 422
    assert witness.add_checkpoint(request(Log(), 20, 30)).status == 200


def test_two_trees_of_one_size_are_a_split_view_and_both_are_kept(witness: Witness, tmp_path: Path) -> None:
    honest, liar = Log(), Log("another history", shared=10)
    witness.add_checkpoint(request(honest, 0, 20))
    answer = witness.add_checkpoint(request(liar, 20, 20))
    assert answer.status == 409
    (kept,) = (tmp_path / "witness").glob("evidence-*.json")
    evidence = kept.read_text()
    for log in (honest, liar):
        assert log.at(20).decode().split("\n")[4] in evidence, "the log's own signature on both"


def test_a_rollback_is_refused(witness: Witness) -> None:
    log = Log()
    witness.add_checkpoint(request(log, 0, 20))
    assert witness.add_checkpoint(request(log, 10, 15)).status == 409
    assert witness.add_checkpoint(bytes(AddCheckpoint(20, (), log.at(15)))).status == 400
    assert witness.seen("hub.example/log").size == 20


def test_logs_it_does_not_watch_and_keys_it_does_not_know_are_refused(witness: Witness) -> None:
    stranger = NoteSigner.from_seed("elsewhere.example/log", b"\x33" * 32)
    impostor = NoteSigner.from_seed("hub.example/log", b"\x34" * 32)
    log = Log()
    assert witness.add_checkpoint(bytes(AddCheckpoint(0, (), log.at(5, stranger)))).status == 404
    assert witness.add_checkpoint(bytes(AddCheckpoint(0, (), log.at(5, impostor)))).status == 403
    with pytest.raises(UnknownLog):
        witness.cosign(0, (), log.at(5, stranger))
    with pytest.raises(UntrustedLogSignature):
        witness.cosign(0, (), log.at(5, impostor))


@pytest.mark.parametrize(
    "body", [b"", b"old 0\n\n", b"old 0\n", b"old x\n\nnote", b"\xff\n\n", b"old 0\n\na\n1\nx\n\n"]
)
def test_a_malformed_request_is_answered_400(witness: Witness, body: bytes) -> None:
    assert witness.add_checkpoint(body).status == 400


@given(st.data())
def test_a_mutated_request_never_moves_the_memory_backwards(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    witness = witness_at(tmp_path_factory.mktemp("w"))
    log = Log()
    witness.add_checkpoint(request(log, 0, 20))
    body = bytearray(request(log, 20, 30))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    answer = witness.add_checkpoint(bytes(body))
    seen = witness.seen("hub.example/log")
    if answer.status == 200:
        assert (seen.size, seen.root) == (30, merkle.root_hash(log.node, 30))
    else:
        assert answer.status in (400, 403, 404, 409, 422)
        assert (seen.size, seen.root) == (20, merkle.root_hash(log.node, 20))


def test_nothing_is_cosigned_that_could_not_be_remembered(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()
    witness.add_checkpoint(request(log, 0, 20))

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", no_space)
        answer = witness.add_checkpoint(request(log, 20, 30))
    assert answer.status == 500
    assert b"No space left" in answer.body
    assert witness.seen("hub.example/log").size == 20


@pytest.mark.parametrize(
    "damage", [b"", b"{}", b"[]", b"\xff", b'{"format":"lienthong-witness/1"}', b"[" * 100_000]
)
def test_a_damaged_memory_stops_the_witness(witness: Witness, tmp_path: Path, damage: bytes) -> None:
    log = Log()
    witness.add_checkpoint(request(log, 0, 20))
    (state,) = (tmp_path / "witness").glob("log-*.json")
    state.write_bytes(damage)
    with pytest.raises(WitnessStateError, match="damaged"):
        witness.cosign(20, log.proof(20, 30), log.at(30))
    assert witness.add_checkpoint(request(log, 20, 30)).status == 500


def test_of_many_at_once_one_history_remains(tmp_path: Path) -> None:
    """Two forks race through two processes' worth of state objects: only one of them is ever cosigned."""
    forks = [Log("left"), Log("right")]
    start = threading.Barrier(8)
    cosigned: list[str] = []

    def submit(number: int) -> None:
        own = witness_at(tmp_path)
        start.wait()
        if own.add_checkpoint(request(forks[number % 2], 0, 20)).status == 200:
            cosigned.append(f"fork {number % 2}")

    threads = [threading.Thread(target=submit, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cosigned) == 1


def test_the_key_must_make_timestamped_cosignatures(tmp_path: Path) -> None:
    with pytest.raises(WitnessError, match="timestamped"):
        Witness(LOG_KEY, [LOG_KEY.key], WitnessState(tmp_path), lambda: NOW)


def test_pulling_cosigns_and_posts_what_is_new(witness: Witness) -> None:
    log = Log()
    for size, added in ((0, 0), (7, 7), (7, 0), (40, 33)):
        log.size = size
        pulled = pull(witness, log)
        assert (pulled.size, pulled.added) == (size, added)
        checkpoint = Checkpoint("hub.example/log", size, merkle.root_hash(log.node, size))
        assert check_cosignature(log.posted[-1], checkpoint, [KEY.key]).witness == KEY.key


def test_pulling_refuses_a_log_that_went_back(witness: Witness) -> None:
    log = Log()
    log.size = 20
    pull(witness, log)
    log.size = 19
    with pytest.raises(SplitView, match="taken away"):
        pull(witness, log)
    assert len(log.posted) == 1


def test_pulling_refuses_another_history_and_keeps_the_evidence(witness: Witness, tmp_path: Path) -> None:
    honest, liar = Log(), Log("another history", shared=5)
    honest.size, liar.size = 20, 30
    pull(witness, honest)
    with pytest.raises(Inconsistent, match="report them"):
        pull(witness, liar)
    liar.size = 20
    with pytest.raises(SplitView):
        pull(witness, liar)
    assert liar.posted == []
    assert len(list((tmp_path / "witness").glob("evidence-*.json"))) == 2


def test_a_post_that_failed_is_made_good_by_the_next_round(witness: Witness) -> None:
    class Cut(Log):
        def post_cosignature(self, size: int, line: bytes) -> None:
            raise ConnectionResetError("the line was cut")

    cut, log = Cut(), Log()
    cut.size = log.size = 20
    with pytest.raises(ConnectionResetError):
        pull(witness, cut)
    assert pull(witness, log).added == 0
    assert len(log.posted) == 1


def test_a_stale_old_size_is_told_the_right_one(witness: Witness) -> None:
    log = Log()
    witness.cosign(0, (), log.at(20))
    with pytest.raises(StaleOldSize) as caught:
        witness.cosign(10, log.proof(10, 30), log.at(30))
    assert caught.value.recorded == 20
