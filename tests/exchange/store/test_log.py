"""The Merkle log that every engine keeps: nodes, proofs, checkpoints, cosignatures, time-stamps."""

from __future__ import annotations

from base64 import b64decode

import pytest
from tests.exchange.store.engines import Engine, now_and_reopened
from tests.exchange.store.submissions import SIGNER, document

from lienthong.exchange.errors import NotFound
from lienthong.exchange.store.protocol import Store
from lienthong.trust.log.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_hash,
    verify_consistency,
    verify_inclusion,
)
from lienthong.trust.log.notes import Note


def fill(store: Store, sizes: list[int]) -> None:
    for size in sizes:
        start = store.tree_size()
        store.commit([document(f"m{n}") for n in range(start, start + size)], start)


def signed(note: bytes) -> tuple[int, bytes]:
    parsed = Note.parse(note)
    parsed.verified_by([SIGNER.key])
    _, size, root = parsed.text.splitlines()
    return int(size), b64decode(root)


def test_an_empty_log_has_a_signed_checkpoint(engine: Engine, store: Store) -> None:
    for each in now_and_reopened(engine, store):
        assert signed(each.checkpoint()) == (0, EMPTY_ROOT)
        assert each.tree_size() == 0
        assert each.leaf_hashes(0, 0) == []
        assert each.entries(0, 0) == []


def test_the_checkpoint_signs_the_tree_over_all_leaves(engine: Engine, store: Store) -> None:
    fill(store, [1, 2, 7, 30])
    for each in now_and_reopened(engine, store):
        size, root = signed(each.checkpoint())
        leaves = each.entries(0, 40)
        assert size == each.tree_size() == len(leaves) == 40
        assert Frontier().append([leaf_hash(leaf) for leaf in leaves]).root == root
        assert each.leaf_hashes(0, 40) == [leaf_hash(leaf) for leaf in leaves]


def test_nodes_and_proofs_hold_beyond_a_block_of_leaves(engine: Engine, store: Store) -> None:
    """256 leaves fill a stored block: both sides of the border, before and after a restart."""
    fill(store, [100, 155, 1, 2, 254, 3])
    for each in now_and_reopened(engine, store):
        size, root = signed(each.checkpoint())
        assert root_hash(each.node, size) == root
        for index in (0, 99, 254, 255, 256, 257, 511, 512, size - 1):
            proof = inclusion_proof(each.node, index, size)
            verify_inclusion(each.leaf_hashes(index, index + 1)[0], index, size, proof, root)
        for old in (1, 100, 255, 256, 258, 512):
            old_root = root_hash(each.node, old)
            verify_consistency(old, size, consistency_proof(each.node, old, size), old_root, root)
        assert each.leaf_hashes(250, 260) == [leaf_hash(leaf) for leaf in each.entries(250, 260)]


def test_the_log_goes_on_where_it_stopped(engine: Engine, store: Store) -> None:
    for size in (3, 250, 1, 5):
        fill(store, [size])
        store = engine.open()
    size, root = signed(store.checkpoint())
    assert size == 259
    assert Frontier().append([leaf_hash(leaf) for leaf in store.entries(0, size)]).root == root


def test_what_is_not_in_the_log_is_not_found(store: Store) -> None:
    fill(store, [5])
    for ask in (
        lambda: store.entries(0, 6),
        lambda: store.leaf_hashes(3, 9),
        lambda: store.node(0, 5),
        lambda: store.node(3, 0),
        lambda: store.node(-1, 0),
    ):
        with pytest.raises(NotFound):
            ask()


def test_old_receipts_are_the_same_bytes_after_the_log_has_grown(engine: Engine, store: Store) -> None:
    fill(store, [4, 3])
    receipts = [store.receipt(index) for index in range(7)]
    for _ in range(5):
        fill(store, [300])
    for each in now_and_reopened(engine, store):
        assert [each.receipt(index) for index in range(7)] == receipts


def test_cosignatures_and_timestamps_are_kept(engine: Engine, store: Store) -> None:
    fill(store, [3])
    store.add_cosignature(3, b"\xe2\x80\x94 witness.example AAAA\n")
    store.add_cosignature(3, b"\xe2\x80\x94 other.example BBBB\n")
    store.add_cosignature(3, b"\xe2\x80\x94 other.example BBBB\n")
    store.add_timestamp(3, b"token of three")
    fill(store, [2])
    store.add_timestamp(5, b"token of five" * 500)
    for each in now_and_reopened(engine, store):
        assert sorted(each.cosignatures(3)) == [
            b"\xe2\x80\x94 other.example BBBB\n",
            b"\xe2\x80\x94 witness.example AAAA\n",
        ]
        assert each.cosignatures(5) == []
        assert list(each.timestamps()) == [(3, b"token of three"), (5, b"token of five" * 500)]
