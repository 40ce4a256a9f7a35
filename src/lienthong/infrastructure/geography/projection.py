"""Degrees to metres and back, always longitude before latitude."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lienthong.infrastructure.geography.errors import WrongProjection
from lienthong.infrastructure.geography.graph import Floats

DEGREES = "EPSG:4326"
METRES = "EPSG:32648"
"""UTM zone 48 North: all of the Mekong delta lies in it."""


@lru_cache(maxsize=16)
def _transformer(source: str, target: str) -> Any:
    import pyproj

    try:
        return pyproj.Transformer.from_crs(source, target, always_xy=True)
    except pyproj.exceptions.CRSError as error:
        raise WrongProjection(
            f"the coordinate system {source if source != DEGREES else target!r} is not known",
            place="crs",
            remedy="give an EPSG code, as EPSG:4326 (degrees), EPSG:32648 (UTM 48N) or EPSG:9217 (VN-2000)",
        ) from error


def check_metres(crs: str) -> None:
    """Raises :class:`WrongProjection` unless ``crs`` is a projected system in metres."""
    import pyproj

    try:
        known = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError:
        known = None
    if known is None or not known.is_projected or {axis.unit_name for axis in known.axis_info} != {"metre"}:
        raise WrongProjection(
            f"the coordinate system {crs!r} is {'not known' if known is None else 'none in metres'}",
            place="crs",
            remedy="plan in metres, as EPSG:32648 (UTM 48N), EPSG:32649 (UTM 49N) or EPSG:9217 (VN-2000)",
        )


def reproject(x: ArrayLike, y: ArrayLike, source: str, target: str) -> tuple[Floats, Floats]:
    """Points from one coordinate system in another; what cannot be transformed becomes infinite."""
    ax, ay = np.atleast_1d(np.asarray(x, np.float64)), np.atleast_1d(np.asarray(y, np.float64))
    if source == target:
        return ax, ay
    there_x, there_y = _transformer(source, target).transform(ax, ay)
    return np.asarray(there_x, np.float64), np.asarray(there_y, np.float64)


def metres(lon: ArrayLike, lat: ArrayLike, crs: str = METRES) -> tuple[Floats, Floats]:
    """Degrees (WGS 84) as metres in ``crs``."""
    return reproject(lon, lat, DEGREES, crs)


def degrees(x: ArrayLike, y: ArrayLike, crs: str = METRES) -> tuple[Floats, Floats]:
    """Metres in ``crs`` as degrees (WGS 84)."""
    return reproject(x, y, crs, DEGREES)
