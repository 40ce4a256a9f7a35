"""What the hub says of itself, on a page: in Vietnamese where its form is known, its times as Vietnam's."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from django.utils.translation import get_language

from lienthong.core.clock import VIETNAM

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d)(:\d\d)? UTC")

_FORMS: tuple[tuple[str, str], ...] = (
    (r"writable, (\d+) entr(?:y|ies)", r"ghi được, \1 bản ghi"),
    (r"(\d+) MiB free at (.+); (\d+) MiB are wanted", r"còn trống \1 MiB tại \2; cần \3 MiB"),
    (r"(\d+) MiB free at (.+)", r"còn trống \1 MiB tại \2"),
    (r"the store cannot write", r"kho không ghi được"),
    (r"the last batch could not be made durable: (.+)", r"lô gần nhất chưa ghi được xuống đĩa: \1"),
    (r"cannot be looked at: (.+)", r"không xem được: \1"),
    (r"a batch has taken (\d+) s so far", r"một lô đã ghi \1 giây chưa xong"),
    (r"(\d+) messages wait: the queue is full", r"\1 thông điệp đang chờ: hàng chờ đã đầy"),
    (r"(\d+) messages wait", r"\1 thông điệp đang chờ ghi"),
    (
        r"version (\d+), expires at (.+); a newer file is refused: (.+)",
        r"phiên bản \1, hết hạn lúc \2; tệp mới hơn không dùng được: \3",
    ),
    (r"version (\d+), expires at (.+)", r"phiên bản \1, hết hạn lúc \2"),
    (r"the clock stands (\d+) s before the newest record", r"đồng hồ chậm hơn bản ghi mới nhất \1 giây"),
    (
        r"the newest record is stamped (\d+) s after the clock; .+",
        r"bản ghi mới nhất đi trước đồng hồ \1 giây; bản ghi mới mang giờ ấy tới khi đồng hồ vượt qua",
    ),
    (r"the clock jumped by ([+-]\d+) s", r"đồng hồ bị chỉnh \1 giây"),
    (
        r"the last checkpoint could not be time-stamped: (.+)",
        r"bản chốt mới nhất chưa được cấp dấu thời gian: \1",
    ),
    (r"nothing to time-stamp yet", r"chưa có gì để cấp dấu thời gian"),
    (r"(\d+) entries stamped at (.+)", r"\1 bản ghi được cấp dấu lúc \2"),
    (r"switched off", r"đã tắt"),
    (r"revocation is not checked at all", r"không kiểm tra việc thu hồi chứng thư"),
    (r"the lists of revoked certificates are current", r"các danh sách thu hồi còn mới"),
    (r"the CRL of (\S+) went stale at (.+)", r"danh sách thu hồi của \1 đã cũ từ \2"),
    (r"(\S+) is valid until (.+)", r"\1 có hiệu lực đến \2"),
    (r"(\S+) expired at (.+)", r"\1 đã hết hạn lúc \2"),
    (r"(\S+) cannot be read: (.+)", r"không đọc được \1: \2"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(\+07:00\)", r"\g<0>"),
    # what to do
    (
        r"lienthong doctor names the cause; .+",
        r"chạy lienthong doctor để biết nguyên nhân; trục sẽ thử lại với thông điệp sau",
    ),
    (r"lienthong doctor names the cause", r"chạy lienthong doctor để biết nguyên nhân"),
    (r"check the disk", r"kiểm tra ổ đĩa"),
    (r"check the disk or the database", r"kiểm tra ổ đĩa hoặc cơ sở dữ liệu"),
    (
        r"make room, or give the data folder a larger disk",
        r"dọn chỗ, hoặc chuyển thư mục dữ liệu sang ổ đĩa lớn hơn",
    ),
    (r"make room soon", r"sớm dọn chỗ trên ổ đĩa"),
    (r"wait, or add power", r"chờ, hoặc tăng năng lực máy"),
    (
        r"publish the directory again: lienthong registry publish",
        r"ban hành lại danh bạ: lienthong registry publish",
    ),
    (
        r"set the machine's clock and keep it with NTP; .+",
        r"chỉnh đồng hồ và đồng bộ bằng NTP; nếu trước đây lỡ chỉnh nhanh một lần thì không cần làm gì thêm",
    ),
    (r"set the machine's clock and keep it with NTP", r"chỉnh đồng hồ và đồng bộ bằng NTP"),
    (
        r"check \[timestamps\] authority; .+",
        r"kiểm tra [timestamps] authority trong lienthong.toml; văn bản vẫn được nhận",
    ),
    (
        r"lienthong init --data DIR, safe to repeat, publishes the lists anew",
        r"chạy lại lienthong init --data THƯ_MỤC (chạy lại không hại gì) để ban hành danh sách mới",
    ),
    (r"lienthong keys renew --service \S+ --data \S+", r"cấp chứng thư mới: \g<0>"),
    (r"put a new certificate and key into place: .+", r"thay chứng thư và khóa mới rồi khởi động lại trục"),
    (r"restore (\S+)", r"khôi phục \1 từ bản sao lưu"),
)


def local(text: str) -> str:
    """Its moments of universal time as Vietnam time."""

    def moment(found: re.Match[str]) -> str:
        seconds = found[2] or ""
        at = datetime.fromisoformat(found[1] + seconds).replace(tzinfo=UTC).astimezone(VIETNAM)
        if get_language() == "en":
            return f"{at:%Y-%m-%d %H:%M}{seconds} (+07:00)"
        return f"{at:%H:%M}{seconds} {at:%d/%m/%Y}"

    return _MOMENT.sub(moment, text)


def said(text: str) -> tuple[str, str]:
    """What the hub said, for the page's language, and the language it is in now."""
    if get_language() == "en":
        return local(text), "en"
    for form, words in _FORMS:
        found = re.fullmatch(form, text, re.S)
        if found is not None:
            return local(found.expand(words)), "vi"
    return local(text), "vi" if _MOMENT.fullmatch(text) else "en"
