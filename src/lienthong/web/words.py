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
    "revocation": _("Danh sách thu hồi chứng thư"),
    "certificate-tls": _("Chứng thư máy chủ"),
    "certificate-tsa": _("Chứng thư cấp dấu thời gian"),
    "certificate-ocsp": _("Chứng thư trạng thái chứng thư"),
}


def kind_name(kind: str) -> str:
    return gettext(KINDS[kind])


def check_name(name: str) -> str:
    """The hub's name of a check; its own word where we know none."""
    return gettext(CHECKS[name]) if name in CHECKS else name


def grouped(value: int | None) -> str:
    """1234567 as 1.234.567, in English as 1,234,567."""
    if value is None:
        return ""
    return f"{value:,}" if get_language() == "en" else f"{value:,}".replace(",", ".")
