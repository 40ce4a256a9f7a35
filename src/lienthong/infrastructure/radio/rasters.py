"""Terrain, clutter and population rasters: read from GeoTIFF, checked, and sampled along paths.

Heights are metres above mean sea level, clutter metres above ground, population people a cell. A raster is
north-up and regular, in degrees (longitude, latitude) or in a projected system in metres.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lienthong.infrastructure.radio.errors import BadRaster, WrongProjection

Floats = NDArray[np.float64]
EARTH_RADIUS_M = 6_371_000.0
LARGEST_CELLS = 400_000_000


@dataclass(frozen=True)
class Raster:
    """``values`` (rows, columns), NaN where unknown, the first row northernmost.

    ``west`` and ``north`` are the outer edges, ``step_x`` and ``step_y`` (> 0) the cell sizes, in
    degrees when ``geographic``, else in m. ``crs`` names the system, as "EPSG:4326"; ``source`` where it
    came from.
    """

    values: NDArray[np.float32]
    west: float
    north: float
    step_x: float
    step_y: float
    crs: str
    geographic: bool
    source: str

    @property
    def east(self) -> float:
        return self.west + self.step_x * int(self.values.shape[1])

    @property
    def south(self) -> float:
        return self.north - self.step_y * int(self.values.shape[0])

    @property
    def synthetic(self) -> bool:
        return self.source.startswith("synthetic")

    def centres(self) -> tuple[Floats, Floats]:
        """x (columns,) and y (rows,) of the cells' centres."""
        rows, columns = self.values.shape
        return (
            np.asarray(self.west + self.step_x * (np.arange(columns) + 0.5), dtype=np.float64),
            np.asarray(self.north - self.step_y * (np.arange(rows) + 0.5), dtype=np.float64),
        )

    def distance_m(self, x0: ArrayLike, y0: ArrayLike, x1: ArrayLike, y1: ArrayLike) -> Floats:
        """Distances in m between points in the raster's system: great circles on a sphere, or straight
        lines.
        """
        ax, ay, bx, by = (np.asarray(each, dtype=np.float64) for each in (x0, y0, x1, y1))
        if not self.geographic:
            return np.asarray(np.hypot(bx - ax, by - ay))
        p, q = np.radians(ay), np.radians(by)
        half = np.sin((q - p) / 2) ** 2 + np.cos(p) * np.cos(q) * np.sin(np.radians(bx - ax) / 2) ** 2
        return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(half, 1.0))))

    def inside(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.bool_]:
        """Which points lie on the raster."""
        ax, ay = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        return np.asarray((ax >= self.west) & (ax <= self.east) & (ay >= self.south) & (ay <= self.north))

    def nearest(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """The value of the cell each point lies in: for clutter, which has no between. NaN off the raster."""
        column = np.floor((np.asarray(x, dtype=np.float64) - self.west) / self.step_x).astype(np.int64)
        row = np.floor((self.north - np.asarray(y, dtype=np.float64)) / self.step_y).astype(np.int64)
        rows, columns = self.values.shape
        taken = self.values[np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)].astype(np.float64)
        return np.where(self.inside(x, y), taken, np.nan)

    def bilinear(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """Values between the four nearest centres (to the edge, the nearest two or one). NaN off the
        raster.
        """
        rows, columns = self.values.shape
        across = np.clip(
            (np.asarray(x, dtype=np.float64) - self.west) / self.step_x - 0.5, 0.0, columns - 1.0
        )
        down = np.clip((self.north - np.asarray(y, dtype=np.float64)) / self.step_y - 0.5, 0.0, rows - 1.0)
        left, top = np.floor(across).astype(np.int64), np.floor(down).astype(np.int64)
        right, below = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
        u, v = across - left, down - top
        flat = self.values.ravel()
        upper = flat[top * columns + left] * (1.0 - u) + flat[top * columns + right] * u
        lower = flat[below * columns + left] * (1.0 - u) + flat[below * columns + right] * u
        return np.where(self.inside(x, y), upper * (1.0 - v) + lower * v, np.nan)


def read_geotiff(path: Path, *, kind: str = "terrain") -> Raster:
    """A GeoTIFF's first band. Raises :class:`BadRaster` or :class:`WrongProjection`, naming the file."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    if not path.is_file():
        raise BadRaster(f"there is no {kind} file", place=str(path), remedy="give the path of a GeoTIFF")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path, driver="GTiff") as data:
                crs, transform = data.crs, data.transform
                made_up = (data.descriptions[0] or "").startswith("synthetic")
                label = f"{data.descriptions[0]} ({path})" if made_up else str(path)
                if data.width * data.height > LARGEST_CELLS:
                    raise BadRaster(
                        f"the {kind} has {data.width} × {data.height} cells",
                        place=str(path),
                        remedy=f"cut it to the province: at most {LARGEST_CELLS:,} cells",
                    )
                band = data.read(1, masked=True).astype(np.float32).filled(np.nan)
    except RasterioError as error:
        raise BadRaster(
            f"the {kind} cannot be read as GeoTIFF: {error}", place=str(path), remedy="export it as GeoTIFF"
        ) from error
    if crs is None:
        raise WrongProjection(
            f"the {kind} does not say which coordinate system it is in",
            place=str(path),
            remedy="assign it in a GIS, for instance EPSG:4326 for longitude and latitude",
        )
    if transform.b or transform.d or transform.a <= 0 or transform.e >= 0:
        raise WrongProjection(
            f"the {kind} is rotated or upside down", place=str(path), remedy="warp it to a north-up grid"
        )
    if not crs.is_geographic and not (crs.is_projected and math.isclose(crs.linear_units_factor[1], 1.0)):
        raise WrongProjection(
            f"the {kind} is in {crs.to_string()}, which is neither in degrees nor in metres",
            place=str(path),
            remedy="warp it to EPSG:4326 or to a projected system in metres such as EPSG:9217 (VN-2000)",
        )
    if crs.is_geographic and not (-180 <= transform.c <= 180 and -90 <= transform.f <= 90):
        raise WrongProjection(
            f"the {kind} says degrees, but begins at {transform.c:g}, {transform.f:g}",
            place=str(path),
            remedy="assign the projected system the numbers are in",
        )
    if np.isnan(band).all():
        raise BadRaster(f"the {kind} has no value at all", place=str(path), remedy="check its no-data value")
    return Raster(
        band,
        transform.c,
        transform.f,
        transform.a,
        -transform.e,
        crs.to_string(),
        bool(crs.is_geographic),
        label,
    )


def write_geotiff(path: Path, raster: Raster) -> None:
    """Write a raster as compressed GeoTIFF (float32, NaN for unknown); its source goes into the
    description.
    """
    import rasterio
    from rasterio.transform import Affine

    rows, columns = raster.values.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=columns,
        height=rows,
        count=1,
        dtype="float32",
        nodata=float("nan"),
        crs=raster.crs,
        transform=Affine(raster.step_x, 0.0, raster.west, 0.0, -raster.step_y, raster.north),
        compress="deflate",
    ) as data:
        data.write(raster.values, 1)
        data.set_band_description(1, raster.source)


def check_companions(terrain: Raster, *others: Raster) -> None:
    """Rasters used together are in one system and overlap. Raises :class:`WrongProjection` or
    ``BadRaster``.
    """
    for other in others:
        if other.crs != terrain.crs:
            raise WrongProjection(
                f"it is in {other.crs}, the terrain in {terrain.crs}",
                place=other.source,
                remedy=f"warp it to {terrain.crs}",
            )
        if (
            other.west >= terrain.east
            or other.east <= terrain.west
            or other.south >= terrain.north
            or other.north <= terrain.south
        ):
            raise BadRaster(
                f"it covers {other.west:g}…{other.east:g}, {other.south:g}…{other.north:g} and nowhere meets "
                f"the terrain's {terrain.west:g}…{terrain.east:g}, {terrain.south:g}…{terrain.north:g}",
                place=other.source,
                remedy="give rasters of the same area",
            )
