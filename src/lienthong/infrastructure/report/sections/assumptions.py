"""What the plan rests on: coefficients with their sources, prices, data, method, and what it cannot say."""

from __future__ import annotations

from lienthong.infrastructure.capacity.tornado import figure
from lienthong.infrastructure.geography.graph import SYNTHETIC
from lienthong.infrastructure.phasing.result import unit_name
from lienthong.infrastructure.report.blocks import Block, boxed, bullets, heading, paragraph, table
from lienthong.infrastructure.report.facts import Facts
from lienthong.infrastructure.report.sections.sources import source_of, unit_of
from lienthong.infrastructure.report.wording import number

T = {
    "vi": {
        "title": "Giả định và nguồn số liệu",
        "intro": "Mọi hệ số đều có tên, nguồn, mức thấp và mức cao, và sửa được. Giá trị dưới đây là giá "
        "trị đã dùng.",
        "coefficient": "Hệ số",
        "value": "Giá trị",
        "band": "Thấp … cao",
        "unit": "Đơn vị",
        "source": "Nguồn",
        "prices": "Đơn giá",
        "price": "Khoản",
        "vnd": "Đơn giá (đồng)",
        "opex": "Vận hành/năm",
        "data": "Số liệu đầu vào",
        "synthetic": "Số liệu mô phỏng",
        "synthetic_text": "{label}. Đường giao thông, sông, cáp quang hiện có, câu trả lời khảo sát, địa "
        "hình và đơn giá trong báo cáo này do máy tính tạo ra để trình diễn; tên và mã xã, phường, thị "
        "trấn là thông tin công khai năm 2017, tọa độ gần đúng.",
    },
    "en": {
        "title": "Assumptions and sources",
        "intro": "Every coefficient has a name, a source, a low and a high, and can be edited. These are "
        "the values used.",
        "coefficient": "Coefficients",
        "value": "Value",
        "band": "Low … high",
        "unit": "Unit",
        "source": "Source",
        "prices": "Unit prices",
        "price": "Item",
        "vnd": "Price (VND)",
        "opex": "Operation a year",
        "data": "Data that went in",
        "synthetic": "Synthetic data",
        "synthetic_text": "{label}. Roads, rivers, existing fibre, survey answers, terrain and prices in "
        "this report were made by a computer to show how it works; names and codes of communes are public "
        "facts of 2017, their positions approximate.",
    },
}
M = {
    "vi": {
        "title": "Phương pháp và giới hạn",
        "lines": [
            "*Mạng cáp quang*: cây Steiner nhỏ nhất trên đồ thị đường, giải bằng rút gọn, dual ascent và "
            "nhánh cận với bộ giải HiGHS; chi phí gồm loại đường, địa hình, vượt sông, hàn nối, thiết bị, "
            "cáp vào điểm; vi ba được xét trong cùng bài toán. Cận dưới là mức mà không phương án nào thấp "
            "hơn được.",
            "*Phủ sóng*: Khuyến nghị ITU-R P.1812; chọn trạm bằng bài toán phủ cực đại, có cận trên.",
            "*Dung lượng*: giờ cao điểm, công thức Erlang B cho họp và thoại, tăng trưởng theo hệ số.",
            "*Tiến độ*: quy hoạch nguyên hỗn hợp; mỗi hạng mục thuộc một năm, tuyến phải có tuyến trước "
            "nó, từng năm không vượt ngân sách, nguồn vốn chia theo hạn mức.",
            "*Giới hạn*: đây là thiết kế ở bước lập kế hoạch. Tuyến thực địa, giấy phép, cột và cống bể "
            "hiện có, nền đất và giá thị trường phải được khảo sát và thẩm tra trước khi lập dự toán. Cận "
            "dưới chỉ đúng với số liệu đã nhập.",
        ],
        "again": "Làm lại được: cùng số liệu và cùng hạt giống ngẫu nhiên cho cùng kết quả khi các bước "
        "chạy hết trong giới hạn thời gian. Mã nhận dạng số liệu (SHA-256): {digest}. Thời gian tính: "
        "{seconds} giây.",
    },
    "en": {
        "title": "Method and limits",
        "lines": [
            "*Fibre*: a minimum Steiner tree over the road graph, by reductions, dual ascent and branch "
            "and cut with HiGHS; costs hold the kind of road, terrain, river crossings, splices, equipment "
            "and drops; microwave is part of the same problem. The lower bound is what no network can "
            "undercut.",
            "*Coverage*: Recommendation ITU-R P.1812; masts by maximal covering with an upper bound.",
            "*Capacity*: the busy hour, Erlang B for meetings and calls, growth by coefficients.",
            "*Phasing*: mixed-integer programming; each item has one year, a section needs the one before "
            "it, no year exceeds its budget, sources stay within what they offer.",
            "*Limits*: this is a design for planning. The way on the ground, permits, poles and ducts, "
            "soil and market prices must be surveyed and verified before an estimate is drawn up. The "
            "bound holds for the data that went in.",
        ],
        "again": "Repeatable: the same data and seed give the same result where stages end within their "
        "time. Digest of the data (SHA-256): {digest}. Time of computation: {seconds} s.",
    },
}


def assumptions(facts: Facts, lang: str) -> list[Block]:
    words, plan = T[lang], facts.plan
    blocks = [heading(words["title"])]
    if plan.synthetic:
        blocks.append(boxed(words["synthetic"], words["synthetic_text"].format(label=SYNTHETIC[lang])))
    if plan.sources:
        blocks += [heading(words["data"], 2), bullets(list(plan.sources))]
    blocks += [heading(words["coefficient"], 2), paragraph(words["intro"])]
    blocks.append(
        table(
            [words[name] for name in ("coefficient", "value", "band", "unit", "source")],
            [
                [
                    each.name(lang),
                    figure(each.value, lang),
                    f"{figure(each.low, lang)} … {figure(each.high, lang)}",
                    unit_of(each.unit, lang),
                    source_of(each.source, lang),
                ]
                for each in plan.coefficients
            ],
            align="lrrll",
            widths=["1.3fr", "auto", "auto", "17mm", "1.25fr"],
            small=True,
        )
    )
    if plan.prices:
        blocks.append(heading(words["prices"], 2))
        blocks.append(
            table(
                [words[name] for name in ("price", "unit", "vnd", "opex", "source")],
                [
                    [
                        each.name(lang),
                        unit_name(each.unit, lang),
                        number(each.price, lang),
                        f"{figure(each.opex_percent, lang)}%",
                        source_of(each.source, lang),
                    ]
                    for each in plan.prices
                ],
                align="llrrl",
                widths=["1.5fr", "auto", "auto", "auto", "1fr"],
                small=True,
            )
        )
    return blocks


def method(facts: Facts, lang: str) -> list[Block]:
    words, plan = M[lang], facts.plan
    return [
        heading(str(words["title"])),
        bullets(list(words["lines"])),
        paragraph(
            str(words["again"]).format(
                digest=plan.digest[:16] + "…", seconds=number(sum(plan.seconds.values()), lang)
            )
        ),
    ]
