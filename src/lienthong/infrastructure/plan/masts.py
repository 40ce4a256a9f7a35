"""The radio stage: predict every mast in each band, choose the next ones, count who is reached."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lienthong.infrastructure.plan.errors import BadPlanFolder
from lienthong.infrastructure.plan.folder import Folder
from lienthong.infrastructure.plan.progress import Run
from lienthong.infrastructure.plan.radio_part import BEFORE, GAINED, NONE, RadioPlan, Reach, Tower
from lienthong.infrastructure.radio import bands
from lienthong.infrastructure.radio.coverage import (
    CoverageMap,
    Ground,
    Reception,
    Settings,
    coverage_map,
    receptions,
)
from lienthong.infrastructure.radio.next_sites import choose_sites
from lienthong.infrastructure.radio.rasters import Raster, read_geotiff
from lienthong.infrastructure.radio.sites import Site as Mast
from lienthong.infrastructure.radio.sites import place_sites, read_sites
from lienthong.infrastructure.radio.synthetic import LABEL, landscape
from lienthong.infrastructure.siting.result import Siting
from lienthong.infrastructure.survey.model import Site

CELL_DEG = 0.004
PROFILE_POINTS = 51


def reach(folder: Folder, ground: Ground | None, sites: Sequence[Site], run: Run) -> RadioPlan | None:
    """The radio part of the plan, or None when the folder has no terrain or no masts."""
    settings = folder.settings
    if ground is None:
        return None
    masts = _masts(folder, ground, sites)
    if not masts:
        return None
    reaches: list[Reach] = []
    siting: Siting | None = None
    chosen: set[int] = set()
    served: dict[str, float] = {}
    for turn, name in enumerate(settings.radio.bands):
        how = _how(name, folder)
        received = []
        for done, each in enumerate(receptions(ground, masts, how), 1):
            received.append(each)
            run.say(name, (turn + done / len(masts)) / len(settings.radio.bands))
        if turn == 0 and settings.radio.new_towers and not all(mast.existing for mast in masts):
            siting = choose_sites(
                ground, received, how, settings.radio.new_towers, time_limit=max(1.0, run.limit / 2)
            )
            chosen = set(siting.chosen.tolist())
        before = coverage_map(ground, [each for each in received if each.site.existing], how)
        open_now = [each for at, each in enumerate(received) if each.site.existing or at in chosen]
        after = coverage_map(ground, open_now, how)
        if turn == 0:
            served = _served(ground, open_now, after)
        reaches.append(
            Reach(
                name,
                how.needed_dbm,
                before.people,
                after.people,
                before.area_km2,
                after.area_km2,
                _grid(before, after),
            )
        )
    west, south, east, north = _edges(ground.grid)
    value = reaches[0].people_after["mid"]
    return RadioPlan(
        tuple(
            _tower(ground, mast, at in chosen, served.get(mast.name, 0.0)) for at, mast in enumerate(masts)
        ),
        tuple(reaches),
        float(ground.people.sum()),
        siting.value if siting else value,
        siting.bound if siting else value,
        siting.proved if siting else True,
        siting.seconds if siting else 0.0,
        west,
        south,
        east,
        north,
        ground.terrain.source,
    )


def tower_sites(radio: RadioPlan | None) -> tuple[Site, ...]:
    """The chosen masts as places the network must reach."""
    if radio is None:
        return ()
    return tuple(Site(tower.code, tower.name, "tower", tower.lon, tower.lat) for tower in radio.chosen)


def _how(band: str, folder: Folder) -> Settings:
    radio = folder.settings.radio
    return Settings(
        bands.band(band),
        radio.range_km,
        calibration_db=radio.offset_db,
        sensitivity_db=radio.sensitivity_db,
        indoor_loss_db=radio.indoor_loss_db,
        points=PROFILE_POINTS,
    )


def ground_of(folder: Folder, sites: Sequence[Site]) -> Ground | None:
    """Terrain, clutter and people of the folder, or None when it names none. Raises the rasters' errors."""
    settings = folder.settings
    if settings.synthetic.terrain:
        communes = [site for site in sites if site.kind == "commune"] or list(sites)
        lon, lat = [site.lon for site in communes], [site.lat for site in communes]
        land = landscape(
            settings.synthetic.seed,
            west=min(lon) - 0.04,
            south=min(lat) - 0.04,
            east=max(lon) + 0.04,
            north=max(lat) + 0.04,
            step_deg=CELL_DEG,
            people=float(sum(site.people for site in communes)) or 1000.0 * len(communes),
            centres=np.column_stack([lon, lat]),
        )
        return Ground.of(land.terrain, land.clutter, land.population)
    terrain = folder.file("terrain")
    if terrain is None:
        return None
    clutter, population = folder.file("clutter"), folder.file("population")
    return Ground.of(
        read_geotiff(terrain),
        None if clutter is None else read_geotiff(clutter, kind="clutter"),
        None if population is None else read_geotiff(population, kind="population"),
    )


