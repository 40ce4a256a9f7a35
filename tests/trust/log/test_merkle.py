"""The tree is RFC 6962's: checked against the RFC's own recursive definitions and known vectors."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.trust.log import merkle
from lienthong.trust.log.errors import ProofError


def leaves_of(count: int) -> list[bytes]:
    return [sha256(b"leaf %d" % i).digest() for i in range(count)]


def split(count: int) -> int:
    """The largest power of two smaller than ``count``."""
    return 1 << (count - 1).bit_length() - 1


def mth(hashes: list[bytes]) -> bytes:
    """RFC 6962 §2.1, over leaf hashes."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def path(m: int, hashes: list[bytes]) -> list[bytes]:
    """RFC 6962 §2.1.1."""
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if m < k:
        return [*path(m, hashes[:k]), mth(hashes[k:])]
    return [*path(m - k, hashes[k:]), mth(hashes[:k])]


def subproof(m: int, hashes: list[bytes], whole: bool) -> list[bytes]:
    """RFC 6962 §2.1.2."""
    if m == len(hashes):
        return [] if whole else [mth(hashes)]
    k = split(len(hashes))
    if m <= k:
        return [*subproof(m, hashes[:k], whole), mth(hashes[k:])]
    return [*subproof(m - k, hashes[k:], False), mth(hashes[:k])]


class Nodes:
    """Complete nodes as a store keeps them; asking for any other is an error."""

    def __init__(self) -> None:
        self.kept: dict[tuple[int, int], bytes] = {}
        self.frontier = merkle.Frontier()

    def append(self, hashes: list[bytes]) -> merkle.Growth:
        growth = self.frontier.append(hashes)
        for i, h in enumerate(hashes):
            self.kept[0, self.frontier.size + i] = h
        for level, index, h in growth.nodes:
            assert (level, index) not in self.kept, "a node is reported once"
            self.kept[level, index] = h
        self.frontier = growth.frontier
        return growth

    def __call__(self, level: int, index: int) -> bytes:
        return self.kept[level, index]


def tree(count: int) -> tuple[Nodes, list[bytes]]:
    nodes, hashes = Nodes(), leaves_of(count)
    nodes.append(hashes)
    return nodes, hashes


batches = st.lists(st.integers(0, 40), min_size=1, max_size=12)
sizes = st.integers(1, 300)


def test_hashes_are_domain_separated_as_in_the_rfc() -> None:
    assert merkle.leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.node_hash(b"a" * 32, b"b" * 32) == sha256(b"\x01" + b"a" * 32 + b"b" * 32).digest()
    assert merkle.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


KNOWN_ENTRIES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
KNOWN_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def test_the_roots_of_the_certificate_transparency_test_vectors() -> None:
    frontier = merkle.Frontier()
    for entry, root in zip(KNOWN_ENTRIES, KNOWN_ROOTS, strict=True):
        frontier = frontier.append([merkle.leaf_hash(entry)]).frontier
        assert frontier.root.hex() == root


@given(batches)
def test_appending_in_any_batches_gives_the_rfc_root(counts: list[int]) -> None:
    nodes, hashes = Nodes(), leaves_of(sum(counts))
    for count in counts:
        start = nodes.frontier.size
        growth = nodes.append(hashes[start : start + count])
        assert growth.start == start
        assert growth.size == start + count
        assert growth.root == growth.frontier.root == mth(hashes[: start + count])


@given(batches)
def test_the_nodes_created_are_every_complete_subtree_and_no_other(counts: list[int]) -> None:
    nodes, hashes = Nodes(), leaves_of(sum(counts))
    for count in counts:
        nodes.append(hashes[nodes.frontier.size : nodes.frontier.size + count])
    size = len(hashes)
    expected = {
        (level, index): mth(hashes[index << level : (index + 1) << level])
        for level in range(size.bit_length())
        for index in range(size >> level)
    }
    assert nodes.kept == expected


@given(batches)
def test_a_batch_gives_the_proof_of_each_of_its_leaves(counts: list[int]) -> None:
    nodes, hashes = Nodes(), leaves_of(sum(counts))
    for count in counts:
        start = nodes.frontier.size
        growth = nodes.append(hashes[start : start + count])
        expected = [tuple(path(i, hashes[: start + count])) for i in range(start, start + count)]
        assert growth.proofs() == expected


@given(st.data(), sizes)
def test_inclusion_proofs_are_those_of_the_rfc_and_verify(data: st.DataObject, size: int) -> None:
    nodes, hashes = tree(size)
    now = data.draw(st.integers(1, size))
    index = data.draw(st.integers(0, now - 1))
    proof = merkle.inclusion_proof(nodes, index, now)
    assert proof == tuple(path(index, hashes[:now]))
    merkle.verify_inclusion(hashes[index], index, now, proof, mth(hashes[:now]))


@given(st.data(), sizes)
def test_consistency_proofs_are_those_of_the_rfc_and_verify(data: st.DataObject, size: int) -> None:
    nodes, hashes = tree(size)
    new = data.draw(st.integers(1, size))
    old = data.draw(st.integers(0, new))
    proof = merkle.consistency_proof(nodes, old, new)
    assert proof == (tuple(subproof(old, hashes[:new], True)) if old else ())
    merkle.verify_consistency(old, new, proof, mth(hashes[:old]), mth(hashes[:new]))


