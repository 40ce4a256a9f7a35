"""The segment files: appending frames durably, rotating, and reading records back by position."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lienthong.exchange.store import crashpoints
from lienthong.exchange.store.crashpoints import crashpoint
from lienthong.exchange.store.embedded.files import Files
from lienthong.exchange.store.embedded.layout import (
    POSITION_BITS,
    SALT_SIZE,
    SEGMENT_HEADER_SIZE,
    FrameType,
    SegmentHeader,
    StoredRecord,
    aligned,
    decode_record,
    frame_head,
    meta_extent,
    record_extent,
)
from lienthong.exchange.store.errors import DiskFull, StoreCorrupt, StoreFailed

_NAME: Final = re.compile(r"([0-9]{8})\.log")
_OPEN_TO_READ: Final = 128
_FIRST_READ: Final = 1024
_OFFSET_MASK: Final = (1 << POSITION_BITS) - 1
_APPENDS_BETWEEN_CHECKS: Final = 31
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class End:
    """Where the log ends: the next frame goes to ``offset`` of segment ``number``.

    ``chain`` and ``sequence``: CRC and number of the last frame.
    """

    number: int
    offset: int
    chain: int
    sequence: int


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:08d}.log"


def segment_numbers(folder: Path) -> list[int]:
    """The numbers of the segment files there are, ascending."""
    return sorted(int(match[1]) for each in folder.iterdir() if (match := _NAME.fullmatch(each.name)))


class _Handle:
    """A file descriptor that closes when the last reader lets go of it."""

    __slots__ = ("_files", "fd")

    def __init__(self, files: Files, fd: int) -> None:
        self._files, self.fd = files, fd

    def __del__(self) -> None:
        self._files.close(self.fd)


class SegmentReader:
    """Reads by position from any thread."""

    def __init__(self, files: Files, folder: Path) -> None:
        self._files, self._folder = files, folder
        self._handles: OrderedDict[int, _Handle] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, position: int, length: int) -> bytes:
        handle = self._handle(position >> POSITION_BITS)
        return self._files.read(handle.fd, length, position & _OFFSET_MASK)

    def record(self, position: int, index: int) -> StoredRecord:
        """The record at a position; StoreCorrupt unless it is whole and is record ``index``."""
        data = self.read(position, _FIRST_READ)
        extent = record_extent(data)
        if extent is not None and len(data) < extent:
            data = self.read(position, extent) if extent < 1 << 28 else b""
        record = decode_record(data, 0)
        if record is None or record.index != index:
            raise StoreCorrupt(
                f"record {index} is not what was written",
                place=self.place(position),
                remedy="run `lienthong log check`; restore this segment from a backup",
            )
        return record

    def payload(self, position: int, record: StoredRecord) -> bytes:
        """The payload of a record that lies in the segment, checked against its tag."""
        if not record.payload_length:
            return b""
        payload = self.read(position + record.payload_offset, record.payload_length)
        if not record.is_whole(payload):
            raise StoreCorrupt(
                f"the container of record {record.index} is not what was written",
                place=self.place(position + record.payload_offset),
                remedy="restore this segment from a backup",
            )
        return payload

    def place(self, position: int) -> str:
        number = position >> POSITION_BITS
        return f"{segment_path(self._folder, number)}, offset {position & _OFFSET_MASK}"

    def forget(self, number: int) -> None:
        """Open the segment afresh at the next read: its file was replaced."""
        with self._lock:
            self._handles.pop(number, None)

    def close(self) -> None:
        with self._lock:
            self._handles.clear()

    def _handle(self, number: int) -> _Handle:
        with self._lock:
            handle = self._handles.get(number)
            if handle is None:
                path = segment_path(self._folder, number)
                handle = self._handles[number] = _Handle(self._files, self._files.open_to_read(path))
                if len(self._handles) > _OPEN_TO_READ:
                    self._handles.popitem(last=False)
            else:
                self._handles.move_to_end(number)
            return handle


class SegmentWriter:
    """Appends frames, each synced before :meth:`append` returns. One thread at a time.

    A full disk leaves the log as it was: :class:`DiskFull`, and the next append may succeed. After any
    other failure nobody knows what the disk holds, so nothing is written until the store is reopened.
    """

    def __init__(
        self,
        files: Files,
        folder: Path,
        header: SegmentHeader,
        end: End,
        *,
        segment_bytes: int,
        step_bytes: int,
    ) -> None:
        self._files, self._folder, self._header = files, folder, header
        self._segment_bytes, self._step_bytes = segment_bytes, step_bytes
        self._fd = files.open_to_append(segment_path(folder, end.number))
        self._allocated = files.size(self._fd)
        self._appends_unchecked = 0
        self.end = end
        self.failure = ""

    @classmethod
    def create(cls, files: Files, folder: Path, header: SegmentHeader) -> None:
        """A new segment file with its header, synced, its name too."""
        path = segment_path(folder, header.number)
        if path.exists():
            files.remove(path)
        fd = files.open_new(path)
        try:
            crashpoint("rotation.created")
            files.write(fd, [header.encode()], 0)
            crashpoint("rotation.header-written")
            files.sync(fd)
            crashpoint("rotation.header-synced")
        finally:
            files.close(fd)
        files.sync_folder(folder)
        crashpoint("rotation.folder-synced")

    def append(
        self,
        kind: FrameType,
        meta: bytes,
        payloads: Sequence[bytes],
        body_length: int,
        first_index: int,
        now_ms: int,
    ) -> int:
        """Write and sync one frame; answers its position. ``first_index``: of the next record."""
        if self.failure:
            raise self._failed()
        crashpoint("append.begin")
        length = meta_extent(len(meta)) + aligned(body_length)
        try:
            self._make_room(length, first_index, now_ms)
            end = self.end
            head, crc = frame_head(kind, self._header.salt, end.chain, end.sequence + 1, meta, body_length)
            padding = bytes(aligned(body_length) - body_length)
            buffers = [head, *payloads, padding] if padding else [head, *payloads]
            if crashpoints.due("append.torn"):
                self._files.write(self._fd, [b"".join(buffers)[: length // 2]], end.offset)
                crashpoints.crash()
            self._files.write(self._fd, buffers, end.offset)
        except OSError as error:
            raise self.refusal(error) from error
        crashpoint("append.written")
        try:
            self._files.sync_data(self._fd)
        except OSError as error:
            self.failure = f"fdatasync failed: {error.strerror or error}"
            raise self._failed() from error
        crashpoint("append.synced")
        self.end = End(end.number, end.offset + length, crc, end.sequence + 1)
        return end.number << POSITION_BITS | end.offset

    def _make_room(self, length: int, first_index: int, now_ms: int) -> None:
        if self.end.offset + length > self._segment_bytes and self.end.offset > SEGMENT_HEADER_SIZE:
            self.rotate(first_index, now_ms)
        needed = self.end.offset + length
        if needed > self._allocated:
            step = max(self._step_bytes, 1)
            target = min(-(-needed // step) * step, max(self._segment_bytes, needed))
            self._appends_unchecked = 0
            self._files.allocate(self._fd, self._allocated, target - self._allocated)
            self._allocated = target

    def rotate(self, first_index: int, now_ms: int) -> None:
        """Seal this segment and begin the next. OSError leaves the writer at the end of the old one."""
        crashpoint("rotation.begin")
        end = self.end
        self._files.truncate(self._fd, end.offset)
        self._allocated = end.offset
        self._files.sync_data(self._fd)
        crashpoint("rotation.old-trimmed")
        header = SegmentHeader(
            end.number + 1,
            first_index,
            now_ms,
            end.chain,
            end.sequence,
            os.urandom(SALT_SIZE),
            self._header.origin,
        )
        self.create(self._files, self._folder, header)
        fd = self._files.open_to_append(segment_path(self._folder, header.number))
        old, self._fd, self._header = self._fd, fd, header
        self._allocated = SEGMENT_HEADER_SIZE
        self.end = End(header.number, SEGMENT_HEADER_SIZE, end.chain, end.sequence)
        self._files.close(old)

    def check(self, reserve: int) -> None:
        """Raise unless a frame may be written: the writer has not failed and ``reserve`` bytes are free."""
        if self.failure:
            raise self._failed()
        if self._appends_unchecked:
            self._appends_unchecked -= 1
            return
        if self._files.free_bytes(self._folder) < reserve:
            raise self._full()
        self._appends_unchecked = _APPENDS_BETWEEN_CHECKS

    def refusal(self, error: OSError) -> StoreFailed:
        """What a failed write means: no room, or that the store must be reopened."""
        if error.errno in _NO_ROOM:
            return self._full()
        self.failure = f"writing failed: {error.strerror or error}"
        return self._failed()

    def _full(self) -> DiskFull:
        return DiskFull(
            "there is no room for another batch; nothing of it was accepted",
            place=str(self._folder),
            remedy="free space on this file system; the hub accepts again by itself",
        )

    def _failed(self) -> StoreFailed:
        return StoreFailed(
            f"{self.failure}; nothing of the batch was acknowledged",
            place=str(segment_path(self._folder, self.end.number)),
            remedy="look at the disk (dmesg, smartctl), then restart the hub: opening verifies the log",
        )

    def trim(self) -> None:
        """Give back what was reserved ahead, at a clean close."""
        if not self.failure:
            self._files.truncate(self._fd, self.end.offset)
            self._allocated = self.end.offset
            self._files.sync_data(self._fd)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._files.close(self._fd)
