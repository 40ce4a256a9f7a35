from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.trust.log import merkle
from lienthong.trust.log.errors import TileError
from lienthong.trust.log.tiles import (
    ENTRIES,
    Tile,
    bundle,
    entries_of,
    hashes_of,
    nodes_from_tiles,
    tile_bytes,
    tiles_of,
)


class Log:
    """A log of small entries with every complete node."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.leaves = [b"entry %d" % i for i in range(size)]
        hashes = [merkle.leaf_hash(leaf) for leaf in self.leaves]
        growth = merkle.Frontier().append(hashes)
        self.root = growth.root
        self.nodes = {(level, index): h for level, index, h in growth.nodes}
        self.nodes.update(((0, i), h) for i, h in enumerate(hashes))

    def node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]

    def entries(self, start: int, end: int) -> list[bytes]:
        return self.leaves[start:end]

    def file(self, tile: Tile) -> bytes:
        return tile_bytes(tile, self.size, self.node, self.entries)


LOG = Log(70_000)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(1, 1000, 17), "tile/1/x001/000.p/17"),
        (Tile(ENTRIES, 273, 112), "tile/entries/273.p/112"),
        (Tile(63, 5, 255), "tile/63/005.p/255"),
    ],
)
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.parse(path) == tile


@given(st.builds(Tile, st.integers(-1, 63), st.integers(0, 2**63 - 1), st.integers(1, 256)))
def test_every_path_is_read_back(tile: Tile) -> None:
    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x000/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/0/x001",
        "tile/0/001/002",
        "tile/data/000",
        "tile/0/../../secret",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "tile/0/" + "x999/" * 6 + "999",
    ],
)
def test_other_spellings_are_no_tile(path: str) -> None:
    with pytest.raises(TileError):
        Tile.parse(path)


@given(st.text(max_size=60) | st.from_regex(r"tile/[0-9ex]{1,8}/[0-9x/.p]{0,30}", fullmatch=True))
def test_random_paths_are_a_tile_in_one_spelling_or_an_error(path: str) -> None:
    try:
        tile = Tile.parse(path)
    except TileError:
        return
    assert tile.path == path


def test_a_tree_of_70000_consists_of_the_tiles_the_specification_lists() -> None:
    tiles = list(tiles_of(70_000))
    hashes = [tile for tile in tiles if tile.level != ENTRIES]
    assert sum(tile.level == 0 and tile.width == 256 for tile in hashes) == 273
    assert [tile for tile in hashes if tile.width < 256] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert sum(tile.level == 1 and tile.width == 256 for tile in hashes) == 1
    assert sum(tile.level == ENTRIES for tile in tiles) == 274
    assert [tile.path for tile in tiles_of(256) if tile.level > 0] == ["tile/1/000.p/1"]
    assert list(tiles_of(0)) == []


def test_tiles_alone_give_every_proof() -> None:
    """A client that has only the files rebuilds the root and proofs, reading each file once."""
    read: list[Tile] = []

    def fetch(tile: Tile) -> bytes:
        read.append(tile)
        return LOG.file(tile)

    nodes = nodes_from_tiles(fetch, LOG.size)
    assert merkle.root_hash(nodes, LOG.size) == LOG.root
    for index in (0, 255, 256, 65_535, 65_536, 69_999):
        proof = merkle.inclusion_proof(nodes, index, LOG.size)
        merkle.verify_inclusion(LOG.node(0, index), index, LOG.size, proof, LOG.root)
    assert len(read) == len(set(read))
    assert set(read) <= set(tiles_of(LOG.size))


@given(st.data(), st.integers(1, 70_000))
def test_nodes_from_tiles_are_the_nodes_of_the_tree(data: st.DataObject, size: int) -> None:
    level = data.draw(st.integers(0, size.bit_length() - 1))
    index = data.draw(st.integers(0, (size >> level) - 1))
    nodes = nodes_from_tiles(lambda tile: tile_bytes(tile, size, LOG.node, LOG.entries), size)
    assert nodes(level, index) == LOG.node(level, index)


def test_a_node_that_is_not_complete_is_an_error() -> None:
    nodes = nodes_from_tiles(LOG.file, LOG.size)
    for level, index in ((0, 70_000), (3, 8_750), (17, 0), (40, 0)):
        with pytest.raises(TileError):
            nodes(level, index)


@pytest.mark.parametrize(
    "tile", [Tile(0, 273), Tile(0, 273, 113), Tile(1, 1, 18), Tile(2, 0, 2), Tile(9, 0, 1)]
)
def test_a_tile_the_log_has_not_reached_is_an_error(tile: Tile) -> None:
    with pytest.raises(TileError, match="70000"):
        LOG.file(tile)


def test_bundles_hash_to_the_tile_of_leaf_hashes() -> None:
    for tile in (Tile(ENTRIES, 0), Tile(ENTRIES, 273, 112)):
        entries = entries_of(tile, LOG.file(tile))
        assert [merkle.leaf_hash(e) for e in entries] == hashes_of(
            Tile(0, tile.index, tile.width), LOG.file(Tile(0, tile.index, tile.width))
        )


@given(st.lists(st.binary(max_size=80), min_size=1, max_size=256))
def test_a_bundle_is_read_back(entries: list[bytes]) -> None:
    assert entries_of(Tile(ENTRIES, 0, len(entries)), bundle(entries)) == entries


def test_an_entry_that_no_bundle_can_hold_is_an_error() -> None:
    assert len(bundle([b"x" * 65_535])) == 65_537
    with pytest.raises(TileError, match="65536"):
        bundle([b"x" * 65_536])


@given(st.binary(max_size=200), st.integers(1, 256))
def test_garbage_is_a_bundle_of_the_right_count_or_an_error(data: bytes, width: int) -> None:
    try:
        entries = entries_of(Tile(ENTRIES, 0, width), data)
    except TileError:
        return
    assert len(entries) == width
    assert bundle(entries) == data


@given(st.binary(max_size=200))
def test_a_tile_of_the_wrong_length_is_an_error(data: bytes) -> None:
    with pytest.raises(TileError):
        hashes_of(Tile(0, 0, 7), data)


def test_a_changed_tile_changes_the_root() -> None:
    def fetch(tile: Tile) -> bytes:
        data = LOG.file(tile)
        return sha256(data).digest() + data[32:] if tile == Tile(0, 273, 112) else data

    assert merkle.root_hash(nodes_from_tiles(fetch, LOG.size), LOG.size) != LOG.root
