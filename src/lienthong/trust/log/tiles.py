"""Tiles (C2SP tlog-tiles): the tree and its entries as static files of 256 hashes or entries.

A tile at tile level L holds complete nodes of tree level 8·L. Paths are relative to the log's prefix:
``tile/<L>/<N>[.p/<W>]`` and ``tile/entries/<N>[.p/<W>]``, N in groups of three digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lienthong.trust.log.errors import TileError
from lienthong.trust.log.merkle import HASH_SIZE, GetNode, node_hash

WIDTH: Final = 256
HEIGHT: Final = 8
ENTRIES: Final = -1
"""The level of an entry bundle."""
MAX_ENTRY: Final = 0xFFFF

_PATH: Final = re.compile(
    r"tile/(?P<level>entries|[0-9]{1,2})/(?P<groups>(?:x[0-9]{3}/){0,6})(?P<last>[0-9]{3})(?:\.p/(?P<width>[0-9]{1,3}))?",
    re.ASCII,
)

ReadEntries = Callable[[int, int], Sequence[bytes]]
"""(start, end) → the leaf bytes of entries start..end-1."""


@dataclass(frozen=True, slots=True)
class Tile:
    """``width`` hashes (or entries) of tile ``index`` at tile ``level`` (:data:`ENTRIES` for a bundle)."""

    level: int
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        if not (ENTRIES <= self.level <= 63 and 0 <= self.index < 2**63 and 1 <= self.width <= WIDTH):
            raise TileError(
                f"level {self.level}, index {self.index}, width {self.width} is no tile", place="tile"
            )

    @property
    def path(self) -> str:
        digits = f"{self.index:d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
        name = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = f".p/{self.width}" if self.width < WIDTH else ""
        return f"tile/{level}/{name}{partial}"

    @classmethod
    def parse(cls, path: str) -> Tile:
        """Read a path in its one canonical spelling, or :class:`TileError`."""
        match = _PATH.fullmatch(path)
        if match is not None:
            level = ENTRIES if match["level"] == "entries" else int(match["level"])
            index = int(match["groups"].replace("x", "").replace("/", "") + match["last"])
            width = WIDTH if match["width"] is None else int(match["width"])
            if level <= 63 and index < 2**63 and 1 <= width <= WIDTH:
                tile = cls(level, index, width)
                if tile.path == path:
                    return tile
        raise TileError(
            f"{path[:80]!r} is not the path of a tile",
            place="tile path",
            remedy="write tile/LEVEL/x001/x234/067 or tile/entries/000.p/12 (C2SP tlog-tiles)",
        )

    @property
    def range(self) -> tuple[int, int]:
        """The first node or entry, and one past the last."""
        start = self.index * WIDTH
        return start, start + self.width

    def check_within(self, size: int) -> None:
        """Raise :class:`TileError` unless a tree of ``size`` leaves has it."""
        available = size if self.level == ENTRIES else size >> HEIGHT * self.level
        if self.range[1] > available:
            raise TileError(f"the log of {size} entries has no {self.path}", place="tile")


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile and bundle that a tree of ``size`` leaves consists of, full and partial."""
    for level in (ENTRIES, *range((max(size, 1).bit_length() - 1) // HEIGHT + 1)):
        full, rest = divmod(size >> HEIGHT * max(level, 0), WIDTH)
        yield from (Tile(level, index) for index in range(full))
        if rest:
            yield Tile(level, full, rest)


def tile_bytes(tile: Tile, size: int, get_node: GetNode, entries: ReadEntries) -> bytes:
    """The file at ``tile.path`` for a log of ``size`` entries."""
    tile.check_within(size)
    start, end = tile.range
    if tile.level == ENTRIES:
        return bundle(entries(start, end))
    return b"".join(get_node(HEIGHT * tile.level, index) for index in range(start, end))


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries as a bundle: each after its length, 2 bytes big-endian."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise TileError(
                f"an entry of {len(entry)} bytes does not fit a bundle ({MAX_ENTRY})", place="entry"
            )
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def entries_of(tile: Tile, data: bytes) -> list[bytes]:
    """The entries of a bundle, exactly ``tile.width`` of them."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        entry = data[at + 2 : at + 2 + length]
        at += 2 + length
        if at > len(data):
            raise TileError("the bundle is cut short", place=tile.path)
        entries.append(entry)
    if len(entries) != tile.width:
        raise TileError(f"the bundle has {len(entries)} entries instead of {tile.width}", place=tile.path)
    return entries


def hashes_of(tile: Tile, data: bytes) -> list[bytes]:
    """The hashes of a tile, exactly ``tile.width`` of them."""
    if len(data) != tile.width * HASH_SIZE:
        raise TileError(
            f"the tile has {len(data)} bytes instead of {tile.width * HASH_SIZE}", place=tile.path
        )
    return [data[i : i + HASH_SIZE] for i in range(0, len(data), HASH_SIZE)]


def nodes_from_tiles(fetch: Callable[[Tile], bytes], size: int) -> GetNode:
    """A node source over tiles, for whoever has only the files of a log of ``size`` entries.

    Each tile is fetched once. Nothing is verified here: what is built from these nodes must be compared
    with a signed root.
    """
    kept: dict[tuple[int, int], list[bytes]] = {}

    def get_node(level: int, index: int) -> bytes:
        at, height = divmod(level, HEIGHT)
        first = index << height
        number = first // WIDTH
        if (number, at) not in kept:
            width = min(WIDTH, (size >> HEIGHT * at) - number * WIDTH)
            if width < 1:
                raise TileError(f"node {level}/{index} is not in a log of {size} entries", place="tile")
            tile = Tile(at, number, width)
            kept[number, at] = hashes_of(tile, fetch(tile))
        row = kept[number, at][first % WIDTH : first % WIDTH + (1 << height)]
        if len(row) != 1 << height:
            raise TileError(f"node {level}/{index} is not complete in a log of {size} entries", place="tile")
        while len(row) > 1:
            row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
        return row[0]

    return get_node
