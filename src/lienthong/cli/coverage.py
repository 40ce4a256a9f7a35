"""``lienthong infrastructure coverage`` and ``site``: who is reached, and where the next towers go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lienthong.cli.output import JsonOption, note, print_json, progress, say, table


def coverage(
    sites: Annotated[Path, typer.Argument(metavar="SITES.csv", help="id, lon and lat (or x, y), height_m.")],
    terrain: Annotated[Path | None, typer.Option("--terrain", help="Terrain heights, GeoTIFF, m.")] = None,
    clutter: Annotated[Path | None, typer.Option("--clutter", help="Clutter heights, GeoTIFF, m.")] = None,
    population: Annotated[Path | None, typer.Option("--population", help="People a cell, GeoTIFF.")] = None,
    synthetic: Annotated[
        int | None, typer.Option("--synthetic", metavar="SEED", help="A made-up delta instead of rasters.")
    ] = None,
    band: Annotated[str, typer.Option("--band", help="3g-900 … 5g-3700.")] = "4g-1800",
    radius: Annotated[float, typer.Option("--range", metavar="KM", help="How far to predict.")] = 15.0,
    threshold: Annotated[
        float | None, typer.Option("--threshold", metavar="DBM", help="What a receiver needs.")
    ] = None,
    offset: Annotated[
        float, typer.Option("--offset", metavar="DB", help="Calibration: measured minus predicted.")
    ] = 0.0,
    sensitivity: Annotated[
        float, typer.Option("--sensitivity", metavar="DB", help="Half width of the low…high band.")
    ] = 6.0,
    time: Annotated[float, typer.Option("--time-percent", help="Percentage of time, 1 to 50.")] = 50.0,
    places: Annotated[float, typer.Option("--places-percent", help="Percentage of places, 1 to 99.")] = 50.0,
    points: Annotated[int, typer.Option("--points", help="Points of each path profile.")] = 101,
    choose: Annotated[
        int | None,
        typer.Option("--choose", metavar="N", help="Open only the N sites not existing yet that reach most."),
    ] = None,
    seconds: Annotated[
        float, typer.Option("--time", min=0.1, metavar="S", help="Seconds to spend on choosing at most.")
    ] = 60.0,
    out: Annotated[Path | None, typer.Option("--out", help="Write the received power as GeoTIFF.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Predict coverage by ITU-R P.1812: people and area reached, with a low, middle and high answer."""
    from lienthong.infrastructure.radio import bands
    from lienthong.infrastructure.radio.coverage import LEVELS, Settings, coverage_map, receptions
    from lienthong.infrastructure.radio.next_sites import choose_sites
    from lienthong.infrastructure.radio.rasters import write_geotiff
    from lienthong.infrastructure.radio.sites import read_sites

    settings = Settings(
        bands.band(band),
        radius,
        threshold_dbm=threshold,
        calibration_db=offset,
        sensitivity_db=sensitivity,
        time_percent=time,
        location_percent=places,
        points=points,
    )
    ground = _ground(terrain, clutter, population, synthetic)
    placed = read_sites(sites, ground.terrain)
    with progress(quiet=as_json) as display:
        task = display.add_task("predicting", total=len(placed))
        received = list(
            receptions(
                ground, placed, settings, progress=lambda done, _: display.update(task, completed=done)
            )
        )
    chosen = None
    if choose is not None:
        chosen = choose_sites(ground, received, settings, choose, time_limit=seconds)
        received = [each for at, each in enumerate(received) if each.site.existing or at in chosen.chosen]
    result = coverage_map(ground, received, settings)
    if out is not None:
        write_geotiff(out, result.raster())
    if as_json:
        print_json(
            {
                "band": settings.band.name,
                "frequency_ghz": settings.band.frequency_ghz,
                "needed_dbm": settings.needed_dbm,
                "calibration_db": offset,
                "sensitivity_db": sensitivity,
                "synthetic": ground.terrain.synthetic,
                "people": result.people,
                "people_total": result.total_people,
                "people_unknown": result.unknown_people,
                "area_km2": result.area_km2,
                "sites": [
                    {
                        "id": each.site.name,
                        "cells": int(each.cells.size),
                        "best_for": int((result.server == at).sum()),
                    }
                    for at, each in enumerate(received)
                ],
                "choice": None
                if chosen is None
                else {
                    "sites": [placed[at].name for at in chosen.chosen],
                    "people": chosen.value,
                    "bound": chosen.bound,
                    "proved": chosen.proved,
                    "seconds": round(chosen.seconds, 3),
                },
                "map": None if out is None else str(out),
            }
        )
        return
    table(
        f"{settings.band.name}, {len(received)} sites, needs {settings.needed_dbm:g} dBm",
        ("answer", "people", "share", "km²"),
        [
            (
                level,
                f"{result.people[level]:,.0f}",
                f"{result.people[level] / result.total_people:.1%}" if result.total_people else "",
                f"{result.area_km2[level]:,.1f}",
            )
            for level in LEVELS
        ],
    )
    if chosen is not None:
        word = "proved optimal" if chosen.proved else f"at most {chosen.bound:,.0f} people is possible"
        say(f"chosen: {', '.join(placed[at].name for at in chosen.chosen)} ({word})")
    if result.unknown_people:
        note(f"{result.unknown_people:,.0f} people live where the terrain is unknown: counted as not reached")
    if ground.terrain.synthetic:
        note(ground.terrain.source)
    if out is not None:
        say(f"written: {out}")


