"""Sites with their people and machines from CSV: every bad row named."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from lienthong.infrastructure.capacity.errors import BadCapacityData
from lienthong.infrastructure.capacity.links import SiteLoad

COUNTS = ("users", "seats", "cameras", "rooms")
NEEDED = "give the columns code, users and seats; name, cameras and rooms if wanted"


def read_loads(path: Path) -> list[SiteLoad]:
    """Sites from CSV in UTF-8: ``code``, ``users``, ``seats``, and ``name``, ``cameras``, ``rooms`` if there.

    Raises :class:`BadCapacityData` naming file, line and column, and how many more lines are bad.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig")), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadCapacityData(
            f"the sites cannot be read: {error}", place=str(path), remedy="give CSV in UTF-8"
        ) from error
    columns = {name.strip().lower() for name in (rows[0] if rows else {}) if name}
    if not {"code", "users", "seats"} <= columns:
        raise BadCapacityData(
            f"the columns are {', '.join(sorted(columns))}" if rows else "there is no site",
            place=f"{path}, line 1",
            remedy=NEEDED,
        )
    sites: list[SiteLoad] = []
    wrong: list[tuple[int, str, str]] = []
    seen: dict[str, int] = {}
    for line, row in enumerate(rows, 2):
        cells = {name.strip().lower(): (cell or "").strip() for name, cell in row.items() if name}
        code = cells.get("code", "")
        if not code or code in seen:
            what = f"{code} stands on line {seen[code]} already" if code else "is empty"
            wrong.append((line, "code", what))
            continue
        seen[code] = line
        counts = {name: _count(cells, name, line, wrong) for name in COUNTS}
        sites.append(SiteLoad(code, cells.get("name", ""), **counts))
    if wrong:
        line, column, what = wrong[0]
        more = f"; {len(wrong) - 1} more cells are bad" if len(wrong) > 1 else ""
        raise BadCapacityData(
            what + more,
            place=f"{path}, line {line}, column {column}",
            remedy="give whole numbers of at least 0, and each code once",
        )
    return sites


def _count(cells: Mapping[str, str], name: str, line: int, wrong: list[tuple[int, str, str]]) -> int:
    text = cells.get(name, "")
    if not text:
        return 0
    if text.isascii() and text.isdigit() and len(text) < 8:
        return int(text)
    wrong.append((line, name, f"{text!r} is no count"))
    return 0
