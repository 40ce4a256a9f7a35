"""Where the province stands: who is connected, where the gaps are, what the survey found."""

from __future__ import annotations

from collections.abc import Sequence

from lienthong.infrastructure.plan.state import Change, District
from lienthong.infrastructure.report.blocks import Block, bullets, heading, paragraph, picture, table
from lienthong.infrastructure.report.facts import Facts
from lienthong.infrastructure.report.wording import number, percent

T = {
    "vi": {
        "title": "Hiện trạng và khoảng cách",
        "intro": "Số liệu lấy từ {wave}: {communes} xã, phường, thị trấn và {agencies} cơ quan, đơn vị, "
        "với {users} người dùng mạng và {seats} máy trạm. Đã có cáp quang tới mạng của tỉnh: *{c0} xã, "
        "phường, thị trấn* ({cs}) và *{a0} cơ quan, đơn vị* ({as_}). Còn {gap} người dân sống ở xã, "
        "phường, thị trấn mà trụ sở chưa có cáp quang.",
        "wave": "đợt khảo sát {wave}",
        "list": "danh sách các điểm cần kết nối",
        "caption": "Kết nối cáp quang hiện nay theo huyện, thị xã, thành phố",
        "district": "Địa bàn",
        "communes": "Xã",
        "has": "có cáp quang",
        "agencies": "Cơ quan",
        "people": "Dân số",
        "without": "chưa có",
        "all": "Toàn tỉnh",
        "elsewhere": "Không rõ địa bàn",
        "worst": "Khoảng cách lớn nhất là ở {names}.",
        "maturity": "Mức độ trưởng thành số",
        "maturity_caption": "Điểm trưởng thành trung bình của các cơ quan, đơn vị (thang 0–5)",
        "before": "Đợt trước",
        "now": "Đợt này",
        "change": "Thay đổi",
        "remarks": "Kết quả rà soát số liệu",
        "map": "Bản đồ 1. Hiện trạng",
    },
    "en": {
        "title": "The state today and its gaps",
        "intro": "The figures come from {wave}: {communes} communes and {agencies} agencies, with {users} "
        "network users and {seats} workstations. Fibre to the province's network reaches *{c0} communes* "
        "({cs}) and *{a0} agencies* ({as_}) today. {gap} people live in communes whose office has no "
        "fibre.",
        "wave": "the survey wave {wave}",
        "list": "the list of places to connect",
        "caption": "Fibre today, by district",
        "district": "District",
        "communes": "Communes",
        "has": "with fibre",
        "agencies": "Agencies",
        "people": "People",
        "without": "without",
        "all": "Whole province",
        "elsewhere": "District not known",
        "worst": "The gap is widest in {names}.",
        "maturity": "Digital maturity",
        "maturity_caption": "Mean maturity of agencies (0 to 5)",
        "before": "Wave before",
        "now": "This wave",
        "change": "Change",
        "remarks": "What the review of the data found",
        "map": "Map 1. Today",
    },
}


def state(facts: Facts, lang: str) -> list[Block]:
    words, found = T[lang], facts.plan.state
    assert found is not None
    total = found.total
    source = words["wave"].format(wave=found.wave) if found.wave else words["list"]
    blocks = [
        heading(words["title"]),
        paragraph(
            words["intro"].format(
                wave=source,
                communes=number(total.communes, lang),
                agencies=number(total.agencies, lang),
                users=number(found.users, lang),
                seats=number(found.seats, lang),
                c0=number(total.communes_connected, lang),
                cs=_share(total.communes_connected, total.communes, lang),
                a0=number(total.agencies_connected, lang),
                as_=_share(total.agencies_connected, total.agencies, lang),
                gap=number(total.people - total.people_connected, lang),
            )
        ),
    ]
    columns = [
        words["district"],
        words["communes"],
        words["has"],
        words["agencies"],
        words["has"],
        words["people"],
        words["without"],
    ]
    rows = [_row(each, lang, each.name or words["elsewhere"]) for each in found.districts]
    rows.append(_row(total, lang, words["all"]))
    blocks.append(table(columns, rows, caption=words["caption"], total=True))
    behind = [each for each in found.districts if each.communes_connected < each.communes]
    behind.sort(key=lambda each: each.people_connected - each.people)
    if behind:
        names = ", ".join(
            f"{each.name} ({each.communes - each.communes_connected}/{each.communes})" for each in behind[:3]
        )
        blocks.append(paragraph(words["worst"].format(names=names)))
    blocks.append(picture("map-state", caption=words["map"], width="84%"))
    if found.remarks:
        blocks.append(heading(words["remarks"], 2))
        blocks.append(bullets([remark.text(lang) for remark in found.remarks]))
    if found.changes:
        blocks += _maturity(found.changes, lang)
    return blocks


def _maturity(changes: Sequence[Change], lang: str) -> list[Block]:
    words = T[lang]
    compared = any(each.before is not None for each in changes)
    columns = [words["district"], *([words["before"]] if compared else []), words["now"]]
    rows = []
    for each in [*changes[1:], changes[0]]:
        scores = [each.before, each.after] if compared else [each.after]
        rows.append(
            [each.name(lang), *("–" if score is None else number(score, lang, 2) for score in scores)]
        )
    if compared:
        columns.append(words["change"])
        for row, each in zip(rows, [*changes[1:], changes[0]], strict=True):
            both = each.before is not None and each.after is not None
            row.append(_signed((each.after or 0) - (each.before or 0), lang) if both else "–")
    return [
        heading(words["maturity"], 2),
        table(columns, rows, caption=words["maturity_caption"], total=True),
    ]


def _signed(value: float, lang: str) -> str:
    return ("+" if value >= 0 else "−") + number(abs(value), lang, 2)


def _row(each: District, lang: str, name: str) -> list[str]:
    counts = (
        each.communes,
        each.communes_connected,
        each.agencies,
        each.agencies_connected,
        each.people,
        each.people - each.people_connected,
    )
    return [name, *(number(count, lang) for count in counts)]


def _share(part: int, whole: int, lang: str) -> str:
    return percent(part / whole if whole else 0.0, lang, 0)
