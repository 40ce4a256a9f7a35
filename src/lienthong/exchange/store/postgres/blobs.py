"""Large payloads in the database: in parts, by digest, committed before the batch that refers to them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lienthong.exchange.store.errors import StoreCorrupt
from lienthong.exchange.store.postgres.connections import Connection, Connections
from lienthong.exchange.store.protocol import SpooledPayload, Submission

_PART: Final = 1 << 20
_CACHED_FILES: Final = 32


def _parts(payload: bytes | SpooledPayload) -> Iterator[bytes]:
    if isinstance(payload, bytes):
        for at in range(0, len(payload), _PART):
            yield payload[at : at + _PART]
        return
    with payload.path.open("rb") as stream:
        while part := stream.read(_PART):
            yield part


def store_blob(connection: Connection, each: Submission) -> None:
    """Commit the payload under its digest, unless it is there. Another hub storing the same is waited for."""
    payload = each.payload
    size = payload.size if isinstance(payload, SpooledPayload) else len(payload)
    with connection.transaction():
        added = connection.execute(
            "INSERT INTO blobs (digest, size) VALUES (%s, %s) ON CONFLICT (digest) DO NOTHING RETURNING size",
            (each.digest, size),
        ).fetchone()
        if added is None:
            return
        with connection.cursor().copy(
            "COPY blob_parts (digest, part, data) FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.set_types(["bytea", "int4", "bytea"])
            for number, part in enumerate(_parts(payload)):
                copy.write_row((each.digest, number, part))


def sweep_blobs(connection: Connection) -> None:
    """Remove large payloads of more than a day ago whose batch never came."""
    with connection.transaction():
        connection.execute("SELECT 1 FROM head FOR UPDATE")
        gone = connection.execute(
            "DELETE FROM blobs b WHERE stored_at < now() - interval '1 day' "
            "AND NOT EXISTS (SELECT FROM records r WHERE r.stored = 2 AND r.digest = b.digest) "
            "RETURNING digest"
        ).fetchall()
        if gone:
            connection.execute(
                "DELETE FROM blob_parts WHERE digest = ANY(%s)", ([digest for (digest,) in gone],)
            )


class BlobCache:
    """Large payloads as files, for serving. The last few are kept, until the store closes."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._folder = Path(tempfile.mkdtemp(prefix="lienthong-blobs-"))

    def path(self, digest: bytes, size: int) -> Path:
        """A file with the payload of that digest."""
        final = self._folder / digest.hex()
        if final.exists():
            os.utime(final)
            return final
        temporary = self._folder / f"{digest.hex()}.{os.urandom(4).hex()}"
        written = 0
        with self._connections.read() as connection, temporary.open("wb") as stream:
            # One part at a time: a server-side cursor would hold a transaction open.
            part = 0
            while True:
                row = connection.execute(
                    "SELECT data FROM blob_parts WHERE digest = %s AND part = %s", (digest, part), binary=True
                ).fetchone()
                if row is None:
                    break
                written += stream.write(row[0])
                part += 1
        if written != size:
            temporary.unlink()
            raise StoreCorrupt(
                f"the large payload {digest.hex()} has {written} of {size} bytes",
                place="exchange.blob_parts",
                remedy="restore the database from a backup",
            )
        temporary.rename(final)
        self._evict()
        return final

    def _evict(self) -> None:
        files = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)
        for old in files[:-_CACHED_FILES]:
            old.unlink(missing_ok=True)

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
