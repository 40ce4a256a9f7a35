"""Feeding the index from the segments: catching up at every start, and rebuilding it from nothing."""

from __future__ import annotations

import contextlib
import gc
import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from lienthong.exchange.errors import NotFound
from lienthong.exchange.store.admission import admit, wanted
from lienthong.exchange.store.crashpoints import crashpoint
from lienthong.exchange.store.embedded.batches import records_of
from lienthong.exchange.store.embedded.files import Files
from lienthong.exchange.store.embedded.index import AppliedBatch, Index, IndexDamaged, IndexUnusable
from lienthong.exchange.store.embedded.layout import IN_BLOB, POSITION_BITS, BatchHead, Frame, FrameType
from lienthong.exchange.store.embedded.reads import Reads
from lienthong.exchange.store.embedded.recovery import LogReader
from lienthong.exchange.store.embedded.segments import End, SegmentReader, segment_path
from lienthong.exchange.store.errors import StoreCorrupt
from lienthong.exchange.store.keys import id_key
from lienthong.exchange.store.leaves import submission_from_leaf
from lienthong.exchange.store.protocol import Progress, Submission
from lienthong.exchange.store.tree import MissingBlock
from lienthong.trust.log.merkle import Frontier, leaf_hash

_GROUP: Final = 1024
SIDE_TABLES: Final = {FrameType.COSIGNATURE: "cosignatures", FrameType.TIMESTAMP: "timestamps"}


class Replayer:
    """Applies frames, in order, to an index. Groups small batches, checks the tree against signed roots."""

    def __init__(self, index: Index, reads: Reads, folder: Path, *, building: bool) -> None:
        self._index, self._reads, self._folder, self._building = index, reads, folder, building
        self._frontier = Frontier.load(index.tree.node, index.size)
        self._submissions: list[Submission] = []
        self._leaf_hashes: list[bytes] = []
        self._positions: list[int] = []
        self._sizes: list[int] = []
        self._flags: list[int] = []
        self._times: list[int] = []
        self._batches: list[tuple[int, int]] = []
        self._last: tuple[str, BatchHead, End] | None = None

    @property
    def records(self) -> int:
        """How many records the index will have, with those still to be written."""
        return self._index.size + len(self._submissions)

    def take(self, number: int, frame: Frame) -> None:
        end = End(number, frame.end, frame.crc, frame.sequence)
        if frame.type is FrameType.BATCH:
            self._take_batch(number, frame, end)
            return
        self.finish()
        if frame.type in SIDE_TABLES:
            size = int.from_bytes(frame.meta[:8], "little")
            self._index.add_side(SIDE_TABLES[frame.type], size, frame.meta[8:], end)
        elif frame.type is FrameType.ARCHIVED:
            mark = json.loads(frame.meta)
            self._index.set_archived(mark["before_index"], done=mark["done"], end=end)
        else:
            self._index.pass_by(end)

    def _take_batch(self, number: int, frame: Frame, end: End) -> None:
        head = BatchHead.decode(frame.meta)
        place = f"{segment_path(self._folder, number)}, offset {frame.offset}"
        if head.first_index != self.records:
            raise StoreCorrupt(
                f"a batch begins with record {head.first_index} where {self.records} follows",
                place=place,
                remedy="restore this segment from a backup",
            )
        base = number << POSITION_BITS | frame.offset
        for at, stored in records_of(frame, head, place):
            submission, accepted_ms = submission_from_leaf(stored.leaf)
            self._submissions.append(submission)
            self._leaf_hashes.append(leaf_hash(stored.leaf))
            self._positions.append(base + at)
            self._sizes.append(stored.payload_length)
            self._flags.append(stored.flags & IN_BLOB)
            self._times.append(accepted_ms)
        self._batches.append((head.first_index + head.count, base))
        self._last = place, head, end
        if len(self._submissions) >= _GROUP:
            self.finish()

    def finish(self) -> None:
        """Write the batches gathered so far."""
        if self._last is None:
            return
        index = self._index
        place, head, end = self._last
        growth = self._frontier.append(self._leaf_hashes)
        if growth.root != head.root:
            raise StoreCorrupt(
                f"the leaves up to record {growth.size - 1} do not give the root that was signed for them",
                place=place,
                remedy="a leaf was changed after it was signed: restore the segments from a backup "
                "and keep these as evidence",
            )
        asked = wanted(self._submissions)
        with index.lock:
            if self._building:
                slots = {each: id_key(*each) for each in asked.ids}
                asked.ids = []
                known = index.known_subjects(asked, self._reads.must_read)
            else:
                known, slots = index.known(asked, self._reads.must_read)
                known.ids = {}
            admission = admit(self._submissions, known, index.size, self._times, replay=True)
            index.apply(
                AppliedBatch(
                    admission,
                    known,
                    self._leaf_hashes,
                    growth.nodes,
                    self._positions,
                    self._sizes,
                    self._flags,
                    self._times,
                    self._batches,
                    end,
                ),
                slots,
            )
            index.flush_if_due()
        self._frontier = growth.frontier
        self._submissions, self._leaf_hashes, self._positions = [], [], []
        self._sizes, self._flags, self._times, self._batches = [], [], [], []
        self._last = None


