"""``lienthong log``: the transparency log from outside: checkpoints, proofs, the whole log, witnesses."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli import log_archive
from lienthong.cli.agency import AsOption, DataOption, client_of, data_folder
from lienthong.cli.language import LanguageOption
from lienthong.cli.output import JsonOption, note, print_json, progress, say
from lienthong.cli.verify import (
    CaOption,
    ContainersOption,
    LogKeyOption,
    PolicyOption,
    believed_of,
    show,
)
from lienthong.core.errors import LienthongError

if TYPE_CHECKING:
    from lienthong.trust.log.checkpoints import Checkpoint
    from lienthong.trust.log.witness import Pulled

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="The transparency log: checkpoints, proofs, witnesses, and the archives of old containers.",
)

OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="Where to write it (default: the screen).")
]


class NoCheckpoint(LienthongError):
    code = "usage"


@app.command()
def checkpoint(
    out: OutOption = None, agency: AsOption = "", data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Fetch the newest checkpoint, prove that it continues the one this agency saw last, and print it."""
    with client_of(agency, data) as client:
        state = client.check_log()
    stated = state.signed.checkpoint
    if as_json:
        print_json({**_facts(stated), "seen_before": state.seen_before, "checkpoint": state.note.decode()})
    _write(state.note, out, as_json)
    before = _entries(state.seen_before)
    grown = f"; continues the {before} seen before" if state.seen_before else ""
    _remark(f"{stated.origin}: {_entries(stated.size)}{grown}", as_json)


@app.command()
def proof(
    index: Annotated[int, typer.Argument(min=0, help="The record's index, as its receipt gives it.")],
    size: Annotated[
        int | None, typer.Option("--size", min=1, help="In the tree of so many entries (default: newest).")
    ] = None,
    out: OutOption = None,
    agency: AsOption = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Get the proof that a record is in the log (C2SP tlog-proof). `lienthong verify` checks it offline."""
    from lienthong.exchange.client.witnessing import HubLog

    with client_of(agency, data) as client:
        found = HubLog(client).inclusion_proof(index, size)
    if as_json:
        print_json({"index": index, "entry": found.extra is not None, "proof": bytes(found).decode()})
    _write(bytes(found), out, as_json)
    if found.extra is None:
        _remark("the entry is not inside: this agency is neither its sender nor its recipient", as_json)


@app.command()
def consistency(
    old: Annotated[str, typer.Argument(metavar="SIZE|FILE", help="An earlier checkpoint's file, or a size.")],
    new: Annotated[
        str | None, typer.Argument(metavar="SIZE|FILE", help="A later one (default: the newest).")
    ] = None,
    out: OutOption = None,
    agency: AsOption = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that the log only grew between two checkpoints. `lienthong verify` checks the proof offline."""
    from lienthong.exchange.client.witnessing import HubLog

    with client_of(agency, data) as client:
        found = HubLog(client).consistency_between(_named(old), None if new is None else _named(new))
    if as_json:
        print_json({"proof": bytes(found).decode()})
    _write(bytes(found), out, as_json)


@app.command()
def check(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="A data folder, its hub, or a mirror (default: the data folder)."),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against",
            metavar="FILE",
            help="A checkpoint, receipt or proof kept elsewhere, whose tree must be found. Repeat it.",
        ),
    ] = None,
    containers: ContainersOption = True,
    log_key: LogKeyOption = None,
    policy: PolicyOption = None,
    ca: CaOption = None,
    agency: AsOption = "",
    data: DataOption = None,
    language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a whole log offline: hash every entry and container again, compare every checkpoint.

    After a restore, --against the newest checkpoint or receipts kept elsewhere shows that nothing is missing.
    Exits 0 when the log holds, 1 when it does not.
    """
    from lienthong.core.clock import utc_now
    from lienthong.exchange.evidence.bundle import notes_in
    from lienthong.exchange.evidence.logs import verify_log
    from lienthong.exchange.evidence.sources import log_source

    started = utc_now()
    place = folder or data_folder(data)
    if data is None and not agency and not (log_key or policy) and (place / "lienthong.toml").is_file():
        data = place
    believed = believed_of(log_key, None, 0, policy, ca, None, None, agency=agency, data=data)
    known = [one for path in against or () for one in notes_in(path)]
    with progress(quiet=as_json) as shown:
        task = shown.add_task("Entries", total=None)
        report = verify_log(
            log_source(place, payloads=containers),
            believed.trust,
            against=known,
            progress=lambda done, total: shown.update(task, completed=done, total=total or None),
            subject=str(place),
        )
    report.facts["seconds"] = round((utc_now() - started).total_seconds(), 3)
    show([report], believed, language=language, as_json=as_json)


@app.command()
def mirror(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the copy lies; later runs fetch only what is new.")
    ],
    agency: AsOption = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the log's entries for offline audit (needs the right to audit), as C2SP tlog-tiles."""
    from lienthong.exchange.client import witnessing

    with client_of(agency, data) as client:
        stated = witnessing.mirror(witnessing.HubLog(client), folder).checkpoint
    if as_json:
        print_json({**_facts(stated), "folder": str(folder)})
    else:
        say(f"{_entries(stated.size)} of {stated.origin}; check them: lienthong log check {folder}")


