"""``lienthong registry``: the province's agencies, from the first import to the published directory."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from lienthong.cli.agency import DataOption
from lienthong.cli.output import JsonOption, note, print_json, say
from lienthong.cli.registry_options import (
    DAYS,
    AliasOption,
    CodeArgument,
    FromOption,
    GroupOption,
    KindOption,
    LevelOption,
    NameOption,
    ParentOption,
    RegistryUsage,
    UnitOption,
    actor,
    done,
    open_registry,
    remind,
    today,
    values_of,
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


@app.command()
def add(
    code: Annotated[str, typer.Argument(metavar="CODE", help="Its canonical organ code.")],
    name: Annotated[str, typer.Option("--name", help="The full name.")],
    kind: KindOption,
    level: LevelOption = "",
    parent: ParentOption = "",
    alias: AliasOption = None,
    unit: UnitOption = None,
    group: GroupOption = None,
    first_day: FromOption = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add one agency."""
    values = values_of(
        code=code, name=name, kind=kind, level=level, parent=parent, aliases=alias, units=unit, groups=group,
        valid_from=first_day,
    )  # fmt: skip
    open_registry(data)
    from lienthong.registry import actions
    from lienthong.registry.directory import Agency

    agency = Agency(**values)
    actions.add_agency(agency, actor=actor())
    done([agency], "added", as_json)


@app.command("set")
def set_(
    code: CodeArgument,
    name: NameOption = "",
    kind: KindOption = "",
    level: LevelOption = "",
    parent: ParentOption = "",
    alias: AliasOption = None,
    unit: UnitOption = None,
    group: GroupOption = None,
    first_day: FromOption = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change an agency. What is not named stays; aliases, units and groups are replaced as a whole."""
    values = values_of(
        name=name, kind=kind, level=level, parent=parent, aliases=alias, units=unit, groups=group,
        valid_from=first_day,
    )  # fmt: skip
    if not values:
        raise RegistryUsage("what to change is not said", remedy="see `lienthong registry set --help`")
    open_registry(data)
    from lienthong.registry import actions

    done([actions.change_agency(code, actor=actor(), **values)], "changed", as_json)


@app.command()
def lock(code: CodeArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """The agency receives nothing until it is unlocked (senders get error 23, "receiver locked")."""
    open_registry(data)
    from lienthong.registry import actions

    done([actions.lock_agency(code, actor=actor())], "locked", as_json)


@app.command()
def unlock(code: CodeArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """The agency receives again."""
    open_registry(data)
    from lienthong.registry import actions

    done([actions.unlock_agency(code, actor=actor())], "unlocked", as_json)


@app.command()
def merge(
    codes: Annotated[list[str], typer.Argument(metavar="CODE", help="The agencies that end.")],
    into: Annotated[
        list[str],
        typer.Option("--into", metavar="CODE", help="Who follows them. Repeat it when one is split."),
    ],
    on: Annotated[
        datetime,
        typer.Option("--on", formats=DAYS, help="The first day under the successor."),
    ],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Merge agencies into another, or split one: what is sent to them from that day goes to the successor."""
    open_registry(data)
    from lienthong.registry import actions

    last_day = on.date() - timedelta(days=1)
    done(actions.end_agencies(codes, last_day, successors=into, actor=actor()), "merged", as_json)


@app.command()
def end(
    codes: Annotated[list[str], typer.Argument(metavar="CODE", help="The agencies that end.")],
    last_day: Annotated[datetime, typer.Option("--last-day", formats=DAYS, help="Their last day.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """End agencies that nobody follows: from the next day, senders are told that they have ended."""
    open_registry(data)
    from lienthong.registry import actions

    done(actions.end_agencies(codes, last_day.date(), actor=actor()), "ended", as_json)


@app.command()
def grant(
    subject: Annotated[str, typer.Argument(metavar="WHO", help="A code, kind:…, group:… or *.")],
    action: Annotated[str, typer.Argument(help="send, witness, audit or operate.")],
    target: Annotated[str, typer.Argument(metavar="TOWARDS", help="A code, kind:…, group:… or *.")] = "*",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the right away again.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let agencies do something. Without a right, nobody may do anything."""
    open_registry(data)
    from lienthong.registry import actions
    from lienthong.registry.directory import Right

    right = Right(subject, action, target)
    (actions.withdraw_right if withdraw else actions.grant_right)(right, actor=actor())
    if as_json:
        print_json({"subject": subject, "action": action, "object": target, "granted": not withdraw})
    else:
        say(f"[green]✓[/] {subject} {'no longer may' if withdraw else 'may'} {action} {target}")
    remind(as_json)


@app.command()
def rights(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List who may do what, and the quotas."""
    open_registry(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import queries

    view.show_rights(queries.state(), as_json=as_json)


@app.command()
def quota(
    subject: Annotated[str, typer.Argument(metavar="WHO", help="A code, kind:…, group:… or *.")],
    messages: Annotated[int, typer.Option("--messages-per-minute", min=1, help="Messages a minute.")],
    size: Annotated[int, typer.Option("--bytes-per-day", min=1, help="Bytes a day.")],
    concurrent: Annotated[int, typer.Option("--concurrent", min=1, help="Requests at the same time.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set how much agencies may send; the most specific rule counts."""
    open_registry(data)
    from lienthong.registry import actions
    from lienthong.registry.directory import Quota

    actions.set_quota(subject, Quota(messages, size, concurrent), actor=actor())
    if as_json:
        print_json({"subject": subject, "messages_per_minute": messages, "bytes_per_day": size,
                    "concurrent": concurrent})  # fmt: skip
    else:
        say(f"[green]✓[/] {subject}: {messages} messages a minute, {size} bytes a day, {concurrent} at once")
    remind(as_json)


@certificate.command("add")
def certificate_add(
    code: CodeArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The certificate, PEM or DER.")],
    use: Annotated[str, typer.Option("--use", help="seal, encryption or tls.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note that an agency acts with this certificate (of the province's CA or another that is trusted)."""
    from lienthong.trust.keys import read_file

    open_registry(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import actions

    view.show_certificate(actions.add_certificate(code, use, read_file(file), actor=actor()), as_json=as_json)
    remind(as_json)


@certificate.command("withdraw")
def certificate_withdraw(
    fingerprint: Annotated[
        str, typer.Argument(help="Its SHA-256 fingerprint, or the first 8 digits or more.")
    ],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a certificate out of the directory. When its key is compromised, use `lienthong keys revoke`."""
    open_registry(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import actions

    for row in actions.withdraw_certificate(fingerprint, actor=actor()):
        view.show_certificate(row, as_json=as_json)
    remind(as_json)


@app.command()
def publish(
    days: Annotated[float, typer.Option("--days", min=0.01, help="How long the directory is in force.")] = 30,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign the directory as it stands and put it where the hub reads it. The hub takes it over by itself."""
    from lienthong.cli.province import passphrase
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
