"""A store that another process is serving, seen from outside: copied consistently, without its lock.

Segments only grow and every frame is chained to the one before, so what is whole when it is read stays as
it is; what is still being written was not acknowledged to anybody.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lienthong.exchange.store.embedded.batches import records_of
from lienthong.exchange.store.embedded.files import Files
from lienthong.exchange.store.embedded.layout import (
    IN_BLOB,
    SEGMENT_HEADER_SIZE,
    BatchHead,
    FrameType,
    SegmentHeader,
)
from lienthong.exchange.store.embedded.recovery import LogReader
from lienthong.exchange.store.embedded.replay import identity_of
from lienthong.exchange.store.embedded.segments import End, segment_numbers, segment_path
from lienthong.exchange.store.embedded.upkeep import Snapshot, write_backup
from lienthong.exchange.store.errors import StoreCorrupt, StoreMismatch
from lienthong.exchange.store.leaves import record_from_leaf


@dataclass(frozen=True, slots=True)
class Promised:
    """How far the index in ``folder`` has seen the log: ``records``, and the segment and offset of its end.
    The segments are synced first, so a log that ends before that was cut.
    """

    records: int
    number: int
    offset: int

    def is_beyond(self, number: int, offset: int) -> bool:
        """Whether a log that ends there lacks something that the index has seen."""
        return (self.number, self.offset) > (number, offset)


def promised(folder: Path, log: LogReader) -> Promised | None:
    """What the index of the store in ``folder`` has seen of ``log``; None without an index of this log: one
    that is missing, damaged or another log's is made anew at the next start.
    """
    path = folder / "index.sqlite3"
    if not path.exists() or not log.headers:
        return None
    # Without its write-ahead log nobody has it open, and reading it must not make one.
    how = "mode=ro" if path.with_name(path.name + "-wal").exists() else "immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True, timeout=5)) as index:
            meta = dict(index.execute("SELECT name, value FROM meta"))
    except sqlite3.Error:
        return None
    if meta.get("identity") != identity_of(log) or "offset" not in meta:
        return None
    return Promised(int(meta["size"]), int(meta["number"]), int(meta["offset"]))


def end_of_log(log: LogReader) -> tuple[int, int]:
    """Segment and offset at which the last whole frame ends, read from the last segment alone."""
    last = max(log.headers)
    header = log.headers[last]
    for _ in log.frames(End(last, SEGMENT_HEADER_SIZE, header.chain, header.sequence), repair=False):
        pass
    return log.end.number, log.end.offset


def require_what_was_seen(folder: Path, log: LogReader) -> None:
    """:class:`StoreCorrupt` when the index has seen more than the log holds: making it anew would forget
    records that have receipts.
    """
    seen = promised(folder, log)
    if seen is None:
        return
    number, offset = end_of_log(log)
    if seen.is_beyond(number, offset):
        raise StoreCorrupt(
            f"the index knows {seen.records} records, and the segments end before them",
            place=f"{segment_path(folder / 'segments', number)}, offset {offset}",
            remedy="segments are missing or were replaced by older ones: restore them; if an older "
            "backup was restored on purpose, remove index.sqlite3* from this folder",
        )


def container_in(folder: Path, wanted: int | bytes) -> tuple[bytes, bytes | Path] | None:
    """A container of an archive that :meth:`Store.archive` wrote, of either engine: (digest, contents or the
    file of a large one). ``wanted``: its record's index, or its SHA-256. None when it is not there.

    An archive of PostgreSQL keeps containers by their digest alone.
    """
    if isinstance(wanted, bytes):
        for name in ("containers", "blobs"):
            path = folder / name / wanted.hex()[:2] / wanted.hex()
            if path.is_file():
                return wanted, path
    segments = folder / "segments"
    for number in segment_numbers(segments) if segments.is_dir() else ():
        log = _OneSegment(segments, number)
        path = segment_path(segments, number)
        for frame in log.frames_of(number):
            if frame.type is not FrameType.BATCH:
                continue
            for at, stored in records_of(frame, BatchHead.decode(frame.meta), str(path)):
                digest = record_from_leaf(stored.index, stored.leaf, b"{}", 0).digest
                if not stored.payload_length or wanted not in (stored.index, digest):
                    continue
                if stored.flags & IN_BLOB:
                    blob = folder / "blobs" / digest.hex()[:2] / digest.hex()
                    return (digest, blob) if blob.is_file() else None
                with path.open("rb") as file:
                    file.seek(frame.offset + at + stored.payload_offset)
                    return digest, file.read(stored.payload_length)
    return None


class _OneSegment(LogReader):
    """A sealed segment by itself: an archive may begin anywhere."""

    def __init__(self, segments: Path, number: int) -> None:
        self._number = number
        super().__init__(Files(), segments, "", tidy=False)

    def _read_headers(self) -> dict[int, SegmentHeader]:
        path = segment_path(self._folder, self._number)
        header = self._read_header(path)
        if header is None:
            raise StoreCorrupt("the segment's header is damaged", place=str(path))
        return {self._number: header}


def copy_serving(folder: Path, origin: str, target: Path) -> Snapshot:
    """Copy the store in ``folder`` as far as it is whole now; everything acknowledged before is in it.

    Into an earlier copy's folder: only what is new. :func:`~lienthong.exchange.store.embedded.upkeep.
    restore_backup` puts it back. Raises StoreCorrupt or StoreMismatch.
    """
    files = Files()
    snapshot, blobs = _look(files, folder, origin)
    write_backup(files, folder, target, snapshot, blobs)
    return snapshot


def _look(files: Files, folder: Path, origin: str) -> tuple[Snapshot, list[bytes]]:
    """The newest moment at which the store is whole, and the large containers it needs."""
    segments = folder / "segments"
    log = LogReader(files, segments, origin, tidy=False)
    if not log.headers:
        raise StoreMismatch("there is no log here", place=str(segments), remedy="serve the folder first")
    size, note = 0, b""
    number, offset = 1, log.start.offset
    blobs: dict[bytes, None] = {}
    for number, frame in log.frames(log.start, repair=False):
        offset = frame.end
        if frame.type is not FrameType.BATCH:
            continue
        head = BatchHead.decode(frame.meta)
        place = f"{segment_path(segments, number)}, offset {frame.offset}"
        records = [stored for _, stored in records_of(frame, head, place)]
        for stored in records:
            if stored.flags & IN_BLOB:
                blobs[record_from_leaf(stored.index, stored.leaf, b"{}", 0).digest] = None
        size, note = head.first_index + len(records), head.note
    return Snapshot(origin, size, note.decode(), number, offset), list(blobs)
