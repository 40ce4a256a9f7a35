"""What else could happen: scenarios side by side, and what each coefficient does."""

from __future__ import annotations

from lienthong.infrastructure.phasing.result import Phasing
from lienthong.infrastructure.plan.model import Outcome
from lienthong.infrastructure.report.blocks import Block, bullets, heading, paragraph, picture, table
from lienthong.infrastructure.report.facts import Facts
from lienthong.infrastructure.report.wording import billions, number, percent

T = {
    "vi": {
        "title": "Các kịch bản",
        "intro": "Mỗi kịch bản được tính lại trọn vẹn với cùng số liệu; kịch bản không làm được thì nêu rõ "
        "vì sao và cần gì.",
        "plan": "Kế hoạch",
        "scenario": "Kịch bản",
        "budget": "Tổng ngân sách (tỷ đồng)",
        "capex": "Vốn đầu tư (tỷ đồng)",
        "communes": "Xã có kết nối, năm cuối",
        "agencies": "Cơ quan có kết nối, năm cuối",
        "person": "Người–năm được kết nối",
        "change": "so với kế hoạch",
        "gap": "Khoảng cách chứng minh",
        "caption": "So sánh các kịch bản",
        "by_year": "Người dân ở địa bàn mới được kết nối, cuối mỗi năm",
        "not": "Không làm được tất cả",
        "undone": "{n} hạng mục không đủ vốn",
        "never": "không có cách nào kịp thời hạn",
    },
    "en": {
        "title": "Scenarios",
        "intro": "Each scenario is computed anew in full on the same data; one that cannot be done says "
        "why and what it needs.",
        "plan": "The plan",
        "scenario": "Scenario",
        "budget": "Budgets in all (billion VND)",
        "capex": "Investment (billion VND)",
        "communes": "Communes connected, last year",
        "agencies": "Agencies connected, last year",
        "person": "Person-years connected",
        "change": "beside the plan",
        "gap": "Proven gap",
        "caption": "Scenarios side by side",
        "by_year": "People newly connected at the end of each year",
        "not": "Not everything can be done",
        "undone": "{n} items have no money",
        "never": "no way keeps the due years",
    },
}
S = {
    "vi": {
        "title": "Độ nhạy",
        "intro": "Mỗi hệ số lần lượt được đặt ở mức thấp và mức cao, các hệ số khác giữ nguyên. Thanh càng "
        "dài, hệ số càng đáng được khảo sát kỹ.",
        "capex": "Biểu đồ: ảnh hưởng tới tổng chi phí vòng đời",
        "storage": "Biểu đồ: ảnh hưởng tới dung lượng lưu trữ năm cuối",
        "rate": "Biểu đồ: ảnh hưởng tới tổng tốc độ đường truyền",
    },
    "en": {
        "title": "Sensitivity",
        "intro": "One after the other each coefficient is put at its low and its high, all others staying "
        "as they are. The longer the bar, the more the coefficient deserves to be surveyed with care.",
        "capex": "Chart: effect on the total cost of ownership",
        "storage": "Chart: effect on storage in the last year",
        "rate": "Chart: effect on the sum of link rates",
    },
}


def scenarios(facts: Facts, lang: str) -> list[Block]:
    words, plan = T[lang], facts.plan
    if not plan.scenarios:
        return []
    here = Outcome(T["vi"]["plan"], T["en"]["plan"], facts.phasing.budget, facts.phasing)
    outcomes = [here, *plan.scenarios]
    done = [(each, each.phasing) for each in outcomes if each.phasing is not None]
    base = facts.phasing.objective or 1.0
    rows = []
    for each, phasing in done:
        comparable = phasing.of == facts.phasing.of
        change = "" if each is here or not comparable else _signed(phasing.objective / base - 1, lang)
        rows.append(
            [
                each.name(lang),
                billions(sum(each.budget), lang, 1),
                billions(sum(phasing.capex), lang, 1),
                number(_last(facts, phasing, "communes", "communes_connected"), lang),
                number(_last(facts, phasing, "agencies", "agencies_connected"), lang),
                change,
                percent(phasing.gap, lang, 2),
            ]
        )
    columns = [
        words[name] for name in ("scenario", "budget", "capex", "communes", "agencies", "change", "gap")
    ]
    columns[5] = f"{words['person']}, {words['change']}"
    blocks = [
        heading(words["title"]),
        paragraph(words["intro"]),
        table(columns, rows, caption=words["caption"], widths=["1fr", *["20mm"] * 6]),
    ]
    years = sorted({year for _, phasing in done for year in phasing.years})
    blocks.append(
        table(
            [words["scenario"], *map(str, years)],
            [
                [each.name(lang), *(_in_year(phasing, "people", year, lang) for year in years)]
                for each, phasing in done
            ],
            caption=words["by_year"],
        )
    )
    short = [each for each in plan.scenarios if each.why(lang)]
    if short:
        blocks.append(heading(words["not"], 2))
        blocks.append(bullets([f"*{each.name(lang)}*: {_short(each, lang)}" for each in short]))
    return blocks


def sensitivity(facts: Facts, lang: str) -> list[Block]:
    words, found = S[lang], facts.plan.tornadoes
    if not found:
        return []
    blocks = [heading(words["title"]), paragraph(words["intro"])]
    blocks += [picture(f"chart-tornado-{name}", caption=words[name]) for name in found]
    return blocks


def _short(each: Outcome, lang: str) -> str:
    """What the scenario leaves undone, and what would do it."""
    if each.phasing is None:
        return f"{T[lang]['never']}; {each.why(lang)}."
    return f"{T[lang]['undone'].format(n=number(len(each.phasing.not_done), lang))}; {each.why(lang)}."


def _last(facts: Facts, phasing: Phasing, what: str, before: str) -> float:
    assert facts.plan.state is not None
    by_year = phasing.connected.get(what, (0.0,))
    return float(getattr(facts.plan.state.total, before)) + by_year[-1]


def _in_year(phasing: Phasing, what: str, year: int, lang: str) -> str:
    by_year = phasing.connected.get(what, ())
    if year in phasing.years and by_year:
        return number(by_year[phasing.years.index(year)], lang)
    return "–" if year < phasing.years[0] else number(by_year[-1] if by_year else 0, lang)


def _signed(share: float, lang: str) -> str:
    return ("+" if share > 0 else "−" if share < 0 else "") + percent(abs(share), lang)
