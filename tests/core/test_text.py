"""Search finds Vietnamese however it was typed."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from lienthong.core.text import fold, nfc


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
