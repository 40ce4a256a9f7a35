"""``lienthong registry``: the province's agencies, from the first import to the published directory."""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.agency import DataOption, data_folder
from lienthong.cli.output import JsonOption, note, print_json, say
from lienthong.core.errors import LienthongError

if TYPE_CHECKING:
    from lienthong.registry.directory import Agency

app = typer.Typer(
    name="registry",
    no_args_is_help=True,
    help="Agencies, their codes, seals and rights. Changes take effect with `registry publish`.",
)
certificate = typer.Typer(no_args_is_help=True, help="Note an agency's certificates, or withdraw them.")
app.add_typer(certificate, name="certificate")

DAYS = ["%Y-%m-%d", "%d/%m/%Y"]
CodeArgument = Annotated[str, typer.Argument(metavar="CODE", help="An agency's code, or an alias of it.")]
KindOption = Annotated[
    str,
    typer.Option(
        "--kind",
        help="party, council, government, department, district, commune, mass-organisation, "
        "enterprise or external.",
    ),
]
NameOption = Annotated[str, typer.Option("--name", help="The full name.")]
LevelOption = Annotated[str, typer.Option("--level", help="national, province, district or commune.")]
ParentOption = Annotated[
    str, typer.Option("--parent", metavar="CODE", help="The agency above it; - for none.")
]
AliasOption = Annotated[
    list[str] | None,
    typer.Option("--alias", metavar="CODE[@FIRST..LAST]", help="Another code of it. Repeat it."),
]
UnitOption = Annotated[
    list[str] | None, typer.Option("--unit", metavar="CODE=NAME", help="A unit without a mailbox. Repeat it.")
]
GroupOption = Annotated[
    list[str] | None, typer.Option("--group", metavar="NAME", help="A group it belongs to. Repeat it.")
]
FromOption = Annotated[str, typer.Option("--from", metavar="DATE", help="The first day it exists.")]


