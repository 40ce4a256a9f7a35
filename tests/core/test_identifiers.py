"""Organ codes, message ids and document ids are taken in both official forms and nothing else."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.core.identifiers import DocumentId, IdentifierError, message_id, nearest_code, organ_code


@pytest.mark.parametrize(
    "code", ["000.00.00.H61", "001.02.03.G22", "H37.DN.001", "Z01.0301234567", "0301234567"]
)
def test_old_and_new_organ_codes_are_taken(code: str) -> None:
    assert organ_code(f" {code} ") == code


@pytest.mark.parametrize("code", ["", "h37.dn.001", "H37..1", "H37.", "A" * 36, "000.00.00.H61\nX", "../H61"])
def test_other_codes_are_refused_with_the_place_and_a_remedy(code: str) -> None:
    with pytest.raises(IdentifierError) as refusal:
        organ_code(code, place="To[2]/OrganId")
    assert refusal.value.place == "To[2]/OrganId"
    assert refusal.value.remedy


def test_a_document_id_reads_as_the_regulation_writes_it() -> None:
    found = DocumentId.parse("000.00.00.G22,2015/09/30,7816/VPCP-TTĐT")
    assert found == DocumentId("000.00.00.G22", date(2015, 9, 30), "7816/VPCP-TTĐT")


@pytest.mark.parametrize(
    "text", ["", "H61", "H61,2015/09/30", "H61,2015/13/30,1/X", "H61,2015-09-30,1/X", "H61,2015/09/30, "]
)
def test_a_malformed_document_id_is_refused(text: str) -> None:
    with pytest.raises(IdentifierError):
        DocumentId.parse(text)


@given(
    st.dates(date(1945, 9, 2), date(2100, 1, 1)),
    st.from_regex(r"[0-9]{1,5}/[A-ZĐ]{2,6}-[A-Z]{2,5}", fullmatch=True),
)
def test_a_document_id_survives_writing_and_reading(day: date, code: str) -> None:
    made = DocumentId("H61.17.01", day, code)
    assert DocumentId.parse(str(made)) == made


@given(st.text())
def test_a_message_id_is_safe_in_a_url_and_a_file_name_or_refused(text: str) -> None:
    try:
        safe = message_id(text)
    except IdentifierError:
        return
    assert safe.isascii() and not set(safe) & set("/\\?#% \n\t\0") and not safe.startswith(".")


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [
        ("H61.5", "H61.05"),
        ("h61.O5", "H61.05"),
        ("H61.62.5", "H61.62.05"),
        ("H61.6205", "H61.62.05"),
        ("H6105", "H61.05"),
        ("XYZ", None),
    ],
)
def test_the_code_that_was_probably_meant_is_found(mistyped: str, meant: str | None) -> None:
    codes = ["H61", "H61.05", "H61.15", "H61.85", "H61.62.05", "H61.62.15", "000.00.05.H61"]
    assert nearest_code(mistyped, codes) == meant
