"""``lienthong registry``: the province's agencies, from the first import to the published directory."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from lienthong.cli import registry_agencies, registry_rights
from lienthong.cli.agency import DataOption
from lienthong.cli.output import JsonOption, note
from lienthong.cli.registry_options import (
    DAYS,
    CodeArgument,
    KindOption,
    RegistryUsage,
    actor,
    open_registry,
    remind,
    today,
)
from lienthong.core.errors import LienthongError

app = typer.Typer(
    name="registry",
    no_args_is_help=True,
    help="Agencies, their codes, seals and rights. Changes take effect with `registry publish`.",
)
certificate = typer.Typer(no_args_is_help=True, help="Note an agency's certificates, or withdraw them.")
app.add_typer(certificate, name="certificate")


@app.command("import")
def import_(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="CSV or JSON; all are one import.")
    ] = None,
    seed: Annotated[str, typer.Option("--seed", help="Built-in data instead of files: vinhlong-2017 …")] = "",
    partial: Annotated[
        bool, typer.Option("--partial", help="Import the good rows even if some are bad.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read agencies, groups, rights and quotas. Every bad row is reported; without --partial, one bad row
    and nothing is imported. Importing the same again changes nothing.
    """
    if bool(files) == bool(seed):
        raise RegistryUsage("what to import is not clear", remedy="name files, or one --seed, and not both")
    if seed and (partial or dry_run):
        raise RegistryUsage(
            "a seed is imported whole", place="--seed", remedy="leave --partial and --dry-run out"
        )
    open_registry(data, begin=not dry_run)
    from lienthong.cli import registry_view as view
    from lienthong.registry import actions

    if seed:
        report = actions.load_seed(seed, actor=actor())
    else:
        report = actions.import_agencies(files or [], partial=partial, dry_run=dry_run, actor=actor())
    view.show_import(report, dry_run=dry_run, as_json=as_json)
    if report.applied and report.changed:
        remind(as_json)
    if report.bad:
        raise typer.Exit(1)


@app.command()
def export(
    table: Annotated[
        str, typer.Option("--table", help="agencies, groups, rights or quotas (CSV holds one table).")
    ] = "agencies",
    as_json: Annotated[bool, typer.Option("--json", help="Every table, as JSON.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="A file instead of standard output.")] = None,
    data: DataOption = None,
) -> None:
    """Write the registry as files that `registry import` takes back."""
    from lienthong.registry.imports.rows import TABLES
    from lienthong.registry.imports.writing import to_csv, to_json

    if table not in TABLES:
        raise RegistryUsage(f"{table!r} is not a table", place="--table", remedy=f"use {', '.join(TABLES)}")
    open_registry(data)
    from lienthong.registry import queries

    state = queries.state()
    text = to_json(state) if as_json else to_csv(state, table)
    if out is None:
        sys.stdout.write(text)
        return
    from lienthong.trust.keys import write_file

    write_file(out, text.encode())
    note(f"✓ {out}")


@app.command("list")
def list_(
    search: Annotated[
        str, typer.Option("--search", help="Words of the name or the codes; marks do not matter.")
    ] = "",
    kind: KindOption = "",
    parent: Annotated[str, typer.Option("--parent", metavar="CODE", help="Those directly under it.")] = "",
    on: Annotated[datetime | None, typer.Option("--on", formats=DAYS, help="As of a day.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Those that have ended or not begun, too.")
    ] = False,
    after: Annotated[str, typer.Option("--after", metavar="CODE", help="Go on after this code.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many at most.")] = 500,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List agencies, in code order; with --search, first those where the words begin a word."""
    open_registry(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import queries

    day = None if everything else on.date() if on else today()
    found = queries.agencies(on=day, kind=kind, parent=parent, text=search, after=after, limit=limit)
    view.show_list(found, more=len(found) == limit, as_json=as_json)


@app.command()
def show(
    code: CodeArgument,
    on: Annotated[
        datetime | None,
        typer.Option("--on", formats=DAYS, help="What the code meant on this day."),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one agency: codes, successors, units, certificates, and who changed what."""
    open_registry(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import queries

    row = queries.agency(code, on.date() if on else today())
    facts = queries.state().agencies[row.code]
    view.show_agency(facts, list(queries.certificates(row)), queries.audit_events(row.code), as_json=as_json)


app.command()(registry_agencies.add)
app.command("set")(registry_agencies.set_)
app.command()(registry_agencies.lock)
app.command()(registry_agencies.unlock)
app.command()(registry_agencies.merge)
app.command()(registry_agencies.end)
app.command()(registry_rights.grant)
app.command()(registry_rights.rights)
app.command()(registry_rights.quota)
certificate.command("add")(registry_rights.certificate_add)
certificate.command("withdraw")(registry_rights.certificate_withdraw)


@app.command()
def publish(
    days: Annotated[float, typer.Option("--days", min=0.01, help="How long the directory is in force.")] = 30,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign the directory as it stands and put it where the hub reads it. The hub takes it over by itself."""
    from lienthong.cli.publishing import passphrase
    from lienthong.core.clock import utc_now
    from lienthong.exchange.configuration import load
    from lienthong.trust.keys import load_signer

    folder = open_registry(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import actions, queries

    configuration = load(folder)
    _require_agencies(folder, queries.agencies(limit=1))
    keys = folder / "keys"
    signer = load_signer(keys / "directory.key", keys / "directory.pem", passphrase=passphrase(folder))
    path = configuration.path(configuration.directory.file)
    publication = actions.publish(path, signer, utc_now(), timedelta(days=days), actor=actor())
    view.show_publication(publication, path, as_json=as_json)


def _require_agencies(folder: Path, found: Sequence[object]) -> None:
    """A registry that lost its file looks empty; published, it would shut every agency out."""
    if not found:
        raise LienthongError(
            "the registry holds no agency, and a directory without any would shut everybody out",
            place=str(folder / "registry.sqlite3"),
            remedy="put registry.sqlite3 back from a backup, or import the agencies first",
            code="empty-registry",
        )


@app.command()
def check(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Look for contradictions, missing and ending certificates, and changes that are not published yet.

    Exits 1 when something is wrong; remarks alone exit 0.
    """
    open_registry(data)
    from lienthong.cli import registry_view as view

    if not view.show_check(today(), datetime.now(UTC), as_json=as_json):
        raise typer.Exit(1)


@app.command()
def history(
    target: Annotated[str, typer.Argument(metavar="CODE", help="One agency; everything without it.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many at most.")] = 50,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who changed what, the newest first."""
    open_registry(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import queries

    wanted = queries.agency(target, today()).code if target else ""
    view.show_history(queries.audit_events(wanted, limit=limit), as_json=as_json)
