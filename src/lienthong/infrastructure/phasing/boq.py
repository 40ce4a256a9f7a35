"""The bill of quantities as an XLSX workbook: formulas to work with, plain values beside them to rely on."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from lienthong.core.files import write_atomically
from lienthong.infrastructure.phasing.boq_words import COLUMNS, KIND_NAMES, WORDS
from lienthong.infrastructure.phasing.prices import ILLUSTRATIVE, PriceList
from lienthong.infrastructure.phasing.request import Request
from lienthong.infrastructure.phasing.result import BENEFITS, Item, Phasing, unit_name

_WIDTHS = (6, 20, 46, 16, 10, 12, 16, 18, 18, 9, 10, 18, 18)
_MONEY = "#,##0"
_HEAD = PatternFill("solid", fgColor="DDE7F3")
_LINE = Border(*(Side("thin", color="999999") for _ in range(4)))


class _Formula(str):
    """A formula of ours; any other text stays text."""


def write_boq(
    path: Path,
    request: Request,
    phasing: Phasing,
    *,
    lang: str = "vi",
    title: str = "",
    synthetic: bool = False,
    prices: PriceList | None = None,
) -> None:
    """Write the workbook: the bill, totals by year and funding source, and the price list.

    Amounts are formulas with a column of the same values beside them, for readers that do not compute.
    ``synthetic`` and illustrative ``prices`` (None: not said) are labelled on every sheet.
    """
    words = WORDS[lang]
    labels = []
    if synthetic:
        labels.append(words["synthetic"])
    if prices is not None and prices.illustrative:
        labels.append(ILLUSTRATIVE[lang])
    book = Workbook()
    book.properties.title = title or words["title"]
    book.properties.creator = "Liên Thông"
    last = _bill(book.active, request, phasing, lang, title, labels)
    _totals(book.create_sheet(), request, phasing, lang, title, labels, last)
    if prices is not None:
        _prices(book.create_sheet(), prices, lang, title, labels)
    for sheet in book.worksheets:
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
        sheet.page_setup.fitToHeight = 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
    buffer = io.BytesIO()
    book.save(buffer)
    write_atomically(path, buffer.getvalue())


def bill_order(items: Sequence[Item], phasing: Phasing) -> list[Item]:
    """Items by year, then kind, then key; those not done last."""
    kinds = list(KIND_NAMES)
    return sorted(
        items,
        key=lambda item: (phasing.year_of.get(item.key) or 9999, kinds.index(item.kind), item.key),
    )


def _bill(
    sheet: Any, request: Request, phasing: Phasing, lang: str, title: str, labels: Sequence[str]
) -> int:
    words = WORDS[lang]
    sheet.title = words["bill"]
    row = _top(sheet, title or words["title"], labels)
    _heading(sheet, row, COLUMNS[lang])
    first = row + 1
    sheet.freeze_panes = f"D{first}"
    last = row
    for number, item in enumerate(bill_order(request.items, phasing), 1):
        last = row + number
        year = phasing.year_of.get(item.key)
        factor = (1 + request.price_growth) ** (year - request.years[0]) if year is not None else 1.0
        quantity = item.quantity or 1.0
        cells: list[Any] = [
            number,
            item.key,
            item.name(lang),
            KIND_NAMES[item.kind][lang],
            unit_name(item.unit, lang),
            quantity,
            item.capex / quantity,
            _Formula(f"=ROUND(F{last}*G{last},0)"),
            item.capex,
            words["never"] if year is None else year,
            factor,
            _Formula(f"=ROUND(H{last}*K{last},0)") if year is not None else 0,
            round(item.capex * factor) if year is not None else 0,
        ]
        _write(sheet, last, cells, formats={6: "#,##0.0", 7: _MONEY, 11: "0.0000"}, money=(8, 9, 12, 13))
    total = last + 1
    _write(
        sheet,
        total,
        ["", "", words["total"], "", "", "", "",
         _Formula(f"=SUM(H{first}:H{last})") if last >= first else 0,
         sum(item.capex for item in request.items), "", "",
         _Formula(f"=SUM(L{first}:L{last})") if last >= first else 0, sum(phasing.capex)],
        money=(8, 9, 12, 13),
        bold=True,
    )  # fmt: skip
    for at, width in enumerate(_WIDTHS, 1):
        sheet.column_dimensions[get_column_letter(at)].width = width
    sheet.auto_filter.ref = f"A{row}:M{max(last, row)}"
    sheet.print_title_rows = f"{row}:{row}"
    return last


def _totals(
    sheet: Any,
    request: Request,
    phasing: Phasing,
    lang: str,
    title: str,
    labels: Sequence[str],
    last: int,
) -> None:
    words = WORDS[lang]
    sheet.title = words["totals"]
    row = _top(sheet, title or words["title"], labels)
    years = len(phasing.years)
    end = get_column_letter(1 + years)
    _heading(sheet, row, [words["line"], *phasing.years, words["sum"], words["sum_value"]])
    bill = f"'{words['bill']}'"

    def line(name: str, values: Sequence[Any], plain: Sequence[float], *, add: bool = True) -> None:
        nonlocal row
        row += 1
        whole: list[Any] = [_Formula(f"=SUM(B{row}:{end}{row})"), sum(plain)] if add else ["", ""]
        _write(sheet, row, [name, *values, *whole], money=range(2, years + 4))

    line(words["budget"], phasing.budget, phasing.budget)
    heads = [get_column_letter(2 + at) for at in range(years)]
    top = row - 1
    sums = [_Formula(f"=SUMIF({bill}!$J:$J,{letter}{top},{bill}!$L:$L)") for letter in heads]
    line(words["capex"], sums, phasing.capex)
    line(words["capex_value"], phasing.capex, phasing.capex)
    line(words["opex"], phasing.opex, phasing.opex)
    names = {source.key: source.name(lang) for source in request.sources}
    for key, money in phasing.funding.items():
        line(words["funding"].format(names.get(key, key)), money, money)
    for of in BENEFITS:
        if phasing.totals.get(of):
            line(words[of], phasing.connected[of], phasing.connected[of], add=False)
    row += 1
    facts = (
        (words["total_cost"].format(request.horizon_years), phasing.total_cost),
        (words["npv"].format(f"{request.discount_rate * 100:g}"), round(phasing.npv)),
        (words["not_done"], len(phasing.not_done)),
        (words["gap"], f"{phasing.gap * 100:.3f} %"),
    )
    for name, value in facts:
        row += 1
        _write(sheet, row, [name, value], money=(2,))
    sheet.column_dimensions["A"].width = 52
    for at in range(2, years + 4):
        sheet.column_dimensions[get_column_letter(at)].width = 20


def _prices(sheet: Any, prices: PriceList, lang: str, title: str, labels: Sequence[str]) -> None:
    words = WORDS[lang]
    sheet.title = words["prices"]
    row = _top(sheet, title or words["title"], labels)
    _heading(sheet, row, words["price_columns"].split("|"))
    for entry in prices.entries:
        row += 1
        source = words["illustrative"] if entry.illustrative else entry.source
        _write(
            sheet,
            row,
            [
                entry.key,
                entry.name(lang),
                unit_name(entry.unit, lang),
                entry.price,
                entry.opex_percent,
                source,
            ],
            money=(4,),
        )
    for at, width in enumerate((18, 56, 14, 18, 14, 34), 1):
        sheet.column_dimensions[get_column_letter(at)].width = width


def _top(sheet: Any, title: str, labels: Sequence[str]) -> int:
    sheet.cell(1, 1).font = Font(bold=True, size=14)
    _text(sheet.cell(1, 1), title)
    for at, label in enumerate(labels, 2):
        _text(sheet.cell(at, 1), label)
        sheet.cell(at, 1).font = Font(bold=True, color="9C1C1C")
    if labels:
        sheet.oddFooter.center.text = " · ".join(labels)
    return 3 + len(labels)


def _heading(sheet: Any, row: int, names: Sequence[Any]) -> None:
    for at, name in enumerate(names, 1):
        cell = sheet.cell(row, at, name)
        cell.font, cell.fill, cell.border = Font(bold=True), _HEAD, _LINE
        cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")


def _write(
    sheet: Any,
    row: int,
    cells: Sequence[Any],
    *,
    money: Sequence[int] | range = (),
    formats: dict[int, str] | None = None,
    bold: bool = False,
) -> None:
    for at, value in enumerate(cells, 1):
        cell = sheet.cell(row, at)
        if isinstance(value, str) and not isinstance(value, _Formula):
            _text(cell, value)
        else:
            cell.value = value
        cell.border = _LINE
        if at in money:
            cell.number_format = _MONEY
        if formats and at in formats:
            cell.number_format = formats[at]
        if bold:
            cell.font = Font(bold=True)
        if isinstance(value, str) and len(value) > 30 and not isinstance(value, _Formula):
            cell.alignment = Alignment(wrap_text=True, vertical="top")


def _text(cell: Any, text: str) -> None:
    """Text stays text: names from files that look like formulas are not computed."""
    cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)
    cell.data_type = "s"
