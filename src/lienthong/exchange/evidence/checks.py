"""What was checked, what came of it, and what was not checked: in Vietnamese and in English."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from lienthong.core.clock import VIETNAM
from lienthong.core.errors import LienthongError
from lienthong.registry.directory import Directory
from lienthong.trust.certificates import TrustStore
from lienthong.trust.log.policy import Policy

Kind = Literal["container", "receipt", "inclusion", "consistency", "checkpoint", "log", "pdf", "unknown"]
Verdict = Literal["holds", "incomplete", "fails"]


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence in both languages."""

    vi: str
    en: str

    def to(self, language: str) -> str:
        return self.vi if language == "vi" else self.en


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``ok`` None: it was not checked, and ``explanation`` says why.

    ``needed``: without it the evidence proves less than it is there to prove. ``code`` is stable.
    """

    code: str
    what: Words
    ok: bool | None
    explanation: Words
    needed: bool = True


@dataclass(slots=True)
class Report:
    """Everything found out about one piece of evidence. ``facts`` is what it says, believed or not."""

    subject: str
    kind: Kind
    checks: list[Check] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        if any(check.ok is False for check in self.checks):
            return "fails"
        if not self.checks or any(check.ok is None and check.needed for check in self.checks):
            return "incomplete"
        return "holds"

    def passed(self, code: str, what: Words, explanation: Words) -> None:
        self.checks.append(Check(code, what, True, explanation))

    def failed(self, code: str, what: Words, explanation: Words) -> None:
        self.checks.append(Check(code, what, False, explanation))

    def skipped(self, code: str, what: Words, why: Words, *, needed: bool = False) -> None:
        self.checks.append(Check(code, what, None, why, needed))

    @contextmanager
    def attempt(self, code: str, what: Words) -> Iterator[None]:
        """Run a step that must not raise. An error of ours becomes a failed check and :class:`Stopped`."""
        try:
            yield
        except LienthongError as error:
            self.failed(code, what, in_words(error))
            raise Stopped from error

    def as_json(self) -> dict[str, Any]:
        """For scripts: every check with both languages."""
        return {
            "subject": self.subject,
            "kind": self.kind,
            "verdict": self.verdict,
            "facts": self.facts,
            "checks": [
                {
                    "code": check.code,
                    "ok": check.ok,
                    "needed": check.needed,
                    "what": check.what.en,
                    "explanation": check.explanation.en,
                    "what_vi": check.what.vi,
                    "explanation_vi": check.explanation.vi,
                }
                for check in self.checks
            ],
        }


class Stopped(Exception):
    """A check failed that the following ones build on; the report says which."""


def local_time(moment: datetime) -> str:
    """A moment as people here read it: Vietnam time, to the second."""
    return f"{moment.astimezone(VIETNAM):%Y-%m-%d %H:%M:%S} (+07)"


def entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"


def in_words(error: LienthongError) -> Words:
    """An error as an explanation. Its text is English; the Vietnamese sentence quotes it."""
    return Words(f"không đạt: {error}", str(error))


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the person who checks believes. Nothing here comes from the evidence itself.

    ``certificates`` None: seals cannot be traced to an authority. ``policy.logs`` empty: no checkpoint
    can be believed. ``directory`` says whose seal is whose. ``now``: when the check is made.
    """

    policy: Policy
    now: datetime
    certificates: TrustStore | None = None
    directory: Directory | None = None
