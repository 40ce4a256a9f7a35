"""The receipts of what was just committed: every one of them is asked for now, most of them never again."""

from __future__ import annotations

from typing import Final

_BATCHES: Final = 8


class FreshReceipts:
    """Those of the last batches. Written by the writer's thread, read by any."""

    __slots__ = ("_batches",)

    def __init__(self) -> None:
        self._batches: tuple[tuple[int, list[bytes]], ...] = ()

    def remember(self, first: int, receipts: list[bytes]) -> None:
        """Of the records from ``first`` on."""
        self._batches = ((first, receipts), *self._batches[: _BATCHES - 1])

    def get(self, index: int) -> bytes | None:
        """The receipt of a record of one of the last batches."""
        for first, receipts in self._batches:
            if 0 <= index - first < len(receipts):
                return receipts[index - first]
        return None
