"""What the links must carry and what the data centre must keep, year by year."""

from __future__ import annotations

from collections import Counter

from lienthong.infrastructure.plan.sizing import OFFICES
from lienthong.infrastructure.report.blocks import Block, heading, paragraph, picture, table
from lienthong.infrastructure.report.facts import Facts
from lienthong.infrastructure.report.wording import number

MOST_NAMES = 6
T = {
    "vi": {
        "title": "Dung lượng đường truyền và lưu trữ",
        "intro": "Tốc độ mỗi đường truyền tính theo giờ cao điểm của năm thứ {years}: văn bản và web chờ "
        "được khi đường đầy; họp trực tuyến và thoại tính theo công thức Erlang B với xác suất nghẽn "
        "{block}. Mức sử dụng tối đa là {load}. Tổng các điểm cần {sum} Mbit/s; tuyến trục lớn nhất cần "
        "{trunk} Mbit/s vì các điểm không cùng lên đỉnh.",
        "rates": "Tốc độ đường truyền của các điểm",
        "rate": "Tốc độ (Mbit/s)",
        "sites": "Số điểm",
        "trunks": "Số đoạn tuyến trục",
        "unknown": "{n} điểm chưa cho biết số người dùng và máy trạm nên chỉ được tính tốc độ tối thiểu, và "
        "không có trong bản quyền, đào tạo, lưu trữ: {names}.",
        "storage": "Lưu trữ theo năm",
        "storage_intro": "Dữ liệu tăng theo số người dùng và số văn bản; mỗi văn bản có các phiên bản và "
        "chỉ mục toàn văn. Dung lượng mua sắm gồm phần dự phòng trống, các bản sao đầy đủ và bản sao lưu.",
        "year": "Năm",
        "users": "Người dùng",
        "primary": "Dữ liệu",
        "provisioned": "Có dự phòng",
        "replicated": "Các bản sao",
        "backup": "Sao lưu",
        "total": "Tổng (TB)",
        "caption": "Dung lượng lưu trữ cần có cuối mỗi năm (TB)",
        "chart": "Dung lượng lưu trữ theo năm (TB)",
    },
    "en": {
        "title": "Capacity of links and storage",
        "intro": "Each link is sized for the busy hour {years} years on: documents and web pages wait when "
        "the link is full; meetings and calls are sized by Erlang B at a blocking of {block}. Links are "
        "used to {load} at most. All sites together need {sum} Mbit/s; the largest trunk needs {trunk} "
        "Mbit/s, because sites do not peak together.",
        "rates": "Rates of the sites' links",
        "rate": "Rate (Mbit/s)",
        "sites": "Sites",
        "trunks": "Trunk sections",
        "unknown": "{n} sites have not said how many users and workstations they have: they get the least "
        "rate and are not counted in licences, training and storage: {names}.",
        "storage": "Storage by year",
        "storage_intro": "Data grow with users and documents; every document has versions and a full-text "
        "index. What is bought has free headroom, full copies and backups in it.",
        "year": "Year",
        "users": "Users",
        "primary": "Data",
        "provisioned": "With headroom",
        "replicated": "All copies",
        "backup": "Backup",
        "total": "Total (TB)",
        "caption": "Storage needed at the end of each year (TB)",
        "chart": "Storage by year (TB)",
    },
}


def capacity(facts: Facts, lang: str) -> list[Block]:
    words, plan = T[lang], facts.plan
    if not plan.links:
        return []
    value = {each.key: each.value for each in plan.coefficients}
    sites, trunks = (
        Counter(size.rate for size in plan.links),
        Counter(size.rate for size in plan.trunks.values()),
    )
    blocks = [
        heading(words["title"]),
        paragraph(
            words["intro"].format(
                years=number(value.get("design_years", 0), lang),
                block=f"{number(100 * value.get('meeting_blocking', 0), lang, 1)}%",
                load=f"{number(100 * value.get('max_utilisation', 0), lang)}%",
                sum=number(sum(size.needed for size in plan.links), lang),
                trunk=number(max((size.needed for size in plan.trunks.values()), default=0), lang),
            )
        ),
        table(
            [words["rate"], words["sites"], words["trunks"]],
            [
                [number(rate, lang), number(sites[rate], lang), number(trunks[rate], lang)]
                for rate in sorted(sites | trunks)
            ],
            align="rrr",
            widths=["1fr"] * 3,
            caption=words["rates"],
        ),
    ]
    unknown = [site.name for site in plan.sites if site.kind in OFFICES and not site.users and not site.seats]
    if unknown:
        names = ", ".join(unknown[:MOST_NAMES]) + " …" * (len(unknown) > MOST_NAMES)
        blocks.append(
            paragraph(words["unknown"].format(n=number(len(unknown), lang), names=names.replace("*", "")))
        )
    if plan.storage:
        blocks.append(heading(words["storage"], 2))
        blocks.append(paragraph(words["storage_intro"]))
        blocks.append(
            table(
                [
                    words[name]
                    for name in ("year", "users", "primary", "provisioned", "replicated", "backup", "total")
                ],
                [
                    [
                        str(year.year),
                        number(year.users, lang),
                        *(
                            number(gb / 1000, lang, 1)
                            for gb in (
                                year.primary,
                                year.provisioned,
                                year.replicated,
                                year.backup,
                                year.total,
                            )
                        ),
                    ]
                    for year in plan.storage
                ],
                caption=words["caption"],
                widths=["1fr"] * 7,
            )
        )
        blocks.append(picture("chart-storage", caption=words["chart"], width="78%"))
    return blocks
