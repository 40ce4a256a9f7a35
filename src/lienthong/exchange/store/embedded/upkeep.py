"""What an operator does to a serving store: read all of it back, copy it, move old containers away."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Final

from lienthong.exchange.store.crashpoints import crashpoint
from lienthong.exchange.store.embedded.batches import records_of
from lienthong.exchange.store.embedded.blobs import Blobs
from lienthong.exchange.store.embedded.files import Files
from lienthong.exchange.store.embedded.layout import (
    IN_BLOB,
    POSITION_BITS,
    SEGMENT_HEADER_SIZE,
    BatchHead,
    Frame,
    FrameType,
    SegmentHeader,
    StoredRecord,
)
from lienthong.exchange.store.embedded.recovery import LogReader
from lienthong.exchange.store.embedded.segments import End, SegmentReader, segment_path
from lienthong.exchange.store.errors import StoreCorrupt, StoreMismatch
from lienthong.exchange.store.leaves import record_from_leaf
from lienthong.exchange.store.protocol import Progress
from lienthong.trust.log.merkle import Frontier, leaf_hash

MANIFEST: Final = "backup.json"
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch frame with its records: (position, record) each. ``place`` is for messages."""

    head: BatchHead
    records: list[tuple[int, StoredRecord]]
    place: str


def batches(log: LogReader, segments: Path, until: End, since: End | None = None) -> Iterator[Batch]:
    """Every batch up to ``until``, while the log is being written to."""
    for number, frame in log.frames(since or log.start, repair=False):
        if (number, frame.end) > (until.number, until.offset):
            return
        if frame.type is FrameType.BATCH:
            yield _batch(number, frame, segments)


def _batch(number: int, frame: Frame, segments: Path) -> Batch:
    place = f"{segment_path(segments, number)}, offset {frame.offset}"
    head = BatchHead.decode(frame.meta)
    base = number << POSITION_BITS | frame.offset
    return Batch(head, [(base + at, each) for at, each in records_of(frame, head, place)], place)


def verify_log(
    log: LogReader,
    segments: Path,
    reader: SegmentReader,
    blobs: Blobs,
    until: End,
    size: int,
    archived_before: int,
    progress: Progress | None,
) -> int:
    """Read the log up to ``until``; StoreCorrupt at the first thing that is not what was signed."""
    frontier = Frontier()
    for batch in batches(log, segments, until):
        growth = frontier.append([leaf_hash(stored.leaf) for _, stored in batch.records])
        root = f"\n{growth.size}\n".encode()
        if growth.root != batch.head.root or root not in batch.head.note:
            raise StoreCorrupt(
                f"the leaves up to record {growth.size - 1} do not give the root that was signed",
                place=batch.place,
                remedy="restore the segments from a backup and keep these as evidence",
            )
        for position, stored in batch.records:
            if stored.payload_length and stored.index >= archived_before:
                _verify_payload(reader, blobs, position, stored)
        frontier = growth.frontier
        if progress is not None:
            progress(frontier.size, size)
    if frontier.size != size:
        raise StoreCorrupt(
            f"the segments hold {frontier.size} records; {size} were accepted",
            place=str(segments),
            remedy="restore the missing segments from a backup",
        )
    return size


