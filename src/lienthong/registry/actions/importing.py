"""Files and seeds are read into the registry: all of it, or nothing unless asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from lienthong.registry import queries
from lienthong.registry.actions.agencies import name_province
from lienthong.registry.actions.writing import SYSTEM, carry_out, in_turn, record
from lienthong.registry.errors import RegistryError
from lienthong.registry.imports.planning import Plan, plan
from lienthong.registry.imports.reading import read_bytes, read_file
from lienthong.registry.imports.rows import BadRow, Row

SEEDS = resources.files("lienthong.registry") / "seeds"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or would do. ``rows`` counts every row found, the bad ones too.

    ``applied``: it is in the registry now. Without it, nothing was written.
    """

    files: tuple[str, ...]
    rows: int
    created: tuple[str, ...]
    updated: tuple[str, ...]
    groups: int
    rights: int
    quotas: int
    bad: tuple[BadRow, ...]
    applied: bool

    @property
    def changed(self) -> bool:
        return bool(self.created or self.updated or self.groups or self.rights or self.quotas)


def import_agencies(
    paths: Sequence[Path], *, partial: bool = False, dry_run: bool = False, actor: str = SYSTEM
) -> ImportReport:
    """Read CSV and JSON files (agencies, groups, rights, quotas) into the registry as one whole.

    Every bad row is in the report. With any, nothing is written unless ``partial``; with ``dry_run``
    nothing is written at all. Importing the same files again changes nothing.
    """
    rows: list[Row] = []
    bad: list[BadRow] = []
    for path in paths:
        found, wrong = read_file(path)
        rows.extend(found)
        bad.extend(wrong)
    files = tuple(path.name for path in paths)
    return import_rows(rows, bad, files=files, partial=partial, dry_run=dry_run, actor=actor)


@in_turn
def import_rows(
    rows: Iterable[Row],
    unreadable: Sequence[BadRow] = (),
    *,
    files: tuple[str, ...] = (),
    partial: bool = False,
    dry_run: bool = False,
    actor: str = SYSTEM,
) -> ImportReport:
    planned = plan(queries.state(), rows)
    bad = tuple(sorted({*unreadable, *planned.bad}))
    before, after = planned.before, planned.after
    applied = not dry_run and (partial or not bad)
    report = ImportReport(
        files=files,
        rows=planned.rows + len({(row.file, row.line) for row in unreadable if row.line > 1}),
        created=tuple(planned.created),
        updated=tuple(planned.updated),
        groups=sum(before.groups.get(name) != title for name, title in after.groups.items()),
        rights=len(after.rights - before.rights),
        quotas=sum(before.quotas.get(name) != quota for name, quota in after.quotas.items()),
        bad=bad,
        applied=applied,
    )
    if applied and report.changed:
        _apply(planned, report, actor)
    return report


def _apply(planned: Plan, report: ImportReport, actor: str) -> None:
    carry_out(planned.before, planned.after, actor=actor, verb="import")
    record(
        actor,
        "import",
        "registry",
        {
            "files": ", ".join(report.files),
            "created": len(report.created),
            "updated": len(report.updated),
            "groups": report.groups,
            "rights": report.rights,
            "quotas": report.quotas,
            "bad": len(report.bad),
        },
    )


def seed_names() -> list[str]:
    """The seeds that come with the product."""
    return sorted(item.name.removesuffix(".json") for item in SEEDS.iterdir() if item.name.endswith(".json"))


def load_seed(name: str, *, actor: str = SYSTEM) -> ImportReport:
    """Read a seed (``seeds/NAME.json`` lists its tables) into the registry."""
    if name not in seed_names():
        raise RegistryError(
            f"there is no seed {name[:60]!r}", remedy=f"choose one of {', '.join(seed_names())}"
        )
    seed = json.loads((SEEDS / f"{name}.json").read_text(encoding="utf-8"))
    rows: list[Row] = []
    bad: list[BadRow] = []
    for file in seed["files"]:
        found, wrong = read_bytes((SEEDS / file).read_bytes(), file)
        rows.extend(found)
        bad.extend(wrong)
    report = import_rows(rows, bad, files=tuple(seed["files"]), actor=actor)
    if report.bad:
        needs = f"load {seed['needs']} first" if seed.get("needs") else "empty the registry first"
        raise RegistryError(
            f"the seed does not fit what the registry holds: {report.bad[0]}",
            place=name,
            remedy=needs,
            code="seed-does-not-fit",
        )
    if seed.get("province"):
        name_province(seed["province"], actor=actor)
    return report
