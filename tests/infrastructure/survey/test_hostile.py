"""Files made to harm: each is refused by name, none is evaluated, unpacked without bound or raises."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lienthong.infrastructure.survey import sheets, workbooks
from lienthong.infrastructure.survey.importing import import_files, read_files
from lienthong.infrastructure.survey.messages import BadSurvey


def workbook(**sheets_: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets_.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def repacked(data: bytes, **parts: bytes) -> bytes:
    """The same workbook with parts replaced or added; ``__`` stands for a slash."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        named = {name.replace("__", "/") + ".xml": content for name, content in parts.items()}
        for part in old.infolist():
            new.writestr(part.filename, named.pop(part.filename, None) or old.read(part))
        for name, content in named.items():
            new.writestr(name, content)
    return out.getvalue()


PROVIDERS = workbook(providers=[["code", "name"], ["p", "Nhà cung cấp P"]])


def refused(tmp_path: Path, data: bytes, name: str = "book.xlsx") -> str:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(BadSurvey) as raised:
        read_files([path])
    assert raised.value.remedy and raised.value.place
    return raised.value.detail


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = repacked(PROVIDERS, xl__worksheets__sheet1=b"<worksheet>" + b" " * 30_000_000 + b"</worksheet>")
    assert len(bomb) < 100_000
    assert "packed more than" in refused(tmp_path, bomb)


def test_a_workbook_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MAX_UNPACKED", 2000)
    assert "unpacks to more" in refused(tmp_path, PROVIDERS)


def test_too_many_parts_are_refused(tmp_path: Path) -> None:
    many = repacked(PROVIDERS, **{f"part{at}": b"<a/>" for at in range(workbooks.MAX_PARTS)})
    assert "parts" in refused(tmp_path, many)


def test_an_entity_bomb_is_refused(tmp_path: Path) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><sst>&c;</sst>'
    assert "document type" in refused(tmp_path, repacked(PROVIDERS, xl__sharedStrings=bomb))
    assert "not UTF-8" in refused(
        tmp_path, repacked(PROVIDERS, xl__sharedStrings=bomb.decode().encode("utf-16"))
    )


def test_a_large_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_BYTES", 100)
    assert "larger" in refused(tmp_path, PROVIDERS)


def test_formulas_are_never_evaluated_nor_kept_as_values(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    path.write_bytes(
        workbook(
            providers=[["code", "name"], ["p", '=HYPERLINK("http://evil.example","x")'], ["q", "Q"]],
            regions=[["code", "name", "kind", "people"], ["1", "Một", "commune", "=1+1"]],
        )
    )
    found, problems = read_files([path])
    assert [(problem.row, problem.column, problem.code) for problem in problems] == [
        (2, "name", "formula"),
        (2, "people", "formula"),
    ]
    assert [record["code"] for _, _, record in found["providers"]] == ["q"]


def test_errors_of_a_spreadsheet_are_no_values(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    data = workbook(providers=[["code", "name"], ["p", "x"]])
    cell = b'<c r="B2" t="e"><v>#REF!</v></c>'
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml")
    start = sheet.index(b'<c r="B2"')
    path.write_bytes(
        repacked(data, xl__worksheets__sheet1=sheet[:start] + cell + sheet[sheet.index(b"</row>", start) :])
    )
    _, problems = read_files([path])
    assert [(problem.column, problem.code) for problem in problems] == [("name", "error-value")]


def test_a_sheet_with_endless_rows_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_ROWS", 50)
    path = tmp_path / "f.xlsx"
    rows = [["code", "name"], *([f"p{at}", "x"] for at in range(80))]
    path.write_bytes(workbook(providers=rows))
    found, problems = read_files([path])
    assert len(found["providers"]) == 49
    assert [problem.code for problem in problems] == ["too-many-rows"]


def test_a_row_far_below_does_not_cost_a_million_rows(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "providers"
    sheet.append(["code", "name"])
    sheet.cell(1_048_576, 16_384, "x")
    buffer = io.BytesIO()
    book.save(buffer)
    path = tmp_path / "f.xlsx"
    path.write_bytes(buffer.getvalue())
    _, problems = read_files([path])
    assert "too-many-rows" in [problem.code for problem in problems]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"code,name\n\xff\xfe,x\n", "UTF-8"),
        (b"code,name\np,\0\n", "NUL"),
        (b'code,name\np,"open\n', "not CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "password"),
        (b"PK\x03\x04 no zip", "ZIP"),
        (b"[" * 100_000, "JSON"),
        (b'[{"code": NaN}]', "JSON"),
        (b'{"a": 1}', "no list"),
        (b'[{"code": ' + b"9" * 5000 + b"}]", "JSON"),
    ],
)
def test_what_is_no_table_is_refused_by_name(tmp_path: Path, data: bytes, says: str) -> None:
    assert says in refused(tmp_path, data, "file.dat")


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
@example(b"sep=;\r\ncode;name\r\np;P\r\n")
@example(b'[{"code": "\\ud800", "name": "x"}]')
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_raises_anything_but_a_refusal(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(data)
    try:
        _, problems = read_files([path])
    except BadSurvey as refusal:
        str(refusal).encode()
        return
    for problem in problems:
        assert str(problem.as_json("vi")).encode() and str(problem.as_json("en")).encode()


@given(st.binary(min_size=1, max_size=40), st.integers(0, 100))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_workbook_raises_nothing_but_a_refusal(tmp_path: Path, noise: bytes, where: int) -> None:
    at = len(PROVIDERS) * where // 101
    path = tmp_path / "damaged.xlsx"
    path.write_bytes(PROVIDERS[:at] + noise + PROVIDERS[at + len(noise) :])
    try:
        read_files([path])
    except BadSurvey as refusal:
        assert refusal.remedy


@pytest.mark.parametrize("code", ["..", "../x", "a/b", "", ".hidden", "x" * 41, "a\n"])
def test_a_wave_cannot_lead_out_of_the_folder(tmp_path: Path, code: str) -> None:
    path = tmp_path / "providers.csv"
    path.write_text("code,name\np,P\n")
    with pytest.raises(BadSurvey):
        import_files([path], tmp_path / "plan", code)
    assert not (tmp_path / "plan").exists()
