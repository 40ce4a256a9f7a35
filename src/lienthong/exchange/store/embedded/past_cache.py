"""Appending past the page cache: whole blocks straight from one buffer to the disk (open(2), O_DIRECT)."""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from typing import Final

Buffer = bytes | bytearray | memoryview
BLOCK: Final = 4096
"""Offsets, lengths and memory are multiples of it; no disk asks for more."""
_STAGE: Final = 4 << 20


class PastCache:
    """Writes to one descriptor opened with O_DIRECT. One thread at a time.

    The last block of what was written is written again with what follows, and is filled up with zeros until
    then: only for a file that grows at its end, where nothing but zeros stands behind it.
    """

    __slots__ = ("_end", "_fd", "_stage")

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._stage = memoryview(mmap.mmap(-1, _STAGE))
        self._end = -1
        """Where the last write ended: its last block, if not full, stands at the beginning of the stage."""

    def write(self, buffers: Sequence[Buffer], offset: int) -> None:
        """All of ``buffers`` at ``offset``. Raises OSError; then nobody knows what stands from there on."""
        stage = self._stage
        at = offset % BLOCK
        base = offset - at
        if at and offset != self._end:
            self._read_block(base)
        self._end = -1
        for each in buffers:
            rest = memoryview(each)
            while len(rest) > _STAGE - at:
                room = _STAGE - at
                stage[at:] = rest[:room]
                self._write_stage(_STAGE, base)
                base, at, rest = base + _STAGE, 0, rest[room:]
            stage[at : at + len(rest)] = rest
            at += len(rest)
        last = at % BLOCK
        filled = at - last
        if last:
            stage[at : filled + BLOCK] = bytes(BLOCK - last)
            filled += BLOCK
        self._write_stage(filled, base)
        if last and filled > BLOCK:
            stage[:BLOCK] = stage[filled - BLOCK : filled]
        self._end = base + at

    def _read_block(self, base: int) -> None:
        block = self._stage[:BLOCK]
        read = os.preadv(self._fd, [block], base)
        block[read:] = bytes(BLOCK - read)

    def _write_stage(self, length: int, base: int) -> None:
        done = 0
        while done < length:
            done += os.pwritev(self._fd, [self._stage[done:length]], base + done)
