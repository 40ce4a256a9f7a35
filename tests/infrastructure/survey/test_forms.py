"""The XLSForm: checked in, up to date, valid, and answered back into the tables it was made from."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
from lxml import etree
from pyxform.xls2xform import convert

from lienthong.infrastructure.survey import forms
from lienthong.infrastructure.survey.importing import read_files

XF = {"x": "http://www.w3.org/2002/xforms", "h": "http://www.w3.org/1999/xhtml"}


def trimmed(row: tuple[str, ...]) -> tuple[str, ...]:
    """Without the empty cells at its end, which a workbook does not keep."""
    return row[: max((at for at, cell in enumerate(row, 1) if cell), default=0)]


def cells_of(source: Path | io.BytesIO) -> dict[str, list[tuple[str, ...]]]:
    book = openpyxl.load_workbook(source, read_only=True)
    try:
        return {
            sheet.title: [
                trimmed(tuple(cell or "" for cell in row)) for row in sheet.iter_rows(values_only=True)
            ]
            for sheet in book.worksheets
        }
    finally:
        book.close()


def xform() -> etree._Element:
    result = convert(xlsform=io.BytesIO(forms.CHECKED_IN.read_bytes()), file_type=".xlsx", validate=False)
    assert result.warnings == []
    return etree.fromstring(result.xform.encode())


def test_the_form_checked_in_is_the_one_the_columns_make() -> None:
    buffer = io.BytesIO()
    forms.write_form(buffer)
    wanted = {name: [trimmed(row) for row in rows] for name, rows in forms.form_sheets().items()}
    assert cells_of(forms.CHECKED_IN) == cells_of(buffer) == wanted


def test_the_form_converts_and_asks_for_every_column() -> None:
    tree = xform()
    instance = tree.find(".//x:model/x:instance/*", XF)
    assert instance is not None
    for part, table in {**forms.FORM_GROUPS, **forms.FORM_REPEATS}.items():
        node = instance.find(f"x:{part}", XF)
        assert node is not None
        assert set(table.names) <= {etree.QName(child).localname for child in node}


def test_ranges_and_requirements_of_the_columns_bind_the_form() -> None:
    binds = {bind.get("nodeset"): bind for bind in xform().iterfind(".//x:bind", XF)}
    for part, table in {**forms.FORM_GROUPS, **forms.FORM_REPEATS}.items():
        for column in table.columns:
            bind = binds[f"/data/{part}/{column.name}"]
            if bind.get("calculate"):
                continue
            assert (bind.get("required") == "true()") is column.required
            if column.low is not None:
                assert f". >= {column.low:.15g}" in bind.get("constraint")
            if column.at_most:
                assert f"<= ../{column.at_most}" in bind.get("constraint")


def test_it_speaks_vietnamese_first_and_english() -> None:
    languages = [each.get("lang") for each in xform().iterfind(".//x:translation", XF)]
    assert languages == ["Tiếng Việt (vi)", "English (en)"]


def test_a_form_servers_export_is_imported_as_it_is(tmp_path: Path) -> None:
    """ODK Central: groups side by side as group-column, repeats in files of their own."""
    (tmp_path / "lienthong-survey.csv").write_text(
        "SubmissionDate,answers-tenant,answers-answered_on,answers-users,answers-pcs,answers-quality,"
        "answers-doubtful,site-code,site-name,site-kind,site-position-Latitude,site-position-Longitude,"
        "site-longitude,site-latitude,meta-instanceID,KEY\n"
        "2017-06-20T08:00:00Z,H61.62.05,2017-06-20,20,18,records,users pcs,H61.62.05,Trụ sở,commune,"
        "10.27,106.0,106.0,10.27,uuid:1,uuid:1\n"
    )
    (tmp_path / "lienthong-survey-circuits.csv").write_text(
        "cid,provider,medium,commit_rate,port_speed,tenant,site_a,PARENT_KEY,KEY\n"
        "7,vnpt,fibre,5000,10000,H61.62.05,H61.62.05,uuid:1,uuid:1/circuits[1]\n"
    )
    found, problems = read_files(sorted(tmp_path.glob("*.csv")))
    assert problems == []
    assert found["answers"][0][2]["doubtful"] == ("pcs", "users")
    assert (found["sites"][0][2]["longitude"], found["sites"][0][2]["latitude"]) == (106.0, 10.27)
    assert found["circuits"][0][2]["site_a"] == "H61.62.05"
