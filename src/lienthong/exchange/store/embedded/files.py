"""Every file-system call by which the store makes something durable, in one thin place.

Tests put a recording one in its place and replay the trace to every prefix, as a power cut would.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from lienthong.exchange.store.embedded.past_cache import Buffer, PastCache

_MOST_BUFFERS: Final = 1000
"""Below Linux's IOV_MAX of 1024."""


class Files:
    """The real file system. Offsets and lengths in bytes; everything raises OSError."""

    def open_new(self, path: Path) -> int:
        """A file that must not exist yet, open for reading and writing."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def open_existing(self, path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def open_to_read(self, path: Path) -> int:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def open_to_append(self, path: Path) -> int:
        """To be written past the page cache where the file system lets one: what is appended is read again
        hours later if at all, and the pages cost more than the writing.
        """
        try:
            fd = os.open(path, os.O_RDWR | os.O_DIRECT | os.O_CLOEXEC)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
            return self.open_existing(path)
        self._past_cache[fd] = PastCache(fd)
        return fd

    @cached_property
    def _past_cache(self) -> dict[int, PastCache]:
        return {}

    def close(self, fd: int) -> None:
        self._past_cache.pop(fd, None)
        os.close(fd)

    def write(self, fd: int, buffers: Sequence[Buffer], offset: int) -> None:
        """All of ``buffers`` at ``offset``, in one call unless the kernel takes less."""
        past_cache = self._past_cache.get(fd)
        if past_cache is not None:
            past_cache.write(buffers, offset)
            return
        rest = list(buffers)
        while rest:
            written = os.pwritev(fd, rest[:_MOST_BUFFERS], offset)
            offset += written
            while rest and written >= len(rest[0]):
                written -= len(rest[0])
                del rest[0]
            if written:
                rest[0] = memoryview(rest[0])[written:]

    def read(self, fd: int, length: int, offset: int) -> bytes:
        """Up to ``length`` bytes; fewer only at the end of the file."""
        data = os.pread(fd, length, offset)
        if len(data) == length or not data:
            return data
        parts = [data]
        missing = length - len(data)
        while missing:
            data = os.pread(fd, missing, offset + length - missing)
            if not data:
                break
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def allocate(self, fd: int, offset: int, length: int) -> None:
        """Reserve room, so that a write into it cannot meet a full disk."""
        os.posix_fallocate(fd, offset, length)

    def truncate(self, fd: int, length: int) -> None:
        os.ftruncate(fd, length)

    def size(self, fd: int) -> int:
        return os.fstat(fd).st_size

    def sync_data(self, fd: int) -> None:
        os.fdatasync(fd)

    def sync(self, fd: int) -> None:
        os.fsync(fd)

    def sync_folder(self, path: Path) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def forget_cached(self, fd: int) -> None:
        """Drop what the kernel has cached, so that the next read comes from the disk."""
        with contextlib.suppress(OSError):
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def rename(self, source: Path, target: Path) -> None:
        source.rename(target)

    def remove(self, path: Path) -> None:
        path.unlink()

    def make_folder(self, path: Path) -> None:
        """The folder and its parents, each made durable in the one above."""
        missing = []
        while not path.is_dir():
            missing.append(path)
            path = path.parent
        for each in reversed(missing):
            self.create_folder(each)
            self.sync_folder(each.parent)

    def create_folder(self, path: Path) -> None:
        path.mkdir(mode=0o700)

    def free_bytes(self, path: Path) -> int:
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize
