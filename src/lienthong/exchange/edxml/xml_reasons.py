"""What an XML parser objects to, in Vietnamese."""

from __future__ import annotations

import re

_REASONS: tuple[tuple[str, str], ...] = (
    (r"Namespace prefix (\S+) on (\S+) is not defined", r"tiền tố \1 của phần tử \2"),
    (
        r"Namespace prefix (\S+) for (\S+) on (\S+) is not defined",
        r"tiền tố \1 của thuộc tính \2 ở phần tử \3",
    ),
    (
        r"Opening and ending tag mismatch: (\S+) line (\d+) and (\S+)",
        r"thẻ mở \1 (dòng \2) và thẻ đóng \3 không khớp",
    ),
    (r"Premature end of data in tag (\S+)(?: line (\d+))?", r"tệp kết thúc khi thẻ \1 chưa đóng"),
    (r"EndTag: '</' not found", r"thiếu thẻ đóng"),
    (r"Couldn't find end of Start Tag (\S+).*", r"thẻ mở \1 không có dấu '>'"),
    (r"Start tag expected, '<' not found", r"thiếu phần tử gốc"),
    (r"Document is empty", r"không có phần tử nào"),
    (r"Extra content at the end of the document", r"có nội dung thừa sau phần tử gốc"),
    (r"xmlParseEntityRef: no name", r"ký tự & phải viết là &amp;"),
    (r"EntityRef: expecting ';'", r"ký tự & phải viết là &amp;"),
    (r"Entity '(.+)' not defined", r"thực thể &\1; không được khai báo"),
    (r"StartTag: invalid element name", r"tên phần tử không hợp lệ, hoặc ký tự < phải viết là &lt;"),
    (r"Attribute (\S+) redefined", r"thuộc tính \1 xuất hiện hai lần"),
    (r"AttValue: .*", r"giá trị thuộc tính phải đặt trong dấu nháy"),
    (r"Specification mandates? value for attribute (\S+)", r"thuộc tính \1 không có giá trị"),
    (r"attributes construct error", r"thuộc tính viết không đúng"),
    (r"PCDATA invalid Char value (\d+)", r"ký tự có mã \1 không được phép trong XML"),
    (r"invalid character in attribute value", r"giá trị thuộc tính có ký tự không được phép"),
    (r"Input is not proper UTF-8.*", r"các byte không phải UTF-8"),
    (r"Comment (?:not terminated|must not contain '--').*", r"chú thích viết không đúng"),
    (r"CData section not finished.*", r"phần CDATA chưa đóng"),
    (r"not well-formed", r"không đúng cú pháp"),
)


def in_vietnamese(reason: str) -> str:
    """A reason of libxml2 in Vietnamese; one that is not known, as it is."""
    for pattern, words in _REASONS:
        found = re.fullmatch(pattern, reason, re.S)
        if found is not None:
            return found.expand(words)
    return reason
