"""The upkeep of an embedded store while it serves: verify, back up, move old containers to an archive."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lienthong.exchange.store.crashpoints import crashpoint
from lienthong.exchange.store.embedded.answers import EmbeddedReading
from lienthong.exchange.store.embedded.files import Files
from lienthong.exchange.store.embedded.layout import FrameType
from lienthong.exchange.store.embedded.recovery import LogReader
from lienthong.exchange.store.embedded.upkeep import (
    Snapshot,
    copy_blobs,
    copy_segments_whole,
    strip_segment,
    verify_log,
    write_backup,
)
from lienthong.exchange.store.errors import StoreFailed, StoreMismatch
from lienthong.exchange.store.protocol import Progress


class EmbeddedKeeping(EmbeddedReading, ABC):
    """``_writing``: held by whoever appends; ``_keeping``: one upkeep at a time."""

    _files: Files
    _origin: str
    _last_ms: int
    _writing: threading.Lock
    _keeping: threading.Lock

    @abstractmethod
    def _make_usable(self) -> None:
        """Raise unless the log may be written."""

    def verify(self, progress: Progress | None = None) -> int:
        with self._writing:
            end, size, log = self._writer.end, self._frontier.size, self._log()
        before = self._index.archived_before
        return verify_log(log, self._segments, self._reader, self._blobs, end, size, before, progress)

    def backup(self, target: Path) -> None:
        if target.resolve().is_relative_to(self._folder.resolve()):
            raise StoreMismatch(
                "a backup inside the store would be lost with it",
                place=str(target),
                remedy="choose a folder on another disk",
            )
        with self._keeping, _copying(target):
            with self._writing:
                end, size, note = self._writer.end, self._frontier.size, self._note
            with self._reading() as reads:
                blobs = reads.blobs(size)
            snapshot = Snapshot(self._origin, size, note.decode(), end.number, end.offset)
            write_backup(self._files, self._folder, target, snapshot, blobs)

    def archive(self, before_ms: int, target: Path) -> int:
        with self._keeping, _copying(target):
            with self._writing:
                self._make_usable()
                with self._reading() as reads:
                    before = reads.first_from(before_ms)
                log = self._log()
                if log.headers[self._writer.end.number].first_index < before:
                    self._writer.rotate(self._frontier.size, self._last_ms)
                    self._index.pass_by(self._writer.end)
                    log = self._log()
            since = self._index.stripped_before
            if before <= since:
                return 0
            first = log.headers
            numbers = [
                number
                for number in range(1, len(first))
                if first[number].first_index < before and first[number + 1].first_index > since
            ]
            copy_segments_whole(self._files, self._folder, target, numbers)
            with self._reading() as reads:
                old = reads.blobs(before)
            copy_blobs(self._files, self._folder, target, old)
            crashpoint("archive.copied")
            self._mark_archived(before, done=False)
            crashpoint("archive.marked")
            moved = 0
            for number in numbers:
                moved += strip_segment(self._files, log, self._segments, number, since, before)
                self._reader.forget(number)
            with self._writing, self._reading() as reads:
                # Under the lock: a batch being written may take over a blob that is here already.
                for digest in set(old).difference(reads.blobs(self._frontier.size, since=before)):
                    self._blobs.path(digest).unlink(missing_ok=True)
            self._mark_archived(before, done=True)
            return moved

    def _mark_archived(self, before: int, *, done: bool) -> None:
        meta = json.dumps({"before_index": before, "done": done}).encode()
        with self._writing:
            self._make_usable()
            self._writer.append(FrameType.ARCHIVED, meta, [], 0, self._frontier.size, self._last_ms)
            self._index.set_archived(before, done=done, end=self._writer.end)

    def _log(self) -> LogReader:
        return LogReader(self._files, self._segments, self._origin, tidy=False)


@contextmanager
def _copying(target: Path) -> Iterator[None]:
    """What went wrong with the files becomes an error that says so; the store itself goes on."""
    try:
        yield
    except OSError as error:
        raise StoreFailed(
            f"copying stopped: {error.strerror or error}",
            place=str(error.filename or target),
            remedy="make room or mend the disk, then run the same command again: it continues",
        ) from error
