"""What can be wrong with a fibre plan's prices and wishes, named, with what would make them right."""

from __future__ import annotations

from typing import ClassVar

from lienthong.infrastructure.errors import BadInstance, PlanningError


class BadCosts(BadInstance):
    """A price or factor that no cost can be made from."""

    code = "bad-costs"
    title: ClassVar[str] = "The prices cannot be used"


class Infeasible(PlanningError):
    """A wish that no network on this graph can meet: rings, hops or split ratio."""

    code = "infeasible-design"
    title: ClassVar[str] = "No network can meet this wish"
