"""``lienthong restore``: a backup put into a new data folder, and proved to be whole."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
from hashlib import file_digest
from pathlib import Path
from typing import Annotated, Any

import typer

from lienthong.cli.backup import FORMAT, MANIFEST, BackupError
from lienthong.cli.output import JsonOption, print_json, progress, say
from lienthong.core.errors import LienthongError


class NotEmpty(LienthongError):
    code = "not-empty"


class Incomplete(LienthongError):
    """The backup is not what it was when it was taken."""

    code = "damaged-backup"


def restore(
    backup: Annotated[
        Path, typer.Argument(metavar="BACKUP", help="The folder that `lienthong backup` wrote.")
    ],
    data: Annotated[Path, typer.Option("--data", metavar="NEW", help="The new data folder; must be empty.")],
    as_json: JsonOption = False,
) -> None:
    """Put a backup into a new data folder and prove that nothing is missing: every file has its digest,
    every record of the log its hash, every container its digest, and the log its signed root.
    """
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise NotEmpty(
            "there is something here already",
            place=str(data),
            remedy="restore into a new folder, then swap them",
        )
    manifest = _manifest(backup)
    os.umask(0o077)
    with progress(quiet=as_json) as bar:
        task = bar.add_task("Copying and checking", total=len(manifest["files"]))
        beside = data.with_name(f".{data.name}.restoring-{secrets.token_hex(3)}")
        try:
            for name, (size, digest) in manifest["files"].items():
                if not name.startswith("hub/"):
                    _copy(backup / name, beside / name, size, digest)
                else:
                    _check(backup / name, size, digest)
                bar.advance(task)
            task = bar.add_task("Log", total=manifest["records"] or 1)
            records = _restore_log(
                backup, beside, manifest, lambda done, of: bar.update(task, completed=done)
            )
            bar.update(task, completed=manifest["records"] or 1)
            os.sync()
            if data.exists():
                data.rmdir()
            beside.rename(data)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    facts = {
        "data": str(data),
        "records": records,
        "created": manifest["created"],
        "origin": manifest["origin"],
    }
    if as_json:
        print_json(facts)
        return
    say(f"[green]✓[/] {data}: all {len(manifest['files'])} files as they were on {manifest['created']}.")
    say(f"  The log is whole: {records} records and their containers give the signed root.")
    say(f"  Look again whenever you like: [bold]lienthong log check --data {data}[/]")


def _manifest(backup: Path) -> dict[str, Any]:
    try:
        _require_plain(backup / MANIFEST)
        manifest = json.loads((backup / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise ValueError(f"its format is {manifest['format']!r}")
        for name, kind in (
            ("files", dict),
            ("records", int),
            ("checkpoint", str),
            ("created", str),
            ("origin", str),
        ):
            if type(manifest[name]) is not kind:
                raise ValueError(f"{name!r} is not what stands there")
        for name, (size, digest) in manifest["files"].items():
            if not (_is_name(name) and type(size) is int and size >= 0 and _is_digest(digest)):
                raise ValueError(f"the entry {name[:80]!r} is not one")
    except FileNotFoundError:
        raise BackupError(
            "this folder holds no finished backup",
            place=str(backup / MANIFEST),
            remedy="choose the folder that `lienthong backup` wrote; an interrupted one must be run again",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Incomplete(
            f"the backup's manifest cannot be read: {error}", place=str(backup / MANIFEST)
        ) from None
    return dict(manifest)


def _is_name(name: str) -> bool:
    """Whether it is a relative path that stays inside, and one that a disk can have."""
    plain = name.isprintable() and not name.startswith("/")
    return plain and all(step not in ("", ".", "..") for step in name.split("/"))


def _is_digest(text: object) -> bool:
    return isinstance(text, str) and len(text) == 64 and set(text) <= set("0123456789abcdef")


def _require_plain(path: Path) -> None:
    """That reading it ends: no pipe, no device, and no link to one."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise Incomplete("this is no plain file, and a backup holds nothing else", place=str(path))


def _copy(source: Path, target: Path, size: int, digest: str) -> None:
    _check(source, size, digest)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
    _check(target, size, digest)


def _check(path: Path, size: int, digest: str) -> None:
    try:
        _require_plain(path)
        with path.open("rb") as stream:
            found = file_digest(stream, "sha256").hexdigest()
        same = found == digest and path.stat().st_size == size
    except OSError as error:
        raise Incomplete(f"a file of the backup cannot be read: {error.strerror}", place=str(path)) from None
    if not same:
        raise Incomplete(
            "the file is not what it was when the backup was taken",
            place=str(path),
            remedy="use another backup; keep this one, it may still help",
        )


def _restore_log(backup: Path, data: Path, manifest: dict[str, Any], progress: Any) -> int:
    """The store, put back, opened, read from end to end, and compared with the backup's checkpoint."""
    from lienthong.exchange.configuration import load
    from lienthong.exchange.server.process import open_store
    from lienthong.trust.log.checkpoints import checkpoint_signer
    from lienthong.trust.log.notes import NoteSigner

    if not (backup / "hub").exists():
        return 0
    configuration = load(data)
    if configuration.store.engine == "embedded":
        from lienthong.exchange.store.embedded.upkeep import restore_backup

        restore_backup(backup / "hub", data / "hub")
    else:
        from lienthong.exchange.store.postgres.keeping import restore as restore_postgres

        restore_postgres(backup / "hub", configuration.store.dsn)
    signer = NoteSigner.parse((data / "keys" / "checkpoint.key").read_text())
    store = open_store(configuration, checkpoint_signer(signer))
    try:
        records = store.verify(progress)
        note = store.checkpoint().decode()
    finally:
        store.close()
    if records != manifest["records"] or note.split("\n")[:3] != manifest["checkpoint"].split("\n")[:3]:
        raise Incomplete(
            f"the log has {records} records, the backup promised {manifest['records']}",
            place=str(backup / "hub"),
            remedy="use another backup",
        )
    return records
