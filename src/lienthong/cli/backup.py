"""``lienthong backup``: a consistent copy of a data folder, taken while it serves."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import Annotated, Any

import typer

from lienthong.cli.agency import DataOption, data_folder
from lienthong.cli.output import JsonOption, count, note, print_json, progress, say, size_text
from lienthong.core.errors import LienthongError

MANIFEST = "backup.json"
FORMAT = "lienthong-backup/1"
LEFT_OUT = frozenset({"logs", "examples", "hub"})
"""Top folders that are not copied as they are: logs and examples not at all, the hub's store by itself."""


class BackupError(LienthongError):
    code = "backup-failed"


def backup(
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="Where to: a new folder, or an earlier backup.")
    ],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy a data folder while it serves: the log and its containers, the registry, the CA, all keys, every
    agency's outbox and inbox. The copy holds every receipt that was given before it began.

    It also holds the keys and what opens them: keep it as safe as the data folder itself.
    """
    folder = data_folder(data)
    if to.resolve().is_relative_to(folder.resolve()):
        raise BackupError(
            "a backup inside the data folder would be lost with it", place=str(to), code="usage"
        )
    with progress(quiet=as_json) as bar:
        task = bar.add_task("Copying", total=4)
        os.umask(0o077)
        _begin(to)
        # Outboxes before the log: what an outbox calls sent is then in the log. The registry, the CA and the
        # keys after it: whoever sealed something in the log is then known.
        bar.update(task, description="Agencies")
        _copy_tree(folder, to, "agencies")
        bar.update(task, description="Log and containers", completed=1)
        _copy_store(folder, to)
        bar.update(task, description="Registry, CA, keys", completed=2)
        _copy_rest(folder, to)
        bar.update(task, description="Digests", completed=3)
        manifest = _finish(to, folder)
        bar.update(task, completed=4)
    if as_json:
        print_json({name: value for name, value in manifest.items() if name != "files"})
        return
    total = sum(size for size, _ in manifest["files"].values())
    say(f"[green]✓[/] {to}: {count(len(manifest['files']), 'file')}, {size_text(total)}.")
    say(f"  It holds {count(manifest['records'], 'record')} of the log {manifest['origin']}.")
    say(f"  Put it back: [bold]lienthong restore {to} --data NEW[/]")


def _begin(to: Path) -> None:
    """From here until the manifest is written again, ``to`` is not a backup."""
    if to.exists() and any(to.iterdir()) and not (to / MANIFEST).exists():
        raise BackupError(
            "the folder is not empty and holds no backup", place=str(to), remedy="choose a new folder"
        )
    to.mkdir(parents=True, exist_ok=True)
    (to / MANIFEST).unlink(missing_ok=True)


def _copy_store(folder: Path, to: Path) -> None:
    from lienthong.exchange.configuration import load

    configuration = load(folder)
    if configuration.store.engine == "embedded":
        from lienthong.exchange.store.embedded.outside import copy_serving

        if (folder / "hub" / "segments").exists():
            copy_serving(folder / "hub", configuration.hub.origin, to / "hub")
        return
    from lienthong.exchange.store.postgres import open_postgres
    from lienthong.trust.log.checkpoints import checkpoint_signer
    from lienthong.trust.log.notes import NoteSigner

    signer = NoteSigner.parse((folder / "keys" / "checkpoint.key").read_text())
    store = open_postgres(configuration.store.dsn, configuration.hub.origin, checkpoint_signer(signer))
    try:
        store.backup(to / "hub")
    finally:
        store.close()


def _copy_rest(folder: Path, to: Path) -> None:
    for entry in sorted(folder.iterdir()):
        if entry.name in LEFT_OUT or entry.name == "agencies" or entry.name.startswith("."):
            continue
        if entry.is_dir():
            _copy_tree(folder, to, entry.name)
        else:
            _copy(entry, to / entry.name)
    if os.environ.get("LIENTHONG_REGISTRY_URL"):
        note("  The registry is in PostgreSQL and is not part of this backup: take it with pg_dump.")


def _copy_tree(folder: Path, to: Path, name: str) -> None:
    for source in _files_in(folder / name):
        _copy(source, to / source.relative_to(folder))


def _files_in(folder: Path) -> Iterator[Path]:
    """Databases first: the files that their rows name were there before the rows."""
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    yield from (path for path in found if path.suffix == ".sqlite3")
    yield from (path for path in found if path.suffix != ".sqlite3" and not _belongs_to_database(path))


def _belongs_to_database(path: Path) -> bool:
    return path.name.endswith((".sqlite3-wal", ".sqlite3-shm", ".sqlite3-journal"))


def _copy(source: Path, target: Path) -> None:
    """One file, whole under its name or not there; a database as of one moment."""
    if _belongs_to_database(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.copying")
    try:
        if source.suffix == ".sqlite3":
            beside.unlink(missing_ok=True)
            with (
                closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=60)) as live,
                closing(sqlite3.connect(beside)) as copy,
            ):
                live.backup(copy)
            shutil.copymode(source, beside)
        elif _is_there(source, target):
            return
        else:
            shutil.copy2(source, beside)
        beside.replace(target)
    except FileNotFoundError:
        return  # it went between being listed and being copied: a temporary file
    except (OSError, sqlite3.Error) as error:
        raise BackupError(
            f"copying stopped: {error}",
            place=str(source),
            remedy="make room or mend the disk, then run the same command again: it continues",
        ) from error


def _is_there(source: Path, target: Path) -> bool:
    """An earlier backup has this very file: containers and receipts never change once they have a name."""
    if not target.exists():
        return False
    here, there = source.stat(), target.stat()
    return (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns)


def _finish(to: Path, folder: Path) -> dict[str, Any]:
    """Digest everything, and make it a backup by writing the manifest last, when all of it is on the disk."""
    os.sync()
    files = {}
    for path in sorted(to.rglob("*")):
        if path.is_file():
            with path.open("rb") as stream:
                files[str(path.relative_to(to))] = (
                    path.stat().st_size,
                    file_digest(stream, "sha256").hexdigest(),
                )
    from lienthong.exchange.configuration import load

    store = to / "hub" / "backup.json"
    inner = json.loads(store.read_text()) if store.exists() else {}
    manifest = {
        "format": FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "origin": load(folder).hub.origin,
        "records": inner.get("size", 0),
        "checkpoint": inner.get("checkpoint", ""),
        "files": files,
    }
    beside = to / f".{MANIFEST}"
    beside.write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
    _sync(beside)
    beside.replace(to / MANIFEST)
    _sync(to)
    return manifest


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
