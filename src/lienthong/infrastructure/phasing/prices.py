"""The price list: built in and labelled illustrative; your own from CSV or XLSX, checked row by row."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

from lienthong.infrastructure.phasing.errors import BadPhasingData, BadPrices
from lienthong.infrastructure.phasing.result import UNITS

COLUMNS = ("key", "name_vi", "name_en", "unit", "price", "opex_percent", "source")
HEADINGS = {
    "key": ("key", "mã", "mã hiệu"),
    "name_vi": ("name_vi", "tên", "tên hạng mục", "nội dung"),
    "name_en": ("name_en", "name", "item"),
    "unit": ("unit", "đơn vị", "đơn vị tính", "đvt"),
    "price": ("price", "đơn giá", "đơn giá (đồng)", "unit price", "unit price (vnd)"),
    "opex_percent": ("opex_percent", "chi phí vận hành (%)", "opex %", "opex (%)"),
    "source": ("source", "nguồn", "căn cứ"),
}
MOST_ROWS = 10_000
SHEETS = ("prices", "đơn giá")
ILLUSTRATIVE = {
    "vi": "Đơn giá minh họa, không phải báo giá, không dùng để mua sắm",
    "en": "Illustrative prices, not quotations, not for procurement",
}

_UNIT_CODES = {name.lower(): code for code, names in UNITS.items() for name in names.values()}


@dataclass(frozen=True)
class Price:
    """``price`` in VND a ``unit``; ``opex_percent`` of it are spent each year on running what was bought."""

    key: str
    name_vi: str
    name_en: str
    unit: str
    price: int
    opex_percent: float
    source: str

    def name(self, lang: str) -> str:
        return self.name_en if lang == "en" else self.name_vi

    @property
    def illustrative(self) -> bool:
        return self.source.strip().lower() in ("illustrative", "minh họa", "minh hoạ")


class PriceList(Mapping[str, int]):
    """Prices in VND by key; :meth:`entry` has names, units and sources. Immutable."""

    def __init__(self, entries: Iterable[Price]) -> None:
        self._entries = {entry.key: entry for entry in entries}

    def __getitem__(self, key: str) -> int:
        return self._entries[key].price

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> tuple[Price, ...]:
        return tuple(self._entries.values())

    @property
    def illustrative(self) -> bool:
        """Whether any price is only illustrative."""
        return any(entry.illustrative for entry in self.entries)

    def entry(self, key: str) -> Price:
        """Raises :class:`BadPhasingData` naming the key when there is no such price."""
        if key not in self._entries:
            raise BadPhasingData(
                f"there is no price {key!r}", place="price list", remedy="add a row with this key"
            )
        return self._entries[key]

    def opex(self, key: str, capex: float) -> int:
        """VND a year for running what cost ``capex``."""
        return round(capex * self.entry(key).opex_percent / 100)

    def times(self, factor: float) -> PriceList:
        """Every price times ``factor``."""
        return PriceList(replace(entry, price=round(entry.price * factor)) for entry in self.entries)

    def overlaid(self, other: Iterable[Price]) -> PriceList:
        """With the rows of ``other`` in place of those of the same key."""
        return PriceList({**self._entries, **{entry.key: entry for entry in other}}.values())

    @classmethod
    def default(cls) -> PriceList:
        """The built-in list (``prices.csv``)."""
        return _default()

    @classmethod
    def load(cls, path: Path) -> PriceList:
        """The built-in list overlaid by a CSV or XLSX file (Vietnamese or English headings).

        Raises :class:`BadPrices` with every bad row, its column and what is wrong.
        """
        return cls.default().overlaid(read_prices(path))

    def save_csv(self, path: Path) -> None:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([getattr(entry, name) for name in COLUMNS] for entry in self.entries)
        path.write_text(out.getvalue(), "utf-8")


def read_prices(path: Path) -> list[Price]:
    """The rows of a CSV or XLSX price list; ``key`` and ``price`` are needed, the rest is taken from the
    built-in list where the key is known.
    """
    rows = _xlsx(path) if path.suffix.lower() in (".xlsx", ".xlsm") else _csv(path)
    return parse_prices(rows, place=str(path))


def parse_prices(rows: Sequence[Sequence[Any]], *, place: str) -> list[Price]:
    """Prices from rows of cells; the first row that has headings for key and price is the heading."""
    at, columns = _heading(rows, place)
    wrong: list[tuple[int, str, str]] = []
    found: dict[str, Price] = {}
    for number, row in enumerate(rows[at + 1 :], at + 2):
        cells = {name: row[column] for name, column in columns.items() if column < len(row)}
        if all(cell in (None, "") for cell in cells.values()):
            continue
        entry = _price(number, cells, wrong)
        if entry is None:
            continue
        if entry.key in found:
            wrong.append((number, "key", f"{entry.key} comes twice"))
        found[entry.key] = entry
    if wrong:
        raise BadPrices(wrong, place=place, remedy="mend these rows; prices are whole VND without letters")
    return list(found.values())


@cache
def _default() -> PriceList:
    text = files("lienthong.infrastructure.phasing").joinpath("prices.csv").read_text("utf-8")
    return PriceList(
        Price(
            row["key"],
            row["name_vi"],
            row["name_en"],
            row["unit"],
            int(row["price"]),
            float(row["opex_percent"]),
            row["source"],
        )
        for row in csv.DictReader(io.StringIO(text))
    )


def _heading(rows: Sequence[Sequence[Any]], place: str) -> tuple[int, dict[str, int]]:
    for at, row in enumerate(rows[:20]):
        names = [str(cell or "").strip().lower() for cell in row]
        columns = {
            name: next(i for i, cell in enumerate(names) if cell in known)
            for name, known in HEADINGS.items()
            if any(cell in known for cell in names)
        }
        if {"key", "price"} <= set(columns):
            return at, columns
    raise BadPhasingData(
        "no row has headings for key and price",
        place=place,
        remedy=f"name the columns {', '.join(COLUMNS)}, or in Vietnamese: Mã, Tên hạng mục, ĐVT, Đơn giá",
        code="bad-prices",
    )


def _price(number: int, cells: Mapping[str, Any], wrong: list[tuple[int, str, str]]) -> Price | None:
    known = PriceList.default()
    key = str(cells.get("key") or "").strip()
    before = len(wrong)
    if not key:
        wrong.append((number, "key", "is empty"))
    base = known.entry(key) if key in known else Price(key, "", "", "", 0, 0.0, "")
    amount = _amount(number, "price", cells.get("price"), wrong)
    percent = base.opex_percent
    if cells.get("opex_percent") not in (None, ""):
        percent = _amount(number, "opex_percent", cells["opex_percent"], wrong)
        if percent > 100:
            wrong.append((number, "opex_percent", f"is {percent:g}: more than the price itself each year"))
    if len(wrong) > before:
        return None
    if (unit := str(cells.get("unit") or "").strip().lower()) in _UNIT_CODES:
        cells = {**cells, "unit": _UNIT_CODES[unit]}
    given = str(cells.get("unit") or "").strip()
    if key in known and given and given != base.unit:
        # 95 million a km read as 95 million a metre would be a thousand times too dear.
        wrong.append((number, "unit", f"is {given!r}: {key} is counted in {base.unit}; convert the price"))
        return None
    text = {
        name: str(cells.get(name) or "").strip() or getattr(base, name)
        for name in ("name_vi", "name_en", "unit")
    }
    return Price(
        key,
        text["name_vi"] or key,
        text["name_en"] or text["name_vi"] or key,
        text["unit"],
        round(amount),
        percent,
        str(cells.get("source") or "").strip() or "given without a source",
    )


def _amount(number: int, column: str, cell: Any, wrong: list[tuple[int, str, str]]) -> float:
    if cell in (None, ""):
        wrong.append((number, column, "is empty"))
        return 0.0
    try:
        if isinstance(cell, bool):
            raise ValueError
        amount = float(cell) if isinstance(cell, int | float) else float(_plain(str(cell), column))
    except ValueError:
        wrong.append((number, column, f"{str(cell)!r} is not a number"))
        return 0.0
    if not math.isfinite(amount) or amount < 0 or amount > 1e14:
        wrong.append((number, column, f"is {cell}: must be 0 or more, and less than 10¹⁴"))
        return 0.0
    return amount


def _plain(text: str, column: str) -> str:
    """1.234.567 đ, 1,234,567 and 1 234 567 are one price; a percentage keeps its one decimal mark."""
    text = text.strip().lower().removesuffix("vnd").removesuffix("đồng").removesuffix("đ").removesuffix("%")
    text = text.replace("\u00a0", "").replace(" ", "").replace("_", "")
    if column == "opex_percent":
        return text.replace(",", ".")
    for mark in ".,":
        groups = text.split(mark)
        if len(groups) > 1 and all(len(group) == 3 and group.isdigit() for group in groups[1:]):
            return text.replace(mark, "")
    return text


def _csv(path: Path) -> list[list[Any]]:
    try:
        return [list(row) for row in csv.reader(io.StringIO(path.read_text("utf-8-sig")), strict=True)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, error) from error


def _xlsx(path: Path) -> list[list[Any]]:
    from zipfile import BadZipFile

    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise _unreadable(path, error) from error
    try:
        named = [each for each in book.worksheets if each.title.strip().lower() in SHEETS]
        sheet = (named or book.worksheets)[0]
        rows = [list(row) for row in islice(sheet.iter_rows(values_only=True), MOST_ROWS + 1)]
        if len(rows) > MOST_ROWS:
            raise _unreadable(path, ValueError(f"it has more than {MOST_ROWS:,} rows"))
        return rows
    finally:
        book.close()


def _unreadable(path: Path, error: Exception) -> BadPhasingData:
    return BadPhasingData(
        f"the price list cannot be read: {error}",
        place=str(path),
        remedy="give CSV in UTF-8 or an XLSX workbook",
        code="bad-prices",
    )
