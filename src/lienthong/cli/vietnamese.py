"""What goes wrong at a clerk's desk, in Vietnamese, by the stable code of the error.

The English detail stays beside it where it says more: names, numbers, places.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """What was wrong and what to do. ``detail``: whether the English detail is to be shown too."""

    what: str
    remedy: str = ""
    detail: bool = False


ERRORS: dict[str, Said] = {
    "hub-unreachable": Said(
        "không kết nối được với trục liên thông",
        "kiểm tra mạng và địa chỉ của trục; văn bản đã gửi nằm trong hàng chờ, không mất",
        detail=True,
    ),
    "recipients-refused": Said(
        "chưa gửi cho nơi nào: có nơi nhận không nhận được",
        "sửa hoặc bỏ các nơi nhận này rồi gửi lại; tra mã cơ quan: lienthong agencies TỪ_KHÓA",
    ),
    "impossible-status": Said(
        "trạng thái này không thể theo sau trạng thái hiện tại",
        "xem văn bản đang ở trạng thái nào với từng nơi nhận: lienthong trace SỐ_NHẬT_KÝ",
        detail=True,
    ),
    "unknown-document": Said(
        "trục liên thông không có văn bản mà thông điệp này nói đến giữa hai cơ quan",
        "kiểm tra lại văn bản được nêu",
        detail=True,
    ),
    "message-id-conflict": Said(
        "mã thông điệp này đã dùng cho một nội dung khác",
        "gửi nội dung mới với một mã khác (--id)",
    ),
    "not-sent-here": Said(
        "văn bản này không phải do cơ quan đang dùng gửi đi",
        "dùng đúng cơ quan đã gửi (--as); xem những gì đã gửi: lienthong outbox list",
        detail=True,
    ),
    "not-in-outbox": Said(
        "không có thông điệp này trong hàng chờ gửi", "xem danh sách: lienthong outbox list", detail=True
    ),
    "not-fetched": Said("chưa lấy văn bản này về", "lấy về trước: lienthong fetch SỐ_NHẬT_KÝ", detail=True),
    "not-found": Said(
        "không có, hoặc không phải của cơ quan này",
        "kiểm tra số nhật ký và cơ quan đang dùng (--as)",
        detail=True,
    ),
    "not-permitted": Said(
        "cơ quan này không được làm việc đó", "hỏi người quản trị trục liên thông", detail=True
    ),
    "agency-locked": Said("cơ quan này đang bị khóa", "hỏi người quản trị trục liên thông"),
    "agency-ended": Said(
        "cơ quan này đã kết thúc hoạt động",
        "gửi văn bản mới từ cơ quan kế thừa; vẫn báo được trạng thái của văn bản đã nhận",
        detail=True,
    ),
    "evidence-mismatch": Said(
        "bằng chứng do trục liên thông đưa không khớp; không nhận",
        "báo cho người quản trị; thứ nhận được đã để riêng trong inbox/rejected",
        detail=True,
    ),
    "payload-archived": Said(
        "gói văn bản đã được chuyển sang kho lưu trữ; bản ghi trong nhật ký vẫn còn",
        "hỏi người quản trị trục liên thông để lấy từ kho lưu trữ",
        detail=True,
    ),
    "malformed-message": Said("thông điệp không đúng quy định, không gửi được", detail=True),
    "state-secret": Said(
        "văn bản ghi độ mật: bí mật nhà nước không được đưa vào hệ thống này",
        "chuyển bằng bản giấy theo quy định",
    ),
    "quota-exceeded": Said(
        "đã vượt hạn mức gửi của cơ quan", "đợi một lát; hệ thống tự gửi lại", detail=True
    ),
    "too-large": Said("văn bản vượt quá dung lượng cho phép", "chia nhỏ hoặc nén tệp", detail=True),
    "signing-time": Said(
        "thời điểm ký quá xa giờ của trục liên thông", "chỉnh đúng giờ máy tính rồi gửi lại", detail=True
    ),
    "seal-revoked": Said("chứng thư con dấu đã bị thu hồi", "xin cấp chứng thư mới"),
    "seal-expired": Said("chứng thư con dấu đã hết hạn", "xin cấp chứng thư mới"),
    "seal-unregistered": Said(
        "danh bạ không có chứng thư con dấu này", "báo người quản trị đăng ký chứng thư của cơ quan"
    ),
    "wrong-passphrase": Said(
        "mật khẩu không mở được khóa", "kiểm tra LIENTHONG_PASSPHRASE và tệp secrets/passphrase", detail=True
    ),
    "directory-expired": Said(
        "danh bạ cơ quan đã hết hiệu lực", "báo người quản trị ban hành lại danh bạ; thử lại sau"
    ),
    "disk-full": Said("ổ đĩa đã đầy", "dọn chỗ trên ổ đĩa rồi thử lại", detail=True),
    "port-taken": Said(
        "không mở được cổng mạng để phục vụ",
        "xem chương trình nào đang dùng cổng (ss -ltnp) và dừng nó, hoặc đặt số cổng khác ở mục nêu trên\n"
        "nếu đổi cổng của [exchange]: chạy lại lienthong init --data THƯ_MỤC để các cơ quan gọi cổng mới",
        detail=True,
    ),
    "no-registry": Said("không có danh bạ cơ quan ở đây", "nêu đúng thư mục dữ liệu với --data", detail=True),
    "cannot-seal": Said("không mã hóa được cho mọi nơi nhận", detail=True),
}

_DETAILS: tuple[tuple[str, str], ...] = (
    (
        r"there is no record (\d+) that (\S+) sent or received",
        r"\2 không gửi và không nhận bản ghi nào số \1",
    ),
    (
        r"(\d\d) cannot follow (\d\d) \(.*\); allowed next: nothing",
        r"\1 không thể theo sau \2; sau \2 không còn trạng thái nào",
    ),
    (
        r"(\d\d) cannot follow (\d\d) \(.*\); allowed next: (.*)",
        r"\1 không thể theo sau \2; tiếp theo chỉ có thể là \3",
    ),
    (
        r"(\d\d) cannot follow not yet reported; allowed next: (.*)",
        r"\1 không thể là trạng thái đầu tiên; trước hết phải là \2",
    ),
    (
        r"(\d\d) answers a take-back or update, and none is waiting",
        r"\1 là trả lời, mà không có đề nghị nào đang chờ",
    ),
    (
        r"the document was (?:already )?taken back.*",
        r"văn bản đã được thu hồi với sự đồng ý của bên nhận",
    ),
    (
        r"the recipient refused the document.*",
        r"bên nhận đã từ chối tiếp nhận văn bản; không có gì để thu hồi hay thay đổi",
    ),
    (r"a request to \w+ is still waiting.*", r"một đề nghị trước vẫn đang chờ bên nhận trả lời"),
    (r"only a recipient may report (\d\d).*", r"chỉ bên nhận mới báo được trạng thái \1"),
    (r"the hub did not answer in time", r"trục liên thông không trả lời kịp"),
    (r"the hub's certificate is not trusted: (.*)", r"chứng thư của trục không đáng tin: \1"),
    (r"no connection: .*", r"không mở được kết nối"),
    (
        r"record (\d+) is not a document that (\S+) sent from here",
        r"bản ghi \1 không phải văn bản do \2 gửi từ đây",
    ),
    (r"no message ('.*') is kept here", r"không có thông điệp \1 ở đây"),
    (r"(\S+) has sent no message ('.*')", r"\1 chưa gửi thông điệp \2"),
    (
        r"the container of record (\d+) was moved to the archive «(.+)» on (\d{4})-(\d\d)-(\d\d)",
        r"gói của bản ghi \1 đã chuyển sang kho lưu trữ «\2» ngày \5/\4/\3",
    ),
    (r"the container of record (\d+) was moved to the archive", r"gói của bản ghi \1 đã chuyển đi"),
    (r"port (\d+) of (\S+) is taken by another process", r"cổng \1 của \2 đang có chương trình khác sử dụng"),
    (r"the issuing CA's key is not in (\S+)", r"không có khóa của CA cấp phát trong \1"),
    (r"(\S+) is not here", r"không có \1 ở đây"),
    (r"there is no (registry\.sqlite3)", r"không có \1"),
    (r"there is nothing here", ""),
    (r"there is no registry here", ""),
)


def in_vietnamese(detail: str) -> str:
    """An English detail in Vietnamese where its form is known, else as it is."""
    for pattern, words in _DETAILS:
        found = re.fullmatch(pattern, detail, re.S)
        if found is not None:
            return found.expand(words)
    return detail


RECIPIENTS: dict[str, str] = {
    "unknown": "danh bạ không có mã này",
    "ended": "cơ quan đã kết thúc hoạt động và không có cơ quan kế thừa",
    "locked": "cơ quan đang bị khóa, tạm thời không nhận",
    "not-permitted": "cơ quan gửi không có quyền gửi tới nơi này",
    "sender": "cơ quan không gửi cho chính mình",
    "empty": "nhóm hiện không có cơ quan nào",
}
"""Why a recipient cannot receive, by the status the hub gives."""
