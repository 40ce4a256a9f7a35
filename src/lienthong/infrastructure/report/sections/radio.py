"""Mobile coverage today and with the next masts."""

from __future__ import annotations

from lienthong.infrastructure.report.blocks import Block, heading, paragraph, picture, table
from lienthong.infrastructure.report.facts import Facts
from lienthong.infrastructure.report.maps import radio_map_name
from lienthong.infrastructure.report.wording import number, percent

T = {
    "vi": {
        "title": "Phủ sóng di động",
        "intro": "Vùng phủ sóng được dự báo theo Khuyến nghị ITU-R P.1812 trên nền địa hình, cây cối và "
        "nhà cửa, từ {old} trạm hiện có. Trong {candidates} vị trí có thể, phần mềm chọn {n} vị trí để "
        "nhiều người nhất được phủ sóng {band}; {proof}. Dự báo có sai số, nên mỗi con số có mức thấp, "
        "giữa và cao; cần hiệu chỉnh bằng đo kiểm.",
        "proved": "lựa chọn này đã được chứng minh là tốt nhất",
        "bound": "không lựa chọn nào phủ được quá {bound} người (hơn lựa chọn này nhiều nhất {gap})",
        "none": "Vùng phủ sóng được dự báo theo Khuyến nghị ITU-R P.1812 trên nền địa hình, cây cối và nhà "
        "cửa, từ {old} trạm hiện có. Kế hoạch không xây thêm trạm.",
        "caption": "Người dân được phủ sóng trong tổng số {people} người",
        "band": "Băng tần",
        "level": "Mức dự báo",
        "before": "Hiện nay",
        "after": "Sau kế hoạch",
        "more": "Tăng thêm",
        "low": "thấp",
        "mid": "giữa",
        "high": "cao",
        "towers": "Trạm thu phát sóng xây mới",
        "tower": "Trạm",
        "place": "Kinh độ, vĩ độ",
        "height": "Chiều cao (m)",
        "serves": "Người được phục vụ",
        "link": "Kết nối về mạng tỉnh",
        "fibre": "cáp quang",
        "microwave": "vi ba",
        "map": "Bản đồ {n}. Vùng phủ sóng {band}",
    },
    "en": {
        "title": "Mobile coverage",
        "intro": "Coverage is predicted by Recommendation ITU-R P.1812 over terrain, trees and buildings, "
        "from {old} existing masts. Among {candidates} possible places the program chooses {n} so that "
        "most people are covered by {band}; {proof}. Predictions err, so each figure has a low, a middle "
        "and a high; measurements must calibrate them.",
        "proved": "this choice is proved to be the best",
        "bound": "no choice covers more than {bound} people (at most {gap} more than this one)",
        "none": "Coverage is predicted by Recommendation ITU-R P.1812 over terrain, trees and buildings, "
        "from {old} existing masts. The plan builds no more.",
        "caption": "People covered of {people}",
        "band": "Band",
        "level": "Prediction",
        "before": "Today",
        "after": "With the plan",
        "more": "More",
        "low": "low",
        "mid": "middle",
        "high": "high",
        "towers": "New masts",
        "tower": "Mast",
        "place": "Longitude, latitude",
        "height": "Height (m)",
        "serves": "People served",
        "link": "Joined to the network by",
        "fibre": "fibre",
        "microwave": "microwave",
        "map": "Map {n}. Coverage by {band}",
    },
}

FIRST_MAP = 4
"""The number of the first band's map: those of today, the design and the years come before."""


def radio(facts: Facts, lang: str) -> list[Block]:
    words, found = T[lang], facts.plan.radio
    if found is None:
        return []
    old = sum(tower.existing for tower in found.towers)
    proof = (
        words["proved"]
        if found.proved
        else words["bound"].format(bound=number(found.bound, lang), gap=percent(found.gap, lang, 2))
    )
    opening = words["intro"] if found.chosen else words["none"]
    blocks = [
        heading(words["title"]),
        paragraph(
            opening.format(
                old=number(old, lang),
                candidates=number(len(found.towers) - old, lang),
                n=number(len(found.chosen), lang),
                band=found.reaches[0].title,
                proof=proof,
            )
        ),
    ]
    first, *others = (
        picture(
            f"map-{radio_map_name(reach)}",
            caption=words["map"].format(n=at, band=reach.title),
            width="84%",
        )
        for at, reach in enumerate(found.reaches, FIRST_MAP)
    )
    blocks.append(first)
    rows = []
    for reach in found.reaches:
        for level in ("low", "mid", "high"):
            before, after = reach.people_before[level], reach.people_after[level]
            name = f"{reach.title} ({number(reach.needed_dbm, lang)} dBm)" if level == "low" else ""
            rows.append(
                [
                    name,
                    words[level],
                    f"{number(before, lang)} ({percent(before / found.people, lang, 0)})",
                    f"{number(after, lang)} ({percent(after / found.people, lang, 0)})",
                    number(after - before, lang),
                ]
            )
    columns = [words[name] for name in ("band", "level", "before", "after", "more")]
    blocks.append(
        table(
            columns, rows, align="llrrr", caption=words["caption"].format(people=number(found.people, lang))
        )
    )
    blocks += others
    wireless = {facts.fibre.sites[hop.site].code for hop in facts.fibre.wireless}
    joined = {site.code for site in facts.fibre.sites if site.kind == "tower"}
    if found.chosen:
        blocks.append(
            table(
                [words[name] for name in ("tower", "place", "height", "serves", "link")],
                [
                    [
                        tower.name,
                        f"{tower.lon:.4f}, {tower.lat:.4f}",
                        number(tower.height_m, lang),
                        number(tower.people, lang),
                        ""
                        if tower.code not in joined
                        else words["microwave" if tower.code in wireless else "fibre"],
                    ]
                    for tower in found.chosen
                ],
                align="lrrrl",
                caption=words["towers"],
                small=True,
            )
        )
    return blocks
