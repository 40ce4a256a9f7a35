"""The survey as an XLSForm, for KoboToolbox, ODK and what else reads them: made from the same columns as the
tables, so that what a form server exports can be imported as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.cell import WriteOnlyCell

from lienthong.infrastructure.survey.columns import Choice, Column, Table
from lienthong.infrastructure.survey.tables import ANSWERS, CIRCUITS, DEVICES, SITES, SOFTWARE

FORM_ID = "lienthong-survey"
VERSION = "2017.1"
CHECKED_IN = Path(__file__).with_name("agency-form.xlsx")
"""The form that comes with the product; the same as :func:`write_form` makes."""

FORM_GROUPS: dict[str, Table] = {"answers": ANSWERS, "site": SITES}
FORM_REPEATS: dict[str, Table] = {"circuits": CIRCUITS, "devices": DEVICES, "software": SOFTWARE}

_VI, _EN = "Tiếng Việt (vi)", "English (en)"
_TENANT = "/data/answers/tenant"
_SITE = "/data/site/code"
_CALCULATED = {
    ("site", "tenant"): _TENANT,
    ("site", "longitude"): "selected-at(/data/site/position, 1)",
    ("site", "latitude"): "selected-at(/data/site/position, 0)",
    ("circuits", "tenant"): _TENANT,
    ("circuits", "site_a"): _SITE,
    ("devices", "tenant"): _TENANT,
    ("devices", "site"): _SITE,
    ("software", "tenant"): _TENANT,
}
"""What the one who answers is not asked twice."""

SURVEY_HEAD = (
    "type", "name", f"label::{_VI}", f"label::{_EN}", "required", "constraint",
    f"constraint_message::{_VI}", f"constraint_message::{_EN}", "calculation",
)  # fmt: skip
CHOICES_HEAD = ("list_name", "name", f"label::{_VI}", f"label::{_EN}")
SETTINGS_HEAD = ("form_title", "form_id", "version", "default_language")
_YES_NO = (Choice("yes", "Có", "Yes"), Choice("no", "Không", "No"))
_POSITION = ("geopoint", "position", "Vị trí (đứng trước trụ sở)", "Position (in front of the building)",
             "", "", "", "", "")  # fmt: skip


def form_sheets() -> dict[str, list[tuple[str, ...]]]:
    """The three sheets of the form, headers first, all text."""
    return {
        "survey": [SURVEY_HEAD, *_questions()],
        "choices": [CHOICES_HEAD, *_choices()],
        "settings": [
            SETTINGS_HEAD,
            ("Khảo sát hạ tầng công nghệ thông tin", FORM_ID, VERSION, _VI),
        ],
    }


def write_form(out: Any) -> None:
    """Write the XLSForm to a path or a binary file."""
    book = openpyxl.Workbook(write_only=True)
    for name, rows in form_sheets().items():
        sheet = book.create_sheet(name)
        for row in rows:
            cells = [WriteOnlyCell(sheet, value=value or None) for value in row]
            for cell in cells:
                cell.data_type = "s" if cell.value is not None else "n"
            sheet.append(cells)
    book.save(out)


def _questions() -> Iterator[tuple[str, ...]]:
    for kind, parts in (("group", FORM_GROUPS), ("repeat", FORM_REPEATS)):
        for part, table in parts.items():
            yield (f"begin_{kind}", part, table.vi, table.en, "", "", "", "", "")
            for column in table.columns:
                if (part, column.name) == ("site", "longitude"):
                    yield _POSITION
                yield _question(part, table, column)
            yield (f"end_{kind}", part, "", "", "", "", "", "", "")


def _question(part: str, table: Table, column: Column) -> tuple[str, ...]:
    calculation = _CALCULATED.get((part, column.name))
    if calculation:
        return ("calculate", column.name, "", "", "", "", "", "", calculation)
    constraint, say_vi, say_en = _constraint(table, column)
    return (
        _type(part, column),
        column.name,
        column.asked("vi"),
        column.asked("en"),
        "yes" if column.required else "",
        constraint,
        say_vi,
        say_en,
        "",
    )


def _type(part: str, column: Column) -> str:
    if column.kind in ("choice", "many"):
        return f"select_{'one' if column.kind == 'choice' else 'multiple'} {part}_{column.name}"
    if column.kind == "yes":
        return "select_one yes_no"
    return {"reference": "text"}.get(column.kind, column.kind)


def _constraint(table: Table, column: Column) -> tuple[str, str, str]:
    conditions, vi, en = [], [], []
    if column.low is not None and column.high is not None:
        conditions.append(f". >= {column.low:.15g} and . <= {column.high:.15g}")
        bounds = f"{column.low:,.10g} … {column.high:,.10g}"
        vi.append(f"trong khoảng {bounds}")
        en.append(f"between {bounds}")
    if column.at_most:
        conditions.append(f"(../{column.at_most} = '' or . <= ../{column.at_most})")
        other = table.column(column.at_most)
        vi.append(f"không lớn hơn “{other.vi}”")
        en.append(f"at most “{other.en}”")
    return " and ".join(conditions), "; ".join(vi), "; ".join(en)


def _choices() -> Iterator[tuple[str, ...]]:
    for part, table in {**FORM_GROUPS, **FORM_REPEATS}.items():
        for column in table.columns:
            for choice in column.choices:
                yield (f"{part}_{column.name}", choice.code, choice.vi, choice.en)
    for choice in _YES_NO:
        yield ("yes_no", choice.code, choice.vi, choice.en)