def identity_of(log: LogReader) -> str:
    """What ties an index to the log it was made from."""
    first = log.headers[1]
    return f"{first.origin} {first.created_ms} {first.salt.hex()}"


def open_index(folder: Path, log: LogReader, reader: SegmentReader, *, repair: bool = True) -> Index:
    """The index, level with the log: caught up when it is usable, else :class:`IndexUnusable`.

    ``repair``: cut a torn tail (see :meth:`LogReader.frames`).
    """
    path = folder / "index.sqlite3"
    if not path.exists():
        raise IndexUnusable("there is no index")
    index = Index(path, identity=identity_of(log))
    try:
        since = log.start if index.end is None else index.end
        if since.number not in log.headers or since.offset > files_size(folder, since.number):
            raise StoreCorrupt(
                f"the index knows {index.size} records, and the segments end before them",
                place=str(folder / "segments"),
                remedy="segments are missing or were replaced by older ones: restore them; if an older "
                "backup was restored on purpose, remove index.sqlite3* from this folder",
            )
        catch_up(index, log, reader, folder / "segments", since, repair=repair)
        crashpoint("recovery.caught-up")
    except (sqlite3.Error, MissingBlock, IndexDamaged, ValueError, IndexError, KeyError, NotFound) as error:
        with contextlib.suppress(sqlite3.Error):
            index.connection.close()
        raise IndexUnusable(f"{error}") from error
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            index.connection.close()
        raise
    return index


def catch_up(
    index: Index, log: LogReader, reader: SegmentReader, segments: Path, since: End, *, repair: bool
) -> None:
    """Bring an index level with the log. What the index makes of it is the index's fault; damage that
    the log itself shows is :class:`StoreCorrupt`.
    """
    reads = Reads(index, reader)
    try:
        index.tree.refill(index.size, reads.leaf_hashes_from_segments)
        _check_root(index, reads)
    except StoreCorrupt as error:
        raise IndexUnusable(f"{error}") from error
    replayer = Replayer(index, reads, segments, building=False)
    for number, frame in log.frames(since, repair=repair):
        try:
            replayer.take(number, frame)
        except StoreCorrupt as error:
            raise IndexUnusable(f"{error}") from error
    try:
        replayer.finish()
    except StoreCorrupt as error:
        raise IndexUnusable(f"{error}") from error


def _check_root(index: Index, reads: Reads) -> None:
    """The index's tree must give the root that its last batch was signed with."""
    if not index.size:
        return
    head = reads.batch_of(index.size - 1)
    if head.first_index + head.count != index.size:
        raise IndexUnusable("the index does not end at a batch")
    if Frontier.load(index.tree.node, index.size).root != head.root:
        raise IndexUnusable("the index's tree does not give the signed root")


def files_size(folder: Path, number: int) -> int:
    return segment_path(folder / "segments", number).stat().st_size


def build_index(
    folder: Path,
    files: Files,
    log: LogReader,
    reader: SegmentReader,
    progress: Progress | None = None,
    *,
    repair: bool = True,
) -> Index:
    """A new index from the segments alone, put in place of whatever is there."""
    fresh = folder / "index.new.sqlite3"
    _remove(fresh)
    crashpoint("rebuild.begin")
    index = Index(fresh, identity=identity_of(log), building=True)
    # Millions of small objects and no cycles: the collector would only walk them again and again.
    collecting = gc.isenabled()
    gc.disable()
    try:
        _feed(index, folder, log, reader, progress, repair)
        index.finish_building()
    finally:
        index.connection.close()
        if collecting:
            gc.enable()
    fd = files.open_existing(fresh)
    files.sync(fd)
    files.close(fd)
    crashpoint("rebuild.built")
    final = folder / "index.sqlite3"
    _remove(final)
    files.rename(fresh, final)
    files.sync_folder(folder)
    crashpoint("rebuild.replaced")
    index = Index(final, identity=identity_of(log))
    index.tree.refill(index.size, Reads(index, reader).leaf_hashes_from_segments)
    return index


def _feed(
    index: Index, folder: Path, log: LogReader, reader: SegmentReader, progress: Progress | None, repair: bool
) -> None:
    replayer = Replayer(index, Reads(index, reader), folder / "segments", building=True)
    total = log.bytes_in_segments()
    for count, (number, frame) in enumerate(_noticed(log.frames(log.start, repair=repair))):
        replayer.take(number, frame)
        if progress is not None and count % 256 == 0:
            progress(replayer.records, _estimate(replayer.records, number, frame.end, total, log))
    replayer.finish()
    if progress is not None:
        progress(replayer.records, replayer.records)


def _noticed(frames: Iterable[tuple[int, Frame]]) -> Iterator[tuple[int, Frame]]:
    for count, each in enumerate(frames):
        if count == 1:
            crashpoint("rebuild.half")
        yield each


def _estimate(records: int, number: int, offset: int, total: int, log: LogReader) -> int:
    """How many records there may be, from the share of the segments read."""
    done = (number - 1) / len(log.headers) * total + offset
    return max(records, int(records * total / max(done, 1)))


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