def site(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A siting problem: JSON, or OR-Library.")],
    problem: Annotated[
        str | None, typer.Option("--problem", help="maximal, covering or median; else what the file says.")
    ] = None,
    count: Annotated[int | None, typer.Option("--count", "-p", help="How many new sites.")] = None,
    seconds: Annotated[
        float, typer.Option("--time", min=0.1, metavar="S", help="Wall-clock seconds to spend at most.")
    ] = 60.0,
    seed: Annotated[int, typer.Option("--seed", help="Start of the random numbers.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Choose tower sites with proof: most people served, all served at least cost, or least distance."""
    from lienthong.infrastructure.siting import files
    from lienthong.infrastructure.siting.errors import BadSitingData

    if problem not in (None, "maximal", "covering", "median"):
        raise BadSitingData(
            f"the problem is {problem!r}", place="--problem", remedy="ask for maximal, covering or median"
        )
    data = files.read_problem(file, kind=problem, count=count)  # type: ignore[arg-type]
    with progress(quiet=as_json) as display:
        task = display.add_task("reading", total=None)
        found = files.solve(
            data,
            time_limit=seconds,
            seed=seed,
            progress=lambda stage, lower, upper: display.update(
                task, description=f"{stage}: {lower:,.6g} … {upper:,.6g}"
            ),
        )
    chosen = [data.sites[at] for at in found.chosen]
    if as_json:
        print_json(
            {
                "problem": found.problem,
                "value": _number(found.value),
                "bound": _number(found.bound),
                "gap": found.gap,
                "proved": found.proved,
                "sites": chosen,
                "points": len(data.points),
                "points_served": int(found.served.sum()),
                "seconds": round(found.seconds, 3),
            }
        )
        return
    what = {"maximal": "weight served", "covering": "cost", "median": "weighted distance"}[found.problem]
    say(f"[bold]{found.problem}[/bold]: {len(data.sites):,} sites, {len(data.points):,} points")
    say(f"{what:<18} {_number(found.value):,}")
    word = "proved optimal" if found.proved else f"gap {found.gap:.3%}"
    say(f"{'bound':<18} {_number(found.bound):,}  ({word})")
    say(f"{'points served':<18} {int(found.served.sum()):,}")
    say(f"{'seconds':<18} {found.seconds:.2f}")
    say(f"{'chosen':<18} {', '.join(chosen)}")


def _ground(
    terrain: Path | None, clutter: Path | None, population: Path | None, synthetic: int | None
) -> Any:
    from lienthong.infrastructure.radio.coverage import Ground
    from lienthong.infrastructure.radio.errors import BadRadioPlan
    from lienthong.infrastructure.radio.rasters import read_geotiff
    from lienthong.infrastructure.radio.synthetic import landscape

    if synthetic is not None:
        land = landscape(synthetic)
        return Ground.of(land.terrain, land.clutter, land.population)
    if terrain is None:
        raise BadRadioPlan(
            "there is no terrain",
            place="--terrain",
            remedy="give a GeoTIFF, or --synthetic SEED to try it out",
        )
    return Ground.of(
        read_geotiff(terrain),
        None if clutter is None else read_geotiff(clutter, kind="clutter"),
        None if population is None else read_geotiff(population, kind="population"),
    )


def _number(value: float) -> int | float:
    return int(value) if float(value).is_integer() else value
