"""What codes are called on a page."""

from __future__ import annotations

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

KINDS = {
    "party": _("Cơ quan Đảng"),
    "council": _("Hội đồng nhân dân"),
    "government": _("Ủy ban nhân dân tỉnh và văn phòng"),
    "department": _("Sở, ban, ngành"),
    "district": _("Ủy ban nhân dân cấp huyện"),
    "commune": _("Ủy ban nhân dân cấp xã"),
    "mass-organisation": _("Mặt trận và đoàn thể"),
    "enterprise": _("Doanh nghiệp"),
    "external": _("Cơ quan ngoài tỉnh"),
}

CHECKS = {
    "store": _("Kho lưu văn bản"),
    "disk": _("Dung lượng đĩa"),
    "writer": _("Ghi văn bản"),
    "directory": _("Danh bạ đang dùng"),
    "clock": _("Đồng hồ"),
    "timestamps": _("Dấu thời gian"),
    "revocation": _("Kiểm tra thu hồi chứng thư (CRL, OCSP)"),
    "certificate-tls": _("Chứng thư máy chủ"),
    "certificate-tsa": _("Chứng thư của dịch vụ cấp dấu thời gian (TSA)"),
    "certificate-ocsp": _("Chứng thư của dịch vụ kiểm tra trạng thái chứng thư (OCSP)"),
}


def kind_name(kind: str) -> str:
    return gettext(KINDS[kind])


def check_name(name: str) -> str:
    """The hub's name of a check; its own word where we know none."""
    return gettext(CHECKS[name]) if name in CHECKS else name


SENTENCES = {
    "store": {"ok": "Kho ghi và đọc được.", "failing": "Kho không ghi được: chưa nhận được văn bản."},
    "disk": {
        "ok": "Đĩa còn đủ chỗ.",
        "warning": "Đĩa sắp hết chỗ.",
        "failing": "Đĩa hết chỗ: chưa nhận được văn bản.",
    },
    "writer": {"ok": "Văn bản được ghi kịp thời.", "failing": "Việc ghi văn bản đang bị nghẽn."},
    "directory": {
        "ok": "Danh bạ còn hiệu lực.",
        "warning": "Danh bạ sắp hết hạn, hoặc bản mới không dùng được.",
        "failing": "Không có danh bạ còn hiệu lực: chưa nhận được văn bản.",
    },
    "clock": {
        "ok": "Đồng hồ đúng.",
        "warning": "Đồng hồ vừa bị chỉnh lệch.",
        "failing": "Đồng hồ chạy lùi so với nhật ký: chưa nhận được văn bản.",
    },
    "timestamps": {
        "ok": "Nhật ký được cấp dấu thời gian đều đặn.",
        "warning": "Chưa cấp được dấu thời gian; văn bản vẫn được nhận.",
    },
    "revocation": {
        "ok": "Danh sách thu hồi còn mới.",
        "warning": "Danh sách thu hồi đã cũ hoặc không đọc được, hoặc dịch vụ OCSP không trả lời được.",
    },
    "certificate": {
        "ok": "Chứng thư còn hạn.",
        "warning": "Chứng thư sắp hết hạn, đã hết hạn hoặc không đọc được.",
    },
}
"""What a state of a check means, for the Vietnamese page. The hub says the particulars in English, as its
log and its commands do; the English page shows those alone.
"""


def check_sentence(name: str, state: str) -> str:
    if get_language() == "en":
        return ""
    return SENTENCES.get("certificate" if name.startswith("certificate-") else name, {}).get(state, "")


def grouped(value: int | None) -> str:
    """1234567 as 1.234.567, in English as 1,234,567."""
    if value is None:
        return ""
    return f"{value:,}" if get_language() == "en" else f"{value:,}".replace(",", ".")