def test_every_proof_of_every_small_tree_verifies() -> None:
    nodes, hashes = tree(34)
    roots = [mth(hashes[:size]) for size in range(35)]
    for size in range(1, 35):
        assert merkle.root_hash(nodes, size) == roots[size]
        assert merkle.Frontier.load(nodes, size).root == roots[size]
        for index in range(size):
            proof = merkle.inclusion_proof(nodes, index, size)
            merkle.verify_inclusion(hashes[index], index, size, proof, roots[size])
        for old in range(size + 1):
            proof = merkle.consistency_proof(nodes, old, size)
            merkle.verify_consistency(old, size, proof, roots[old], roots[size])


def flip(data: st.DataObject, hashes: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The proof with one bit changed, one hash dropped or one added."""
    how = data.draw(st.sampled_from(["bit", "drop", "add"]))
    if how == "add" or not hashes:
        at = data.draw(st.integers(0, len(hashes)))
        return (*hashes[:at], data.draw(st.binary(min_size=32, max_size=32)), *hashes[at:])
    at = data.draw(st.integers(0, len(hashes) - 1))
    if how == "drop":
        return hashes[:at] + hashes[at + 1 :]
    bit = data.draw(st.integers(0, 255))
    changed = (int.from_bytes(hashes[at], "big") ^ 1 << bit).to_bytes(32, "big")
    return (*hashes[:at], changed, *hashes[at + 1 :])


@given(st.data(), sizes)
def test_a_changed_inclusion_proof_is_refused(data: st.DataObject, size: int) -> None:
    nodes, hashes = tree(size)
    index = data.draw(st.integers(0, size - 1))
    proof = flip(data, merkle.inclusion_proof(nodes, index, size))
    with pytest.raises(ProofError):
        merkle.verify_inclusion(hashes[index], index, size, proof, mth(hashes))


@given(st.data(), st.integers(2, 300))
def test_a_proof_does_not_serve_another_leaf(data: st.DataObject, size: int) -> None:
    nodes, hashes = tree(size)
    index, other = data.draw(st.lists(st.integers(0, size - 1), min_size=2, max_size=2, unique=True))
    proof = merkle.inclusion_proof(nodes, index, size)
    with pytest.raises(ProofError):
        merkle.verify_inclusion(hashes[other], index, size, proof, mth(hashes))
    with pytest.raises(ProofError):
        merkle.verify_inclusion(hashes[index], other, size, proof, mth(hashes))


@given(st.data(), sizes)
def test_a_changed_consistency_proof_is_refused(data: st.DataObject, size: int) -> None:
    nodes, hashes = tree(size)
    old = data.draw(st.integers(0, size))
    proof = flip(data, merkle.consistency_proof(nodes, old, size))
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, size, proof, mth(hashes[:old]), mth(hashes))


@given(st.data(), sizes)
def test_a_rewritten_log_has_no_consistency_proof(data: st.DataObject, size: int) -> None:
    """Whichever leaf of the past is changed, the honest proof of the new log does not cover it."""
    old = data.draw(st.integers(1, size))
    hashes = leaves_of(size)
    promised = mth(hashes[:old])
    rewritten = list(hashes)
    rewritten[data.draw(st.integers(0, old - 1))] = sha256(b"another history").digest()
    nodes = Nodes()
    nodes.append(rewritten)
    with pytest.raises(ProofError):
        merkle.verify_consistency(
            old, size, merkle.consistency_proof(nodes, old, size), promised, mth(rewritten)
        )


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (0, 0), (0, -1), (0, 2**63)])
def test_a_leaf_outside_the_tree_is_an_error(index: int, size: int) -> None:
    nodes, hashes = tree(4)
    with pytest.raises(ProofError):
        merkle.inclusion_proof(nodes, index, size)
    with pytest.raises(ProofError):
        merkle.verify_inclusion(hashes[0], index, size, (), hashes[0])


@pytest.mark.parametrize(("old", "new"), [(-1, 4), (5, 4), (1, 2**63)])
def test_a_tree_cannot_shrink(old: int, new: int) -> None:
    nodes, hashes = tree(4)
    with pytest.raises(ProofError):
        merkle.consistency_proof(nodes, old, new)
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, new, (), hashes[0], hashes[1])


@given(st.lists(st.binary(max_size=40), max_size=70), st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_random_bytes_never_pass_for_a_proof(proof: list[bytes], index: int, size: int) -> None:
    with pytest.raises(ProofError):
        merkle.verify_inclusion(b"\1" * 32, index, size, proof, b"\2" * 32)
    with pytest.raises(ProofError):
        merkle.verify_consistency(index, size, proof, b"\1" * 32, b"\2" * 32)


def test_a_frontier_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ProofError, match="complete subtrees"):
        merkle.Frontier(3, (b"\0" * 32,))


def test_a_huge_tree_grows_from_its_frontier_alone() -> None:
    size = 2**40 + 12345
    frontier = merkle.Frontier(size, tuple(leaves_of(size.bit_count())))
    hashes = leaves_of(32)
    growth = frontier.append(hashes)
    for i, proof in enumerate(growth.proofs()):
        merkle.verify_inclusion(hashes[i], size + i, growth.size, proof, growth.root)
