"""A mark of secrecy is found where one stands, and the syllable *mật* elsewhere is left alone."""

from __future__ import annotations

import unicodedata

import pytest
from tests.exchange.edxml.test_samples import sample

from lienthong.exchange.edxml import reader, secrecy
from lienthong.exchange.edxml.findings import InvalidMessage


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("Mật", "mật"),
        ("MẬT - Kế hoạch phòng thủ", "mật"),
        ("Mật: Báo cáo tình hình", "mật"),
        ("Mật. Báo cáo", "mật"),
        ("[Mật] Báo cáo", "mật"),
        ("(TỐI MẬT) Phương án", "tối mật"),
        ("“Tuyệt mật” Phương án", "tuyệt mật"),
        ("Độ mật: Tối mật", "tối mật"),
        ("TỐI  MẬT BÁO CÁO", "tối mật"),
        ("MẬT V/v triển khai", "mật"),
        ("MẬT Báo cáo quý I", "mật"),
        ("  tuyệt mật – danh sách", "tuyệt mật"),
    ],
)
def test_a_text_that_opens_with_a_mark_is_marked(text: str, mark: str) -> None:
    assert secrecy.mark_opening(text) == mark


@pytest.mark.parametrize(
    "text",
    [
        "Mật ong rừng U Minh",
        "Mật độ dân số các xã",
        "MẬT ĐỘ DÂN SỐ CÁC XÃ",
        "Mật khẩu - đổi định kỳ",
        "Bảo mật thông tin",
        "Về việc bảo vệ bí mật nhà nước",
        "Báo cáo (mật độ giao thông)",
        "Độ mật: Thường",
        "Tối mật khẩu",
        "Mật mã dân sự: cấp phép",
        "Mặt bằng - giải phóng",
        "",
    ],
)
def test_the_everyday_word_is_no_mark(text: str) -> None:
    assert secrecy.mark_opening(text) is None


@pytest.mark.parametrize("value", ["", "0", "Thường", " không ", "Không mật", "none"])
def test_a_secrecy_field_that_says_none_passes(value: str) -> None:
    assert secrecy.mark_in_field(value) is None


@pytest.mark.parametrize("value", ["Mật", "TỐI MẬT", "1", "C", "Hạn chế"])
def test_a_secrecy_field_that_says_anything_else_is_a_mark(value: str) -> None:
    assert secrecy.mark_in_field(value)


def test_a_field_of_fixed_values_is_marked_only_when_it_holds_nothing_else() -> None:
    assert secrecy.mark_alone("Mật") == "mật"
    assert secrecy.mark_alone("(Độ mật: Tối mật)") == "tối mật"
    assert secrecy.mark_alone("Lưu hành mật thiết") is None


def test_decomposed_letters_do_not_hide_a_mark() -> None:
    marked = sample("mat-trong-trich-yeu").decode()
    decomposed = unicodedata.normalize("NFD", marked).encode()
    assert decomposed != marked.encode()
    with pytest.raises(InvalidMessage, match="mật"):
        reader.read_envelope(decomposed)


def test_the_refusal_says_that_secrets_stay_on_paper() -> None:
    finding = reader.examine(sample("soap-do-mat")).findings[0]
    assert "paper only" in finding.message
    assert "không được gửi qua hệ thống này" in finding.message_vi
    assert "29/2018/QH14" in finding.source