@app.command()
def witness(
    every: Annotated[
        float, typer.Option("--every", min=0.1, metavar="SECONDS", help="How often to look.")
    ] = 60.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    show_key: Annotated[
        bool, typer.Option("--show-key", help="Only print the witness's public key, for lienthong.toml.")
    ] = False,
    agency: AsOption = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Be a witness: cosign the hub's checkpoints as long as each continues the last one seen.

    Key and memory lie in the agency's folder (witness.key, witness/). The hub takes the cosignatures once
    its operator has put what --show-key prints into lienthong.toml. Ends with 1 when the log was rewritten;
    a hub that cannot be reached is asked again, except with --once.
    """
    from lienthong.exchange.client.errors import HubUnreachable
    from lienthong.exchange.client.witnessing import HubLog, open_witness
    from lienthong.trust.log.witness import pull

    with client_of(agency, data) as client:
        own = open_witness(client)
        if show_key:
            _show_key(client.profile.code, own.key.vkey, as_json)
            return
        hub, last = HubLog(client), -1
        while True:
            try:
                if once or hub.newest().checkpoint.size != last:
                    last = _tell(pull(own, hub), as_json)
            except HubUnreachable as error:
                if once:
                    raise
                note(f"[yellow]{error}[/]; looking again in {every:g} s")
            if once:
                return
            time.sleep(every)


app.command()(log_archive.archive)
app.command()(log_archive.container)


def _tell(pulled: Pulled, as_json: bool) -> int:
    if as_json:
        print_json(
            {
                "origin": pulled.origin,
                "size": pulled.size,
                "added": pulled.added,
                "cosignature": pulled.line.decode(),
            }
        )
    else:
        say(f"cosigned {_entries(pulled.size)} of {pulled.origin} ({pulled.added} new)")
    return pulled.size


def _show_key(code: str, vkey: str, as_json: bool) -> None:
    if as_json:
        print_json({"agency": code, "key": vkey})
    else:
        sys.stdout.write(f'[[log.witnesses]]\nagency = "{code}"\nkey = "{vkey}"\n')


def _named(text: str) -> int | bytes:
    """A size, or the signed note in a file."""
    from lienthong.exchange.evidence.bundle import notes_in

    if text.isascii() and text.isdigit():
        return int(text)
    found = notes_in(Path(text))
    if len(found) != 1:
        raise NoCheckpoint("it holds two checkpoints", place=text, remedy="give the checkpoint, or its size")
    return found[0]


def _write(content: bytes, out: Path | None, as_json: bool) -> None:
    """To a file, or to the screen unless JSON stands there already."""
    from lienthong.trust.keys import write_file

    if out is not None:
        write_file(out, content)
        _remark(f"written to {out}", as_json)
    elif not as_json:
        sys.stdout.write(content.decode())


def _remark(text: str, as_json: bool) -> None:
    if not as_json:
        from rich.markup import escape

        note(escape(text))


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"


def _facts(stated: Checkpoint) -> dict[str, Any]:
    return {"origin": stated.origin, "size": stated.size, "root": stated.root.hex()}
