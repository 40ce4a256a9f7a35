"""Reading the log from a position to its end, as at every start: verifies, and cuts a torn tail.

A batch is written by one call and synced before the next one, so only the last frame can be torn.
It was never acknowledged: it is put aside and cut. Damage anywhere else is an error that says where.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lienthong.exchange.store.crashpoints import crashpoint
from lienthong.exchange.store.embedded.batches import records_of
from lienthong.exchange.store.embedded.files import Files
from lienthong.exchange.store.embedded.layout import (
    FRAME_HEADER,
    IN_BLOB,
    READ_VERSIONS,
    SALT_SIZE,
    SEGMENT_HEADER_SIZE,
    BatchHead,
    Frame,
    FrameHeader,
    FrameType,
    SegmentHeader,
    frame_crc,
    meta_extent,
    stored_crc,
)
from lienthong.exchange.store.embedded.segments import End, SegmentWriter, segment_numbers, segment_path
from lienthong.exchange.store.errors import StoreCorrupt, StoreMismatch

_REMEDY: Final = (
    "restore this segment file from a backup (lienthong restore) and start again; "
    "nothing was changed by this attempt"
)
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Torn:
    """What was cut from the tail: an unacknowledged batch that the power cut or crash left half written."""

    path: Path
    offset: int
    saved: Path
    length: int


class LogReader:
    """Walks the frames of a segments folder. After :meth:`frames` is exhausted, ``end`` is the log's end
    and ``torn`` what was cut there.
    """

    def __init__(self, files: Files, folder: Path, origin: str, *, tidy: bool = True) -> None:
        """``tidy``: remove a last segment whose header never became whole. Not while it may be growing."""
        self._files, self._folder, self._origin, self._tidy = files, folder, origin, tidy
        self.torn: Torn | None = None
        self.headers = self._read_headers()
        self.end = End(1, SEGMENT_HEADER_SIZE, 0, 0)

    @property
    def start(self) -> End:
        """The beginning of the log."""
        first = self.headers[1]
        return End(1, SEGMENT_HEADER_SIZE, first.chain, first.sequence)

    def bytes_in_segments(self) -> int:
        return sum(segment_path(self._folder, number).stat().st_size for number in self.headers)

    def frames(self, since: End, *, repair: bool = True) -> Iterator[tuple[int, Frame]]:
        """(segment number, frame) from a frame boundary on. ``repair``: cut a torn tail and make sure of
        the rest; without it (the log is being written) reading ends before it.
        """
        last = max(self.headers)
        here = since
        while True:
            path = segment_path(self._folder, here.number)
            fd = self._files.open_existing(path) if repair else self._files.open_to_read(path)
            try:
                if repair and here.number == last:
                    self._files.sync_data(fd)
                    self._files.forget_cached(fd)
                for frame in self._walk(fd, here, last=here.number == last):
                    here = End(here.number, frame.end, frame.crc, frame.sequence)
                    yield here.number, frame
                if here.number == last:
                    if repair:
                        self._mend_tail(fd, here)
                    break
                here = self._cross(fd, here)
            finally:
                self._files.close(fd)
        self.end = here

    def frames_of(self, number: int) -> Iterator[Frame]:
        """The frames of one sealed segment."""
        header = self.headers[number]
        since = End(number, SEGMENT_HEADER_SIZE, header.chain, header.sequence)
        fd = self._files.open_to_read(segment_path(self._folder, number))
        try:
            yield from self._walk(fd, since, last=False)
        finally:
            self._files.close(fd)

    def _walk(self, fd: int, since: End, *, last: bool) -> Iterator[Frame]:
        salt = self.headers[since.number].salt
        offset, chain, sequence = since.offset, since.chain, since.sequence
        while True:
            frame = self._frame_at(fd, offset, salt, chain, sequence)
            if frame is None:
                return
            if last:
                following = self._files.read(fd, SALT_SIZE, frame.end)
                if following != salt and not self._body_is_whole(fd, frame):
                    return
            yield frame
            offset, chain, sequence = frame.end, frame.crc, frame.sequence

    def _frame_at(self, fd: int, offset: int, salt: bytes, chain: int, sequence: int) -> Frame | None:
        """The frame at ``offset``; None when there is none that is whole and follows on."""
        head = self._files.read(fd, FRAME_HEADER.size, offset)
        header = FrameHeader.decode(head, salt)
        if header is None or header.chain != chain or header.sequence != sequence + 1:
            return None
        if header.version not in READ_VERSIONS:
            raise StoreMismatch(
                f"a frame has version {header.version}; this version reads {max(READ_VERSIONS)} and before",
                place=f"{self._folder}, offset {offset}",
                remedy="use the version of the product that wrote the log, or a newer one",
            )
        if offset + meta_extent(header.meta_length) > self._files.size(fd):
            return None
        rest = self._files.read(fd, header.meta_length + 4, offset + FRAME_HEADER.size)
        meta = rest[: header.meta_length]
        crc = frame_crc(head, meta)
        if stored_crc(rest[header.meta_length :]) != crc:
            return None
        body = offset + meta_extent(header.meta_length)
        return Frame(FrameType(header.type), header.sequence, offset, meta, crc, body, header.body_length)

    def _body_is_whole(self, fd: int, frame: Frame) -> bool:
        if frame.type is not FrameType.BATCH:
            return True
        if frame.end > self._files.size(fd):
            return False
        head = BatchHead.decode(frame.meta)
        for at, record in records_of(frame, head, str(self._folder)):
            if record.flags & IN_BLOB or not record.payload_length:
                continue
            payload = self._files.read(fd, record.payload_length, frame.offset + at + record.payload_offset)
            if not record.is_whole(payload):
                return False
        return True

    def _cross(self, fd: int, here: End) -> End:
        """From the end of one segment to the beginning of the next, or the error of what is between."""
        self._refuse_garbage(fd, here)
        following = self.headers[here.number + 1]
        if (following.chain, following.sequence) != (here.chain, here.sequence):
            raise StoreCorrupt(
                f"the log breaks off after frame {here.sequence}; the next segment continues "
                f"after frame {following.sequence}",
                place=f"{segment_path(self._folder, here.number)}, offset {here.offset}",
                remedy=_REMEDY,
            )
        return End(following.number, SEGMENT_HEADER_SIZE, here.chain, here.sequence)

    def _refuse_garbage(self, fd: int, here: End) -> None:
        if self._first_byte_set(fd, here.offset) is not None:
            raise StoreCorrupt(
                f"the frame after frame {here.sequence} is damaged",
                place=f"{segment_path(self._folder, here.number)}, offset {here.offset}",
                remedy=_REMEDY,
            )

    def _mend_tail(self, fd: int, here: End) -> None:
        """Nothing but zeros may follow the last frame; an unfinished frame is put aside and cut."""
        if self._first_byte_set(fd, here.offset) is None:
            return
        size = self._files.size(fd)
        rest = self._files.read(fd, size - here.offset, here.offset)
        salt = self.headers[here.number].salt
        at = rest.find(salt, 1)
        while at != -1:
            if at % 8 == 0:
                raise StoreCorrupt(
                    f"the frame after frame {here.sequence} is damaged, and others follow it",
                    place=f"{segment_path(self._folder, here.number)}, offset {here.offset}",
                    remedy=_REMEDY,
                )
            at = rest.find(salt, at + 1)
        rest = rest.rstrip(b"\0")
        path = segment_path(self._folder, here.number)
        saved = self._folder.parent / "torn" / f"{here.number:08d}-{here.offset}-{os.urandom(4).hex()}"
        self._files.make_folder(saved.parent)
        keep = self._files.open_new(saved)
        try:
            self._files.write(keep, [rest], 0)
        finally:
            self._files.close(keep)
        crashpoint("recovery.tail-saved")
        self._files.truncate(fd, here.offset)
        crashpoint("recovery.tail-cut")
        self._files.sync(fd)
        crashpoint("recovery.tail-synced")
        self.torn = Torn(path, here.offset, saved, len(rest))

    def _first_byte_set(self, fd: int, offset: int) -> int | None:
        """The offset of a chunk with a byte that is not zero, from ``offset`` to the end of the file."""
        while chunk := self._files.read(fd, _CHUNK, offset):
            if chunk.strip(b"\0"):
                return offset
            offset += len(chunk)
        return None

    def _read_headers(self) -> dict[int, SegmentHeader]:
        numbers = segment_numbers(self._folder)
        headers: dict[int, SegmentHeader] = {}
        for expected, number in enumerate(numbers, 1):
            path = segment_path(self._folder, number)
            if number != expected:
                raise StoreCorrupt(
                    f"segment {expected} is missing",
                    place=str(segment_path(self._folder, expected)),
                    remedy=_REMEDY,
                )
            header = self._read_header(path)
            if header is None:
                if number == numbers[-1] and self._is_unfinished(path):
                    if not self._tidy:
                        break
                    self._files.remove(path)
                    self._files.sync_folder(self._folder)
                    break
                raise StoreCorrupt(
                    "the segment's header is damaged", place=f"{path}, offset 0", remedy=_REMEDY
                )
            if header.number != number:
                raise StoreCorrupt(f"this is segment {header.number}", place=str(path), remedy=_REMEDY)
            if header.origin != self._origin:
                raise StoreMismatch(
                    f"the log is {header.origin!r}, the hub is configured as {self._origin!r}",
                    place=str(path),
                    remedy="open the folder that belongs to this hub, or set the log's origin back",
                )
            headers[number] = header
        return headers

    def _read_header(self, path: Path) -> SegmentHeader | None:
        fd = self._files.open_to_read(path)
        try:
            return SegmentHeader.decode(self._files.read(fd, SEGMENT_HEADER_SIZE, 0))
        finally:
            self._files.close(fd)

    def _is_unfinished(self, path: Path) -> bool:
        """Whether a rotation was interrupted before its header was synced: no frame can follow it."""
        fd = self._files.open_to_read(path)
        try:
            return self._first_byte_set(fd, SEGMENT_HEADER_SIZE) is None
        finally:
            self._files.close(fd)


def begin_log(files: Files, folder: Path, origin: str, now_ms: int) -> None:
    """The first segment of a new log."""
    SegmentWriter.create(files, folder, SegmentHeader(1, 0, now_ms, 0, 0, os.urandom(SALT_SIZE), origin))
