"""What the hub says of its health, in Vietnamese: by the form of the English that ``server.health`` writes.

Pure, for the status page and for ``lienthong doctor``; what has no known form stays English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from lienthong.core.clock import VIETNAM

Form = tuple[str, str]
"""A pattern for the whole of an English text, and its Vietnamese with ``\\1`` … ``\\9`` for the groups, each
in Vietnamese too where it has a form, and ``\\g<0>`` for the whole.
"""

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d)(:\d\d)? UTC")
_PLACE = re.compile(r"\\(?:g<0>|(\d))")

HEALTH: tuple[Form, ...] = (
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
    # the service that tells of certificates online
    (
        r"the OCSP responder (\S+) failed: (.+)",
        r"dịch vụ kiểm tra trạng thái chứng thư (OCSP) tại \1 không dùng được: \2",
    ),
    (r"did not answer within (\S+) s", r"không trả lời trong \1 giây"),
    (r"could not be asked: (.+)", r"không kết nối được: \1"),
    (r"answered HTTP (\d+)", r"trả lời HTTP \1"),
    (r"answered more than (\d+) bytes", r"trả lời dài quá \1 byte"),
    (r"answered (.+), not (\S+)", r"trả lời kiểu dữ liệu \1, không phải \2"),
    (r"the OCSP responder answered try_later", r"dịch vụ đang bận, thử lại sau (try_later)"),
    (r"the OCSP responder answered internal_error", r"dịch vụ gặp lỗi bên trong (internal_error)"),
    (
        r"the OCSP responder answered unauthorized",
        r"dịch vụ không phụ trách chứng thư này (unauthorized)",
    ),
    (
        r"the OCSP responder answered malformed_request",
        r"dịch vụ không đọc được câu hỏi (malformed_request)",
    ),
    (r"the OCSP responder answered sig_required", r"dịch vụ đòi câu hỏi phải được ký (sig_required)"),
    (r"an OCSP response of (\d+) bytes .+", r"phản hồi OCSP dài \1 byte, quá giới hạn"),
    (r"the OCSP response cannot be read: (.+)", r"không đọc được phản hồi OCSP: \1"),
    (r"the OCSP response is about another certificate", r"phản hồi OCSP nói về một chứng thư khác"),
    (
        r"the OCSP response is signed by somebody whom the issuer did not certify for it.*",
        r"phản hồi OCSP do bên không được cơ quan cấp chứng thư ủy quyền ký",
    ),
    (
        r"the OCSP response does not bring the certificate of its signer",
        r"phản hồi OCSP không kèm chứng thư của bên ký",
    ),
    (
        r"the OCSP response is signed with an algorithm that is not sound",
        r"phản hồi OCSP ký bằng thuật toán không an toàn",
    ),
    (r"the signature on the OCSP response does not verify", r"chữ ký trên phản hồi OCSP không đúng"),
    (
        r"the OCSP response echoes another nonce",
        r"phản hồi OCSP là của một câu hỏi khác (nonce không khớp)",
    ),
    (
        r"the OCSP answer lies outside the validity of its responder's certificate",
        r"phản hồi OCSP nằm ngoài thời hạn chứng thư của dịch vụ",
    ),
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


def in_vietnamese(text: str, forms: Iterable[Form] = HEALTH) -> str | None:
    """The text in Vietnamese, its moments still universal time; None where a part of it has no form."""
    known = tuple(forms)
    for form, words in known:
        found = re.fullmatch(form, text, re.S)
        if found is not None:
            return _filled(words, found, known)
    parts = [in_vietnamese(part, known) for part in text.split("; ")] if "; " in text else [None]
    return "; ".join(map(str, parts)) if None not in parts else None


def _filled(words: str, found: re.Match[str], forms: tuple[Form, ...]) -> str:
    def group(place: re.Match[str]) -> str:
        if place[1] is None:
            return found[0]
        text = found[int(place[1])]
        return in_vietnamese(text, forms) or text

    return _PLACE.sub(group, words)


def in_vietnam_time(text: str, *, vietnamese: bool) -> str:
    """Its moments of universal time as Vietnam time, as the language writes them."""

    def moment(found: re.Match[str]) -> str:
        seconds = found[2] or ""
        at = datetime.fromisoformat(found[1] + seconds).replace(tzinfo=UTC).astimezone(VIETNAM)
        return (
            f"{at:%H:%M}{seconds} {at:%d/%m/%Y}" if vietnamese else f"{at:%Y-%m-%d %H:%M}{seconds} (+07:00)"
        )

    return _MOMENT.sub(moment, text)
