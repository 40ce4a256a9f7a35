"""What can be wrong with siting data, named and located, with what would make it feasible."""

from __future__ import annotations

from typing import ClassVar

from lienthong.infrastructure.errors import BadInstance, PlanningError


class BadSitingData(BadInstance):
    """A file or array of sites and points that cannot be used."""

    code = "bad-siting-data"


class Uncoverable(PlanningError):
    """Points that no site can serve, where all must be served."""

    code = "uncoverable"
    title: ClassVar[str] = "Some points cannot be served by any site"
