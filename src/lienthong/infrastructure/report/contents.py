"""The whole report of a plan: its blocks in order, its pictures, its cover."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from lienthong.infrastructure.capacity.tornado import tornado_svg
from lienthong.infrastructure.geography.graph import SYNTHETIC
from lienthong.infrastructure.plan.model import Plan
from lienthong.infrastructure.report import charts
from lienthong.infrastructure.report.blocks import Block
from lienthong.infrastructure.report.facts import Facts
from lienthong.infrastructure.report.maps import all_maps
from lienthong.infrastructure.report.sections.assumptions import assumptions, method
from lienthong.infrastructure.report.sections.capacity import capacity
from lienthong.infrastructure.report.sections.design import design
from lienthong.infrastructure.report.sections.money import money_and_years
from lienthong.infrastructure.report.sections.quantities import quantities
from lienthong.infrastructure.report.sections.radio import radio
from lienthong.infrastructure.report.sections.scenarios import scenarios, sensitivity
from lienthong.infrastructure.report.sections.state import state
from lienthong.infrastructure.report.sections.summary import connected, summary
from lienthong.infrastructure.report.svg import FONT
from lienthong.infrastructure.report.wording import money, number

T = {
    "vi": {
        "kind": "Báo cáo đầu tư",
        "title": "Quy hoạch hạ tầng mạng tỉnh {province}",
        "running": "Quy hoạch hạ tầng mạng tỉnh {province} {span}",
        "owner": "Ủy ban nhân dân tỉnh {province}",
        "years": "Giai đoạn {span}",
        "made": "Lập ngày {day:02} tháng {month:02} năm {year}",
        "foot": "Liên Thông – phòng quy hoạch hạ tầng",
        "contents": "Mục lục",
        "budget": "Ngân sách",
        "capex": "Vốn đầu tư",
        "communes": "Xã, phường, thị trấn",
        "agencies": "Cơ quan, đơn vị",
        "billion": "tỷ đồng",
        "data": "Dữ liệu",
        "headroom": "Dự phòng trống",
        "copies": "Bản sao đầy đủ",
        "backup": "Sao lưu",
        "start": "Trước",
        "tco": "Tổng chi phí vòng đời (đồng)",
        "storage": "Dung lượng lưu trữ năm cuối (TB)",
        "rate": "Tổng tốc độ đường truyền các điểm (Mbit/s)",
    },
    "en": {
        "kind": "Investment report",
        "title": "Network plan of {province} province",
        "running": "Network plan of {province} province {span}",
        "owner": "People's Committee of {province} province",
        "years": "{span}",
        "made": "Made on {year}-{month:02}-{day:02}",
        "foot": "Liên Thông – the planning room",
        "contents": "Contents",
        "budget": "Budget",
        "capex": "Investment",
        "communes": "Communes and wards",
        "agencies": "Agencies",
        "billion": "billion VND",
        "data": "Data",
        "headroom": "Free headroom",
        "copies": "Full copies",
        "backup": "Backup",
        "start": "Before",
        "tco": "Total cost of ownership (VND)",
        "storage": "Storage in the last year (TB)",
        "rate": "Sum of the sites' link rates (Mbit/s)",
    },
}
CHAPTERS: Sequence[Callable[[Facts, str], list[Block]]] = (
    state,
    design,
    money_and_years,
    radio,
    capacity,
    scenarios,
    sensitivity,
    quantities,
    assumptions,
    method,
)
OPEN_A_PAGE = (design, radio, scenarios, sensitivity, assumptions)


def contents(plan: Plan, lang: str) -> dict[str, Any]:
    """What the typst template reads. Raises :class:`PlanUnfinished`."""
    facts, words = Facts(plan), T[lang]
    settings = plan.settings
    province = settings.province.replace(" ", "\u00a0")
    made = datetime.fromisoformat(plan.made_at)
    owner = settings.owner_vi if lang == "vi" else settings.owner_en
    body: list[Block] = []
    for chapter in CHAPTERS:
        blocks = chapter(facts, lang)
        if blocks:
            body += [{**blocks[0], "new_page": chapter in OPEN_A_PAGE}, *blocks[1:]]
    title = words["title"].format(province=province)
    return {
        "lang": lang,
        "title": f"{words['kind']}: {title}",
        "author": owner or words["owner"].format(province=province),
        "keywords": [province, "Liên Thông", *([SYNTHETIC[lang]] if plan.synthetic else [])],
        "label": SYNTHETIC[lang] if plan.synthetic else "",
        "running": words["running"].format(province=province, span=facts.span),
        "foot": words["foot"],
        "contents": words["contents"],
        "cover": {
            "owner": owner or words["owner"].format(province=province),
            "kind": words["kind"],
            "title": title,
            "years": words["years"].format(span=facts.span),
            "made": words["made"].format(day=made.day, month=made.month, year=made.year),
            "picture": "map-cover",
        },
        "summary": summary(facts, lang),
        "body": body,
    }


def pictures(plan: Plan, lang: str) -> dict[str, str]:
    """Every SVG the report shows, by name."""
    facts, words = Facts(plan), T[lang]
    drawn = {f"map-{name}": svg for name, svg in all_maps(facts.scene(), lang).items()}
    years = [str(year) for year in facts.years]

    def billions(vnd: float) -> str:
        return number(vnd / 1e9, lang, 1 if vnd < 100e9 else 0)

    def whole(value: float) -> str:
        return number(value, lang)

    phasing, total = facts.phasing, facts.plan.state.total if facts.plan.state else None
    drawn["chart-money"] = charts.bars(
        words["budget"],
        years,
        {words["budget"]: phasing.budget, words["capex"]: phasing.capex},
        billions,
        unit=words["billion"],
    )
    assert total is not None
    before = {"communes": total.communes_connected, "agencies": total.agencies_connected}
    drawn["chart-connected"] = charts.lines(
        words["communes"],
        [words["start"], *years],
        {
            words[what]: [count, *(count + connected(facts, what, at) for at in range(len(years)))]
            for what, count in before.items()
        },
        whole,
    )
    if plan.storage:
        drawn["chart-storage"] = charts.stacked(
            words["storage"],
            [str(year.year) for year in plan.storage],
            {
                words["data"]: [year.primary / 1000 for year in plan.storage],
                words["headroom"]: [(year.provisioned - year.primary) / 1000 for year in plan.storage],
                words["copies"]: [(year.replicated - year.provisioned) / 1000 for year in plan.storage],
                words["backup"]: [year.backup / 1000 for year in plan.storage],
            },
            lambda tb: number(tb, lang, 1 if tb < 100 else 0),
            unit="TB",
        )
    note = SYNTHETIC[lang] if plan.synthetic else ""
    shows: dict[str, Callable[[float], str]] = {
        "capex": lambda value: money(value, lang),
        "storage": lambda value: number(value, lang, 1),
        "rate": whole,
    }
    titles = {"capex": words["tco"], "storage": words["storage"], "rate": words["rate"]}
    for name, found in plan.tornadoes.items():
        svg = tornado_svg(found, title=titles[name], lang=lang, top=10, show=shows[name], note=note)
        drawn[f"chart-tornado-{name}"] = svg.replace("Noto Sans, DejaVu Sans, sans-serif", FONT)
    return drawn
