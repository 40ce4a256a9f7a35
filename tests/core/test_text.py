"""Search finds Vietnamese however it was typed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.core.text import UnsafeText, fold, nfc


def test_fold_finds_vietnamese_typed_without_marks() -> None:
    assert fold("Công văn số 12 của Đảng ủy huyện Trà Ôn") == "cong van so 12 cua dang uy huyen tra on"


def test_both_normal_forms_fold_to_the_same_key() -> None:
    text = "Thường trực Hội đồng nhân dân tỉnh Vĩnh Long"
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_nfc_is_a_normal_form(text: str) -> None:
    assert unicodedata.is_normalized("NFC", nfc(text))


def test_marks_piled_up_without_end_are_refused_before_they_are_sorted() -> None:
    with pytest.raises(UnsafeText, match="combining"):
        nfc("a" + "\u0323\u0301" * 5000)


def test_long_vietnamese_text_is_never_refused() -> None:
    text = unicodedata.normalize("NFD", "Thường trực Hội đồng nhân dân tỉnh Vĩnh Long ") * 1000
    assert nfc(text) == unicodedata.normalize("NFC", text)
