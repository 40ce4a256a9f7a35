"""Every file that people make is read or refused with its line, never with a traceback."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.registry.errors import FileRefused
from lienthong.registry.imports.reading import read_bytes
from lienthong.registry.imports.rows import Row


def csv_rows(text: str) -> list[Row]:
    rows, bad = read_bytes(text.encode(), "a.csv")
    assert bad == []
    return rows


def json_rows(text: str) -> list[Row]:
    rows, bad = read_bytes(text.encode(), "a.json", is_json=True)
    assert bad == []
    return rows


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_spreadsheets_csv_is_read_in_every_dialect(separator: str, end: str, mark: str) -> None:
    text = mark + end.join([separator.join(row) for row in (["Code ", "NAME"], ["H61", "UBND tỉnh"])]) + end
    (row,) = csv_rows(text)
    assert row == Row("a.csv", 2, "agencies", {"code": "H61", "name": "UBND tỉnh"})


def test_a_row_is_known_by_the_line_on_which_it_begins() -> None:
    rows = csv_rows('code,name\n\nH61,"UBND\ntỉnh"\n\n\nH62,x\n')
    assert [(row.line, row.cells["code"]) for row in rows] == [(3, "H61"), (7, "H62")]


def test_text_is_kept_in_normal_form_c() -> None:
    (row,) = csv_rows("code,name\nH61,Vi\u0303nh Long\n")
    assert row.cells["name"] == "Vĩnh Long"


@pytest.mark.parametrize(
    ("header", "table"),
    [
        ("code,name", "agencies"),
        ("name,title", "groups"),
        ("subject,action,object", "rights"),
        ("subject,messages_per_minute,bytes_per_day,concurrent", "quotas"),
    ],
)
def test_the_header_says_which_table_it_is(header: str, table: str) -> None:
    cells = ",".join("x" * len(header.split(",")))
    assert csv_rows(f"{header}\n{cells}\n")[0].table == table


def test_an_unknown_column_is_named_with_the_likely_one() -> None:
    _, bad = read_bytes(b"code,nmae,x\nH61,a,b\n", "a.csv")
    assert [(row.line, row.column) for row in bad] == [(1, "nmae"), (1, "x")]
    assert "did you mean 'name'?" in bad[0].remedy


def test_a_column_that_is_there_twice_is_bad() -> None:
    _, bad = read_bytes(b"code,name,name\nH61,a,b\n", "a.csv")
    assert [(row.column, row.what) for row in bad] == [("name", "this column is there twice")]


def test_a_row_of_another_length_is_bad_and_the_others_are_read() -> None:
    rows, bad = read_bytes(b"code,name\nH61,a,b\nH62,c\nH63\n", "a.csv")
    assert [row.cells["code"] for row in rows] == ["H62"]
    assert [row.line for row in bad] == [2, 4]


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", "a.csv:1"),
        (b"what,ever\n1,2\n", "a.csv:1"),
        (b"code,name\nH61,\xff\n", "a.csv:2"),
        (b"code,name\nH61,a\0b\n", "a.csv:2"),
        (b'code,name\nH61,a\nH62,"b" c\n', "a.csv:3"),
        (b'code,name\nH61,"never closed\n', "a.csv:2"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_line(data: bytes, place: str) -> None:
    with pytest.raises(FileRefused) as error:
        read_bytes(data, "a.csv")
    assert error.value.place == place
    assert error.value.remedy


def test_json_is_a_list_of_agencies_or_an_object_of_tables() -> None:
    assert json_rows('[\n {"code": "H61"},\n\n {"code": "H62", "locked": true}]') == [
        Row("a.json", 2, "agencies", {"code": "H61"}),
        Row("a.json", 4, "agencies", {"code": "H62", "locked": "yes"}),
    ]
    rows = json_rows(
        '{"groups": [{"name": "g", "title": "G"}],\n'
        '"rights": [],\n"quotas":\n[{"subject": "*", "concurrent": 2}]}'
    )
    assert [(row.table, row.line) for row in rows] == [("groups", 1), ("quotas", 4)]
    assert rows[1].cells == {"subject": "*", "concurrent": "2"}


def test_json_lists_and_objects_say_the_same_as_cells() -> None:
    (row,) = json_rows(
        json.dumps(
            [
                {
                    "code": "H61",
                    "parent": None,
                    "successors": ["A", "B"],
                    "groups": [],
                    "aliases": [
                        {"code": "7", "to": "2025-06-30"},
                        {"code": "8", "from": "2025-07-01", "to": None},
                        "9",
                    ],
                    "units": [{"code": "U", "name": "Phòng"}],
                }
            ]
        )
    )
    assert row.cells == {
        "code": "H61",
        "parent": "",
        "successors": "A|B",
        "groups": "-",
        "aliases": "7@..2025-06-30|8@2025-07-01..|9",
        "units": "U=Phòng",
    }


def test_a_json_value_of_the_wrong_kind_is_named() -> None:
    rows, bad = read_bytes(
        b'[{"code": "H61", "nmae": "x"},\n{"code": {"a": 1}},\n7,\n{"code": 1.5},\n{"units": ["a|b"]}]',
        "a.json",
        is_json=True,
    )
    assert rows == []
    assert [(row.line, row.column) for row in bad] == [
        (1, "nmae"),
        (2, "code"),
        (3, ""),
        (4, "code"),
        (5, "units"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "{",
        '[{"code": 1}',
        "[] x",
        '{"agencies": [], "x": []}',
        '{"agencies": 7}',
        "[" * 99_999,
        "{} {}",
    ],
)
def test_json_of_another_layout_is_refused(text: str) -> None:
    with pytest.raises(FileRefused) as error:
        read_bytes(text.encode(), "a.json", is_json=True)
    assert error.value.remedy


@given(st.binary(max_size=300) | st.text('cod,ename;"\n\r\t|-@.0123456789', max_size=120).map(str.encode))
def test_no_csv_ends_in_a_traceback(data: bytes) -> None:
    for prefix in (b"", b"code,name\n"):
        try:
            rows, bad = read_bytes(prefix + data, "a.csv")
        except FileRefused as problem:
            assert problem.place
            continue
        assert all(row.line > 0 for row in (*rows, *bad))


@given(st.binary(max_size=200) | st.text('[]{}",:nulltrue 0123456789code', max_size=120).map(str.encode))
def test_no_json_ends_in_a_traceback(data: bytes) -> None:
    for text in (data, b"[" + data + b"]", b'{"agencies":[{"code":"H61",' + data + b"}]}"):
        try:
            read_bytes(text, "a.json", is_json=True)
        except FileRefused as problem:
            assert problem.place
