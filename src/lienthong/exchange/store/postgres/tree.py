"""The tree's complete nodes, shared by the writer and the readers of one process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from lienthong.exchange.errors import NotFound
from lienthong.exchange.store.postgres.connections import Connection, Connections
from lienthong.exchange.store.postgres.reading import leaves
from lienthong.exchange.store.tree import TreeBlocks
from lienthong.trust.log.merkle import Frontier, Growth, Proof, inclusion_proof, leaf_hash

_MOST_CAUGHT_UP: Final = 4096


class SharedTree:
    """Follows the log's head, whichever process moves it."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._blocks = TreeBlocks(self._load, self._save)
        self._lock = threading.Lock()
        self._using: Connection | None = None
        self._filled: list[tuple[int, bytes]] = []
        self._valid = False

    def grow(
        self, connection: Connection, before: int, hashes: Sequence[bytes], growth: Growth
    ) -> list[tuple[int, bytes]]:
        """Append a batch that is being written; answers the blocks to store with it."""
        with self._lock, self._through(connection):
            self._follow(connection, before)
            self._filled = []
            self._blocks.add(hashes, growth.nodes)
            return self._filled

    def forget(self) -> None:
        """The batch last grown may not have been committed."""
        with self._lock:
            self._valid = False

    def node(self, level: int, index: int, size: int) -> bytes:
        """The node (level, index) of the tree of ``size`` leaves, which is committed."""
        if level < 0 or (index + 1) << level > size:
            raise NotFound(f"node ({level}, {index}) is not complete in a tree of {size} leaves")
        with self._reaching(size):
            return self._blocks.node(level, index)

    def leaf_hashes(self, start: int, end: int, size: int) -> list[bytes]:
        if end > size:
            raise NotFound(f"leaves {start}..{end} are not all in a tree of {size}")
        with self._reaching(size):
            return self._blocks.leaf_hashes(start, end)

    def proof(self, index: int, size: int) -> Proof:
        with self._reaching(size):
            return inclusion_proof(self._blocks.node, index, size)

    @contextmanager
    def _reaching(self, size: int) -> Iterator[None]:
        with self._connections.read() as connection, self._lock, self._through(connection):
            if not self._valid or self._blocks.size < size:
                self._follow(connection, size)
            yield

    @contextmanager
    def _through(self, connection: Connection) -> Iterator[None]:
        self._using = connection
        try:
            yield
        finally:
            self._using = None

    def _follow(self, connection: Connection, size: int) -> None:
        blocks = self._blocks
        if not self._valid or blocks.size > size or size - blocks.size > _MOST_CAUGHT_UP:
            blocks.refill(
                size, lambda start, end: [leaf_hash(leaf) for leaf in leaves(connection, start, end)]
            )
        elif blocks.size < size:
            hashes = [leaf_hash(leaf) for leaf in leaves(connection, blocks.size, size)]
            blocks.add(hashes, Frontier.load(blocks.node, blocks.size).append(hashes).nodes)
        self._valid = True

    def _load(self, key: int) -> bytes | None:
        assert self._using is not None
        row = self._using.execute("SELECT nodes FROM blocks WHERE key = %s", (key,), binary=True).fetchone()
        return row[0] if row else None

    def _save(self, rows: list[tuple[int, bytes]]) -> None:
        self._filled += rows
