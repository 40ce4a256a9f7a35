"""Prices, items and funding from files; bills of quantities."""

from __future__ import annotations

import math

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.infrastructure.phasing.trees import item, province

from lienthong.infrastructure.fibre.costs import FibreCosts, price_keys
from lienthong.infrastructure.phasing.boq import write_boq
from lienthong.infrastructure.phasing.errors import BadPhasingData, BadPrices
from lienthong.infrastructure.phasing.item_files import read_items, read_sources, write_items
from lienthong.infrastructure.phasing.model import phase
from lienthong.infrastructure.phasing.prices import PriceList, read_prices
from lienthong.infrastructure.phasing.request import Request, Source

PRICES = PriceList.default()
YEARS = (2017, 2018)


def test_the_price_list_is_that_of_the_fibre_design_and_labelled():
    assert FibreCosts.from_prices(PRICES) == FibreCosts()
    factors = {"crossing", "existing"}
    assert {key for key in price_keys() if key not in PRICES} == factors
    assert PRICES.illustrative
    assert all(each.illustrative and each.name_vi and each.name_en for each in PRICES.entries)


@pytest.mark.parametrize(
    "text",
    ["1234567", "1.234.567", "1,234,567", "1 234 567 đ", "1.234.567 đồng", "1_234_567", "1234567.0"],
)
def test_prices_are_read_as_people_write_them(tmp_path, text):
    path = tmp_path / "prices.csv"
    path.write_text(f'Bảng giá,,\nMã,Tên hạng mục,Đơn giá,Nguồn\nsplice,Hàn nối,"{text}",Báo giá 12/2016\n')
    found = PriceList.load(path)
    assert found["splice"] == 1_234_567
    assert not found.entry("splice").illustrative and found.entry("splice").unit == "site"
    assert found["tower"] == PRICES["tower"]


def test_every_bad_row_of_a_price_list_is_named(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text(
        "key,price,opex_percent\nsplice,cheap,\n,5,\nmast,-4,\ntower,7,900\nsplice,3,\nsplice,4,\n"
    )
    with pytest.raises(BadPrices) as caught:
        read_prices(path)
    assert [(row, column) for row, column, _ in caught.value.rows] == [
        (2, "price"),
        (3, "key"),
        (4, "price"),
        (5, "opex_percent"),
        (7, "key"),
    ]
    assert "row 2, column price" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"PK\x03\x04broken"])
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_what_is_no_price_list_is_refused_in_words(tmp_path, content, ending):
    path = tmp_path / f"prices.{ending}"
    path.write_bytes(content)
    with pytest.raises(BadPhasingData) as caught:
        read_prices(path)
    assert caught.value.code == "bad-prices" and caught.value.remedy


def test_a_price_for_another_unit_is_refused(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("key,unit,price\nfibre.rural,km,95000000\n", "utf-8")
    with pytest.raises(BadPrices, match="counted in m"):
        PriceList.load(path)
    path.write_text("Mã,ĐVT,Đơn giá\nnode.commune,bộ,95000000\n", "utf-8")
    assert PriceList.load(path)["node.commune"] == 95_000_000


def test_a_workbook_of_endless_rows_is_no_price_list(tmp_path):
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for _ in range(10_050):
        sheet.append(["fibre.rural", 1])
    book.save(tmp_path / "prices.xlsx")
    with pytest.raises(BadPhasingData, match="more than 10,000 rows"):
        PriceList.load(tmp_path / "prices.xlsx")


def test_a_price_list_is_written_and_read_again(tmp_path):
    path = tmp_path / "prices.csv"
    PRICES.times(1.1).save_csv(path)
    assert PriceList.load(path).entries == PRICES.times(1.1).entries


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.lists(
        st.builds(
            item,
            key=st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True),
            capex=st.integers(0, 10**12),
            kind=st.sampled_from(["trunk", "node", "tower"]),
            after=st.lists(st.sampled_from(["x", "y-1"]), max_size=2),
            people=st.integers(0, 10**6),
            due=st.none() | st.integers(2000, 2050),
            edges=st.lists(st.integers(0, 99)).map(tuple),
            site=st.from_regex(r"[A-Z]{0,4}", fullmatch=True),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_items_are_written_and_read_again(tmp_path, items):
    path = tmp_path / "items.csv"
    write_items(path, items)
    assert read_items(path) == items


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1"),
        ("key,kind\na,node\n", "line 1"),
        ("key,kind,capex\na,node,4\n,node,4\n", "line 3, column key"),
        ("key,kind,capex\na,node,4.5\n", "line 2, column capex"),
        ("key,kind,capex\na,node,\n", "line 2, column capex"),
        ("key,kind,capex\na,node,-4\n", "line 2, column capex"),
        ("key,kind,capex,people\na,node,4,many\n", "line 2, column people"),
        ("key,kind,capex,due\na,node,4,soon\n", "line 2, column due"),
    ],
)
def test_a_bad_file_of_items_is_named_by_line_and_column(tmp_path, text, place):
    path = tmp_path / "items.csv"
    path.write_text(text)
    with pytest.raises(BadPhasingData) as caught:
        read_items(path)
    assert place in (caught.value.place or "") and caught.value.remedy


