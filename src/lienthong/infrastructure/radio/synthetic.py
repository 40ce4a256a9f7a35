"""A made-up delta to plan over when there is no survey: seeded, and labelled synthetic wherever it goes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from lienthong.infrastructure.radio.rasters import Raster

LABEL = "synthetic, approximate, not for procurement"


@dataclass(frozen=True)
class Landscape:
    """Terrain (m above sea level), clutter (m above ground) and population (people a cell), one grid."""

    terrain: Raster
    clutter: Raster
    population: Raster


def landscape(
    seed: int,
    *,
    west: float = 105.68,
    south: float = 9.88,
    east: float = 106.29,
    north: float = 10.34,
    step_deg: float = 0.002,
    people: float = 1_000_000.0,
    centres: NDArray[np.float64] | None = None,
) -> Landscape:
    """Flat land of 0 to 4 m cut by rivers, orchards and towns on it, in degrees (EPSG:4326).

    ``centres`` (n, 2), longitude and latitude, are where towns are (else 40 random ones); ``people`` is
    the sum of the population. The same seed gives the same land.
    """
    random = np.random.default_rng(seed)
    columns, rows = round((east - west) / step_deg), round((north - south) / step_deg)
    relief = gaussian_filter(random.normal(size=(rows, columns)), 12.0)
    ground = 1.5 + 1.2 * relief / max(float(np.abs(relief).max()), 1e-9)
    x = west + step_deg * (np.arange(columns) + 0.5)
    y = north - step_deg * (np.arange(rows) + 0.5)
    water = np.zeros((rows, columns), dtype=np.bool_)
    for offset in (0.12, 0.47, 0.83):
        course = north - (north - south) * (offset + 0.06 * np.sin((x - west) * 14 + random.uniform(0, 6)))
        course -= (x - west) * 0.15
        water |= np.abs(y[:, None] - course) < random.uniform(0.004, 0.008)
    if centres is None:
        centres = np.column_stack([random.uniform(west, east, 40), random.uniform(south, north, 40)])
    town = np.zeros((rows, columns))
    for lon, lat in centres:
        spread = random.uniform(0.006, 0.02)
        distance = ((x - lon) ** 2)[None, :] + ((y - lat) ** 2)[:, None]
        town += random.uniform(0.3, 1.0) * np.exp(-distance / (2 * spread**2))
    town[water] = 0.0
    orchard = gaussian_filter(random.normal(size=(rows, columns)), 3.0) > 0.02
    cover = np.where(town > 0.6, 12.0, np.where(town > 0.25, 8.0, np.where(orchard, 6.0, 0.0)))
    cover[water] = 0.0
    ground[water] = 0.0
    density = town + 0.03 * ~water
    density *= people / density.sum()
    source = f"synthetic (seed {seed}): {LABEL}"

    def raster(values: NDArray[np.float64]) -> Raster:
        return Raster(values.astype(np.float32), west, north, step_deg, step_deg, "EPSG:4326", True, source)

    return Landscape(raster(ground), raster(cover), raster(density))
