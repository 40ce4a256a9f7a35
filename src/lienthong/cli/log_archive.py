"""``lienthong log archive`` and ``container``: old containers moved away, the log kept; one brought back."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from lienthong.cli.agency import DataOption, data_folder
from lienthong.cli.misuse import Misuse
from lienthong.cli.output import JsonOption, count, note, print_json, say
from lienthong.core.errors import LienthongError

DAYS = ["%Y-%m-%d", "%d/%m/%Y"]


class NotInArchive(LienthongError):
    code = "not-in-archive"
    status = 404


def archive(
    before: Annotated[
        datetime,
        typer.Option("--before", formats=DAYS, help="Containers accepted before this day, Vietnam time."),
    ],
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="The archive: a new folder, or an earlier one of it.")
    ],
    name: Annotated[
        str, typer.Option("--name", help="What agencies are told that ask for one; the folder's name.")
    ] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move old containers to an archive. The log, its receipts, proofs and traces stay as they are, and go on
    to be verified; who fetches a container that was moved is told where it went.

    With the embedded store the hub must not be serving meanwhile; with PostgreSQL it may. Everything is
    copied and synced before anything is taken away. Interrupted, it is run again.
    """
    from lienthong.core.clock import VIETNAM, utc_now
    from lienthong.exchange.archives import Archive, add_archive
    from lienthong.exchange.configuration import load
    from lienthong.exchange.server.process import open_store
    from lienthong.trust.keys import read_file
    from lienthong.trust.log.checkpoints import checkpoint_signer
    from lienthong.trust.log.notes import NoteSigner

    folder, now = data_folder(data), utc_now()
    if to.resolve().is_relative_to(folder.resolve()):
        raise Misuse(
            "an archive inside the data folder makes no room and is lost with it",
            place=str(to),
            remedy="choose a folder on another disk",
        )
    moment = before.replace(tzinfo=VIETNAM)
    if moment > now + timedelta(days=1):
        raise Misuse("that day is not near", place="--before", remedy="give an earlier day, tomorrow for all")
    before_ms = int(min(moment, now).timestamp() * 1000)
    configuration = load(folder)
    key = NoteSigner.parse(read_file(folder / "keys/checkpoint.key").decode("ascii", "replace"))
    to.mkdir(parents=True, exist_ok=True)
    store = open_store(configuration, checkpoint_signer(key))
    try:
        moved = store.archive(before_ms, to)
        records = store.tree_size()
    finally:
        store.close()
    if moved:
        day = now.astimezone(VIETNAM).isoformat(timespec="seconds")
        place = to.resolve()
        made = Archive(name or place.name, str(place), before_ms, day, moved)
        add_archive(folder, made)
    if as_json:
        print_json({"moved": moved, "before": moment.isoformat(), "to": str(to), "records": records})
        return
    if not moved:
        say(f"Nothing to move: no container here is older than {moment:%Y-%m-%d}.")
        return
    say(f"[green]✓[/] {count(moved, 'container')} moved to {to}; all {records} records stay in the log.")
    note(f"  Keep it as long as the law wants. One of them again: lienthong log container INDEX --from {to}")


def container(
    which: Annotated[
        str,
        typer.Argument(metavar="INDEX|SHA-256", help="Its record's index, or its digest, as `trace` tells."),
    ],
    source: Annotated[
        Path, typer.Option("--from", metavar="DIR", help="The archive that `lienthong log archive` wrote.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to write it (.asice).")],
    as_json: JsonOption = False,
) -> None:
    """Take one container out of an archive, for whoever asks for it. `lienthong verify` checks it as ever.

    An archive of the PostgreSQL store knows containers by their SHA-256 alone.
    """
    from hashlib import file_digest

    from lienthong.exchange.store.embedded.outside import container_in

    found = container_in(source, _wanted(which))
    if found is None:
        raise NotInArchive(
            f"no container {which[:70]} is in this archive",
            place=str(source),
            remedy="archives.json of the data folder lists the archives; try another, or the SHA-256",
        )
    digest, content = found
    if isinstance(content, Path):
        shutil.copyfile(content, out)
    else:
        out.write_bytes(content)
    with out.open("rb") as written:
        same = file_digest(written, "sha256").digest() == digest
    if not same:
        out.unlink()
        raise NotInArchive(
            "the container in the archive is damaged: its SHA-256 is not the one that was logged",
            place=str(source),
            remedy="take it from a backup of the archive",
            code="archive-damaged",
        )
    if as_json:
        print_json({"digest": digest.hex(), "size": out.stat().st_size, "container": str(out)})
    else:
        say(f"[green]✓[/] {out}: SHA-256 {digest.hex()}, as it was logged.")


def _wanted(which: str) -> int | bytes:
    if which.isascii() and which.isdigit() and len(which) < 19:
        return int(which)
    try:
        digest = bytes.fromhex(which)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise Misuse(
            f"{which[:70]!r} is neither an index nor a SHA-256",
            remedy="`lienthong trace` shows both (--json: index, digest)",
        )
    return digest
