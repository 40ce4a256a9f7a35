"""One page for those who decide: what, when, how much, how sure, and what is asked of them."""

from __future__ import annotations

from lienthong.infrastructure.report.blocks import (
    Block,
    boxed,
    bullets,
    heading,
    key_figures,
    paragraph,
    picture,
    table,
)
from lienthong.infrastructure.report.facts import Facts
from lienthong.infrastructure.report.wording import billions, money, number, percent

T = {
    "vi": {
        "title": "Tóm tắt cho lãnh đạo",
        "capex": "tổng mức đầu tư {span}",
        "communes": "xã, phường, thị trấn được kết nối",
        "agencies": "cơ quan, đơn vị được kết nối",
        "km": "cáp quang xây mới",
        "gap": "cao hơn mức thấp nhất có thể, nhiều nhất",
        "people": "người dân ở địa bàn được kết nối",
        "today": "Hiện nay {c0} trong {c} xã, phường, thị trấn và {a0} trong {a} cơ quan, đơn vị của {p} "
        "đã có cáp quang tới mạng của tỉnh. Phương án này kết nối *{c1} xã, phường, thị trấn* và *{a1} cơ "
        "quan, đơn vị* vào năm {last}, với tổng mức đầu tư *{capex}* và chi phí vận hành *{opex}* mỗi năm "
        "khi hoàn thành.",
        "share": "Tuyến cáp được thiết kế dùng chung: nếu mỗi điểm kéo riêng một đường tới mạng hiện "
        "có thì chi phí là {apart}; dùng chung tuyến chỉ còn {cost}, *tiết kiệm {saved}*.",
        "sure_title": "Phương án này rẻ đến mức nào?",
        "sure": "Máy tính đã chứng minh rằng trên cùng số liệu không có mạng nào nối đủ các điểm này mà rẻ "
        "hơn {bound}. Mạng được chọn có chi phí {cost}: *cao hơn mức thấp nhất có thể không quá {gap}*.",
        "proved": "Máy tính đã chứng minh rằng trên cùng số liệu không có mạng nào nối đủ các điểm này mà "
        "rẻ hơn {cost}: *đây là phương án có chi phí thấp nhất*.",
        "radio": "Với {n} trạm thu phát sóng xây mới, số người được phủ sóng {band} tăng từ {before} lên "
        "{after} (dự báo giữa; dải dự báo từ {low} đến {high}).",
        "year": "Năm",
        "budget": "Ngân sách (tỷ đồng)",
        "spent": "Đầu tư (tỷ đồng)",
        "opex_col": "Vận hành (tỷ đồng)",
        "communes_col": "Xã có kết nối",
        "agencies_col": "Cơ quan có kết nối",
        "total": "Cộng",
        "asked": "Đề nghị",
        "ask1": "Phê duyệt phạm vi và thứ tự xây dựng theo năm nêu tại báo cáo này làm căn cứ lập dự án "
        "đầu tư.",
        "ask2": "Bố trí vốn theo bảng trên; nếu vốn một năm bị cắt giảm, xem các kịch bản so sánh trong "
        "báo cáo.",
        "ask3": "Giao các đơn vị rà soát số liệu khảo sát và đơn giá trước khi lập dự toán.",
    },
    "en": {
        "title": "Summary for leaders",
        "capex": "total investment {span}",
        "communes": "communes and wards connected",
        "agencies": "agencies connected",
        "km": "of new fibre",
        "gap": "above the least possible cost, at most",
        "people": "people in the communes connected",
        "today": "Today {c0} of {c} communes and {a0} of {a} agencies of {p} have fibre to the province's "
        "network. This plan connects *{c1} communes* and *{a1} agencies* by {last}, for an investment of "
        "*{capex}*, and costs *{opex}* a year to run once it is complete.",
        "share": "Routes are shared by design: a line of its own from every site to the data centre would "
        "cost {apart}; shared routes cost {cost}, *{saved} less*.",
        "sure_title": "How cheap is this plan?",
        "sure": "It has been proved by computation that on the same data no network that connects these "
        "sites is cheaper than {bound}. The network chosen costs {cost}: *at most {gap} above the least "
        "possible*.",
        "proved": "It has been proved by computation that on the same data no network that connects these "
        "sites is cheaper than {cost}: *this is the cheapest there is*.",
        "radio": "With {n} new masts the people covered by {band} grow from {before} to {after} (middle "
        "prediction; the band of predictions reaches from {low} to {high}).",
        "year": "Year",
        "budget": "Budget (billion VND)",
        "spent": "Investment (billion VND)",
        "opex_col": "Operation (billion VND)",
        "communes_col": "Communes connected",
        "agencies_col": "Agencies connected",
        "total": "Total",
        "asked": "What is asked",
        "ask1": "Approve the scope and the order of construction in this report as the basis of an "
        "investment project.",
        "ask2": "Provide the funds of the table above; for a cut in one year see the scenarios in the "
        "report.",
        "ask3": "Have survey data and unit prices reviewed before the estimate is drawn up.",
    },
}