def _verify_payload(reader: SegmentReader, blobs: Blobs, position: int, stored: StoredRecord) -> None:
    digest = record_from_leaf(stored.index, stored.leaf, b"{}", 0).digest
    if not stored.flags & IN_BLOB:
        if sha256(reader.payload(position, stored)).digest() == digest:
            return
        place = reader.place(position + stored.payload_offset)
    else:
        path = blobs.path(digest)
        place = str(path)
        if path.is_file():
            with path.open("rb") as stream:
                if file_digest(stream, "sha256").digest() == digest:
                    return
    raise StoreCorrupt(
        f"the container of record {stored.index} does not have the digest that its leaf states",
        place=place,
        remedy="restore this file from a backup",
    )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of a store: what a backup must hold to be whole."""

    origin: str
    size: int
    checkpoint: str
    last_segment: int
    last_offset: int

    @classmethod
    def read(cls, folder: Path) -> Snapshot:
        path = folder / MANIFEST
        try:
            read = cls(**json.loads(path.read_bytes()))
            if [type(value) for value in asdict(read).values()] != [str, int, str, int, int]:
                raise TypeError("its values are of other types")
            return read
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise StoreMismatch(
                f"this folder holds no finished backup: {error}",
                place=str(path),
                remedy="choose the folder that `lienthong backup` wrote, or take the backup again",
            ) from error


def write_backup(files: Files, folder: Path, target: Path, snapshot: Snapshot, blobs: list[bytes]) -> None:
    """Copy what the snapshot covers. Files that an earlier backup into the same folder holds are kept."""
    if (target / MANIFEST).exists() and (origin := Snapshot.read(target).origin) != snapshot.origin:
        raise StoreMismatch(
            f"the folder holds a backup of {origin!r}", place=str(target), remedy="choose another folder"
        )
    files.make_folder(target / "segments")
    refuse_other_log(folder, target)
    for number in range(1, snapshot.last_segment + 1):
        source = segment_path(folder / "segments", number)
        is_last = number == snapshot.last_segment
        length = snapshot.last_offset if is_last else source.stat().st_size
        goal = segment_path(target / "segments", number)
        if is_last or not _holds(goal, source, length):
            copy_file(files, source, goal, length)
    copy_blobs(files, folder, target, blobs)
    temporary = target / f"{MANIFEST}.new"
    temporary.write_text(json.dumps(asdict(snapshot), indent=1))
    _sync(files, temporary)
    files.rename(temporary, target / MANIFEST)
    files.sync_folder(target)


def restore_backup(source: Path, folder: Path, *, files: Files | None = None) -> Snapshot:
    """Put a backup into an empty store folder. Opening it builds the index; then verify it."""
    files = files or Files()
    snapshot = Snapshot.read(source)
    if (folder / "segments").exists() and any((folder / "segments").iterdir()):
        raise StoreMismatch(
            "there is a log in this folder already",
            place=str(folder),
            remedy="restore into an empty folder, or move the old one away first",
        )
    blobs = [bytes.fromhex(path.name) for path in (source / "blobs").glob("??/" + "[0-9a-f]" * 64)]
    write_backup(files, source, folder, snapshot, blobs)
    files.remove(folder / MANIFEST)
    return snapshot


def copy_segments_whole(files: Files, folder: Path, target: Path, numbers: list[int]) -> None:
    """Sealed segments into an archive. One that is there already stays: it may be stripped here by now."""
    files.make_folder(target / "segments")
    refuse_other_log(folder, target)
    for number in numbers:
        source = segment_path(folder / "segments", number)
        goal = segment_path(target / "segments", number)
        if not _holds(goal, source, source.stat().st_size):
            copy_file(files, source, goal, source.stat().st_size)


def copy_blobs(files: Files, folder: Path, target: Path, digests: list[bytes]) -> None:
    """Blobs that are here and not yet there."""
    here, there = Blobs(files, folder / "blobs", folder / "spool"), Blobs(files, target / "blobs", target)
    for digest in digests:
        source, goal = here.path(digest), there.path(digest)
        if not goal.exists() and source.exists():
            files.make_folder(goal.parent)
            copy_file(files, source, goal, source.stat().st_size)


def strip_segment(
    files: Files, log: LogReader, segments: Path, number: int, since_index: int, before_index: int
) -> int:
    """Rewrite a sealed segment without the payloads of records below ``before_index``; answers how many of
    them are not below ``since_index``, to which it was done earlier.

    Offsets stay: the file gets holes where the payloads were. The new file replaces the old by a rename.
    """
    path = segment_path(segments, number)
    temporary = path.with_suffix(".stripped")
    temporary.unlink(missing_ok=True)
    source, goal = files.open_to_read(path), files.open_new(temporary)
    moved = 0
    try:
        files.write(goal, [files.read(source, SEGMENT_HEADER_SIZE, 0)], 0)
        for frame in log.frames_of(number):
            is_old = False
            if frame.type is FrameType.BATCH:
                batch = _batch(number, frame, segments)
                is_old = batch.head.first_index < before_index
                if is_old:
                    moved += sum(
                        stored.payload_length > 0 and stored.index >= since_index
                        for _, stored in batch.records
                    )
            length = (frame.body_offset if is_old else frame.end) - frame.offset
            files.write(goal, [files.read(source, length, frame.offset)], frame.offset)
        files.truncate(goal, files.size(source))
        files.sync(goal)
    finally:
        files.close(source)
        files.close(goal)
    crashpoint("archive.stripped")
    files.rename(temporary, path)
    files.sync_folder(segments)
    crashpoint("archive.replaced")
    return moved


def copy_file(files: Files, source: Path, goal: Path, length: int) -> None:
    """The first ``length`` bytes, synced, under a name that appears only when they are complete."""
    temporary = goal.with_name(f"{goal.name}.copying")
    temporary.unlink(missing_ok=True)
    read, write = files.open_to_read(source), files.open_new(temporary)
    try:
        copied = 0
        while copied < length:
            sent = os.sendfile(write, read, copied, min(length - copied, _CHUNK))
            if not sent:
                raise StoreCorrupt(
                    f"the file ends at {copied} of {length} bytes", place=str(source), remedy="run the check"
                )
            copied += sent
        files.sync(write)
    finally:
        files.close(read)
        files.close(write)
    files.rename(temporary, goal)
    files.sync_folder(goal.parent)


def refuse_other_log(folder: Path, target: Path) -> None:
    """A log that was begun anew under the same name must not overwrite the copies of the old one."""
    for goal in sorted((target / "segments").glob("*.log")):
        source = folder / "segments" / goal.name
        if source.exists() and _header(goal) not in (None, _header(source)):
            raise StoreMismatch(
                "the folder holds segments of another log",
                place=str(goal),
                remedy="choose another folder; nothing there was changed",
            )


def _header(path: Path) -> SegmentHeader | None:
    with path.open("rb") as stream:
        return SegmentHeader.decode(stream.read(SEGMENT_HEADER_SIZE))


def _holds(goal: Path, source: Path, length: int) -> bool:
    """Whether a copy of this very segment is complete at ``goal``."""
    if not goal.exists() or goal.stat().st_size != length:
        return False
    ours = _header(source)
    return ours is not None and ours == _header(goal)


def _sync(files: Files, path: Path) -> None:
    fd = files.open_existing(path)
    try:
        files.sync(fd)
    finally:
        files.close(fd)
