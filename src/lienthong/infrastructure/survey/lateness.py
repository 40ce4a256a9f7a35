"""Who has not answered a wave, or answered after it closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from lienthong.infrastructure.survey.columns import day, text, yes
from lienthong.infrastructure.survey.model import Survey


@dataclass(frozen=True, slots=True)
class Late:
    """``days`` after closing, 0 while the wave is open or has no closing day; ``last`` is the last wave in
    which the agency did answer.
    """

    code: str
    name: str
    level: str
    contact: str
    phone: str
    state: Literal["missing", "after-closing"]
    days: int
    answered_on: date | None
    last: str


def late(survey: Survey, today: date, wave: str | None = None) -> list[Late]:
    """The agencies that must answer and have not, then those that answered too late; the latest first."""
    asked = survey.wave(wave)
    answers = {text(row, "tenant"): row for row in asked.rows("answers")}
    before = survey.waves[: survey.waves.index(asked)]
    last = {text(row, "tenant"): each.code for each in before for row in each.rows("answers")}
    found = []
    for tenant in asked.rows("tenants"):
        code = text(tenant, "code")
        answer = answers.get(code)
        answered = day(answer, "answered_on") if answer else None
        if answer is None and not yes(tenant, "expected"):
            continue
        if answer is not None and (not asked.closes or answered is None or answered <= asked.closes):
            continue
        until = answered or today
        found.append(
            Late(
                code,
                text(tenant, "name"),
                text(tenant, "level"),
                text(tenant, "contact"),
                text(tenant, "phone"),
                "missing" if answer is None else "after-closing",
                max(0, (until - asked.closes).days) if asked.closes else 0,
                answered,
                last.get(code, ""),
            )
        )
    return sorted(found, key=lambda each: (each.state != "missing", -each.days, each.code))
