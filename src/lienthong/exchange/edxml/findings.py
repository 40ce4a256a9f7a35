"""What is wrong with a message: the element, the rule, the words for the person who has to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from lienthong.exchange.errors import MalformedMessage, TooLarge

QCVN_102 = "QCVN 102:2016/BTTTT"
SECRETS_LAW = "Law 29/2018/QH14 on state secrets; Decree 30/2020/NĐ-CP"
XML = "XML 1.0; Namespaces in XML 1.0"
HOUSE = "Liên Thông limit"
SOURCES_VI = {
    SECRETS_LAW: "Luật Bảo vệ bí mật nhà nước 29/2018/QH14; Nghị định 30/2020/NĐ-CP",
    HOUSE: "giới hạn của Liên Thông",
}
"""Sources that are called otherwise in Vietnamese."""

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (``error``: the message cannot be accepted) or odd (``warning``).

    ``path`` names the element, e.g. ``MessageHeader/To[2]/OrganId``; ``rule`` is a stable kebab-case code
    and ``source`` the text it comes from; ``line`` counts from 1, None when there is no XML (a model
    being checked before it is written).
    """

    path: str
    rule: str
    message: str
    message_vi: str
    severity: Severity = "error"
    source: str = QCVN_102
    line: int | None = None

    def __str__(self) -> str:
        where = f"line {self.line}, {self.path}" if self.line else self.path
        return f"{where}: {self.message} ({self.source}, {self.rule})"

    def vietnamese(self) -> str:
        where = f"dòng {self.line}, {self.path}" if self.line else self.path
        return f"{where}: {self.message_vi} ({SOURCES_VI.get(self.source, self.source)}, {self.rule})"


AND_MORE = "and-more"
MOST_FINDINGS = 100
"""Errors, and warnings, that are listed of one message."""


def and_more(severity: Severity) -> Finding:
    """Stands for what was found beyond :data:`MOST_FINDINGS`."""
    kind, kind_vi = ("errors", "lỗi") if severity == "error" else ("warnings", "cảnh báo")
    return Finding(
        "edXML",
        AND_MORE,
        f"there are more {kind} than the {MOST_FINDINGS} listed",
        f"còn nhiều {kind_vi} hơn {MOST_FINDINGS} {kind_vi} đã nêu",
        severity,
        HOUSE,
    )


class Bounded:
    """Findings, :data:`MOST_FINDINGS` of each severity. ``full``: there were more errors than that; nothing
    can change the verdict any more.
    """

    __slots__ = ("_counts", "findings", "full")

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.full = False
        self._counts = {"error": 0, "warning": 0}

    def takes(self, severity: Severity) -> bool:
        """Count one finding, and whether it is to be listed; the first beyond the bound is told of."""
        count = self._counts[severity] = self._counts[severity] + 1
        if count <= MOST_FINDINGS:
            return True
        if count == MOST_FINDINGS + 1:
            self.findings.append(and_more(severity))
            self.full = self.full or severity == "error"
        return False

    def take(self, finding: Finding) -> None:
        if self.takes(finding.severity):
            self.findings.append(finding)


def missing(path: str, name: str, *, severity: Severity = "error", line: int | None = None) -> Finding:
    """An element that must be there and is not; as a warning, one whose absence is forgiven."""
    if severity == "error":
        en, vi = f"{name} is required and missing", f"thiếu {name}, phần tử bắt buộc"
    else:
        en, vi = f"{name} is missing; it is taken as empty", f"thiếu {name}; được coi là để trống"
    return Finding(path, "required", en, vi, severity, line=line)


class InvalidMessage(MalformedMessage):
    """The message can be read as XML but not accepted. ``findings`` holds every finding, errors first."""

    title: ClassVar[str] = "The message breaks a rule of edXML"

    def __init__(self, findings: Sequence[Finding]) -> None:
        ordered = sorted(findings, key=lambda finding: finding.severity)
        first = ordered[0]
        others = sum(finding.severity == "error" for finding in ordered) - 1
        more = f" ({others} more)" if others > 0 else ""
        place = f"line {first.line}, {first.path}" if first.line else first.path
        super().__init__(
            f"{first.message} ({first.source}, {first.rule}){more}",
            place=place,
            remedy="lienthong edxml check FILE lists every finding",
            code="state-secret" if first.rule == "state-secret" else None,
        )
        self.findings: tuple[Finding, ...] = tuple(ordered)


class Unreadable(MalformedMessage):
    """What stands there cannot be read at all. ``detail_vi`` says it in Vietnamese."""

    def __init__(
        self, detail: str, detail_vi: str, *, place: str | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(detail, place=place, remedy=remedy)
        self.detail_vi = detail_vi


class Oversized(TooLarge):
    """A bound of :class:`parsing.Limits` is passed. ``detail_vi`` says it in Vietnamese."""

    def __init__(
        self, detail: str, detail_vi: str, *, place: str | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(detail, place=place, remedy=remedy)
        self.detail_vi = detail_vi


def errors(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity == "error"]
