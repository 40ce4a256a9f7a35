"""The investment report as PDF: what it says, in both languages, labelled on every page."""

from __future__ import annotations

import io
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from lienthong.infrastructure.plan.errors import PlanUnfinished
from lienthong.infrastructure.plan.model import Plan
from lienthong.infrastructure.report.contents import contents
from lienthong.infrastructure.report.facts import Facts
from lienthong.infrastructure.report.pdf import report_pdf
from lienthong.infrastructure.report.sections.capacity import capacity
from lienthong.infrastructure.report.sections.money import _bridge, money_and_years
from lienthong.infrastructure.report.wording import billions, money, number, percent

Made = tuple[Path, Plan]


@pytest.fixture(scope="module", params=["vi", "en"])
def pages(
    request: pytest.FixtureRequest, district: Made, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    """The text of each page, the language first."""
    path = tmp_path_factory.mktemp("pdf") / "report.pdf"
    path.write_bytes(report_pdf(district[1], request.param))
    text = subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, check=True, text=True
    ).stdout
    return [request.param, *text.removesuffix("\f").split("\f")]


def test_every_page_says_that_the_data_are_synthetic(pages: list[str]) -> None:
    lang, *sheets = pages
    label = {
        "vi": "Dữ liệu mô phỏng, gần đúng, không dùng để mua sắm",
        "en": "Synthetic, approximate, not for procurement",
    }[lang]
    assert len(sheets) >= 10
    assert all(label in sheet for sheet in sheets)


def test_every_chapter_is_there_with_its_figures(pages: list[str], district: Made) -> None:
    lang, *sheets = pages
    whole = re.sub(r"\s+", " ", " ".join(sheets))
    chapters = {
        "vi": ("Tóm tắt cho lãnh đạo", "Hiện trạng và khoảng cách", "Thiết kế mạng truyền dẫn",
               "Tiến độ và kinh phí", "Nguồn vốn", "Phủ sóng di động", "Dung lượng đường truyền và lưu trữ",
               "Các kịch bản", "Độ nhạy", "Bảng khối lượng", "Giả định và nguồn số liệu",
               "Phương pháp và giới hạn"),
        "en": ("Summary for leaders", "The state today and its gaps", "The transmission network",
               "Years and money", "Funding", "Mobile coverage", "Capacity of links and storage", "Scenarios",
               "Sensitivity", "Bill of quantities", "Assumptions and sources", "Method and limits"),
    }[lang]  # fmt: skip
    for chapter in chapters:
        assert chapter in whole
    plan = district[1]
    assert plan.fibre is not None and plan.phasing is not None
    assert money(plan.fibre.cost, lang) in whole
    for spent in plan.phasing.capex:
        assert billions(spent, lang) in whole
    assert plan.digest[:16] in whole


def test_the_summary_for_leaders_is_one_page(pages: list[str]) -> None:
    lang, *sheets = pages
    title = {"vi": "Tóm tắt cho lãnh đạo", "en": "Summary for leaders"}[lang]
    asked = {"vi": "Đề nghị", "en": "What is asked"}[lang]
    assert title in sheets[1] and asked in sheets[1]


def test_vietnamese_is_whole_in_the_text_of_the_pdf(pages: list[str]) -> None:
    if pages[0] == "vi":
        assert "ỦY BAN NHÂN DÂN TỈNH VĨNH LONG" in pages[1].replace("\u00a0", " ")
        assert "�" not in "".join(pages)


def test_the_design_and_the_investment_are_told_apart_to_the_dong(district: Made) -> None:
    facts = Facts(district[1])
    for lang in ("vi", "en"):
        *parts, whole = _bridge(facts, lang)
        assert whole[1] == facts.capex
        assert sum(amount for _, amount in parts) == pytest.approx(facts.capex, abs=1)
        assert parts[0][1] == facts.fibre.cost


def test_every_band_has_its_numbered_map(pages: list[str]) -> None:
    lang, *sheets = pages
    whole = re.sub(r"\s+", " ", " ".join(sheets))
    caption = {"vi": "Bản đồ {}. Vùng phủ sóng {}", "en": "Map {}. Coverage by {}"}[lang]
    for at, band in enumerate(("4G-1800", "3G-900", "5G-3700"), 4):
        assert caption.format(at, band) in whole


def test_money_carried_over_is_told(district: Made) -> None:
    plan = district[1]
    carried = replace(
        plan, settings=replace(plan.settings, money=replace(plan.settings.money, carry_over=True))
    )
    said = [str(money_and_years(Facts(each), "vi")) for each in (plan, carried)]
    assert ["chuyển sang năm sau" in each for each in said] == [False, True]


def test_sites_that_did_not_say_how_many_work_there_are_named(district: Made) -> None:
    plan = district[1]
    silent = replace(plan.sites[-1], users=0, seats=0)
    blocks = capacity(Facts(replace(plan, sites=(*plan.sites[:-1], silent))), "vi")
    assert any(silent.name in str(block.get("words", "")) for block in blocks)
    assert not any(silent.name in str(block.get("words", "")) for block in capacity(Facts(plan), "vi"))


def test_the_pdf_is_for_archives_and_names_its_language(district: Made) -> None:
    data = report_pdf(district[1], "vi")
    reader = PdfFileReader(io.BytesIO(data))
    assert reader.root["/Lang"].startswith("vi")
    assert b"pdfaid:part" in data or b"pdfaid" in reader.root["/Metadata"].data


def test_the_same_plan_gives_the_same_bytes(district: Made) -> None:
    assert report_pdf(district[1], "en") == report_pdf(district[1], "en")


def test_real_data_carry_no_label(district: Made) -> None:
    said = contents(replace(district[1], synthetic=False), "en")
    assert said["label"] == ""
    assert "Synthetic data" not in str(said["body"])


def test_an_unfinished_plan_says_how_far_it_came(district: Made) -> None:
    with pytest.raises(PlanUnfinished) as refused:
        report_pdf(replace(district[1], phasing=None, stages=("data", "radio", "fibre")))
    assert "fibre" in refused.value.detail and refused.value.remedy


def test_a_name_with_markup_is_printed_as_it_is(district: Made, tmp_path: Path) -> None:
    plan = district[1]
    odd = replace(plan.settings, province='#panic("x") $a_b$ <c> [d]')
    path = tmp_path / "odd.pdf"
    path.write_bytes(report_pdf(replace(plan, settings=odd), "en"))
    text = subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True, text=True).stdout
    assert '#panic("x")' in text.replace("“", '"').replace("”", '"').replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("vnd", "vi", "en"),
    [
        (74_400_000_000, "74,4 tỷ đồng", "74.4 billion VND"),
        (1_234_000_000, "1,23 tỷ đồng", "1.23 billion VND"),
        (-5_500_000, "-5,5 triệu đồng", "-5.5 million VND"),
        (1200, "1.200 đồng", "1,200 VND"),
    ],
)
def test_money_is_written_as_each_language_writes_it(vnd: float, vi: str, en: str) -> None:
    assert money(vnd, "vi") == vi
    assert money(vnd, "en") == en


def test_numbers_and_shares_are_written_as_each_language_writes_them() -> None:
    assert number(1234567.5, "vi", 1) == "1.234.567,5"
    assert number(1234567.5, "en", 1) == "1,234,567.5"
    assert percent(0.0123, "vi", 2) == "1,23%"
    assert percent(0.0123, "en", 2) == "1.23%"
