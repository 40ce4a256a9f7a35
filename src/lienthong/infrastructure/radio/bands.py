"""The bands mobile networks use here, with planning values that a plan may change."""

from __future__ import annotations

from dataclasses import dataclass

from lienthong.infrastructure.radio.errors import BadRadioPlan


@dataclass(frozen=True)
class Band:
    """``eirp_dbm`` is radiated by the reference signal the phone measures (CPICH in 3G, one resource
    element of CRS in 4G, of SSB in 5G), ``threshold_dbm`` what it needs outdoors. Planning assumptions,
    not measurements.
    """

    name: str
    generation: str
    frequency_ghz: float
    eirp_dbm: float
    threshold_dbm: float


BANDS = {
    band.name: band
    for band in (
        Band("3g-900", "3G", 0.945, 46.0, -105.0),
        Band("3g-2100", "3G", 2.140, 47.0, -105.0),
        Band("4g-900", "4G", 0.945, 31.0, -112.0),
        Band("4g-1800", "4G", 1.840, 31.0, -112.0),
        Band("4g-2100", "4G", 2.140, 31.0, -112.0),
        Band("4g-2600", "4G", 2.650, 31.0, -112.0),
        Band("5g-700", "5G", 0.773, 31.0, -112.0),
        Band("5g-2600", "5G", 2.590, 36.0, -112.0),
        Band("5g-3700", "5G", 3.750, 40.0, -112.0),
    )
}


def band(name: str) -> Band:
    """The band of that name. Raises :class:`BadRadioPlan` with the names there are."""
    if name not in BANDS:
        raise BadRadioPlan(
            f"the band {name!r} is not known", place="band", remedy=f"use one of {', '.join(BANDS)}"
        )
    return BANDS[name]
