"""Finding message ids: a table by hashed key, and the latest ones in memory until they go in sorted.

Hashes fall anywhere in the table. Put in one by one, each would touch, copy and check a page of its own;
in key order, thousands at a time, a page takes several. Until then they are found in memory, and after a
restart in the records.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

GENERATION: Final = 32_768
_STEPS: Final = 8
_MOST_MARKS: Final = 1024


def padded(values: list[int]) -> list[int]:
    """Lengthened to a power of two with the last value, so that few statements serve every batch."""
    return values + values[-1:] * ((1 << (len(values) - 1).bit_length()) - len(values))


class Ids:
    """Key → log index. The caller holds the index's lock and the transaction.

    ``generation``: how many ids gather before they are put into the table, a slice at each
    :meth:`settle`. ``since``: records from here on may not be in the table yet.
    """

    def __init__(self, connection: sqlite3.Connection, since: int, size: int) -> None:
        self._connection = connection
        self.generation = GENERATION
        self._gathered: dict[int, int] = dict(
            connection.execute("SELECT id_key, idx FROM records WHERE idx >= ? ORDER BY idx", (since,))
        )
        self._gathered_from = since if self._gathered else size
        self._leaving: dict[int, int] = {}
        self._leaving_from = 0
        self._slices: list[list[tuple[int, int]]] = []

    @property
    def since(self) -> int:
        return self._leaving_from if self._leaving else self._gathered_from

    def look_up(self, keys: Sequence[int]) -> dict[int, int]:
        """Those that are here."""
        gathered, leaving = self._gathered, self._leaving
        found: dict[int, int] = {}
        rest: list[int] = []
        for key in keys:
            idx = gathered.get(key)
            if idx is None:
                idx = leaving.get(key)
            if idx is None:
                rest.append(key)
            else:
                found[key] = idx
        for start in range(0, len(rest), _MOST_MARKS):
            some = padded(rest[start : start + _MOST_MARKS])
            marks = ",".join("?" * len(some))
            found.update(
                self._connection.execute(f"SELECT key, idx FROM ids WHERE key IN ({marks})", some)  # noqa: S608
            )
        return found

    def add(self, rows: Sequence[tuple[int, int]]) -> None:
        """(key, index) of new records, in index order."""
        if not self._gathered and rows:
            self._gathered_from = rows[0][1]
        self._gathered.update(rows)

    def settle(self) -> None:
        """Put a slice of the last generation into the table; begin the next when it is through."""
        if not self._slices and len(self._gathered) >= self.generation:
            self._leave()
        if not self._slices:
            return
        self._connection.executemany("INSERT OR IGNORE INTO ids VALUES (?, ?)", self._slices.pop())
        if not self._slices:
            self._leaving = {}

    def _leave(self) -> None:
        self._leaving, self._leaving_from = self._gathered, self._gathered_from
        self._gathered = {}
        rows = sorted(self._leaving.items())
        width = -(-len(rows) // _STEPS)
        self._slices = [rows[at : at + width] for at in range(0, len(rows), width)]


class GatheredIds:
    """While an index is built: nothing is looked up, and everything goes in sorted, a million at a time."""

    MOST: Final = 1_000_000

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._rows: list[tuple[int, int]] = []

    def add(self, rows: Sequence[tuple[int, int]]) -> None:
        self._rows += rows
        if len(self._rows) >= self.MOST:
            self.settle()

    def settle(self) -> None:
        """Put in all there are. Different ids that share a key get the next free one."""
        self._rows.sort()
        rows: list[tuple[int, int]] = []
        clashes: list[tuple[int, int]] = []
        for row in self._rows:
            (clashes if rows and rows[-1][0] == row[0] else rows).append(row)
        run = self._connection
        before = run.total_changes
        run.executemany("INSERT OR IGNORE INTO ids VALUES (?, ?)", rows)
        if run.total_changes - before != len(rows):
            find = "SELECT idx FROM ids WHERE key = ?"
            clashes += [row for row in rows if run.execute(find, row[:1]).fetchone()[0] != row[1]]
        for taken, idx in clashes:
            key = taken
            while run.execute("SELECT 1 FROM ids WHERE key = ?", (key,)).fetchone():
                key += 1
            run.execute("INSERT INTO ids VALUES (?, ?)", (key, idx))
            run.execute("UPDATE records SET id_key = ? WHERE idx = ?", (key, idx))
        self._rows = []
