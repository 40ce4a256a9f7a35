"""The complete nodes of the Merkle tree, kept in blocks of 256 leaves by eight levels.

A block (band, number) holds the nodes of levels 8·band … 8·band+7 above leaves of that band; it is
written once, when full. Blocks still growing stay in memory and are refilled from the log at opening.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from lienthong.exchange.errors import NotFound
from lienthong.trust.log.merkle import HASH_SIZE, Frontier, node_hash

_WIDTH: Final = 256
_NODES: Final = 510
_BLOCK_BYTES: Final = _NODES * HASH_SIZE
_KEPT: Final = 24
_STARTS: Final = tuple(512 - (512 >> row) for row in range(8))


LoadBlock = Callable[[int], bytes | None]
"""block key → its 510 nodes; None when it was never stored."""

SaveBlocks = Callable[[list[tuple[int, bytes]]], object]
"""Store (key, nodes) of blocks that are full."""


class MissingBlock(Exception):
    """A block that must be there is not: the index is damaged."""


def _key(band: int, number: int) -> int:
    return band << 40 | number


class TreeBlocks:
    """The nodes of one tree. The caller holds whatever lock guards it."""

    def __init__(self, load: LoadBlock, save: SaveBlocks) -> None:
        self._load, self._save = load, save
        self._growing: dict[tuple[int, int], bytearray] = {}
        self._read: OrderedDict[int, bytes] = OrderedDict()
        self.size = 0

    def refill(self, size: int, leaf_hashes: Callable[[int, int], Sequence[bytes]]) -> None:
        """Make ready to grow from ``size`` leaves; ``leaf_hashes`` answers those of a range."""
        self._growing.clear()
        self._read.clear()
        self.size = size
        band, width = 0, size
        while width:
            number, filled = divmod(width, _WIDTH)
            if filled:
                start = number * _WIDTH
                row = (
                    list(leaf_hashes(start, start + filled))
                    if band == 0
                    else [self._block_root(band - 1, child) for child in range(start, start + filled)]
                )
                block = self._growing[band, number] = bytearray(_BLOCK_BYTES)
                block[: filled * HASH_SIZE] = b"".join(row)
                for level, index, node in Frontier().append(row).nodes:
                    if level < 8:
                        self._put(block, level, index, node)
            band, width = band + 1, number

    def add(self, leaf_hashes: Sequence[bytes], nodes: Sequence[tuple[int, int, bytes]]) -> None:
        """Append leaves and the complete nodes they closed (``Growth.nodes``)."""
        growing = self._growing
        at, end = self.size, self.size + len(leaf_hashes)
        taken = 0
        while at < end:
            number, offset = divmod(at, _WIDTH)
            count = min(_WIDTH - offset, end - at)
            block = growing.get((0, number))
            if block is None:
                block = growing[0, number] = bytearray(_BLOCK_BYTES)
            block[offset * HASH_SIZE : (offset + count) * HASH_SIZE] = b"".join(
                leaf_hashes[taken : taken + count]
            )
            at, taken = at + count, taken + count
        for level, index, node in nodes:
            band, row = level >> 3, level & 7
            shift = 8 - row
            key = band, index >> shift
            block = growing.get(key)
            if block is None:
                block = growing[key] = bytearray(_BLOCK_BYTES)
            place = (_STARTS[row] + (index & ((1 << shift) - 1))) * HASH_SIZE
            block[place : place + HASH_SIZE] = node
        before, self.size = self.size, end
        if before >> 8 != end >> 8:
            self._store_full()

    def node(self, level: int, index: int) -> bytes:
        """The node (level, index); it must be complete in the tree of ``size`` leaves."""
        if level < 0 or index < 0 or (index + 1) << level > self.size:
            raise NotFound(f"node ({level}, {index}) is not complete in a tree of {self.size} leaves")
        band, row = level >> 3, level & 7
        shift = 8 - row
        block = self._block(band, index >> shift)
        place = (_STARTS[row] + (index & ((1 << shift) - 1))) * HASH_SIZE
        return bytes(block[place : place + HASH_SIZE])

    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        """The hashes of leaves start..end-1."""
        if not 0 <= start <= end <= self.size:
            raise NotFound(f"leaves {start}..{end} are not all in a tree of {self.size}")
        hashes: list[bytes] = []
        while start < end:
            number, offset = divmod(start, _WIDTH)
            count = min(_WIDTH - offset, end - start)
            block = self._block(0, number)
            hashes += [
                bytes(block[at * HASH_SIZE : (at + 1) * HASH_SIZE]) for at in range(offset, offset + count)
            ]
            start += count
        return hashes

    def _store_full(self) -> None:
        full = [(band, number) for band, number in self._growing if number < self.size >> (8 * (band + 1))]
        rows = [(_key(*each), bytes(self._growing.pop(each))) for each in full]
        self._save(rows)
        for key, nodes in rows:
            self._keep(key, nodes)

    def _block(self, band: int, number: int) -> bytes | bytearray:
        growing = self._growing.get((band, number))
        if growing is not None:
            return growing
        key = _key(band, number)
        nodes = self._read.get(key)
        if nodes is not None:
            self._read.move_to_end(key)
            return nodes
        block = self._load(key)
        if block is None or len(block) != _BLOCK_BYTES:
            raise MissingBlock(f"tree block ({band}, {number}) is missing")
        self._keep(key, block)
        return block

    def _keep(self, key: int, nodes: bytes) -> None:
        self._read[key] = nodes
        if len(self._read) > _KEPT:
            self._read.popitem(last=False)

    def _block_root(self, band: int, number: int) -> bytes:
        block = self._block(band, number)
        place = _STARTS[7] * HASH_SIZE
        return node_hash(
            bytes(block[place : place + HASH_SIZE]), bytes(block[place + HASH_SIZE : place + 2 * HASH_SIZE])
        )

    @staticmethod
    def _put(block: bytearray, row: int, index: int, node: bytes) -> None:
        place = (_STARTS[row] + index) * HASH_SIZE
        block[place : place + HASH_SIZE] = node
