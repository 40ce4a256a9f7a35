"""Where a whole log can lie: tiles mirrored into a folder, the embedded store's segments, a database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from lienthong.exchange.configuration import FILE_NAME, Configuration, load
from lienthong.exchange.errors import NotFound
from lienthong.exchange.evidence.items import Cut, Damaged, Entry, Item, LogSource, Loose, Stamped, Stated
from lienthong.exchange.evidence.receipts import read_receipt
from lienthong.exchange.store.embedded.batches import records_of
from lienthong.exchange.store.embedded.files import Files
from lienthong.exchange.store.embedded.layout import (
    IN_BLOB,
    SEGMENT_HEADER_SIZE,
    BatchHead,
    FrameType,
    SegmentHeader,
    StoredRecord,
)
from lienthong.exchange.store.embedded.outside import promised
from lienthong.exchange.store.embedded.recovery import LogReader
from lienthong.exchange.store.embedded.segments import segment_path
from lienthong.exchange.store.errors import PayloadArchived, StoreCorrupt
from lienthong.exchange.store.protocol import Store
from lienthong.trust.keys import read_file
from lienthong.trust.log.checkpoints import Checkpoint, checkpoint_signer
from lienthong.trust.log.notes import Note, NoteSigner
from lienthong.trust.log.tiles import ENTRIES, WIDTH, Tile, entries_of

CHUNK = 1 << 20


def file_digest(path: Path) -> bytes:
    """SHA-256 of a file, in constant memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