class RegistryUsage(LienthongError):
    code = "usage"


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
    _open(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import actions

    if seed:
        report = actions.load_seed(seed, actor=_actor())
    else:
        report = actions.import_agencies(files or [], partial=partial, dry_run=dry_run, actor=_actor())
    view.show_import(report, dry_run=dry_run, as_json=as_json)
    if report.applied and report.changed:
        _remind(as_json)
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
    _open(data)
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
    """List agencies, in code order."""
    _open(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import queries

    day = None if everything else on.date() if on else _today()
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
    _open(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import queries

    row = queries.agency(code, on.date() if on else _today())
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
    values = _values(
        code=code, name=name, kind=kind, level=level, parent=parent, aliases=alias, units=unit, groups=group,
        valid_from=first_day,
    )  # fmt: skip
    _open(data)
    from lienthong.registry import actions
    from lienthong.registry.directory import Agency

    agency = Agency(**values)
    actions.add_agency(agency, actor=_actor())
    _done([agency], "added", as_json)


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
    values = _values(
        name=name, kind=kind, level=level, parent=parent, aliases=alias, units=unit, groups=group,
        valid_from=first_day,
    )  # fmt: skip
    if not values:
        raise RegistryUsage("what to change is not said", remedy="see `lienthong registry set --help`")
    _open(data)
    from lienthong.registry import actions

    _done([actions.change_agency(code, actor=_actor(), **values)], "changed", as_json)


@app.command()
def lock(code: CodeArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """The agency receives nothing until it is unlocked (senders get error 23, "receiver locked")."""
    _open(data)
    from lienthong.registry import actions

    _done([actions.lock_agency(code, actor=_actor())], "locked", as_json)


@app.command()
def unlock(code: CodeArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """The agency receives again."""
    _open(data)
    from lienthong.registry import actions

    _done([actions.unlock_agency(code, actor=_actor())], "unlocked", as_json)


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
    _open(data)
    from lienthong.registry import actions

    last_day = on.date() - timedelta(days=1)
    _done(actions.end_agencies(codes, last_day, successors=into, actor=_actor()), "merged", as_json)


@app.command()
def end(
    codes: Annotated[list[str], typer.Argument(metavar="CODE", help="The agencies that end.")],
    last_day: Annotated[datetime, typer.Option("--last-day", formats=DAYS, help="Their last day.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """End agencies that nobody follows: from the next day, senders are told that they have ended."""
    _open(data)
    from lienthong.registry import actions

    _done(actions.end_agencies(codes, last_day.date(), actor=_actor()), "ended", as_json)


@app.command()
def grant(
    subject: Annotated[str, typer.Argument(metavar="WHO", help="A code, kind:…, group:… or *.")],
    action: Annotated[str, typer.Argument(help="send, witness, audit or operate.")],
    target: Annotated[str, typer.Argument(metavar="[TOWARDS]", help="A code, kind:…, group:… or *.")] = "*",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the right away again.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let agencies do something. Without a right, nobody may do anything."""
    _open(data)
    from lienthong.registry import actions
    from lienthong.registry.directory import Right

    right = Right(subject, action, target)
    (actions.withdraw_right if withdraw else actions.grant_right)(right, actor=_actor())
    if as_json:
        print_json({"subject": subject, "action": action, "object": target, "granted": not withdraw})
    else:
        say(f"[green]✓[/] {subject} {'no longer may' if withdraw else 'may'} {action} {target}")
    _remind(as_json)


@app.command()
def rights(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List who may do what, and the quotas."""
    _open(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import queries

    view.show_rights(queries.state(), as_json=as_json)


@app.command()
def quota(
    subject: Annotated[str, typer.Argument(metavar="WHO", help="A code, kind:…, group:… or *.")],
    messages: Annotated[int, typer.Option("--messages-per-minute", min=1)],
    size: Annotated[int, typer.Option("--bytes-per-day", min=1)],
    concurrent: Annotated[int, typer.Option("--concurrent", min=1, help="Requests at the same time.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set how much agencies may send; the most specific rule counts."""
    _open(data)
    from lienthong.registry import actions
    from lienthong.registry.directory import Quota

    actions.set_quota(subject, Quota(messages, size, concurrent), actor=_actor())
    if as_json:
        print_json({"subject": subject, "messages_per_minute": messages, "bytes_per_day": size,
                    "concurrent": concurrent})  # fmt: skip
    else:
        say(f"[green]✓[/] {subject}: {messages} messages a minute, {size} bytes a day, {concurrent} at once")
    _remind(as_json)


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

    _open(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import actions

    view.show_certificate(
        actions.add_certificate(code, use, read_file(file), actor=_actor()), as_json=as_json
    )
    _remind(as_json)


@certificate.command("withdraw")
def certificate_withdraw(
    fingerprint: Annotated[
        str, typer.Argument(help="Its SHA-256 fingerprint, or the first 8 digits or more.")
    ],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a certificate out of the directory. When its key is compromised, use `lienthong keys revoke`."""
    _open(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import actions

    for row in actions.withdraw_certificate(fingerprint, actor=_actor()):
        view.show_certificate(row, as_json=as_json)
    _remind(as_json)


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

    folder = _open(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import actions

    configuration = load(folder)
    keys = folder / "keys"
    signer = load_signer(keys / "directory.key", keys / "directory.pem", passphrase=passphrase(folder))
    path = configuration.path(configuration.directory.file)
    done = actions.publish(path, signer, utc_now(), timedelta(days=days), actor=_actor())
    view.show_publication(done, path, as_json=as_json)


@app.command()
def check(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Look for contradictions, missing and ending certificates, and changes that are not published yet.

    Exits 1 when something is wrong; remarks alone exit 0.
    """
    _open(data)
    from lienthong.cli import registry_view as view

    if not view.show_check(_today(), datetime.now(UTC), as_json=as_json):
        raise typer.Exit(1)


@app.command()
def history(
    target: Annotated[str, typer.Argument(metavar="[CODE]", help="One agency; everything without it.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=500)] = 50,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who changed what, the newest first."""
    _open(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import queries

    wanted = queries.agency(target, _today()).code if target else ""
    view.show_history(queries.audit_events(wanted, limit=limit), as_json=as_json)


def _open(data: Path | None) -> Path:
    from lienthong.cli.django import use_data_folder

    folder = data_folder(data)
    use_data_folder(folder)
    return folder


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "somebody"


def _today() -> date:
    from lienthong.core.clock import VIETNAM, utc_now

    return utc_now().astimezone(VIETNAM).date()


def _values(**given: Any) -> dict[str, Any]:
    """Options that were given, read as the cells of an import are."""
    from lienthong.registry.imports.cells import AGENCY
    from lienthong.registry.imports.rows import BETWEEN, CellError

    values: dict[str, Any] = {}
    for name, option in given.items():
        if not option:
            continue
        try:
            values[name] = AGENCY[name](BETWEEN.join(option) if isinstance(option, list) else option)
        except CellError as problem:
            raise RegistryUsage(problem.what, place=name, remedy=problem.remedy) from None
    return values


def _done(agencies: list[Agency], what: str, as_json: bool) -> None:
    from lienthong.cli import registry_view as view

    view.show_changed(agencies, what, as_json=as_json)
    _remind(as_json)


def _remind(as_json: bool) -> None:
    if not as_json:
        note("[dim]In force once it is published: lienthong registry publish[/]")
