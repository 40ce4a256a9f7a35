"""The plan as a workbook (XLSX): years, places, items, scenarios, storage, coefficients. Values only."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from lienthong.core.files import write_atomically
from lienthong.infrastructure.geography.graph import SYNTHETIC
from lienthong.infrastructure.phasing.boq import bill_order
from lienthong.infrastructure.phasing.result import Phasing, unit_name
from lienthong.infrastructure.plan.model import Plan
from lienthong.infrastructure.report.facts import KIND_NAMES, Facts
from lienthong.infrastructure.report.sections.sources import source_of, unit_of
from lienthong.infrastructure.report.sections.summary import connected

T = {
    "vi": {
        "years": "Theo năm", "places": "Điểm", "items": "Hạng mục", "scenarios": "Kịch bản",
        "storage": "Lưu trữ", "coefficients": "Hệ số", "masts": "Trạm",
        "years_columns": ("Năm", "Ngân sách (đồng)", "Vốn đầu tư (đồng)", "Vận hành (đồng)",
                          "Xã có kết nối", "Cơ quan có kết nối", "Dân số ở xã có kết nối"),
        "places_columns": ("Mã", "Tên", "Loại", "Huyện", "Kinh độ", "Vĩ độ", "Dân số", "Người dùng",
                           "Đã kết nối", "Năm kết nối", "Tốc độ (Mbit/s)", "Chi phí tại điểm (đồng)"),
        "items_columns": ("Mã", "Loại", "Tên", "Đơn vị", "Khối lượng", "Đơn giá (đồng)", "Thành tiền (đồng)",
                          "Vận hành/năm (đồng)", "Năm", "Sau các hạng mục"),
        "scenarios_columns": ("Kịch bản", "Ngân sách (đồng)", "Vốn đầu tư (đồng)", "Xã năm cuối",
                              "Cơ quan năm cuối", "Mục tiêu đạt được (người, xã hoặc cơ quan – năm)",
                              "Cận trên", "Ghi chú"),
        "storage_columns": ("Năm", "Người dùng", "Dữ liệu (GB)", "Có dự phòng (GB)", "Các bản sao (GB)",
                            "Sao lưu (GB)", "Tổng (GB)"),
        "coefficients_columns": ("Mã", "Tên", "Giá trị", "Thấp", "Cao", "Đơn vị", "Nguồn"),
        "masts_columns": ("Mã", "Kinh độ", "Vĩ độ", "Chiều cao (m)", "Hiện có", "Xây mới", "Người phục vụ"),
        "yes": "có", "no": "không", "plan": "Kế hoạch",
        "commune": "Xã, phường, thị trấn", "agency": "Cơ quan", "node": "Nút mạng", "tower": "Trạm",
    },
    "en": {
        "years": "Years", "places": "Places", "items": "Items", "scenarios": "Scenarios",
        "storage": "Storage", "coefficients": "Coefficients", "masts": "Masts",
        "years_columns": ("Year", "Budget (VND)", "Investment (VND)", "Operation (VND)",
                          "Communes connected", "Agencies connected", "People in connected communes"),
        "places_columns": ("Code", "Name", "Kind", "District", "Longitude", "Latitude", "People", "Users",
                           "Connected today", "Year", "Rate (Mbit/s)", "Cost at the place (VND)"),
        "items_columns": ("Key", "Kind", "Name", "Unit", "Quantity", "Unit price (VND)", "Cost (VND)",
                          "Operation a year (VND)", "Year", "After"),
        "scenarios_columns": ("Scenario", "Budgets (VND)", "Investment (VND)", "Communes, last year",
                              "Agencies, last year", "Objective (person-, commune- or agency-years)",
                              "Bound", "Remark"),
        "storage_columns": ("Year", "Users", "Data (GB)", "With headroom (GB)", "All copies (GB)",
                            "Backup (GB)", "Total (GB)"),
        "coefficients_columns": ("Key", "Name", "Value", "Low", "High", "Unit", "Source"),
        "masts_columns": ("Code", "Longitude", "Latitude", "Height (m)", "Existing", "New", "People served"),
        "yes": "yes", "no": "no", "plan": "The plan",
        "commune": "Commune", "agency": "Agency", "node": "Node", "tower": "Mast",
    },
}  # fmt: skip
Row = Sequence[Any]


def write_workbook(plan: Plan, path: Path, lang: str = "vi") -> None:
    """Write the workbook, whole or not at all. Raises :class:`PlanUnfinished`."""
    facts, words = Facts(plan), T[lang]
    book = Workbook()
    book.remove(book.active)
    book.properties.title = plan.settings.province
    book.properties.creator = "Liên Thông"
    label = SYNTHETIC[lang] if plan.synthetic else ""
    book.properties.description = label or None
    sheets: dict[str, list[Row]] = {
        "years": _years(facts),
        "places": _places(facts, lang),
        "items": _items(facts, lang),
        "scenarios": _scenarios(facts, lang) if plan.scenarios else [],
        "storage": [
            (y.year, round(y.users), y.primary, y.provisioned, y.replicated, y.backup, y.total)
            for y in plan.storage
        ],
        "masts": [
            (t.code, t.lon, t.lat, t.height_m, _yes(t.existing, lang), _yes(t.chosen, lang), t.people)
            for t in (plan.radio.towers if plan.radio else ())
        ],
        "coefficients": [
            (c.key, c.name(lang), c.value, c.low, c.high, unit_of(c.unit, lang), source_of(c.source, lang))
            for c in plan.coefficients
        ],
    }
    for name, rows in sheets.items():
        if rows:
            _sheet(book, str(words[name]), words[f"{name}_columns"], rows, label)
    buffer = io.BytesIO()
    book.save(buffer)
    write_atomically(path, buffer.getvalue())


def _years(facts: Facts) -> list[Row]:
    phasing, total = facts.phasing, facts.plan.state.total if facts.plan.state else None
    assert total is not None
    return [
        (
            year,
            phasing.budget[at],
            phasing.capex[at],
            phasing.opex[at],
            total.communes_connected + connected(facts, "communes", at),
            total.agencies_connected + connected(facts, "agencies", at),
            total.people_connected + connected(facts, "people", at),
        )
        for at, year in enumerate(facts.years)
    ]


def _places(facts: Facts, lang: str) -> list[Row]:
    plan, words = facts.plan, T[lang]
    rates = {size.code: size.rate for size in plan.links}
    costs = dict(zip((site.code for site in facts.fibre.sites), facts.fibre.node_cost.tolist(), strict=True))
    names = plan.settings.districts
    return [
        (
            site.code, site.name, words[site.kind], names.get(site.district, site.district),
            site.lon, site.lat, site.people, site.users, _yes(site.connected, lang),
            plan.site_year.get(site.code), rates.get(site.code), round(costs.get(site.code, 0.0)),
        )
        for site in facts.fibre.sites
    ]  # fmt: skip


def _items(facts: Facts, lang: str) -> list[Row]:
    return [
        (
            item.key, KIND_NAMES[lang][item.kind], item.name(lang), unit_name(item.unit, lang), item.quantity,
            item.unit_price, item.capex, item.opex_per_year, facts.phasing.year_of.get(item.key),
            " ".join(item.after),
        )
        for item in bill_order(facts.plan.items, facts.phasing)
    ]  # fmt: skip


def _scenarios(facts: Facts, lang: str) -> list[Row]:
    total = facts.plan.state.total if facts.plan.state else None
    assert total is not None

    def reached(found: Phasing) -> tuple[float, float]:
        """Connected at the end, those of today included, as in the report."""
        communes, agencies = (found.connected.get(name, (0,))[-1] for name in ("communes", "agencies"))
        return total.communes_connected + communes, total.agencies_connected + agencies

    plan = facts.phasing
    first = (
        T[lang]["plan"], sum(plan.budget), sum(plan.capex), *reached(plan), plan.objective, plan.bound, "",
    )  # fmt: skip
    rows: list[Row] = [first]
    for each in facts.plan.scenarios:
        found = each.phasing
        if found is None:
            rows.append((each.name(lang), sum(each.budget), None, None, None, None, None, each.why(lang)))
            continue
        rows.append(
            (
                each.name(lang), sum(each.budget), sum(found.capex), *reached(found),
                found.objective, found.bound, each.why(lang),
            )
        )  # fmt: skip
    return rows


def _yes(value: bool, lang: str) -> str:
    return str(T[lang]["yes" if value else "no"])


def _sheet(book: Workbook, name: str, columns: Row, rows: Sequence[Row], label: str) -> None:
    sheet = book.create_sheet(name)
    top = 1
    if label:
        sheet.append([label])
        sheet.cell(1, 1).font = Font(bold=True, color="A00000")
        top = 2
    sheet.append(list(columns))
    for cell in sheet[top]:
        cell.font = Font(bold=True, color="17406D")
        cell.fill = PatternFill("solid", fgColor="EEF3F8")
        cell.alignment = Alignment(wrap_text=True, vertical="center")
    for row in rows:
        sheet.append([_cell(value) for value in row])
    for at in range(1, len(columns) + 1):
        longest = max((len(str(row[at - 1])) for row in rows if row[at - 1] is not None), default=8)
        sheet.column_dimensions[get_column_letter(at)].width = min(max(longest + 3, 11), 52)
        for cells in sheet.iter_rows(min_row=top + 1, min_col=at, max_col=at):
            for cell in cells:
                if isinstance(cell.value, int) and abs(cell.value) >= 10_000:
                    cell.number_format = "#,##0"
                elif isinstance(cell.value, str):
                    # Text of the survey that begins with "=" must stay text.
                    cell.data_type = "s"
    sheet.freeze_panes = f"B{top + 1}"
    sheet.auto_filter.ref = f"A{top}:{get_column_letter(len(columns))}{top + len(rows)}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    return ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value
