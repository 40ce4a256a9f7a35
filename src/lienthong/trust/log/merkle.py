"""The Merkle tree of RFC 6962 §2.1 (hashing and proofs unchanged in RFC 9162 §2.1).

A *node* is named (level, index): the hash of the complete subtree of ``2**level`` leaves that starts
at leaf ``index * 2**level``; level 0 are the leaf hashes. Complete nodes never change, so a store may
keep them for ever. The ragged right edge is never stored: it is folded from at most 64 complete nodes.

Every hash is 32 bytes. Proofs are tuples of hashes, nearest to the leaf first, as the RFCs write them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from lienthong.trust.log.errors import ProofError

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
MAX_TREE_SIZE = 2**63 - 1

GetNode = Callable[[int, int], bytes]
"""(level, index) → the 32-byte hash of that complete subtree."""

Proof = tuple[bytes, ...]
Path = TypeVar("Path")


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data)."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\1" + left + right).digest()


def root_from_frontier(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees given largest (leftmost) first."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = sha256(b"\1" + left + root).digest()
    return root


def frontier_nodes(size: int) -> list[tuple[int, int]]:
    """The (level, index) of the complete subtrees that make up a tree, largest first."""
    _check_size(size)
    return [
        (level, (size >> level) - 1) for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1
    ]


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that is needed to append to a tree of ``size`` leaves: one hash a set bit, largest first.

    Immutable: :meth:`append` answers the next one, so a batch that fails to be written costs nothing.
    """

    size: int = 0
    hashes: Proof = ()

    def __post_init__(self) -> None:
        _check_size(self.size)
        if len(self.hashes) != self.size.bit_count():
            raise ProofError(
                f"a tree of {self.size} leaves has {self.size.bit_count()} complete subtrees, "
                f"not {len(self.hashes)}",
                place="frontier",
            )

    @classmethod
    def load(cls, get_node: GetNode, size: int) -> Frontier:
        return cls(size, tuple(get_node(level, index) for level, index in frontier_nodes(size)))

    @property
    def root(self) -> bytes:
        return root_from_frontier(self.hashes)

    def append(self, leaf_hashes: Sequence[bytes]) -> Growth:
        """The tree after ``leaf_hashes``. Costs one hash a leaf and one or two a level."""
        start, size = self.size, self.size + len(leaf_hashes)
        if not leaf_hashes:
            return Growth(self, self.root, start, [], [])
        # Bit l of start set: the node (l, (start >> l) - 1) is in the frontier and is the left sibling
        # of the first node of row l, which we put in front so that rows pair up from an even index.
        old = {level: h for (level, _), h in zip(frontier_nodes(start), self.hashes, strict=True)}
        new = dict(old)
        rows: list[tuple[int, list[bytes]]] = []
        nodes: list[tuple[int, int, bytes]] = []
        first, row, level = start, list(leaf_hashes), 0
        while True:
            if first & 1:
                first -= 1
                row.insert(0, old[level])
            complete = size >> level
            if complete & 1:
                new[level] = row[complete - 1 - first]
            else:
                new.pop(level, None)
            rows.append((first, row))
            if first == 0 and len(row) == 1:
                break
            above = [
                sha256(b"\1" + left + right).digest()
                for left, right in zip(row[::2], row[1::2], strict=False)
            ]
            if len(row) & 1:
                above.append(row[-1])
            first, row, level = first >> 1, above, level + 1
            nodes.extend((level, first + i, row[i]) for i in range((size >> level) - first))
        frontier = Frontier(size, tuple(new[bit] for bit in range(level, -1, -1) if bit in new))
        return Growth(frontier, rows[-1][1][0], start, nodes, rows)


@dataclass(frozen=True, slots=True)
class Growth:
    """What a batch of leaves did to the tree.

    ``nodes``: the complete subtrees it closed, (level ≥ 1, index, hash), lowest level first: what a
    store persists beside the leaf hashes.
    """

    frontier: Frontier
    root: bytes
    start: int
    nodes: list[tuple[int, int, bytes]]
    _rows: list[tuple[int, list[bytes]]]

    @property
    def size(self) -> int:
        return self.frontier.size

    def proofs(self) -> list[Proof]:
        """The inclusion proof of every new leaf, in order, in the tree of ``size`` leaves.

        Needs no node from the store: left siblings are the old frontier, right ones are new.
        """
        empty: Proof = ()
        return self.paths(empty, lambda sibling, above: (sibling, *above))

    def paths(self, root: Path, extend: Callable[[bytes, Path], Path]) -> list[Path]:
        """:meth:`proofs` in whatever form: ``root`` is the path of the root, ``extend`` makes that of a node
        from its sibling's hash and the path of its parent. Leaves share what lies above them, so this takes
        one or two steps a leaf, where writing each proof by itself takes one for each of its hashes.
        """
        if not self._rows:
            return []
        paths = [root]
        for (first, row), (first_above, _) in zip(self._rows[-2::-1], self._rows[:0:-1], strict=True):
            below: list[Path] = []
            last = len(row) - 1
            for position in range(len(row)):
                above = paths[((first + position) >> 1) - first_above]
                sibling = position ^ 1
                below.append(extend(row[sibling], above) if sibling <= last else above)
            paths = below
        return paths[self.start - self._rows[0][0] :]


