"""Coverage maps: what each site is received with where people are, and how many are covered.

Every cell around a site is one path of P.1812 over terrain and clutter. Predictions have an error: a
calibration offset from measurements moves all of them, and a sensitivity band around it gives a low, a
middle and a high answer instead of one that looks exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lienthong.infrastructure.radio.bands import Band
from lienthong.infrastructure.radio.errors import BadRadioPlan, BadRaster
from lienthong.infrastructure.radio.locations import location_deviation_db
from lienthong.infrastructure.radio.mechanisms import free_space_db
from lienthong.infrastructure.radio.p1812 import basic_transmission_loss_db
from lienthong.infrastructure.radio.profiles import Link, Profiles
from lienthong.infrastructure.radio.rasters import Floats, Raster, check_companions
from lienthong.infrastructure.radio.sites import Site

Integers = NDArray[np.int64]
NEAREST_KM = 0.25
LEVELS = ("low", "mid", "high")


@dataclass(frozen=True)
class Settings:
    """How to predict. Distances in km, heights in m, powers in dBm, gains and losses in dB, shares in %.

    ``calibration_db`` is added to every received power (measured minus predicted); ``sensitivity_db`` is
    the half width of the band around it. ``points`` is the number of points of each path profile.
    """

    band: Band
    range_km: float = 15.0
    receiver_m: float = 1.5
    receiver_gain_db: float = 0.0
    threshold_dbm: float | None = None
    calibration_db: float = 0.0
    sensitivity_db: float = 6.0
    time_percent: float = 50.0
    location_percent: float = 50.0
    indoor_loss_db: float = 0.0
    indoor_deviation_db: float = 0.0
    points: int = 101

    @property
    def needed_dbm(self) -> float:
        """What a receiver needs, calibration and gain not counted."""
        return self.band.threshold_dbm if self.threshold_dbm is None else self.threshold_dbm

    def shifts(self) -> dict[str, float]:
        """What is added to a prediction for the low, middle and high answer."""
        return {
            "low": self.calibration_db - self.sensitivity_db,
            "mid": self.calibration_db,
            "high": self.calibration_db + self.sensitivity_db,
        }


@dataclass(frozen=True)
class Ground:
    """Terrain, and on the same system clutter and population if there are any.

    Cells are those of the population raster, or else the terrain's. ``x``, ``y``, ``people`` (cells,);
    ``rows`` and ``columns`` are the grid's.
    """

    terrain: Raster
    clutter: Raster | None
    grid: Raster
    x: Floats
    y: Floats
    people: Floats
    cell_km2: Floats

    @classmethod
    def of(cls, terrain: Raster, clutter: Raster | None = None, population: Raster | None = None) -> Ground:
        """Raises :class:`WrongProjection` or :class:`BadRaster` when the rasters do not fit together."""
        check_companions(terrain, *(each for each in (clutter, population) if each is not None))
        grid = terrain if population is None else population
        across, down = grid.centres()
        x, y = (each.ravel() for each in np.meshgrid(across, down))
        people = np.zeros(x.size)
        if population is not None:
            people = np.nan_to_num(population.values.astype(np.float64)).ravel()
            if (people < 0).any():
                raise BadRaster(
                    f"a cell has {people.min():g} people",
                    place=population.source,
                    remedy="declare the raster's no-data value",
                )
        wide = grid.distance_m(x, y, x + grid.step_x, y)
        high = grid.distance_m(x, y, x, y - grid.step_y)
        return cls(terrain, clutter, grid, x, y, people, wide * high / 1e6)


@dataclass(frozen=True)
class Reception:
    """What one site is received with: ``cells`` indices and ``dbm`` at them, NaN where the terrain is
    unknown.
    """

    site: Site
    cells: Integers
    dbm: Floats


@dataclass(frozen=True)
class CoverageMap:
    """``best_dbm`` and ``server`` (cells,): the strongest site, uncalibrated (-inf and -1: none in range).

    ``people`` and ``area_km2`` are covered at the low, middle and high answer; ``unknown_people`` live
    where the terrain has holes.
    """

    ground: Ground
    settings: Settings
    best_dbm: Floats
    server: Integers
    people: dict[str, float]
    area_km2: dict[str, float]
    total_people: float
    unknown_people: float

    def raster(self, level: str = "mid") -> Raster:
        """The received power in dBm as a raster on the cells' grid, for the level's answer."""
        values = (self.best_dbm + self.settings.shifts()[level]).reshape(self.ground.grid.values.shape)
        drawn = np.full(values.shape, np.nan, dtype=np.float32)
        drawn[np.isfinite(values)] = values[np.isfinite(values)]
        grid = self.ground.grid
        return Raster(
            drawn,
            grid.west,
            grid.north,
            grid.step_x,
            grid.step_y,
            grid.crs,
            grid.geographic,
            f"{'synthetic ' * self.ground.terrain.synthetic}coverage {self.settings.band.name} {level}, dBm",
        )


def receptions(
    ground: Ground,
    sites: Sequence[Site],
    settings: Settings,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Reception]:
    """One site after the other, with the cells within range. ``progress`` is told sites done and in all."""
    _check(settings)
    for done, site in enumerate(sites):
        yield _receive(ground, site, settings)
        if progress is not None:
            progress(done + 1, len(sites))


def coverage_map(ground: Ground, received: Sequence[Reception], settings: Settings) -> CoverageMap:
    """The strongest site at every cell, and how many people and km² are covered."""
    best = np.full(ground.x.size, -np.inf)
    server = np.full(ground.x.size, -1, dtype=np.int64)
    unknown = np.zeros(ground.x.size, dtype=np.bool_)
    for at, each in enumerate(received):
        known = np.isfinite(each.dbm)
        unknown[each.cells[~known]] = True
        cells, dbm = each.cells[known], each.dbm[known]
        stronger = dbm > best[cells]
        best[cells[stronger]], server[cells[stronger]] = dbm[stronger], at
    covered = {
        level: best + shift + settings.receiver_gain_db >= settings.needed_dbm
        for level, shift in settings.shifts().items()
    }
    return CoverageMap(
        ground,
        settings,
        best,
        server,
        {level: float(ground.people[mask].sum()) for level, mask in covered.items()},
        {level: float(ground.cell_km2[mask].sum()) for level, mask in covered.items()},
        float(ground.people.sum()),
        float(ground.people[unknown & ~np.isfinite(best)].sum()),
    )


def served_cells(
    ground: Ground, received: Sequence[Reception], settings: Settings, level: str = "mid"
) -> tuple[sparse.csr_matrix, Integers]:
    """For siting: which site covers which inhabited cell (sites, inhabited cells), and those cells'
    indices.
    """
    needed = settings.needed_dbm - settings.receiver_gain_db - settings.shifts()[level]
    inhabited = np.flatnonzero(ground.people > 0)
    number = np.full(ground.x.size, -1, dtype=np.int64)
    number[inhabited] = np.arange(inhabited.size)
    rows: list[Integers] = []
    columns: list[Integers] = []
    for at, each in enumerate(received):
        cells = each.cells[np.nan_to_num(each.dbm, nan=-np.inf) >= needed]
        cells = cells[number[cells] >= 0]
        columns.append(number[cells])
        rows.append(np.full(cells.size, at, dtype=np.int64))
    row, column = np.concatenate(rows), np.concatenate(columns)
    covers = sparse.csr_matrix((np.ones(row.size), (row, column)), shape=(len(received), inhabited.size))
    return covers, inhabited


def profiles_to(
    ground: Ground, site: Site, x: Floats, y: Floats, points: int
) -> tuple[Floats, Floats, Floats]:
    """Distance in km, ground and clutter in m along straight lines from the site to (x, y): (paths, points).

    The ground is bilinear between cells, NaN where unknown; clutter is the cell's, 0 where unknown.
    """
    share = np.linspace(0.0, 1.0, points)
    px = site.x + (x - site.x)[:, None] * share
    py = site.y + (y - site.y)[:, None] * share
    length = ground.terrain.distance_m(site.x, site.y, x, y) / 1000.0
    height = ground.terrain.bilinear(px, py)
    cover = np.zeros_like(height)
    if ground.clutter is not None:
        cover = np.maximum(np.nan_to_num(ground.clutter.nearest(px, py)), 0.0)
    return length[:, None] * share, height, cover


def _receive(ground: Ground, site: Site, settings: Settings, block: int = 320) -> Reception:
    length = ground.terrain.distance_m(site.x, site.y, ground.x, ground.y) / 1000.0
    cells = np.flatnonzero(length <= settings.range_km)
    dbm = np.full(cells.size, np.nan)
    eirp = settings.band.eirp_dbm if site.eirp_dbm is None else site.eirp_dbm
    mast = float(ground.terrain.bilinear(site.x, site.y))
    if np.isnan(mast):
        raise BadRaster(
            f"the terrain under the site {site.name!r} is unknown",
            place=ground.terrain.source,
            remedy="fill the hole in the terrain, or move the site",
        )
    for start in range(0, cells.size, block):
        part = cells[start : start + block]
        dbm[start : start + block] = eirp - _losses(ground, site, part, length[part], settings)
    return Reception(site, cells, dbm)


def _losses(ground: Ground, site: Site, cells: Integers, length: Floats, settings: Settings) -> Floats:
    """Loss in dB to the cells; nearer than the Recommendation begins, that of free space."""
    frequency = settings.band.frequency_ghz
    loss = np.full(cells.size, np.nan)
    near = length < NEAREST_KM
    slant = np.hypot(length, (site.height_m - settings.receiver_m) / 1000.0)
    loss[near] = free_space_db(np.asarray(frequency), np.maximum(slant[near], 0.01)) + settings.indoor_loss_db
    far = np.flatnonzero(~near)
    distance, height, cover = profiles_to(
        ground, site, ground.x[cells[far]], ground.y[cells[far]], settings.points
    )
    known = ~np.isnan(height).any(axis=1)
    if not known.any():
        return loss
    latitude = ground.y[cells[far[known]]] if ground.terrain.geographic else 10.0
    spread = np.zeros(int(known.sum()))
    if settings.location_percent != 50.0:
        resolution = np.sqrt(ground.cell_km2[cells[far[known]]]) * 1000.0
        spread = location_deviation_db(frequency, settings.receiver_m, cover[known, -1], resolution)
    link = Link(
        frequency,
        site.height_m,
        settings.receiver_m,
        latitude,
        settings.time_percent,
        vertical=True,
        location_percent=settings.location_percent,
        location_deviation_db=spread,
        indoor_loss_db=settings.indoor_loss_db,
        indoor_deviation_db=settings.indoor_deviation_db,
    )
    loss[far[known]] = basic_transmission_loss_db(
        Profiles.build(distance[known], height[known], cover[known]), link
    )
    return loss


def _check(settings: Settings) -> None:
    if not 0 < settings.range_km <= 200:
        raise BadRadioPlan(f"the range is {settings.range_km:g} km", place="range_km", remedy="0 to 200 km")
    if not 11 <= settings.points <= 2001:
        raise BadRadioPlan(f"a profile has {settings.points} points", place="points", remedy="11 to 2001")
    if settings.sensitivity_db < 0:
        raise BadRadioPlan(
            f"the sensitivity band is {settings.sensitivity_db:g} dB",
            place="sensitivity_db",
            remedy="0 or more",
        )
