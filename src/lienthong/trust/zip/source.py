"""Where the bytes of an archive come from: memory without copying, or a file read by position."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from lienthong.trust.errors import ContainerError

CHUNK = 1 << 18
"""Bytes held at a time when an entry of a file is read through."""


class Source(Protocol):
    size: int

    def read(self, offset: int, size: int) -> bytes:
        """At most ``size`` bytes at ``offset``, fewer at the end."""

    def chunks(self, offset: int, size: int) -> Iterator[memoryview]:
        """Exactly ``size`` bytes at ``offset`` in pieces, each valid until the next is asked for."""

    def close(self) -> None: ...


class MemorySource:
    """Bytes that are already in memory; ``view`` is shared, never copied."""

    __slots__ = ("data", "size", "view")

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self.data = data if isinstance(data, bytes) else memoryview(data).cast("B")
        self.view = memoryview(self.data)
        self.size = len(self.data)

    def read(self, offset: int, size: int) -> bytes:
        return bytes(self.data[offset : offset + size])

    def chunks(self, offset: int, size: int) -> Iterator[memoryview]:
        yield self.view[offset : offset + size]

    def close(self) -> None:
        """Nothing to give back."""


class FileSource:
    """A file read with ``pread``: constant memory, no shared position, safe from several threads."""

    __slots__ = ("_fd", "_path", "size")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            status = os.fstat(self._fd)
        except OSError as error:
            raise self._unreadable(error.strerror) from None
        if not stat.S_ISREG(status.st_mode):
            raise self._unreadable("not a regular file")
        self.size = status.st_size

    def read(self, offset: int, size: int) -> bytes:
        try:
            return os.pread(self._fd, size, offset)
        except OSError as error:
            raise self._unreadable(error.strerror) from None

    def chunks(self, offset: int, size: int) -> Iterator[memoryview]:
        end = offset + size
        buffer = memoryview(bytearray(min(size, CHUNK)))
        while offset < end:
            try:
                got = os.preadv(self._fd, [buffer[: end - offset]], offset)
            except OSError as error:
                raise self._unreadable(error.strerror) from None
            if got == 0:
                raise self._unreadable("it became shorter meanwhile")
            yield buffer[:got]
            offset += got

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.close()

    def _unreadable(self, reason: str | None) -> ContainerError:
        return ContainerError(
            f"cannot be read: {reason}",
            place=str(self._path),
            remedy="check that the file is there, complete, and that this user may read it",
            code="container-unreadable",
        )
