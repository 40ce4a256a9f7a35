"""Upkeep of the log in a database: verify, back up, restore, move old containers to an archive."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from lienthong.exchange.store.embedded.files import Files
from lienthong.exchange.store.errors import StoreCorrupt, StoreFailed, StoreMismatch
from lienthong.exchange.store.leaves import record_from_leaf
from lienthong.exchange.store.postgres.connections import Connection, connect, migrate
from lienthong.exchange.store.postgres.writing import BLOB
from lienthong.exchange.store.protocol import Progress
from lienthong.trust.log.merkle import Frontier, leaf_hash

_MANIFEST: Final = "backup.json"
_TABLES: Final = (
    "head",
    "agencies",
    "records",
    "blobs",
    "blob_parts",
    "inbox",
    "batches",
    "blocks",
    "cosignatures",
    "timestamps",
)


@contextmanager
def _snapshot(connection: Connection) -> Iterator[None]:
    """One moment of the database for several statements."""
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def verify(connection: Connection, progress: Progress | None) -> int:
    """Every leaf against the signed roots, every payload against its digest."""
    with _snapshot(connection):
        size, archived_before = _one(connection, "SELECT size, archived_before FROM head")
        frontier = Frontier()
        for batch_size, first, root, note in connection.execute(
            "SELECT size, first, root, note FROM batches ORDER BY size", binary=True
        ).fetchall():
            rows = connection.execute(
                "SELECT idx, leaf, stored, size, digest, payload FROM records "
                "WHERE idx >= %s AND idx < %s ORDER BY idx",
                (first, batch_size),
                binary=True,
            ).fetchall()
            growth = frontier.append([leaf_hash(row[1]) for row in rows])
            if growth.size != batch_size or growth.root != root or f"\n{batch_size}\n".encode() not in note:
                raise StoreCorrupt(
                    f"the leaves up to record {batch_size - 1} do not give the root that was signed",
                    place="exchange.records",
                    remedy="restore the database from a backup and keep this one as evidence",
                )
            for idx, leaf, stored, length, digest, data in rows:
                if stored and idx >= archived_before:
                    found = (
                        _digest(connection, digest, length)
                        if stored == BLOB
                        else sha256(data or b"").digest()
                    )
                    if found != record_from_leaf(idx, leaf, b"", 0).digest:
                        raise StoreCorrupt(
                            f"the container of record {idx} does not have the digest that its leaf states",
                            place="exchange.blob_parts" if stored == BLOB else "exchange.records",
                            remedy="restore the database from a backup",
                        )
            frontier = growth.frontier
            if progress is not None:
                progress(frontier.size, size)
    if frontier.size != size:
        raise StoreCorrupt(
            f"the tables hold {frontier.size} records; {size} were accepted",
            place="exchange.records",
            remedy="restore the database from a backup",
        )
    return frontier.size


def _digest(connection: Connection, digest: bytes, size: int) -> bytes:
    hashed = sha256()
    for part in _parts(connection, digest, size):
        hashed.update(part)
    return hashed.digest()


def _parts(connection: Connection, digest: bytes, size: int) -> Iterator[bytes]:
    read = number = 0
    while read < size:
        row = connection.execute(
            "SELECT data FROM blob_parts WHERE digest = %s AND part = %s", (digest, number), binary=True
        ).fetchone()
        if row is None:
            return
        yield row[0]
        read += len(row[0])
        number += 1


def backup(connection: Connection, target: Path) -> None:
    """Every table as one binary COPY file, all of the same moment. The manifest names their folder and is
    replaced last, so an interrupted backup leaves the earlier one.
    """
    files = Files()
    with _copying(target):
        tables = target / f"tables-{os.urandom(6).hex()}"
        files.make_folder(tables)
        with _snapshot(connection):
            origin, size, note = _one(connection, "SELECT origin, size, note FROM head")
            version = _one(connection, "SELECT max(version) FROM migrations")[0]
            for table in _TABLES:
                with (
                    (tables / f"{table}.copy").open("wb") as stream,
                    connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT BINARY)".encode()) as copy,
                ):
                    for data in copy:
                        stream.write(data)
                    stream.flush()
                    files.sync(stream.fileno())
        files.sync_folder(tables)
        manifest = {
            "engine": "postgres",
            "origin": origin,
            "size": size,
            "checkpoint": bytes(note).decode(),
            "schema": version,
            "tables": tables.name,
        }
        temporary = target / f"{_MANIFEST}.new"
        with temporary.open("w") as text:
            json.dump(manifest, text, indent=1)
            text.flush()
            files.sync(text.fileno())
        files.rename(temporary, target / _MANIFEST)
        files.sync_folder(target)
        for old in target.glob("tables-*"):
            if old != tables:
                shutil.rmtree(old)


def restore(source: Path, dsn: str) -> int:
    """Put a backup into a database that holds no log yet; answers the number of records."""
    try:
        manifest = json.loads((source / _MANIFEST).read_bytes())
        version, size = int(manifest["schema"]), int(manifest["size"])
        tables = source / str(manifest["tables"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreMismatch(
            f"this folder holds no finished backup of a database: {error}",
            place=str(source / _MANIFEST),
            remedy="choose the folder that `lienthong backup` wrote",
        ) from error
    connection = connect(dsn)
    try:
        migrate(connection)
        if version != _one(connection, "SELECT max(version) FROM migrations")[0]:
            raise StoreMismatch(
                f"the backup has schema version {version}",
                place=str(source),
                remedy="restore it with the version of the product that wrote it, then upgrade",
            )
        with connection.transaction():
            if connection.execute("SELECT 1 FROM head").fetchone() is not None:
                raise StoreMismatch(
                    "there is a log in this database already",
                    place="schema exchange",
                    remedy="restore into an empty database",
                )
            for table in _TABLES:
                with (
                    (tables / f"{table}.copy").open("rb") as stream,
                    connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT BINARY)".encode()) as copy,
                ):
                    while data := stream.read(1 << 20):
                        copy.write(data)
            # COPY does not move the sequence behind a column that is generated.
            connection.execute(
                "SELECT setval(pg_get_serial_sequence('agencies', 'number'), max(number)) FROM agencies "
                "HAVING max(number) IS NOT NULL"
            )
        connection.execute("ANALYZE")
    finally:
        connection.close()
    return size


def archive(connection: Connection, before_ms: int, target: Path) -> int:
    """Containers accepted before a time, each a file named by its digest; then they leave the tables."""
    files = Files()
    folder = target / "containers"
    (row,) = _one(
        connection, "SELECT coalesce((SELECT max(size) FROM batches WHERE accepted_ms < %s), 0)", before_ms
    )
    before: int = row
    (since,) = _one(connection, "SELECT archived_before FROM head")
    moved = 0
    with _copying(target):
        files.make_folder(folder)
        for idx in range(since, before):
            found = connection.execute(
                "SELECT stored, size, digest, payload FROM records WHERE idx = %s AND stored <> 0",
                (idx,),
                binary=True,
            ).fetchone()
            if found is None:
                continue
            stored, size, digest, data = found
            parts = _parts(connection, digest, size) if stored == BLOB else iter((data,))
            _write_container(files, folder / digest.hex()[:2] / digest.hex(), parts)
            moved += 1
    with connection.transaction():
        # Under the head's lock: a batch being written may refer to a blob that is here already.
        connection.execute("SELECT 1 FROM head FOR UPDATE")
        connection.execute("UPDATE head SET archived_before = greatest(archived_before, %s)", (before,))
        connection.execute(
            "UPDATE records SET payload = NULL WHERE idx >= %s AND idx < %s AND payload IS NOT NULL",
            (since, before),
        )
        gone = connection.execute(
            "DELETE FROM blobs b WHERE (SELECT max(r.idx) FROM records r "
            "WHERE r.stored = 2 AND r.digest = b.digest) < %s RETURNING digest",
            (before,),
        ).fetchall()
        connection.execute("DELETE FROM blob_parts WHERE digest = ANY(%s)", ([digest for (digest,) in gone],))
    return moved


def _write_container(files: Files, path: Path, parts: Iterator[bytes]) -> None:
    if path.exists():
        return
    files.make_folder(path.parent)
    temporary = path.with_name(f"{path.name}.copying")
    with temporary.open("wb") as stream:
        for part in parts:
            stream.write(part)
        stream.flush()
        files.sync(stream.fileno())
    files.rename(temporary, path)
    files.sync_folder(path.parent)


def _one(connection: Connection, query: str, *parameters: object) -> tuple[Any, ...]:
    row = connection.execute(query.encode(), parameters, binary=True).fetchone()
    assert row is not None
    return row


@contextmanager
def _copying(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreFailed(
            f"copying stopped: {error.strerror or error}",
            place=str(error.filename or target),
            remedy="make room or mend the disk, then run the same command again",
        ) from error
