"""The bill of quantities: what is bought in all, and the year of every place."""

from __future__ import annotations

from collections import defaultdict

from lienthong.infrastructure.phasing.result import Item, unit_name
from lienthong.infrastructure.report.blocks import Block, heading, paragraph, table
from lienthong.infrastructure.report.facts import KIND_NAMES, Facts
from lienthong.infrastructure.report.wording import millions, number

T = {
    "vi": {
        "title": "Bảng khối lượng",
        "intro": "Gộp theo loại hạng mục, đơn vị và đơn giá, theo giá năm đầu. Bảng chi tiết từng hạng "
        "mục, từng năm ở tệp XLSX kèm theo.",
        "item": "Hạng mục",
        "unit": "Đơn vị",
        "quantity": "Khối lượng",
        "count": "Số hạng mục",
        "cost": "Thành tiền (triệu đồng)",
        "opex": "Vận hành/năm (triệu đồng)",
        "total": "Cộng",
        "places": "Năm kết nối của từng điểm",
        "places_intro": "Điểm đã có cáp quang trước kế hoạch không nêu ở đây.",
        "place": "Điểm",
        "district": "Địa bàn",
        "year": "Năm",
        "way": "Đường truyền",
        "rate": "Mbit/s",
        "fibre": "cáp quang",
        "microwave": "vi ba",
        "later": "sau",
    },
    "en": {
        "title": "Bill of quantities",
        "intro": "By kind of item, unit and price, at the prices of the first year. Every item with its "
        "year is in the XLSX file beside this report.",
        "item": "Item",
        "unit": "Unit",
        "quantity": "Quantity",
        "count": "Items",
        "cost": "Cost (million VND)",
        "opex": "Operation a year (million VND)",
        "total": "Total",
        "places": "The year of every place",
        "places_intro": "Places with fibre before the plan are not listed.",
        "place": "Place",
        "district": "District",
        "year": "Year",
        "way": "Link",
        "rate": "Mbit/s",
        "fibre": "fibre",
        "microwave": "microwave",
        "later": "later",
    },
}


def quantities(facts: Facts, lang: str) -> list[Block]:
    words = T[lang]
    groups: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in facts.plan.items:
        groups[(item.kind, item.unit)].append(item)
    order = list(KIND_NAMES[lang])
    rows = []
    for (kind, unit), inside in sorted(
        groups.items(), key=lambda each: (order.index(each[0][0]), each[0][1])
    ):
        quantity = sum(item.quantity for item in inside)
        rows.append(
            [
                KIND_NAMES[lang][kind],
                unit_name(unit, lang),
                number(quantity, lang, 0 if abs(quantity - round(quantity)) < 0.05 else 1),
                number(len(inside), lang),
                millions(sum(item.capex for item in inside), lang),
                millions(sum(item.opex_per_year for item in inside), lang),
            ]
        )
    items = facts.plan.items
    rows.append(
        [
            words["total"],
            "",
            "",
            number(len(items), lang),
            millions(sum(item.capex for item in items), lang),
            millions(sum(item.opex_per_year for item in items), lang),
        ]
    )
    columns = [words[name] for name in ("item", "unit", "quantity", "count", "cost", "opex")]
    return [
        heading(words["title"]),
        paragraph(words["intro"]),
        table(
            columns, rows, align="llrrrr", total=True, widths=["1fr", "auto", "auto", "auto", "26mm", "28mm"]
        ),
        heading(words["places"], 2),
        paragraph(words["places_intro"]),
        _places(facts, lang),
    ]


def _places(facts: Facts, lang: str) -> Block:
    words, plan = T[lang], facts.plan
    rates = {size.code: size.rate for size in plan.links}
    wireless = {facts.fibre.sites[hop.site].code for hop in facts.fibre.wireless}
    names = {each.code: each.name for each in plan.state.districts} if plan.state else {}
    rows = []
    for site in plan.sites:
        if site.connected or site.kind not in ("commune", "agency") or site.code == plan.root:
            continue
        year = plan.site_year.get(site.code)
        rows.append(
            (
                year or 9999,
                [
                    site.name,
                    names.get(site.district, site.district),
                    words["microwave" if site.code in wireless else "fibre"],
                    number(rates[site.code], lang) if site.code in rates else "",
                    words["later"] if year is None else str(year),
                ],
            )
        )
    rows.sort(key=lambda each: (each[0], each[1][1], each[1][0]))
    columns = [words[name] for name in ("place", "district", "way", "rate", "year")]
    return table(
        columns,
        [row for _, row in rows],
        align="lllrr",
        widths=["1.6fr", "1fr", "auto", "auto", "auto"],
        small=True,
    )
