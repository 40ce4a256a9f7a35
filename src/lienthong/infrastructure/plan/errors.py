"""What can be wrong with a planning folder or a kept plan, named and located."""

from __future__ import annotations

from typing import ClassVar

from lienthong.infrastructure.errors import BadInstance, PlanningError


class BadPlanFolder(BadInstance):
    """A ``plan.toml`` or a file it names that cannot be used."""

    code = "bad-plan-folder"
    title: ClassVar[str] = "The planning folder cannot be used"


class BadPlanFile(PlanningError):
    """A ``plan.json`` that is not there, is no plan, or is of a schema this version does not read."""

    code = "bad-plan-file"
    title: ClassVar[str] = "The kept plan cannot be read"


class PlanUnfinished(PlanningError):
    """A plan whose making was stopped: what was done is kept, what is asked for is not there yet."""

    code = "plan-unfinished"
    title: ClassVar[str] = "The plan is not finished"


class Cancelled(PlanningError):
    """The person stopped the making. ``done`` names the stages that are kept."""

    code = "cancelled"
    title: ClassVar[str] = "Stopped"
    done: tuple[str, ...] = ()