def test_capex_may_be_quantity_times_unit_price(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("key,kind,unit,quantity,unit_price\na,trunk,m,1250.5,95000\n")
    assert read_items(path)[0].capex == round(1250.5 * 95_000)


def test_funding_sources_are_read_and_refused_by_name(tmp_path):
    path = tmp_path / "funding.toml"
    path.write_text(
        '[[source]]\nkey = "vnpt"\nname_vi = "VNPT"\nshare = 0.4\npays_for = ["trunk"]\ncap = { 2017 = 5 }\n'
    )
    assert read_sources(path) == (Source("vnpt", "VNPT", "VNPT", {2017: 5}, 0.4, 0.0, ("trunk",)),)
    for bad in (
        "",
        "[[source]]\nshare = 1",
        '[[source]]\nkey="x"\ncap={2017="much"}',
        '[[source]]\nkey="x"\nmax=1',
    ):
        path.write_text(bad)
        with pytest.raises(BadPhasingData) as caught:
            read_sources(path)
        assert str(path) in (caught.value.place or "") and caught.value.remedy


def planned(growth: float = 0.0):
    items = [*province(12, seed=4, joints=3), item("=cmd()", 5_000_000, kind="licence")]
    total = sum(each.capex for each in items)
    sources = (
        Source("partner", "Đối tác viễn thông", "Telecom partner", share=0.3, pays_for=("trunk",)),
        Source("province", "Ngân sách tỉnh", "Province"),
    )
    request = Request(
        items,
        YEARS,
        (int(total * 0.5), int(total * 0.45)),
        complete=False,
        sources=sources,
        price_growth=growth,
    )
    return request, phase(request)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_bill_s_formulas_give_the_values_beside_them(tmp_path, lang):
    request, found = planned(growth=0.04)
    path = tmp_path / "bill.xlsx"
    write_boq(path, request, found, lang=lang, synthetic=True, prices=PRICES)
    book = openpyxl.load_workbook(path)
    bill, totals, prices = book.worksheets
    rows = list(bill.iter_rows(min_row=6, values_only=True))
    lines = [row for row in rows if isinstance(row[0], int)]
    assert {row[1] for row in lines} == {each.key for each in request.items}
    spent = dict.fromkeys(request.years, 0)
    for at, row in enumerate(lines, 6):
        assert row[7] == f"=ROUND(F{at}*G{at},0)"
        assert math.floor(row[5] * row[6] + 0.5) == row[8]
        year = found.year_of[row[1]]
        if year is None:
            assert row[11] == row[12] == 0
            continue
        assert row[9] == year and row[11] == f"=ROUND(H{at}*K{at},0)"
        assert abs(math.floor(row[8] * row[10] + 0.5) - row[12]) <= 1
        spent[year] += row[12]
    assert tuple(spent.values()) == found.capex
    assert rows[-1][8] == sum(each.capex for each in request.items) and rows[-1][12] == sum(found.capex)
    table = {row[0]: row[1:] for row in totals.iter_rows(min_row=5, values_only=True) if row[0]}
    paid = [values for name, values in table.items() if "Đối tác" in name or "Telecom" in name]
    assert paid[0][:2] == found.funding["partner"]
    label = "Dữ liệu mô phỏng" if lang == "vi" else "Synthetic"
    for sheet in book.worksheets:
        assert label in str(sheet["A2"].value)
        assert ("minh họa" if lang == "vi" else "Illustrative") in str(sheet["A3"].value)
    assert prices["A5"].value == ("Mã" if lang == "vi" else "key")


def test_names_that_look_like_formulas_stay_text(tmp_path):
    request, found = planned()
    path = tmp_path / "bill.xlsx"
    write_boq(path, request, found)
    cells = [cell for row in openpyxl.load_workbook(path).worksheets[0].iter_rows() for cell in row]
    assert [cell.data_type for cell in cells if cell.value == "=cmd()"] == ["s"]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_prices_edited_in_a_bill_are_read_back(tmp_path, lang):
    request, found = planned()
    path = tmp_path / "bill.xlsx"
    write_boq(path, request, found, lang=lang, prices=PRICES)
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[2]
    row = next(row for row in sheet.iter_rows() if row[0].value == "splice")
    row[3].value = 7_000_000
    book.save(path)
    loaded = PriceList.load(path)
    assert loaded["splice"] == 7_000_000
    assert {each.key: each.unit for each in loaded.entries} == {
        each.key: each.unit for each in PRICES.entries
    }
    assert loaded.illustrative
