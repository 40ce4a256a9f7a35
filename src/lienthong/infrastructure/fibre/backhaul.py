"""Microwave hops that could be built: short enough, and clear of the terrain where it is known.

A hop is clear when the ground (and clutter, if given) stays below the line of sight by the given share of
the first Fresnel zone at every point, over an earth of effective radius k · 6371 km (ITU-R P.530, k = 4/3).
Which of them *are* built is decided together with the fibre (:func:`.design.design`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from lienthong.infrastructure.fibre.errors import Infeasible
from lienthong.infrastructure.fibre.problem import Link
from lienthong.infrastructure.geography.attaching import Attached
from lienthong.infrastructure.geography.graph import Floats
from lienthong.infrastructure.geography.projection import DEGREES, metres, reproject
from lienthong.infrastructure.radio.rasters import Raster

EARTH_KM = 6371.0
MAST_M: Mapping[str, float] = {"tower": 42.0, "node": 45.0, "commune": 30.0, "agency": 30.0}
"""Height of the antenna above ground by kind of site, m."""


@dataclass(frozen=True)
class Microwave:
    """``ghz``: frequency; ``furthest_km``: longest hop; ``fresnel``: the share of the first Fresnel zone that
    must be clear (1.0: all, 0.6: what P.530 asks for the median); ``k``: effective earth radius factor;
    ``nearest``: hops considered from each site, the shortest; ``mast_m``: antenna heights by kind of site.
    """

    ghz: float = 15.0
    furthest_km: float = 20.0
    fresnel: float = 1.0
    k: float = 4 / 3
    nearest: int = 8
    mast_m: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        for name in ("ghz", "furthest_km", "k"):
            if not getattr(self, name) > 0:
                raise Infeasible(f"{name} is {getattr(self, name)}", place=name, remedy="give more than 0")


def microwave_links(
    attached: Attached,
    microwave: Microwave,
    *,
    sites: Sequence[int] | None = None,
    terrain: Raster | None = None,
    clutter: Raster | None = None,
) -> tuple[Link, ...]:
    """Candidate hops that have at least one end in ``sites`` (positions; None: the towers), each pair once.

    Over ``terrain`` only clear hops are answered, marked clear; hops that leave it, or without terrain, are
    taken by range alone and not marked.
    """
    every = attached.sites
    wanted = set(sites) if sites is not None else {i for i, s in enumerate(every) if s.kind == "tower"}
    x, y = metres([s.lon for s in every], [s.lat for s in every], attached.graph.crs)
    points = np.column_stack([x, y])
    masts = {**MAST_M, **(microwave.mast_m or {})}
    height = np.array([masts.get(s.kind, 30.0) for s in every])
    tree = cKDTree(points)
    pairs = {
        (min(i, j), max(i, j))
        for i in sorted(wanted)
        for j in tree.query(
            points[i], min(len(every), microwave.nearest + 1),
            distance_upper_bound=microwave.furthest_km * 1000.0,
        )[1].tolist()
        if j < len(every) and j != i
    }  # fmt: skip
    found = []
    for i, j in sorted(pairs):
        km = float(np.hypot(*(points[i] - points[j]))) / 1000.0
        if km <= 0.0:
            continue
        margin = None
        if terrain is not None:
            ends = (every[i].lon, every[i].lat), (every[j].lon, every[j].lat)
            margin = clearance(ends, (height[i], height[j]), km, microwave, terrain, clutter)
        if margin is None or margin >= 0.0:
            found.append(Link(i, j, round(km, 3), margin is not None))
    return tuple(found)


def clearance(
    ends: tuple[tuple[float, float], tuple[float, float]],
    height_m: tuple[float, float],
    km: float,
    microwave: Microwave,
    terrain: Raster,
    clutter: Raster | None = None,
    points: int = 101,
) -> float | None:
    """The least room in m between obstacles and the wanted share of the first Fresnel zone, negative where
    it is blocked; ``None`` when the terrain is not known all along. ``ends`` in degrees.
    """
    share = np.linspace(0.0, 1.0, points)
    lon, lat = (a + (b - a) * share for a, b in zip(*ends, strict=True))
    x, y = reproject(lon, lat, DEGREES, terrain.crs) if not terrain.geographic else (lon, lat)
    ground = terrain.bilinear(x, y)
    if not np.isfinite(ground).all():
        return None
    cover = np.zeros(points)
    if clutter is not None:
        cover = np.nan_to_num(clutter.nearest(x, y))
        cover[[0, -1]] = 0.0
    before, after = km * share, km * (1.0 - share)
    bulge = before * after / (2.0 * microwave.k * EARTH_KM) * 1000.0
    line = (ground[0] + height_m[0]) * (1.0 - share) + (ground[-1] + height_m[1]) * share
    room: Floats = line - ground - cover - bulge - microwave.fresnel * fresnel_m(before, after, microwave.ghz)
    return float(room[1:-1].min())


def fresnel_m(before_km: Floats, after_km: Floats, ghz: float) -> Floats:
    """Radius of the first Fresnel zone, m (P.530: 17.3 √(d1 d2 / (f d)))."""
    radius: Floats = 17.3 * np.sqrt(before_km * after_km / (ghz * (before_km + after_km)))
    return radius
