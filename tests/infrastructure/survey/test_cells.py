"""Single cells: what is written is read back, and no text does harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.infrastructure.survey.records import values

from lienthong.infrastructure.survey.cells import BadCell, guard, read, unguard, write
from lienthong.infrastructure.survey.columns import LANGUAGES, Column
from lienthong.infrastructure.survey.messages import MESSAGES, Problem
from lienthong.infrastructure.survey.tables import TABLES

COLUMNS = {f"{table.name}.{each.name}": each for table in TABLES.values() for each in table.columns}
KINDS = list({column.kind: column for column in COLUMNS.values()}.values())


@given(st.data())
def test_what_is_written_is_read_back(data: st.DataObject) -> None:
    column = data.draw(st.sampled_from(list(COLUMNS.values())))
    value = data.draw(values(column))
    assert read(column, write(value)) == value


@given(st.sampled_from(KINDS), st.text(max_size=3000))
def test_any_text_is_a_value_or_a_problem_that_can_be_told(column: Column, text: str) -> None:
    try:
        read(column, text)
    except BadCell as bad:
        problem = Problem("f.csv", 2, column.name, bad.code, bad.values_)
        for language in LANGUAGES:
            problem.what(language).encode()
            problem.remedy(language).encode()


@given(st.text())
def test_no_guarded_text_begins_a_formula_and_none_is_changed(text: str) -> None:
    assert guard(text)[:1] not in ("=", "+", "-", "@")
    assert unguard(guard(text)) == text


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("sites.longitude", "105,97", 105.97),
        ("sites.kind", "Trụ sở xã", "commune"),
        ("sites.kind", "TRU SO XA", "commune"),
        ("answers.lan", "Có", True),
        ("answers.lan", "không", False),
        ("answers.answered_on", "31/07/2017", "2017-07-31"),
        ("answers.answered_on", "2017-07-31 00:00:00", "2017-07-31"),
        ("answers.users", "20.0", 20),
        ("answers.doubtful", "users, pcs", ("pcs", "users")),
    ],
)
def test_cells_are_read_as_people_and_spreadsheets_write_them(name: str, text: str, value: object) -> None:
    found = read(COLUMNS[name], text)
    assert (str(found) if name.endswith("answered_on") else found) == value


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("answers.users", "", "empty"),
        ("answers.users", "1.234", "not-whole"),
        ("answers.users", "-1", "out-of-range"),
        ("answers.users", "9" * 4000, "too-long"),
        ("answers.grid_hours", "25", "out-of-range"),
        ("answers.grid_hours", "nan", "not-number"),
        ("answers.lan", "maybe", "not-yes-no"),
        ("answers.answered_on", "31/02/2017", "not-a-day"),
        ("answers.backup", "hourly", "not-a-choice"),
        ("sites.latitude", "105.97", "out-of-range"),
        ("sites.name", "a\x07b", "unprintable"),
        ("sites.name", "x" * 201, "too-long"),
        ("answers.note", "e" + "\u0301" * 1500, "unprintable"),
    ],
)
def test_what_cannot_be_is_refused_by_name(name: str, text: str, code: str) -> None:
    with pytest.raises(BadCell) as raised:
        read(COLUMNS[name], text)
    assert raised.value.code == code


def test_every_column_and_message_speaks_both_languages() -> None:
    for column in COLUMNS.values():
        assert column.vi and column.en
        assert not column.at_most or column.at_most in {
            each.name for table in TABLES.values() if column in table.columns for each in table.columns
        }
        assert not column.refers or column.refers in TABLES
    for said in MESSAGES.values():
        assert set(said) == set(LANGUAGES)
        assert all(part for pair in said.values() for part in pair)
