"""What spreadsheets write is read with its lines, or refused in the words of whoever asked."""

from __future__ import annotations

import re
from datetime import date

import pytest

from lienthong.core.errors import LienthongError
from lienthong.core.spreadsheets import MAX_CELL, csv_rows, decode, written_day

ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


class Refused(LienthongError):
    code = "refused"


def test_a_row_is_known_by_the_line_on_which_it_begins() -> None:
    text = 'a;b\r\n"over\r\ntwo lines";1\r\n\r\nx;2\r\n'
    assert list(csv_rows(text, ";", "a.csv", Refused)) == [
        (1, ["a", "b"]),
        (2, ["over\r\ntwo lines", "1"]),
        (4, []),
        (5, ["x", "2"]),
    ]


@pytest.mark.parametrize("spoiled", ['"open', '"a"b', "x" * (MAX_CELL + 1)])
def test_a_broken_row_is_refused_by_its_line(spoiled: str) -> None:
    with pytest.raises(Refused) as refused:
        list(csv_rows(f"a,b\n1,2\n3,{spoiled}\n", ",", "a.csv", Refused))
    assert refused.value.place == "a.csv:3"


def test_bytes_that_are_no_text_are_refused_by_their_line() -> None:
    with pytest.raises(Refused) as refused:
        decode("mã\nUBND tỉnh\n".encode() + b"x\xff", "a.csv", Refused)
    assert refused.value.place == "a.csv:3"
    assert decode(b"\xef\xbb\xbfx", "a.csv", Refused) == "x"


def test_a_day_is_read_as_iso_and_as_written_in_vietnam() -> None:
    assert written_day("2025-07-01", ISO) == written_day("1/7/2025", ISO) == date(2025, 7, 1)
    assert written_day("July 2025", ISO) is None
    with pytest.raises(ValueError):
        written_day("31/02/2025", ISO)