def root_hash(get_node: GetNode, size: int) -> bytes:
    """The root of the first ``size`` leaves, from complete nodes."""
    return root_from_frontier([get_node(level, index) for level, index in frontier_nodes(size)])


def inclusion_proof(get_node: GetNode, index: int, size: int) -> Proof:
    """PATH(index, D[0:size]) of RFC 6962 §2.1.1. Reads at most 2·log2(size) nodes."""
    _check_size(size)
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size} leaves", place="inclusion proof")
    proof: list[bytes] = []
    level = 0
    while (size - 1) >> level:
        sibling = (index >> level) ^ 1
        if (sibling + 1) << level <= size:
            proof.append(get_node(level, sibling))
        elif sibling << level < size:
            proof.append(_ragged(get_node, sibling << level, size))
        level += 1
    return tuple(proof)


def consistency_proof(get_node: GetNode, old: int, new: int) -> Proof:
    """PROOF(old, D[0:new]) of RFC 6962 §2.1.2; empty when ``old`` is 0 or equals ``new``."""
    _check_size(new)
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {old} leaves cannot precede one of {new}", place="consistency proof")
    if old in (0, new):
        return ()
    # The largest complete subtree that ends the old tree: all below it is common to both trees.
    level = (old & -old).bit_length() - 1
    index = (old >> level) - 1
    proof = [] if old == 1 << level else [get_node(level, index)]
    while (new - 1) >> level:
        sibling = index ^ 1
        if (sibling + 1) << level <= new:
            proof.append(get_node(level, sibling))
        elif sibling << level < new:
            proof.append(_ragged(get_node, sibling << level, new))
        level, index = level + 1, index >> 1
    return tuple(proof)


def _ragged(get_node: GetNode, start: int, end: int) -> bytes:
    """The hash of leaves start..end-1, the incomplete right end of a tree."""
    return root_from_frontier(
        [get_node(level, index + (start >> level)) for level, index in frontier_nodes(end - start)]
    )


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that ``proof`` leads to from a leaf hash (RFC 9162 §2.1.3.2), or :class:`ProofError`."""
    _check_size(size)
    _check_hashes((leaf, *proof), "inclusion proof")
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size} leaves", place="inclusion proof")
    node, last, root, steps = index, size - 1, leaf, iter(proof)
    while last:
        if node & 1:
            root = node_hash(_next(steps, "inclusion proof"), root)
        elif node < last:
            root = node_hash(root, _next(steps, "inclusion proof"))
        node, last = node >> 1, last >> 1
    _check_spent(steps, "inclusion proof")
    return root


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise :class:`ProofError` unless the leaf hash is leaf ``index`` of the tree of that root."""
    if root_from_inclusion(leaf, index, size, proof) != root:
        raise ProofError(
            f"leaf {index} is not part of the tree of {size} leaves with this root",
            place="inclusion proof",
            remedy="check that leaf, index, proof and checkpoint belong together; "
            "if they do, the log was changed",
        )


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Raise :class:`ProofError` unless the tree of ``new`` leaves only appended to that of ``old``
    (RFC 9162 §2.1.4.2).
    """
    place = "consistency proof"
    _check_size(new)
    _check_hashes((old_root, new_root, *proof), place)
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {old} leaves cannot precede one of {new}", place=place)
    steps = iter(proof)
    if old == 0:
        if old_root != EMPTY_ROOT:
            raise ProofError("the root of an empty tree is SHA-256 of nothing", place=place)
        _check_spent(steps, place)
        return
    if old == new:
        _check_spent(steps, place)
        if old_root != new_root:
            raise ProofError(f"two different trees of {new} leaves: the log was split", place=place)
        return
    level = (old & -old).bit_length() - 1
    node, last = (old >> level) - 1, (new - 1) >> level
    was = now = old_root if old == 1 << level else _next(steps, place)
    while last:
        if node & 1:
            left = _next(steps, place)
            was, now = node_hash(left, was), node_hash(left, now)
        elif node < last:
            now = node_hash(now, _next(steps, place))
        node, last = node >> 1, last >> 1
    _check_spent(steps, place)
    if was != old_root or now != new_root:
        raise ProofError(
            f"the tree of {new} leaves does not continue the tree of {old} leaves",
            place=place,
            remedy="keep both checkpoints and report them: together with their signatures they are "
            "evidence that the log was rewritten",
        )


def _check_size(size: int) -> None:
    if not 0 <= size <= MAX_TREE_SIZE:
        raise ProofError(f"{size} is not a tree size", place="tree size")


def _check_hashes(hashes: Iterable[bytes], place: str) -> None:
    for each in hashes:
        if len(each) != HASH_SIZE:
            raise ProofError(f"a hash has {len(each)} bytes instead of {HASH_SIZE}", place=place)


def _next(steps: Iterator[bytes], place: str) -> bytes:
    step = next(steps, None)
    if step is None:
        raise ProofError("the proof is too short", place=place)
    return step


def _check_spent(steps: Iterator[bytes], place: str) -> None:
    if next(steps, None) is not None:
        raise ProofError("the proof is longer than the tree is high", place=place)