class TileFolder:
    """A copy of a log as C2SP tlog-tiles: ``checkpoint`` and ``tile/entries/…``. No containers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._note = self._read(Path("checkpoint"))
        self._size = Checkpoint.parse(Note.parse(self._note).text).size

    @property
    def size(self) -> int:
        return self._size

    def items(self) -> Iterator[Item]:
        for number in range(-(-self._size // WIDTH)):
            tile = Tile(ENTRIES, number, min(WIDTH, self._size - number * WIDTH))
            for leaf in entries_of(tile, self._read(Path(tile.path))):
                yield Entry(leaf)
        yield Stated(self._note)

    def _read(self, name: Path) -> bytes:
        path = self._folder / name
        try:
            return path.read_bytes()
        except OSError as error:
            raise NotFound(
                f"cannot be read: {error.strerror}",
                place=str(path),
                remedy="copy the log's checkpoint and all its entry bundles into this folder",
            ) from error


class StoreEntries:
    """An opened store of either kind. ``payloads``: hash the containers too.

    The checkpoint of each batch is taken from the receipt of its first record.
    """

    def __init__(self, store: Store, *, payloads: bool = True) -> None:
        self._store = store
        self._payloads = payloads
        self._size = store.tree_size()

    @property
    def size(self) -> int:
        return self._size

    def items(self) -> Iterator[Item]:
        stamps: dict[int, list[bytes]] = {}
        for size, token in self._store.timestamps():
            stamps.setdefault(size, []).append(token)
        start = 0
        while start < self._size:
            note = read_receipt(self._store.receipt(start)).checkpoint
            end = Checkpoint.parse(Note.parse(note).text).size
            if not start < end <= self._size:
                raise StoreCorrupt(
                    f"it rests on a checkpoint of {end} entries, and the log has {self._size}",
                    place=f"receipt of record {start}",
                    remedy="restore the store from a backup, and keep this one as evidence",
                )
            for index in range(start, end, WIDTH):
                leaves = self._store.entries(index, min(index + WIDTH, end))
                for at, leaf in enumerate(leaves, index):
                    yield Entry(leaf, self._digest(at) if self._payloads else None)
            yield Stated(note)
            yield from (Stamped(end, token) for token in stamps.pop(end, ()))
            start = end
        if not self._size:
            yield Stated(self._store.checkpoint())

    def _digest(self, index: int) -> bytes | None:
        try:
            payload = self._store.payload(index)
        except PayloadArchived:
            return None
        if payload is None:
            return None
        return file_digest(payload) if isinstance(payload, Path) else sha256(payload).digest()


class DatabaseLog:
    """The log of a data folder whose store is PostgreSQL; open only while it is read."""

    def __init__(self, settings: Configuration, *, payloads: bool = True) -> None:
        self._settings, self._payloads = settings, payloads

    @property
    def size(self) -> int:
        return 0

    def items(self) -> Iterator[Item]:
        from lienthong.exchange.store.postgres import open_postgres

        key = NoteSigner.parse(
            read_file(self._settings.path("keys/checkpoint.key")).decode("ascii", "replace")
        )
        # Opening a log that was never begun begins it, and that takes a signature.
        store = open_postgres(self._settings.store.dsn, self._settings.hub.origin, checkpoint_signer(key))
        with closing(store):
            yield from StoreEntries(store, payloads=self._payloads).items()


class EmbeddedFolder:
    """The embedded store's folder, read from its segments alone: neither the index nor a lock is needed, so
    a hub may be writing meanwhile. What it appends after the walk has passed is not seen.
    """

    def __init__(self, folder: Path, *, payloads: bool = True) -> None:
        self._folder, self._payloads = folder, payloads
        self._segments = folder / "segments"
        origin = self._origin()
        # The index before the segments: what a serving hub writes meanwhile is beyond it.
        self._promised = promised(folder, LogReader(Files(), self._segments, origin, tidy=False))
        self._reader = LogReader(Files(), self._segments, origin, tidy=False)

    @property
    def size(self) -> int:
        return 0

    def items(self) -> Iterator[Item]:
        archived_before, last_absent = 0, -1
        for number, frame in self._reader.frames(self._reader.start, repair=False):
            if frame.type is FrameType.TIMESTAMP:
                yield Stamped(int.from_bytes(frame.meta[:8], "little"), frame.meta[8:])
            elif frame.type is FrameType.ARCHIVED:
                archived_before = max(archived_before, int(json.loads(frame.meta)["before_index"]))
            elif frame.type is FrameType.BATCH:
                head = BatchHead.decode(frame.meta)
                path = segment_path(self._segments, number)
                with path.open("rb") as segment:
                    for at, record in records_of(frame, head, str(path)):
                        digest = self._digest(segment, frame.offset + at, record)
                        if digest is None and record.payload_length and self._payloads:
                            last_absent = record.index
                        yield Entry(record.leaf, digest)
                yield Stated(head.note)
        if last_absent >= archived_before:
            yield Damaged(f"entry {last_absent}: its container is gone, and no archiving moved it away")
        end = self._reader.end
        seen = self._promised
        if seen is not None and seen.is_beyond(end.number, end.offset):
            yield Cut(f"{segment_path(self._segments, end.number)}, offset {end.offset}", seen.records)
        yield from self._tail()

    def _digest(self, segment: BinaryIO, at: int, record: StoredRecord) -> bytes | None:
        """SHA-256 of a record's container; None when it is not there: archiving leaves a hole of zeros."""
        if not self._payloads or not record.payload_length:
            return None
        if record.flags & IN_BLOB:
            wanted = str(json.loads(record.leaf)["digest"])
            blob = self._folder / "blobs" / wanted[:2] / wanted
            return file_digest(blob) if blob.is_file() else None
        segment.seek(at + record.payload_offset)
        payload = segment.read(record.payload_length)
        return sha256(payload).digest() if payload.strip(b"\0") else None

    def _tail(self) -> Iterator[Loose]:
        end = self._reader.end
        path = segment_path(self._segments, end.number)
        with path.open("rb") as segment:
            segment.seek(end.offset)
            while chunk := segment.read(CHUNK):
                if chunk.strip(b"\0"):
                    yield Loose(f"{path}, offset {end.offset}")
                    return

    def _origin(self) -> str:
        path = segment_path(self._segments, 1)
        try:
            with path.open("rb") as file:
                header = SegmentHeader.decode(file.read(SEGMENT_HEADER_SIZE))
        except OSError as error:
            raise NotFound(f"cannot be read: {error.strerror}", place=str(path)) from error
        if header is None:
            raise StoreCorrupt("the first segment's header is damaged", place=str(path))
        return header.origin


def log_source(folder: Path, *, payloads: bool = True) -> LogSource:
    """The log in a folder: tiles, the embedded store (a data folder or its ``hub``), or the database that a
    data folder names. It may be serving meanwhile. :class:`NotFound` when there is none.
    """
    if (folder / FILE_NAME).is_file() and (settings := load(folder)).store.engine == "postgresql":
        return DatabaseLog(settings, payloads=payloads)
    if (folder / "checkpoint").is_file():
        return TileFolder(folder)
    for candidate in (folder, folder / "hub"):
        if (candidate / "segments").is_dir():
            return EmbeddedFolder(candidate, payloads=payloads)
    raise NotFound(
        "there is no log in this folder",
        place=str(folder),
        remedy="give a data folder, its hub folder, or a folder of tiles with a checkpoint",
    )
