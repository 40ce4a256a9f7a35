"""The years and the money: what is built when, what it costs to build and to run, and who pays."""

from __future__ import annotations

from collections import Counter

from lienthong.infrastructure.report.blocks import Block, heading, paragraph, picture, table
from lienthong.infrastructure.report.facts import KIND_NAMES, Facts
from lienthong.infrastructure.report.wording import billions, money, number, percent

NETWORK = ("trunk", "drop", "node", "microwave")
T = {
    "vi": {
        "title": "Tiến độ và kinh phí",
        "intro": "Các hạng mục được xếp vào từng năm sao cho càng nhiều {of} được kết nối sớm càng tốt, "
        "không năm nào vượt ngân sách, và không đoạn tuyến nào xây trước đoạn nối nó về trung tâm. {proof} "
        "Đơn giá tăng {growth} mỗi năm.",
        "carry": " Tiền năm trước chưa dùng được chuyển sang năm sau, nên một năm có thể chi nhiều hơn ngân "
        "sách của riêng năm đó.",
        "people": "người dân",
        "agencies": "cơ quan",
        "communes": "xã",
        "proved": "Thứ tự này đã được chứng minh là tốt nhất.",
        "gap": "Đã chứng minh rằng không thứ tự nào tốt hơn quá {gap}.",
        "kinds": "Vốn đầu tư theo hạng mục và năm (tỷ đồng)",
        "item": "Hạng mục",
        "total": "Cộng",
        "budget": "Ngân sách",
        "left": "Còn lại trong năm",
        "carried": "Còn lại, cộng dồn",
        "run": "Chi phí vận hành",
        "map": "Bản đồ 3. Tiến độ xây dựng theo năm",
        "chart_money": "Ngân sách và vốn đầu tư theo năm (tỷ đồng)",
        "chart_people": "Số xã, cơ quan có kết nối cuối mỗi năm",
        "funding": "Nguồn vốn",
        "funding_intro": "Vốn đầu tư chia theo nguồn, đúng đến từng đồng trong hạn mức của mỗi nguồn.",
        "source": "Nguồn",
        "share": "Tỷ lệ",
        "whole": "Toàn vòng đời",
        "whole_text": "Trong {horizon} năm, tổng chi phí đầu tư và vận hành là *{tco}*. Giá trị hiện tại "
        "thuần, chiết khấu {rate} mỗi năm, là *{npv}* (âm vì chỉ tính chi phí, trừ phần tiết kiệm được "
        "tính trong đơn giá).",
        "undone": "{n} hạng mục không có năm nào đủ vốn: {names}.",
        "bridge": "Từ chi phí thiết kế đến tổng mức đầu tư (tỷ đồng)",
        "bridge_item": "Khoản",
        "amount": "Số tiền",
        "design": "Chi phí thiết kế mạng truyền dẫn (chương 2)",
        "ports": "Cổng theo tốc độ đường truyền, bộ chia quang, mức giá",
        "without": "Hạng mục không có năm nào đủ vốn",
        "growth": "Tăng giá đến năm thực hiện",
        "capex": "Tổng mức đầu tư",
    },
    "en": {
        "title": "Years and money",
        "intro": "Items are put into years so that as many {of} as possible are connected as early as "
        "possible, no year exceeds its budget, and no section is built before the one that joins it to the "
        "centre. {proof} Prices grow by {growth} a year.",
        "carry": " What a year leaves may be spent in the next: a year may spend more than its own budget.",
        "people": "people",
        "agencies": "agencies",
        "communes": "communes",
        "proved": "This order is proved to be the best.",
        "gap": "It is proved that no order is better by more than {gap}.",
        "kinds": "Investment by kind of item and year (billion VND)",
        "item": "Item",
        "total": "Total",
        "budget": "Budget",
        "left": "Left in the year",
        "carried": "Left, carried over",
        "run": "Cost of operation",
        "map": "Map 3. Construction by year",
        "chart_money": "Budget and investment by year (billion VND)",
        "chart_people": "Communes and agencies connected at the end of each year",
        "funding": "Funding",
        "funding_intro": "Investment by source, exact to the đồng within what each source offers.",
        "source": "Source",
        "share": "Share",
        "whole": "Whole life",
        "whole_text": "Over {horizon} years investment and operation cost *{tco}* in all. The net present "
        "value, discounted at {rate} a year, is *{npv}* (negative, since costs are counted and savings "
        "only where prices name them).",
        "undone": "No year has money for {n} items: {names}.",
        "bridge": "From the cost of the design to the total investment (billion VND)",
        "bridge_item": "Part",
        "amount": "Amount",
        "design": "Cost of the transmission network as designed (chapter 2)",
        "ports": "Ports by the links' rates, splitters, level of prices",
        "without": "Items that no year has money for",
        "growth": "Growth of prices until the year of each item",
        "capex": "Total investment",
    },
}


