"""Items as CSV, there and back, and funding sources as TOML: every bad row named."""

from __future__ import annotations

import csv
import io
import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lienthong.infrastructure.phasing.errors import BadPhasingData
from lienthong.infrastructure.phasing.request import Source
from lienthong.infrastructure.phasing.result import BENEFITS, Item

COLUMNS = (
    "key", "kind", "name_vi", "name_en", "unit", "quantity", "unit_price", "capex", "opex_per_year",
    "saving_per_year", "after", "people", "agencies", "communes", "site", "not_before", "due", "edges",
)  # fmt: skip
NEEDED = ("key", "kind")


def write_items(path: Path, items: Sequence[Item]) -> None:
    """All fields, CSV in UTF-8; ``after`` and ``edges`` separated by semicolons."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for item in items:
        row: dict[str, Any] = {name: getattr(item, name) for name in COLUMNS if hasattr(item, name)}
        row.update({name: f"{item.benefit[name]:g}" if item.benefit.get(name) else "" for name in BENEFITS})
        row["quantity"] = repr(float(item.quantity))
        row["after"] = ";".join(item.after)
        row["edges"] = ";".join(map(str, item.edges))
        writer.writerow({name: "" if value is None else value for name, value in row.items()})
    path.write_text(out.getvalue(), "utf-8")


def read_items(path: Path) -> list[Item]:
    """Items from CSV: ``key``, ``kind`` and ``capex`` (or ``quantity`` and ``unit_price``) are needed.

    Raises :class:`BadPhasingData` naming file, line and column of the first bad cell and how many more there
    are.
    """
    try:
        text = path.read_text("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadPhasingData(
            f"the items cannot be read: {error}", place=str(path), remedy="give CSV in UTF-8"
        ) from error
    columns = {name.strip().lower() for name in (rows[0] if rows else {}) if name}
    missing = [name for name in NEEDED if name not in columns]
    if missing or not ("capex" in columns or {"quantity", "unit_price"} <= columns):
        raise BadPhasingData(
            "there are no items" if not rows else f"the columns are {', '.join(sorted(columns))}",
            place=f"{path}, line 1",
            remedy="give the columns key, kind, and capex or quantity and unit_price",
        )
    items, wrong = [], []
    for line, row in enumerate(rows, 2):
        cells = {(name or "").strip().lower(): (cell or "") for name, cell in row.items() if name}
        cells = {name: cell.strip() for name, cell in cells.items() if isinstance(cell, str)}
        try:
            items.append(_item(cells))
        except BadPhasingData as error:
            wrong.append((line, error))
    if wrong:
        line, first = wrong[0]
        more = f"; {len(wrong) - 1} more lines are bad: {', '.join(str(each) for each, _ in wrong[1:9])}"
        raise BadPhasingData(
            first.detail + (more if len(wrong) > 1 else ""),
            place=f"{path}, line {line}, column {first.place}",
            remedy=first.remedy,
        )
    return items


def read_sources(path: Path) -> tuple[Source, ...]:
    """Funding sources from TOML: ``[[source]]`` with key, name_vi, name_en, share, at_least, pays_for and
    ``cap`` (a table of VND by year).
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadPhasingData(
            f"the funding sources cannot be read: {error}", place=str(path), remedy="give TOML in UTF-8"
        ) from error
    tables = document.get("source")
    if not isinstance(tables, list) or not tables:
        raise BadPhasingData(
            "there is no funding source", place=str(path), remedy="write a [[source]] for each"
        )
    return tuple(_source(table, f"{path}, source {at}") for at, table in enumerate(tables, 1))


def _item(cells: Mapping[str, str]) -> Item:
    if not cells.get("key"):
        raise BadPhasingData("is empty", place="key", remedy="give each item a key of its own")
    quantity = _number(cells, "quantity", 1.0)
    if cells.get("capex"):
        capex = _money(cells, "capex")
        price = _money(cells, "unit_price") if cells.get("unit_price") else round(capex / (quantity or 1.0))
    elif cells.get("unit_price"):
        price = _money(cells, "unit_price")
        capex = round(quantity * price)
    else:
        raise BadPhasingData("is empty", place="capex", remedy="give capex, or quantity and unit_price")
    name = cells.get("name_vi") or cells.get("name_en") or cells["key"]
    return Item(
        key=cells["key"],
        kind=cells.get("kind", ""),
        name_vi=name,
        name_en=cells.get("name_en") or name,
        unit=cells.get("unit", ""),
        quantity=quantity,
        unit_price=price,
        capex=capex,
        opex_per_year=_money(cells, "opex_per_year"),
        after=tuple(key.strip() for key in cells.get("after", "").split(";") if key.strip()),
        benefit={of: amount for of in BENEFITS if (amount := _number(cells, of, 0.0))},
        site=cells.get("site", ""),
        edges=tuple(_whole(each, "edges") for each in cells.get("edges", "").split(";") if each.strip()),
        not_before=_whole(cells["not_before"], "not_before") if cells.get("not_before") else None,
        due=_whole(cells["due"], "due") if cells.get("due") else None,
        saving_per_year=_money(cells, "saving_per_year"),
    )


def _number(cells: Mapping[str, str], column: str, default: float) -> float:
    if not cells.get(column):
        return default
    try:
        number = float(cells[column])
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise BadPhasingData(
            f"{cells[column]!r} is no amount", place=column, remedy="give a number of at least 0"
        )
    return number


def _money(cells: Mapping[str, str], column: str) -> int:
    number = _number(cells, column, 0.0)
    if not number.is_integer() or number > 1e15:
        raise BadPhasingData(
            f"{cells[column]!r} is no amount of đồng", place=column, remedy="give whole VND, below 10¹⁵"
        )
    return int(number)


def _whole(text: str, column: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadPhasingData(
            f"{text!r} is no whole number", place=column, remedy="give a whole number"
        ) from None


_FIELDS = ("key", "name_vi", "name_en", "share", "at_least", "pays_for", "cap")


def _source(table: Any, place: str) -> Source:
    if not isinstance(table, dict) or not isinstance(table.get("key"), str) or not table["key"]:
        raise BadPhasingData("the source has no key", place=place, remedy="give key, a short name")
    strange = sorted(set(table) - set(_FIELDS))
    if strange:
        raise BadPhasingData(
            f"{strange[0]!r} is not known here", place=place, remedy=f"give {', '.join(_FIELDS)}"
        )
    cap = table.get("cap")
    try:
        years = None if cap is None else {int(year): _dong(money) for year, money in cap.items()}
        share, least = float(table.get("share", 1.0)), float(table.get("at_least", 0.0))
        kinds = tuple(str(kind) for kind in table.get("pays_for", ()))
    except (TypeError, ValueError, AttributeError) as error:
        raise BadPhasingData(
            f"a cell is wrong: {error}",
            place=place,
            remedy="shares are numbers, cap is a table of whole VND by year, pays_for a list of kinds",
        ) from error
    name = str(table.get("name_vi") or table["key"])
    return Source(table["key"], name, str(table.get("name_en") or name), years, share, least, kinds)


def _dong(money: Any) -> int:
    if isinstance(money, bool) or not isinstance(money, int):
        raise TypeError(f"{money!r} is no whole number of VND")
    return money
