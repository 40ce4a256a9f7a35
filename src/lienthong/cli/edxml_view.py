"""How ``lienthong edxml show`` lays a message out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from enum import Enum
from typing import Any

from lienthong.cli.output import console, size_text, table
from lienthong.core.text import nfc
from lienthong.exchange.edxml.model import Document, Message, Organ, Status
from lienthong.exchange.statuses import MEANINGS, MEANINGS_EN

PRIORITIES = (
    ("normal", "thường"),
    ("urgent", "khẩn"),
    ("very urgent", "thượng khẩn"),
    ("hỏa tốc (at once)", "hỏa tốc"),
    ("hỏa tốc, at a set hour", "hỏa tốc hẹn giờ"),
)
BUSINESS = (("new", "mới"), ("revoke", "thu hồi"), ("update", "cập nhật"), ("replace", "thay thế"))


def headline(message: Message, *, vietnamese: bool) -> str:
    """A message in a few words, e.g. ``document 15/CT-UBND, new, 3 recipients, 1 file``."""
    if isinstance(message, Status):
        meaning = (MEANINGS if vietnamese else MEANINGS_EN)[message.status_code]
        kind = "trạng thái" if vietnamese else "status"
        return f"{kind} {message.status_code}, {meaning}: {message.response_for.code}"
    kind = "văn bản" if vietnamese else "document"
    business = BUSINESS[message.business.type][vietnamese]
    to, files = len(message.recipients), len(message.references)
    if vietnamese:
        return f"{kind} {message.code}, {business}, {to} nơi nhận, {files} tệp"
    return (
        f"{kind} {message.code}, {business}, {to} recipient{'s'[: to != 1]}, {files} file{'s'[: files != 1]}"
    )


def describe(message: Message, *, vietnamese: bool) -> None:
    """The message on the terminal: its fields, then its files."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    rows = _status(message, vietnamese) if isinstance(message, Status) else _document(message, vietnamese)
    for (english, own), value in rows:
        if value:
            grid.add_row(own if vietnamese else english, Text(_one_line(value)))
    console().print(grid)
    if isinstance(message, Document) and message.references:
        carried = {file.content_id: file for file in message.attachments}
        table(
            "Tệp" if vietnamese else "Files",
            ("Tên", "Loại", "Cỡ", "Mã nội dung") if vietnamese else ("Name", "Type", "Size", "Content id"),
            [
                (
                    _one_line(found.name),
                    _one_line(found.content_type),
                    size_text(len(carried[found.content_id].data)) if found.content_id in carried else "",
                    _one_line(found.content_id),
                )
                for found in message.references
            ],
        )


Row = tuple[tuple[str, str], str]


def _document(message: Document, vietnamese: bool) -> Iterator[Row]:
    promulgation, business = message.promulgation, message.business
    yield ("Number/notation", "Số/ký hiệu"), str(message.code)
    yield (
        ("Date", "Ngày ban hành"),
        ", ".join(filter(None, (promulgation.place, f"{promulgation.date:%d/%m/%Y}"))),
    )
    yield ("Type", "Loại văn bản"), message.type.name or str(message.type.type)
    yield ("Subject", "Trích yếu"), message.subject
    yield ("Summary", "Nội dung"), message.content
    yield ("From", "Cơ quan gửi"), _organ(message.sender)
    yield ("To", "Nơi nhận"), "; ".join(map(_organ, message.recipients))
    if message.signer is not None:
        signer = message.signer
        yield (
            ("Signed by", "Người ký"),
            " ".join(filter(None, (signer.competence, signer.position, signer.full_name))),
        )
    yield ("Priority", "Độ khẩn"), PRIORITIES[message.priority][vietnamese]
    yield ("Due", "Hạn xử lý"), f"{message.due:%d/%m/%Y}" if message.due else ""
    yield ("Business", "Nghiệp vụ"), BUSINESS[business.type][vietnamese]
    yield ("Reason", "Lý do"), business.reason
    yield ("About", "Đối với"), business.document_id
    yield ("Replaces", "Thay thế"), "; ".join(item.document_id for item in business.replacements)
    yield (
        ("Answers", "Phúc đáp"),
        "; ".join(answer.code or answer.document_id for answer in message.response_for),
    )
    yield ("Document id", "Mã văn bản"), message.document_id
    yield ("Message id", "Mã bản tin"), message.message_id or ""


def _status(message: Status, vietnamese: bool) -> Iterator[Row]:
    code, answered = message.status_code, message.response_for
    yield ("Status", "Trạng thái"), f"{code}: {(MEANINGS if vietnamese else MEANINGS_EN)[code]}"
    yield ("Reason", "Diễn giải"), message.description
    yield ("From", "Cơ quan báo"), _organ(message.sender)
    yield ("About", "Đối với"), f"{answered.code} ({answered.document_id})"
    if message.staff is not None:
        yield ("By", "Người xử lý"), ", ".join(filter(None, (message.staff.name, message.staff.department)))
    yield ("Time", "Thời điểm"), f"{message.timestamp:%d/%m/%Y %H:%M:%S}" if message.timestamp else ""
    yield ("Message id", "Mã bản tin"), message.message_id or ""


def _organ(organ: Organ) -> str:
    return f"{organ.name} ({organ.organ_id})" if organ.name else organ.organ_id


def _one_line(text: str) -> str:
    return "".join(ch if ch.isprintable() else " " for ch in nfc(text))


def as_plain(value: Any) -> Any:
    """The model as JSON values; a file's bytes become their number."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [as_plain(item) for item in value]
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, date) else value