def money_and_years(facts: Facts, lang: str) -> list[Block]:
    words, plan, phasing = T[lang], facts.plan, facts.phasing
    value = {each.key: each.value for each in plan.coefficients}
    proof = (
        words["proved"]
        if phasing.proved or phasing.gap <= 1e-9
        else words["gap"].format(gap=percent(phasing.gap, lang, 2))
    )
    blocks = [
        heading(words["title"]),
        paragraph(
            words["intro"].format(
                of=words[phasing.of], proof=proof, growth=percent(value.get("price_growth", 0.0), lang, 0)
            )
            + (words["carry"] if plan.settings.money.carry_over else "")
        ),
    ]
    years = facts.years
    rows = []
    for kind in facts.kinds:
        amounts = [facts.capex_of(kind, year) for year in years]
        rows.append(
            [
                KIND_NAMES[lang][kind],
                *(billions(each, lang) for each in amounts),
                billions(sum(amounts), lang),
            ]
        )
    rows.append(
        [words["total"], *(billions(each, lang) for each in phasing.capex), billions(facts.capex, lang)]
    )
    head = [words["item"], *map(str, years), words["total"]]
    blocks.append(table(head, rows, caption=words["kinds"], total=True))
    blocks.append(
        table(
            [words["bridge_item"], words["amount"]],
            [[name, billions(amount, lang)] for name, amount in _bridge(facts, lang)],
            caption=words["bridge"],
            total=True,
        )
    )
    blocks.append(
        table(
            ["", *map(str, years), words["total"]],
            [
                _line(words["budget"], phasing.budget, lang),
                _left(facts, lang),
                _line(words["run"], phasing.opex, lang),
            ],
        )
    )
    blocks += [
        picture("chart-money", caption=words["chart_money"], width="72%"),
    ]
    blocks.append(heading(words["whole"], 2))
    blocks.append(
        paragraph(
            words["whole_text"].format(
                horizon=number(len(phasing.horizon) or value.get("horizon_years", 0), lang),
                tco=money(phasing.total_cost, lang),
                rate=percent(value.get("discount_rate", 0.0), lang, 0),
                npv=money(phasing.npv, lang),
            )
        )
    )
    blocks += [
        picture("map-years", caption=words["map"], width="92%"),
        picture("chart-connected", caption=words["chart_people"], width="72%"),
    ]
    if phasing.not_done:
        named = {item.key: item.name(lang) for item in plan.items}
        first = ", ".join(named[key] for key in phasing.not_done[:5])
        blocks.append(
            paragraph(
                words["undone"].format(
                    n=number(len(phasing.not_done), lang), names=first + " …" * (len(phasing.not_done) > 5)
                )
            )
        )
    if phasing.funding:
        blocks += [heading(words["funding"], 2), paragraph(words["funding_intro"])]
        sources = [
            [
                facts.source_name(key, lang),
                *(billions(each, lang) for each in amounts),
                billions(sum(amounts), lang),
                percent(sum(amounts) / facts.capex if facts.capex else 0.0, lang),
            ]
            for key, amounts in phasing.funding.items()
        ]
        sources.append(
            [
                words["total"],
                *(billions(each, lang) for each in phasing.capex),
                billions(facts.capex, lang),
                percent(1.0, lang, 0),
            ]
        )
        blocks.append(
            table([words["source"], *map(str, years), words["total"], words["share"]], sources, total=True)
        )
    return blocks


def _bridge(facts: Facts, lang: str) -> list[tuple[str, float]]:
    """What lies between the design's cost and all that is invested, VND; adds up to the last line."""
    words, names = T[lang], KIND_NAMES[lang]
    listed: Counter[str] = Counter()
    for item in facts.plan.items:
        listed[item.kind] += item.capex
    network = sum(listed.pop(kind, 0) for kind in NETWORK)
    whole, done = network + sum(listed.values()), sum(item.capex for item in facts.done)
    lines = [
        (words["design"], facts.fibre.cost),
        (words["ports"], network - facts.fibre.cost),
        *((names[kind], listed[kind]) for kind in names if kind in listed),
        (words["without"], done - whole),
        (words["growth"], facts.capex - done),
    ]
    return [*((name, amount) for name, amount in lines if amount), (words["capex"], facts.capex)]


def _left(facts: Facts, lang: str) -> list[str]:
    """What each year leaves; added up where a year may use what earlier ones left."""
    words, phasing, carried = T[lang], facts.phasing, 0
    cells = []
    for budget, spent in zip(phasing.budget, phasing.capex, strict=True):
        carried = budget - spent + (carried if facts.plan.settings.money.carry_over else 0)
        cells.append(billions(carried, lang))
    name = words["carried"] if facts.plan.settings.money.carry_over else words["left"]
    return [name, *cells, billions(sum(phasing.budget) - facts.capex, lang)]


def _line(name: str, amounts: tuple[int, ...] | list[int], lang: str) -> list[str]:
    return [name, *(billions(each, lang) for each in amounts), billions(sum(amounts), lang)]
