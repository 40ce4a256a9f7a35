from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.trust.log.errors import LogError, ProofError
from lienthong.trust.log.proofs import AddCheckpoint, ConsistencyProof, InclusionProof

NOTE = (
    "hub.example/log\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n— hub.example/log AAAABBBB\n"
).encode()
hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple)
sizes = st.integers(0, 2**63 - 1)
notes = st.text(max_size=200)


def test_an_inclusion_proof_is_the_text_of_c2sp_tlog_proof() -> None:
    proof = InclusionProof(73894, (b"\0" * 32, b"\xff" * 32), NOTE, b"hello")
    assert bytes(proof).decode() == (
        "c2sp.org/tlog-proof@v1\nextra aGVsbG8=\nindex 73894\n"
        + "A" * 43
        + "=\n"
        + "/" * 42
        + "8=\n\n"
        + NOTE.decode()
    )


def test_an_add_checkpoint_request_is_the_text_of_c2sp_tlog_witness() -> None:
    assert bytes(AddCheckpoint(5, (b"\0" * 32,), NOTE)) == b"old 5\n" + b"A" * 43 + b"=\n\n" + NOTE
    assert bytes(AddCheckpoint(0, (), NOTE)) == b"old 0\n\n" + NOTE


@given(sizes, hashes, notes, st.none() | st.binary())
def test_inclusion_proofs_are_read_back(
    index: int, proof: tuple[bytes, ...], note: str, extra: bytes | None
) -> None:
    whole = InclusionProof(index, proof, note.encode(), extra)
    assert InclusionProof.parse(bytes(whole)) == whole


@given(sizes, hashes, notes)
def test_add_checkpoint_requests_are_read_back(old: int, proof: tuple[bytes, ...], note: str) -> None:
    whole = AddCheckpoint(old, proof, note.encode())
    assert AddCheckpoint.parse(bytes(whole)) == whole


@given(hashes, notes, notes)
def test_consistency_proofs_are_read_back(proof: tuple[bytes, ...], old: str, new: str) -> None:
    whole = ConsistencyProof(old.encode(), new.encode(), proof)
    assert ConsistencyProof.parse(bytes(whole)) == whole


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    for kind in (InclusionProof, ConsistencyProof, AddCheckpoint):
        with pytest.raises(ProofError):
            kind.parse(data)


@given(
    st.sampled_from([InclusionProof(3, (b"\1" * 32,), NOTE, b"x"), AddCheckpoint(3, (b"\1" * 32,), NOTE)]),
    st.data(),
)
def test_a_mutated_proof_is_refused_or_says_something_else(
    proof: InclusionProof | AddCheckpoint, data: st.DataObject
) -> None:
    original = bytes(proof)
    at = data.draw(st.integers(0, len(original) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda v: v != original[at]))
    try:
        again = type(proof).parse(original[:at] + bytes([value]) + original[at + 1 :])
    except LogError:
        return
    assert again != proof


@pytest.mark.parametrize(
    "data",
    [
        b"old 1\n" + b"\n".join([b"A" * 43 + b"="] * 64) + b"\n\n" + NOTE,
        b"old 01\n\n" + NOTE,
        b"old -1\n\n" + NOTE,
        b"older 1\n\n" + NOTE,
        b"old 1\nAAAA\n\n" + NOTE,
        b"old 1\n" + NOTE[:20],
        b"x" * 4_000_001,
    ],
)
def test_malformed_requests_are_refused(data: bytes) -> None:
    with pytest.raises(ProofError):
        AddCheckpoint.parse(data)


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"format":"lienthong-consistency/1"}',
        b'{"format":"lienthong-consistency/1","old":"a","new":"b","proof":[1]}',
        b'{"format":"lienthong-consistency/1","old":"a","new":"b","proof":["AA=="]}',
        b'{"format":"lienthong-consistency/1","old":"\\ud800","new":"b","proof":[]}',
        b" " * 4_000_001,
    ],
)
def test_malformed_consistency_proofs_are_refused(data: bytes) -> None:
    with pytest.raises(ProofError):
        ConsistencyProof.parse(data)
