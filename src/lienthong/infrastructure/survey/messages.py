"""What can be wrong with survey data, in Vietnamese and English: what is wrong, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from lienthong.infrastructure.errors import PlanningError
from lienthong.infrastructure.survey.columns import Language

SYNTHETIC = {
    "vi": "Dữ liệu mô phỏng, gần đúng, không dùng để mua sắm",
    "en": "Synthetic, approximate, not for procurement",
}


class BadSurvey(PlanningError):
    """A file or folder of the survey cannot be used at all."""

    code = "bad-survey"
    title: ClassVar[str] = "The survey cannot be used"


Said = tuple[str, str]
MESSAGES: dict[str, dict[Language, Said]] = {
    # single cells
    "empty": {
        "vi": ("ô bắt buộc còn trống", "điền “{label}”"),
        "en": ("a required cell is empty", "fill in “{label}”"),
    },
    "not-whole": {
        "vi": ("{text!r} không phải số nguyên", "chỉ viết chữ số, không dấu chấm hay dấu phẩy ngăn nghìn"),
        "en": ("{text!r} is not a whole number", "write digits only, without separators of thousands"),
    },
    "not-number": {
        "vi": ("{text!r} không phải số", "viết như 105.97 hoặc 105,97"),
        "en": ("{text!r} is not a number", "write it as 105.97 or 105,97"),
    },
    "out-of-range": {
        "vi": ("{text} nằm ngoài khoảng {low} … {high}", "kiểm tra số và đơn vị ({unit})"),
        "en": ("{text} is outside {low} … {high}", "check the figure and its unit ({unit})"),
    },
    "not-yes-no": {
        "vi": ("{text!r} không phải có hay không", "viết yes hoặc no (có, không)"),
        "en": ("{text!r} is neither yes nor no", "write yes or no"),
    },
    "not-a-day": {
        "vi": ("{text!r} không phải ngày", "viết như 2017-03-31 hoặc 31/03/2017"),
        "en": ("{text!r} is not a day", "write it as 2017-03-31 or 31/03/2017"),
    },
    "not-a-choice": {
        "vi": ("{text!r} không có trong danh sách", "chọn một trong: {choices}"),
        "en": ("{text!r} is not one of the choices", "choose one of: {choices}"),
    },
    "too-long": {
        "vi": ("nội dung dài {length} ký tự", "rút còn {most}"),
        "en": ("the text has {length} characters", "shorten it to {most}"),
    },
    "unprintable": {
        "vi": ("có ký tự không hiển thị được", "gõ lại nội dung"),
        "en": ("the text holds a character that cannot be shown", "type the text again"),
    },
    "formula": {
        "vi": ("ô chứa công thức", "dán giá trị thay cho công thức (Dán đặc biệt, Giá trị)"),
        "en": ("the cell holds a formula", "paste its value instead (Paste special, Values)"),
    },
    "error-value": {
        "vi": ("ô chứa lỗi {text}", "sửa công thức rồi dán giá trị"),
        "en": ("the cell holds the error {text}", "correct the formula and paste its value"),
    },
    # rows and files
    "cells": {
        "vi": ("dòng có {have} ô, tiêu đề có {want}", 'đặt nội dung có dấu ngăn cách trong "…"'),
        "en": ("the row has {have} cells, the header {want}", 'put text with the separator between "…"'),
    },
    "unknown-column": {
        "vi": ("cột {text!r} không thuộc bảng {table}; không nhập", "có phải “{near}”?"),
        "en": ("{text!r} is no column of {table}; it was left out", "did you mean {near!r}?"),
    },
    "unknown-columns": {
        "vi": ("không nhập các cột không thuộc bảng {table}: {texts}", "xem bảng cột trong mẫu"),
        "en": ("left out, as they are no columns of {table}: {texts}", "see the columns in the template"),
    },
    "column-twice": {
        "vi": ("cột {text!r} có hai lần; lấy cột đầu", "giữ lại một cột"),
        "en": ("column {text!r} is there twice; the first was taken", "keep one of the two"),
    },
    "unknown-table": {
        "vi": ("không nhận ra đây là bảng nào", "dùng hàng tiêu đề của mẫu; các bảng: {tables}"),
        "en": ("this is none of the known tables", "use the template's header; the tables are {tables}"),
    },
    "too-many-rows": {
        "vi": ("có quá {most} dòng; phần sau không đọc", "chia thành nhiều tệp"),
        "en": ("there are more than {most} rows; the rest was not read", "split the file"),
    },
    "not-an-object": {
        "vi": ("mục này không phải một đối tượng", 'viết {{"tên cột": giá trị}}'),
        "en": ("this item is not an object", 'write {{"column": value}}'),
    },
    "key-twice": {
        "vi": ("{key} đã có ở dòng {other} của {file}", "giữ lại một dòng"),
        "en": ("{key} is already in row {other} of {file}", "keep one of the two"),
    },
    "unknown-circuit": {
        "vi": ("không có kênh {text!r}", "nhập tệp kênh (circuits) cùng lúc hoặc trước"),
        "en": ("there is no circuit {text!r}", "import the circuits together with it, or before"),
    },
    # across cells, rows and tables
    "more-than": {
        "vi": ("{label} ({value}) lớn hơn {other_label} ({other})", "kiểm tra hai số và đơn vị"),
        "en": ("{label} ({value}) exceeds {other_label} ({other})", "check both figures and their units"),
    },
    "dangling": {
        "vi": ("{text!r} không có trong bảng {table}", "thêm vào bảng {table} hoặc sửa mã"),
        "en": ("{text!r} is not in {table}", "add it to {table} or correct the code"),
    },
    "more-pcs": {
        "vi": ("{pcs} máy tính cho {users} người dùng", "kiểm tra: có tính cả máy hỏng, máy cho dân dùng?"),
        "en": ("{pcs} PCs for {users} users", "check: were broken or public PCs counted?"),
    },
    "few-pcs": {
        "vi": ("chỉ {pcs} máy tính cho {users} người dùng", "kiểm tra số người dùng máy tính"),
        "en": ("only {pcs} PCs for {users} users", "check how many people really use a PC"),
    },
    "beyond-medium": {
        "vi": ("{rate} kbps vượt khả năng của môi trường “{medium}” (đến {most} kbps)",
               "kiểm tra đơn vị kbps và môi trường truyền dẫn"),
        "en": ("{rate} kbit/s is more than “{medium}” carries (up to {most} kbit/s)",
               "check the unit, kbit/s, and the medium"),
    },
    "suspicious-unit": {
        "vi": ("kênh quang chỉ {rate} kbps", "kiểm tra: có phải ghi theo Mbps?"),
        "en": ("a fibre circuit of only {rate} kbit/s", "check: was it written in Mbit/s?"),
    },
    "far-from-commune": {
        "vi": ("cách trung tâm {commune} {km:.1f} km", "kiểm tra tọa độ (có đảo kinh độ, vĩ độ?) và xã"),
        "en": ("{km:.1f} km from the centre of {commune}", "check the position and the commune"),
    },
    "commune-elsewhere": {
        "vi": ("{commune} thuộc {parent}, không thuộc {district}", "sửa xã hoặc huyện"),
        "en": ("{commune} belongs to {parent}, not to {district}", "correct the commune or the district"),
    },
    "half-position": {
        "vi": ("chỉ có một trong hai: kinh độ, vĩ độ", "điền cả hai"),
        "en": ("only one of longitude and latitude is there", "fill in both"),
    },
    "outside-wave": {
        "vi": ("ngày {day} ngoài đợt {opens} … {closes}", "sửa ngày, hoặc nhập vào đúng đợt"),
        "en": ("{day} is outside the wave, {opens} … {closes}", "correct the day, or import into its wave"),
    },
    "after-answer": {
        "vi": ("ngày {day} sau khi đợt kết thúc ({closes})", "sửa ngày hoặc trạng thái"),
        "en": ("{day} is after the wave closed ({closes})", "correct the day or the status"),
    },
    "wave-backwards": {
        "vi": ("đợt kết thúc ({closes}) trước khi bắt đầu ({opens})", "sửa ngày trong wave.csv"),
        "en": ("the wave closes ({closes}) before it opens ({opens})", "correct the days in wave.csv"),
    },
    "same-ends": {
        "vi": ("hai đầu cùng là {text!r}", "sửa một đầu"),
        "en": ("both ends are {text!r}", "correct one of them"),
    },
    "no-level": {
        "vi": ("hồ sơ cấp độ đã phê duyệt nhưng chưa ghi cấp độ",
               "ghi cấp độ 1–5 theo Nghị định 85/2016/NĐ-CP"),
        "en": ("the level is approved but not stated", "state level 1–5 of Decree 85/2016/NĐ-CP"),
    },
    "same-code": {
        "vi": ("mã {text!r} trùng với dòng {other} khi bỏ qua chữ hoa, dấu", "giữ một mã"),
        "en": ("code {text!r} equals that of row {other} but for case and accents", "keep one"),
    },
    "same-name": {
        "vi": ("tên giống dòng {other}: {text!r}", "nếu là một thì gộp; nếu không thì ghi rõ tên"),
        "en": ("the name equals that of row {other}: {text!r}", "merge them, or tell them apart by name"),
    },
    "same-position": {
        "vi": ("cách {other_name!r} (dòng {other}) chỉ {metres:.0f} m",
               "nếu là một thì gộp; nếu không thì sửa tọa độ"),
        "en": ("only {metres:.0f} m from {other_name!r} (row {other})", "merge them, or correct a position"),
    },
}  # fmt: skip
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """``row`` counts from 1 in the file; 0 when the whole file is meant. ``column`` is a column's name."""

    file: str
    row: int
    column: str
    code: str
    values: dict[str, Any] = field(default_factory=dict, hash=False)
    severity: Severity = "error"

    def what(self, language: Language) -> str:
        return self._said(language)[0]

    def remedy(self, language: Language) -> str:
        return self._said(language)[1]

    def _said(self, language: Language) -> Said:
        values = {
            name: value[language] if isinstance(value, dict) and language in value else value
            for name, value in self.values.items()
        }
        what, remedy = MESSAGES[self.code][language]
        return what.format(**values), remedy.format(**values)

    def as_json(self, language: Language) -> dict[str, Any]:
        return {
            "file": self.file,
            "row": self.row,
            "column": self.column,
            "code": self.code,
            "severity": self.severity,
            "what": self.what(language),
            "remedy": self.remedy(language),
        }