def _masts(folder: Folder, ground: Ground, sites: Sequence[Site]) -> list[Mast]:
    settings = folder.settings
    file = folder.file("towers")
    if file is not None:
        return read_sites(file, ground.terrain)
    count = settings.synthetic.towers
    if not count:
        return []
    if not ground.terrain.geographic:
        raise BadPlanFolder(
            "masts are made up in degrees, the terrain is in metres",
            place="synthetic.towers",
            remedy="give files.towers",
        )
    random = np.random.default_rng(settings.synthetic.seed)
    communes = [site for site in sites if site.kind == "commune"]
    order = random.permutation(len(communes)).tolist()
    masts = []
    for at in range(3 * count):
        near = communes[order[at % len(order)]]
        away = random.normal(0.0, 0.004 if at < count else 0.012, 2)
        inside = (ground.terrain.west, ground.terrain.east, ground.terrain.south, ground.terrain.north)
        lon = float(np.clip(near.lon + away[0], inside[0] + 0.01, inside[1] - 0.01))
        lat = float(np.clip(near.lat + away[1], inside[2] + 0.01, inside[3] - 0.01))
        masts.append(Mast(f"T{at + 1:03}", round(lon, 5), round(lat, 5), 42.0, existing=at < count))
    return place_sites(masts, ground.terrain, degrees=True, source=f"synthetic: {LABEL}")


def _tower(ground: Ground, mast: Mast, chosen: bool, people: float) -> Tower:
    lon, lat = mast.x, mast.y
    if not ground.terrain.geographic:
        from lienthong.infrastructure.geography.projection import degrees

        there = degrees([mast.x], [mast.y], ground.terrain.crs)
        lon, lat = float(there[0][0]), float(there[1][0])
    return Tower(mast.name, mast.name, lon, lat, mast.height_m, mast.existing, chosen, round(people))


def _served(ground: Ground, received: Sequence[Reception], after: CoverageMap) -> dict[str, float]:
    """People in the cells that each open mast serves best, by its name."""
    return {
        each.site.name: float(ground.people[after.server == at].sum()) for at, each in enumerate(received)
    }


def _grid(before: CoverageMap, after: CoverageMap) -> NDArray[np.uint8]:
    def reached(each: CoverageMap) -> NDArray[np.bool_]:
        needed = each.settings.needed_dbm - each.settings.receiver_gain_db - each.settings.shifts()["mid"]
        return np.asarray(each.best_dbm >= needed)

    level = np.where(reached(before), BEFORE, np.where(reached(after), GAINED, NONE))
    return level.astype(np.uint8).reshape(before.ground.grid.values.shape)


def _edges(grid: Raster) -> tuple[float, float, float, float]:
    if grid.geographic:
        return grid.west, grid.south, grid.east, grid.north
    from lienthong.infrastructure.geography.projection import degrees

    lon, lat = degrees([grid.west, grid.east], [grid.south, grid.north], grid.crs)
    return float(lon[0]), float(lat[0]), float(lon[1]), float(lat[1])
