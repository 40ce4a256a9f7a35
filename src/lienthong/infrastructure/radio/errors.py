"""What can be wrong with radio data, named and located."""

from __future__ import annotations

from typing import ClassVar

from lienthong.infrastructure.errors import PlanningError


class RadioError(PlanningError):
    code = "radio-error"
    title: ClassVar[str] = "The radio prediction cannot be made"


class BadProfile(RadioError):
    """A path profile that no prediction can be made over."""

    code = "bad-profile"


class OutOfRange(RadioError):
    """A parameter outside what the Recommendation covers."""

    code = "out-of-range"


class BadRaster(RadioError):
    """A terrain, clutter or population raster that cannot be read or does not fit."""

    code = "bad-raster"


class WrongProjection(BadRaster):
    """A raster in a coordinate system that is missing, unknown or not the one of its companions."""

    code = "wrong-projection"


class BadRadioPlan(RadioError):
    """A plan file whose fields cannot be used."""

    code = "bad-radio-plan"
