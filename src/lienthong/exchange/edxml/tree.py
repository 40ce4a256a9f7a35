"""An element with its children sorted by official name: the decoder's view of a message.

Notes down what a reader may forgive (unknown elements, odd spellings) as warnings and what it may not
(duplicates, markup inside a text, wrong types) as errors, each with its path and line.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from lxml import etree

from lienthong.core.clock import VIETNAM
from lienthong.core.text import UnsafeText, nfc
from lienthong.exchange.edxml import names, secrecy
from lienthong.exchange.edxml.findings import QCVN_102, SECRETS_LAW, Bounded, Finding, Severity, missing

_NUMBER = re.compile(r"[0-9]{1,9}")
_DATE = re.compile(r"([0-9]{4})/([0-9]{2})/([0-9]{2})")
_OTHER_DATE = re.compile(
    r"(?:(?P<y>[0-9]{4})[-/](?P<m>[0-9]{1,2})[-/](?P<d>[0-9]{1,2})"
    r"|(?P<d2>[0-9]{1,2})[-/](?P<m2>[0-9]{1,2})[-/](?P<y2>[0-9]{4}))"
    r"(?:[T ][0-9:.]{5,16}(?:Z|[+-][0-9:]{4,5})?)?"
)
_TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})")
_OTHER_TIME = re.compile(r"[T ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,9})?)?\s*(Z)?")

NO_DATE = date.min
"""Stands in for a date that could not be read; the message is then refused."""
NO_TIME = datetime(1, 1, 2, tzinfo=VIETNAM)


class Notebook:
    """Findings and line numbers gathered while a message is decoded."""

    def __init__(self, skipped_lines: int, *, any_date: bool, legacy: bool = False) -> None:
        self._found = Bounded()
        self.findings = self._found.findings
        self.take = self._found.take
        self.lines: dict[str, int] = {}
        self.any_date = any_date
        self.legacy = legacy
        self._skipped_lines = skipped_lines

    def see(self, path: str, element: etree._Element) -> None:
        self.lines[path] = line_of(element) + self._skipped_lines

    def line(self, path: str) -> int | None:
        """The line of an element, or of the nearest one around it."""
        while path not in self.lines:
            path, slash, _ = path.rpartition("/")
            if not slash:
                break
        return self.lines.get(path, self.lines.get("edXML"))

    def note(
        self, path: str, rule: str, en: str, vi: str, *, severity: Severity = "error", source: str = QCVN_102
    ) -> None:
        if self._found.takes(severity):
            self.findings.append(Finding(path, rule, en, vi, severity, source, self.line(path)))

    def composed(self, path: str, text: str) -> str:
        """``text`` in NFC and trimmed; what piles up combining marks is an error and reads as empty."""
        try:
            return nfc(text.strip())
        except UnsafeText as unsafe:
            self.note(
                path, unsafe.code, unsafe.detail, "một chữ cái mang quá nhiều dấu kết hợp", source="UAX #15"
            )
            return ""


class Node:
    """``one``, ``many``, ``text`` … ask for children by official name; what was never asked for is noted
    as unknown by :meth:`close`.
    """

    __slots__ = ("_asked", "children", "element", "notebook", "path")

    def __init__(self, element: etree._Element, path: str, notebook: Notebook) -> None:
        self.element = element
        self.path = path
        self.notebook = notebook
        self._asked: set[str] = set()
        self.children: dict[str, list[etree._Element]] = {}
        notebook.see(path, element)
        for child in element:
            tag = child.tag
            name = names.official(tag) if isinstance(tag, str) else None
            if name in secrecy.FIELDS:
                self._secret_field(child, name)
            elif name is not None:
                self.children.setdefault(name, []).append(child)
            elif isinstance(tag, str):
                self._unknown(tag, child)

    def _secret_field(self, child: etree._Element, name: str) -> None:
        path = f"{self.path}/{name}"
        self.notebook.see(path, child)
        value = self.notebook.composed(path, "".join(map(str, child.itertext())))
        if secrecy.mark_in_field(value) is not None:
            self.notebook.take(secret(path, value, self.notebook.line(path)))

    def _unknown(self, tag: str, child: etree._Element) -> None:
        name = names.written(tag)[:60]
        path = f"{self.path}/{name}"
        self.notebook.see(path, child)
        self.notebook.note(
            path,
            "unknown-element",
            f"{name} is not an element of edXML here; it is ignored",
            f"{name} không phải là phần tử edXML ở vị trí này; được bỏ qua",
            severity="warning",
        )

    def close(self) -> None:
        for name, elements in self.children.items():
            if name not in self._asked:
                for element in elements:
                    self._unknown(element.tag, element)

    def has(self, name: str) -> bool:
        return name in self.children

    def many(self, name: str, path: str = "") -> list[Node]:
        """The children of that name, under ``path`` when they are known by a shorter one."""
        self._asked.add(name)
        path = path or f"{self.path}/{name}"
        found = self.children.get(name, [])
        if len(found) == 1:
            return [Node(found[0], path, self.notebook)]
        return [
            Node(element, f"{path}[{number}]", self.notebook) for number, element in enumerate(found, start=1)
        ]

    def skip(self, *known: str) -> None:
        """Elements that are edXML's but say nothing the model keeps."""
        self._asked.update(known)

    def one(self, name: str, path: str = "") -> Node | None:
        """The child, None when absent; noted as an error when there are several."""
        found = self.many(name, path)
        if len(found) > 1:
            self.notebook.note(
                found[1].path,
                "at-most-one",
                f"{name} occurs {len(found)} times; at most one is allowed",
                f"{name} xuất hiện {len(found)} lần; chỉ được tối đa một",
            )
        return found[0] if found else None

    def needed(self, name: str, path: str = "") -> Node:
        """The child, or an empty one; noted as an error when it is missing."""
        found = self.one(name, path)
        if found is not None:
            return found
        path = path or f"{self.path}/{name}"
        self.missing(name, path)
        return Node(etree.Element(name), path, Notebook(0, any_date=True))

    def missing(self, name: str, path: str = "", *, severity: Severity = "error") -> None:
        path = path or f"{self.path}/{name}"
        line = self.notebook.line(path)
        self.notebook.take(missing(path, name, severity=severity, line=line))

    def value(self) -> str:
        """The element's own text, NFC and trimmed; markup inside it is an error."""
        if len(self.element):
            self.notebook.note(
                self.path,
                "text-only",
                "the element must hold text only, and it holds other elements",
                "phần tử chỉ được chứa văn bản, không được chứa phần tử khác",
            )
        return self.notebook.composed(self.path, self.element.text or "")

    def text(self, name: str) -> str:
        found = self.one(name)
        return found.value() if found is not None else ""

    def texts(self, outer: str, inner: str) -> tuple[str, ...]:
        """The non-empty texts of ``outer/inner``; a bare text in ``outer`` counts as one."""
        group = self.one(outer)
        if group is None:
            return ()
        items = tuple(text for item in group.many(inner) if (text := item.value()))
        if not items and not len(group.element) and (bare := group.value()):
            return (bare,)
        group.close()
        return items

    def number(self, name: str, *, wanted: Severity | None = None) -> int | None:
        """None when absent or no number; both are noted, the absence where the number is ``wanted``."""
        text = self.text(name)
        if not text:
            if wanted is not None:
                self.missing(name, severity=wanted)
            return None
        return self.as_number(name, text)

    def as_number(self, name: str, text: str) -> int | None:
        """The whole number that a child's text is, None (noted) when it is none."""
        if _NUMBER.fullmatch(text):
            return int(text)
        self.notebook.note(
            f"{self.path}/{name}",
            "number",
            f"{text[:40]!r} is not a whole number",
            f"{text[:40]!r} không phải là số nguyên",
        )
        return None

    def date(self, name: str) -> date | None:
        """A ``yyyy/MM/dd`` date, None when absent, :data:`NO_DATE` when it cannot be read (noted)."""
        text = self.text(name)
        if not text:
            return None
        day = read_date(text, any_form=self.notebook.any_date)
        if day is None:
            self._bad_time(name, text, "date", "yyyy/MM/dd", "ngày")
            return NO_DATE
        if not _DATE.fullmatch(text):
            self._odd_time(name, text, f"{day:%Y/%m/%d}")
        return day

    def timestamp(self, name: str) -> datetime | None:
        """A ``yyyy/MM/dd HH:mm:ss`` time in Vietnam, None when absent, :data:`NO_TIME` when unreadable."""
        text = self.text(name)
        if not text:
            return None
        moment = read_timestamp(text, any_form=self.notebook.any_date)
        if moment is None:
            self._bad_time(name, text, "timestamp", "yyyy/MM/dd HH:mm:ss", "thời điểm")
            return NO_TIME
        if not (_DATE.fullmatch(text[:10]) and _TIME.fullmatch(text[11:]) and text[10] == " "):
            self._odd_time(name, text, f"{moment:%Y/%m/%d %H:%M:%S}")
        return moment

    def _bad_time(self, name: str, text: str, rule: str, form: str, vi: str) -> None:
        self.notebook.note(
            f"{self.path}/{name}",
            rule,
            f"{text[:40]!r} is not a {rule} of the form {form}",
            f"{text[:40]!r} không phải là {vi} theo dạng {form}",
        )

    def _odd_time(self, name: str, text: str, read_as: str) -> None:
        self.notebook.note(
            f"{self.path}/{name}",
            "date-form",
            f"{text[:40]!r} is not in the official form; read as {read_as}",
            f"{text[:40]!r} không đúng dạng chuẩn; được hiểu là {read_as}",
            severity="warning",
        )


