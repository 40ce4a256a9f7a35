"""Large payloads: one file each, named by its SHA-256, complete and synced before the log refers to it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lienthong.exchange.store.crashpoints import crashpoint
from lienthong.exchange.store.embedded.files import Files
from lienthong.exchange.store.protocol import SpooledPayload


class Blobs:
    """``blobs/aa/<hex>`` below the store's folder; ``spool`` is where they grow."""

    def __init__(self, files: Files, folder: Path, spool: Path) -> None:
        self._files, self._folder, self._spool = files, folder, spool

    def path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self._folder / name[:2] / name

    def put(self, digest: bytes, payload: bytes | SpooledPayload) -> None:
        """Make the payload durable under its digest; a spooled file is taken over. OSError when it cannot."""
        final = self.path(digest)
        if final.exists():
            if isinstance(payload, SpooledPayload):
                payload.path.unlink(missing_ok=True)
            self._sync(final)
            return
        source = payload.path if isinstance(payload, SpooledPayload) else self._write(payload)
        if source.stat().st_dev != self._spool.stat().st_dev:
            source = self._copy(source)
        self._sync(source)
        crashpoint("commit.blob-synced")
        self._files.make_folder(final.parent)
        self._files.rename(source, final)
        crashpoint("commit.blob-moved")
        self._files.sync_folder(final.parent)
        crashpoint("commit.blob-folder-synced")

    def sweep(self, is_known: dict[bytes, int] | set[bytes]) -> int:
        """Remove blobs that no record refers to: their batch never became durable. Answers how many."""
        removed = 0
        for path in sorted(self._folder.glob("??/*")):
            if bytes.fromhex(path.name) not in is_known:
                self._files.remove(path)
                removed += 1
        return removed

    def empty_spool(self) -> None:
        """Nothing in the spool outlives the process that was receiving it."""
        for path in self._spool.iterdir():
            if path.is_file():
                path.unlink()

    def _write(self, payload: bytes) -> Path:
        path = self._spool / f"blob-{os.urandom(8).hex()}"
        fd = self._files.open_new(path)
        try:
            self._files.write(fd, [payload], 0)
        except OSError:
            self._files.remove(path)
            raise
        finally:
            self._files.close(fd)
        return path

    def _copy(self, source: Path) -> Path:
        """From another file system, where a rename cannot reach."""
        path = self._spool / f"blob-{os.urandom(8).hex()}"
        shutil.copyfile(source, path)
        source.unlink()
        return path

    def _sync(self, path: Path) -> None:
        fd = self._files.open_existing(path)
        try:
            self._files.sync(fd)
        finally:
            self._files.close(fd)