def summary(facts: Facts, lang: str) -> list[Block]:
    """One page."""
    words, plan, phasing, fibre = T[lang], facts.plan, facts.phasing, facts.fibre
    assert plan.state is not None
    total, count, end = plan.state.total, facts.count, facts.connected_by_end
    communes = count.get("commune", 0)
    blocks = [
        heading(words["title"], numbered=False),
        key_figures(
            [
                (money(facts.capex, lang), words["capex"].format(span=facts.span)),
                (f"{number(end['commune'], lang)} / {number(communes, lang)}", words["communes"]),
                (
                    f"{number(end['agency'], lang)} / {number(count.get('agency', 0), lang)}",
                    words["agencies"],
                ),
                (f"{number(facts.new_km, lang)} km", words["km"]),
                (percent(fibre.gap, lang, 2), words["gap"]),
                (number(people_at_end(facts), lang), words["people"]),
            ]
        ),
        paragraph(
            words["today"].format(
                c0=number(total.communes_connected, lang),
                c=number(communes, lang),
                a0=number(total.agencies_connected, lang),
                a=number(count.get("agency", 0), lang),
                p=("tỉnh " if lang == "vi" else "") + plan.settings.province,
                c1=f"{number(end['commune'], lang)}",
                a1=f"{number(end['agency'], lang)}",
                last=facts.years[-1],
                capex=money(facts.capex, lang),
                opex=money(sum(item.opex_per_year for item in facts.done), lang),
            )
        ),
    ]
    if plan.apart > fibre.cost:
        blocks.append(
            paragraph(
                words["share"].format(
                    apart=money(plan.apart, lang),
                    cost=money(fibre.cost, lang),
                    saved=percent(facts.saved, lang, 0),
                )
            )
        )
    blocks.append(
        boxed(
            words["sure_title"],
            (words["proved"] if fibre.proved else words["sure"]).format(
                bound=money(fibre.lower_bound, lang),
                cost=money(fibre.cost, lang),
                gap=percent(fibre.gap, lang, 2),
            ),
        )
    )
    if plan.radio is not None and plan.radio.chosen:
        reach = plan.radio.reaches[0]
        blocks.append(
            paragraph(
                words["radio"].format(
                    n=len(plan.radio.chosen),
                    band=reach.title,
                    before=number(reach.people_before["mid"], lang),
                    after=number(reach.people_after["mid"], lang),
                    low=number(reach.people_after["low"], lang),
                    high=number(reach.people_after["high"], lang),
                )
            )
        )
    rows = [
        [
            str(year),
            billions(phasing.budget[at], lang),
            billions(phasing.capex[at], lang),
            billions(phasing.opex[at], lang),
            number(total.communes_connected + connected(facts, "communes", at), lang),
            number(total.agencies_connected + connected(facts, "agencies", at), lang),
        ]
        for at, year in enumerate(facts.years)
    ]
    rows.append(
        [
            words["total"],
            billions(sum(phasing.budget), lang),
            billions(sum(phasing.capex), lang),
            billions(sum(phasing.opex), lang),
            rows[-1][4],
            rows[-1][5],
        ]
    )
    columns = [
        words[name] for name in ("year", "budget", "spent", "opex_col", "communes_col", "agencies_col")
    ]
    blocks.append(table(columns, rows, total=True, widths=["1fr"] * 6))
    blocks.append(picture("chart-connected", width="70%", alt=words["communes_col"]))
    blocks.append(heading(words["asked"], 3))
    blocks.append(bullets([words["ask1"], words["ask2"], words["ask3"]]))
    return blocks


def connected(facts: Facts, what: str, at: int) -> float:
    """Newly connected by the end of the year at that position."""
    by_year = facts.phasing.connected.get(what, ())
    return by_year[at] if at < len(by_year) else 0.0


def people_at_end(facts: Facts) -> float:
    assert facts.plan.state is not None
    return facts.plan.state.total.people_connected + connected(facts, "people", len(facts.years) - 1)