def secret(path: str, value: str, line: int | None) -> Finding:
    """The refusal of a message whose metadata carry a mark of secrecy."""
    return Finding(
        path,
        "state-secret",
        f"the message is marked {value[:40]!r}: state secrets exist on paper only "
        "and never enter this system",
        f"văn bản mang dấu chỉ mức độ mật {value[:40]!r}: văn bản mật không được gửi qua hệ thống này",
        source=SECRETS_LAW,
        line=line,
    )


def line_of(element: etree._Element) -> int:
    line = element.sourceline
    return line if isinstance(line, int) else 1


def read_date(text: str, *, any_form: bool = False) -> date | None:
    """``yyyy/MM/dd``; with ``any_form`` also ISO and day-first dates, a time after them ignored."""
    found = _DATE.fullmatch(text)
    if found:
        parts = found.groups()
    elif any_form and (other := _OTHER_DATE.fullmatch(text)):
        parts = (other["y"] or other["y2"], other["m"] or other["m2"], other["d"] or other["d2"])
    else:
        return None
    try:
        return date(int(parts[0]), int(parts[1]), int(parts[2]))
    except ValueError:
        return None


def read_timestamp(text: str, *, any_form: bool = False) -> datetime | None:
    """``yyyy/MM/dd HH:mm:ss`` as Vietnam time; with ``any_form`` also ISO 8601 and day-first forms."""
    day = read_date(text[:10]) if len(text) == 19 and text[10] == " " else None
    clock = _TIME.fullmatch(text[11:]) if day else None
    zulu = False
    if clock is None:
        if not any_form:
            return None
        head = re.match(r"[0-9/-]{8,10}", text)
        day = read_date(head[0], any_form=True) if head else None
        clock = _OTHER_TIME.fullmatch(text[head.end() :]) if head else None
        zulu = bool(clock and clock[4])
    if day is None or clock is None:
        return None
    try:
        moment = datetime(
            day.year, day.month, day.day, int(clock[1]), int(clock[2]), int(clock[3] or 0), tzinfo=VIETNAM
        )
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC).astimezone(VIETNAM) if zulu else moment
