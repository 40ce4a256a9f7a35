"""The planning room's exception tree: what was wrong, where, and what would make it feasible."""

from __future__ import annotations

from typing import ClassVar

from lienthong.core.errors import LienthongError


class PlanningError(LienthongError):
    code = "planning-error"
    title: ClassVar[str] = "The plan cannot be made"


class BadInstance(PlanningError):
    code = "bad-instance"
    title: ClassVar[str] = "The planning data cannot be used"


class Disconnected(PlanningError):
    code = "disconnected"
    title: ClassVar[str] = "Some sites cannot be reached"
