"""What ``lienthong registry`` shows: tables for people, JSON for scripts. Django is set up before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from lienthong.cli.output import count, note, print_json, say, table
from lienthong.core.clock import VIETNAM
from lienthong.registry import models, queries
from lienthong.registry.actions import ImportReport
from lienthong.registry.directory import USES, Agency
from lienthong.registry.imports.planning import State
from lienthong.registry.rules import children_that_outlive, code_system, problems

ENDING_SOON = timedelta(days=30)


def show_import(report: ImportReport, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "files": report.files,
                "rows": report.rows,
                "applied": report.applied,
                "dry_run": dry_run,
                "created": report.created,
                "updated": report.updated,
                "groups": report.groups,
                "rights": report.rights,
                "quotas": report.quotas,
                "bad": [
                    {"file": b.file, "line": b.line, "column": b.column, "what": b.what, "remedy": b.remedy}
                    for b in report.bad
                ],
            }
        )
        return
    if report.bad:
        table(
            count(len(report.bad), "thing") + " to correct",
            ("file", "line", "column", "what", "to do"),
            [(b.file, b.line, b.column, b.what, b.remedy) for b in report.bad],
        )
    counts = ", ".join(
        what
        for what, number in (
            (f"{_agencies(len(report.created))} new", len(report.created)),
            (f"{_agencies(len(report.updated))} changed", len(report.updated)),
            (count(report.groups, "group"), report.groups),
            (count(report.rights, "right"), report.rights),
            (count(report.quotas, "quota"), report.quotas),
        )
        if number
    )
    counts = counts or "nothing new"
    if report.applied:
        say(f"[green]✓[/] {count(report.rows, 'row')} read; {counts}.")
    elif dry_run:
        say(f"{count(report.rows, 'row')} read; it would be: {counts}. Nothing was changed.")
    else:
        say(f"[red]✗[/] {count(report.rows, 'row')} read; nothing was imported.")
        note("  Correct the rows, or take the good ones alone: --partial")


def _agencies(number: int) -> str:
    return "1 agency" if number == 1 else f"{number} agencies"


def show_list(found: Sequence[models.Agency], *, more: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {
                    "code": row.code,
                    "name": row.name,
                    "kind": row.kind,
                    "level": row.level,
                    "parent": row.parent.code if row.parent else None,
                    "aliases": [alias.code for alias in row.aliases.all()],
                    "valid_from": row.valid_from,
                    "valid_to": row.valid_to,
                    "locked": row.locked,
                }
                for row in found
            ]
        )
        return
    table(
        "",
        ("code", "name", "kind", "other codes", "until"),
        [
            (
                row.code,
                row.name + (" (locked)" if row.locked else ""),
                row.kind,
                " ".join(alias.code for alias in row.aliases.all()),
                row.valid_to or "",
            )
            for row in found
        ],
    )
    if more:
        note(f"  There may be more: --after {found[-1].code}")


def show_agency(
    agency: Agency,
    certificates: Iterable[models.Certificate],
    events: Sequence[models.AuditEvent],
    *,
    as_json: bool,
) -> None:
    certificates = list(certificates)
    if as_json:
        body = _agency(agency)
        body["certificates"] = [_certificate(row) for row in certificates]
        print_json(body)
        return
    say(f"[bold]{agency.name}[/]")
    facts = [("code", agency.code), ("kind", agency.kind)]
    facts += [
        (name, str(value))
        for name, value in (
            ("level", agency.level),
            ("parent", agency.parent),
            ("first day", "" if agency.valid_from == date.min else agency.valid_from),
            ("last day", agency.valid_to),
            ("followed by", ", ".join(agency.successors)),
            ("groups", ", ".join(agency.groups)),
            ("locked", "yes: it receives nothing" if agency.locked else ""),
            ("note", "its organ codes are illustrative, not official" if agency.illustrative else ""),
        )
        if value
    ]
    table("", ("", ""), facts)
    if agency.aliases:
        rows = [
            (a.code, code_system(a.code), "" if a.valid_from == date.min else a.valid_from, a.valid_to or "")
            for a in agency.aliases
        ]
        table("Other codes", ("code", "series", "from", "to"), rows)
    if agency.units:
        table("Units", ("code", "name"), [(unit.code, unit.name) for unit in agency.units])
    if certificates:
        table(
            "Certificates",
            ("use", "fingerprint", "subject", "until", ""),
            [
                (
                    row.use,
                    row.fingerprint[:16] + "…",
                    row.subject,
                    f"{row.not_after:%Y-%m-%d}",
                    "withdrawn" if row.withdrawn_at else "",
                )
                for row in certificates
            ],
        )
    _event_table(events[:10])


def _agency(agency: Agency) -> dict[str, Any]:
    return {
        "code": agency.code,
        "name": agency.name,
        "kind": agency.kind,
        "level": agency.level,
        "parent": agency.parent,
        "valid_from": None if agency.valid_from == date.min else agency.valid_from,
        "valid_to": agency.valid_to,
        "aliases": [
            {
                "code": alias.code,
                "series": code_system(alias.code),
                "from": None if alias.valid_from == date.min else alias.valid_from,
                "to": alias.valid_to,
            }
            for alias in agency.aliases
        ],
        "successors": agency.successors,
        "locked": agency.locked,
        "units": [{"code": unit.code, "name": unit.name} for unit in agency.units],
        "groups": agency.groups,
        "illustrative": agency.illustrative,
    }


def show_changed(agencies: Sequence[Agency], what: str, *, as_json: bool) -> None:
    if as_json:
        print_json([_agency(agency) for agency in agencies])
        return
    for agency in agencies:
        follow = f" → {', '.join(agency.successors)}" if agency.successors else ""
        say(f"[green]✓[/] {agency.code} {agency.name} {what}{follow}")


def show_rights(state: State, *, as_json: bool) -> None:
    rights = sorted(state.rights, key=lambda right: (right.action, right.subject, right.object))
    quotas = sorted(state.quotas.items())
    if as_json:
        print_json(
            {
                "rights": [{"subject": r.subject, "action": r.action, "object": r.object} for r in rights],
                "quotas": [
                    {
                        "subject": subject,
                        "messages_per_minute": quota.messages_per_minute,
                        "bytes_per_day": quota.bytes_per_day,
                        "concurrent": quota.concurrent,
                    }
                    for subject, quota in quotas
                ],
            }
        )
        return
    table("Rights", ("who", "may", "towards"), [(r.subject, r.action, r.object) for r in rights])
    if quotas:
        table(
            "Quotas",
            ("who", "messages a minute", "bytes a day", "at once"),
            [(s, q.messages_per_minute, q.bytes_per_day, q.concurrent) for s, q in quotas],
        )


def show_certificate(row: models.Certificate, *, as_json: bool) -> None:
    if as_json:
        print_json(_certificate(row))
        return
    what = "withdrawn" if row.withdrawn_at else "noted"
    until = f"valid until {row.not_after:%Y-%m-%d}"
    say(f"[green]✓[/] {row.agency.code} {row.use} {row.fingerprint[:16]}… {what}; {until}")


def _certificate(row: models.Certificate) -> dict[str, Any]:
    return {
        "agency": row.agency.code,
        "use": row.use,
        "fingerprint": row.fingerprint,
        "subject": row.subject,
        "issuer": row.issuer,
        "serial": row.serial,
        "not_before": row.not_before.isoformat(),
        "not_after": row.not_after.isoformat(),
        "withdrawn_at": row.withdrawn_at.isoformat() if row.withdrawn_at else None,
    }


def show_publication(done: models.Publication, path: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "version": done.version,
                "agencies": done.agencies,
                "issued_at": done.issued_at.isoformat(),
                "expires_at": done.expires_at.isoformat(),
                "digest": done.digest,
                "path": str(path),
            }
        )
        return
    until = f"{done.expires_at.astimezone(VIETNAM):%Y-%m-%d %H:%M}"
    say(f"[green]✓[/] Directory version {done.version}, {_agencies(done.agencies)}, until {until} (+07:00)")
    note(f"  {path}")


def show_check(today: date, now: datetime, *, as_json: bool) -> bool:
    """Show what is wrong and what deserves a look; whether nothing is wrong."""
    agencies = queries.state().agencies
    wrong = [
        {"agency": p.code, "field": p.field, "what": p.what, "remedy": p.remedy} for p in problems(agencies)
    ]
    remarks = [
        f"{child.code} goes on although its parent {parent.code} ended on {parent.valid_to}"
        for child, parent in children_that_outlive(agencies)
    ]
    for use in USES:
        codes = queries.without_certificate(use, today)
        if codes:
            shown = ", ".join(codes[:5]) + (" …" if len(codes) > 5 else "")
            remarks.append(f"{_agencies(len(codes))} without a certificate for {use}: {shown}")
    for row in queries.certificates_ending(now + ENDING_SOON):
        remarks.append(f"the {row.use} certificate of {row.agency.code} ends on {row.not_after:%Y-%m-%d}")
    latest = queries.latest_publication()
    if latest is None:
        remarks.append("the directory was never published")
    elif latest.expires_at <= now:
        remarks.append(f"the published directory (version {latest.version}) expired")
    waiting = queries.unpublished_changes()
    if latest is not None and waiting:
        remarks.append(f"{count(waiting, 'change')} not published yet")
    if as_json:
        print_json({"ok": not wrong, "problems": wrong, "remarks": remarks})
        return not wrong
    if wrong:
        table(
            count(len(wrong), "contradiction"),
            ("agency", "field", "what", "to do"),
            [tuple(line.values()) for line in wrong],
        )
    else:
        say(f"[green]✓[/] {_agencies(len(agencies))}, no contradictions.")
    for remark in remarks:
        note(f"  [yellow]![/] {remark}")
    return not wrong


def show_history(events: Sequence[models.AuditEvent], *, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {
                    "at": event.at.isoformat(),
                    "actor": event.actor,
                    "verb": event.verb,
                    "target": event.target,
                    "changes": event.changes,
                }
                for event in events
            ]
        )
    else:
        _event_table(events)


def _event_table(events: Sequence[models.AuditEvent]) -> None:
    if events:
        table(
            "History",
            ("when (+07:00)", "who", "did", "to", "what"),
            [
                (f"{e.at.astimezone(VIETNAM):%Y-%m-%d %H:%M}", e.actor, e.verb, e.target, _brief(e.changes))
                for e in events
            ],
        )


def _brief(changes: dict[str, Any]) -> str:
    parts = []
    for name, change in changes.items():
        pair = isinstance(change, list) and len(change) == 2
        text = (
            f"{name}: {change[0]} → {change[1]}"
            if pair and change[0]
            else f"{name}: {change[-1] if pair else change}"
        )
        parts.append(text if len(text) <= 80 else text[:79] + "…")
    return "\n".join(parts)
