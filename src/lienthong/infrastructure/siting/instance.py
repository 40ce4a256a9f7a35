"""Sites, points and which serves which, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from lienthong.infrastructure.siting.errors import BadSitingData

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Coverage:
    """``covers`` is a sparse 0/1 matrix (sites, points), CSR, indices sorted.

    ``weights`` (points,) is what serving a point is worth (people), ``costs`` (sites,) what a site costs,
    ``existing`` (sites,) marks sites that stand already: they serve, cost nothing and are not counted.
    """

    sites: tuple[str, ...]
    points: tuple[str, ...]
    covers: sparse.csr_matrix
    weights: Floats
    costs: Floats
    existing: Mask

    @classmethod
    def build(
        cls,
        covers: sparse.spmatrix,
        *,
        weights: ArrayLike = 1.0,
        costs: ArrayLike = 1.0,
        existing: ArrayLike = False,
        sites: Sequence[str] | None = None,
        points: Sequence[str] | None = None,
    ) -> Coverage:
        """Checked data. Raises :class:`BadSitingData`."""
        matrix = sparse.csr_matrix(covers, dtype=np.float64)
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        matrix.data[:] = 1.0
        matrix.sort_indices()
        site_count, point_count = matrix.shape
        if not site_count or not point_count:
            raise BadSitingData(
                f"there are {site_count} sites and {point_count} points",
                place="sites and points",
                remedy="give at least one of each",
            )
        names = _names(sites, site_count, "site")
        served = _names(points, point_count, "point")
        return cls(
            names,
            served,
            matrix,
            _amounts(weights, point_count, "weight", served),
            _amounts(costs, site_count, "cost", names),
            np.broadcast_to(np.asarray(existing, dtype=np.bool_), (site_count,)).copy(),
        )

    @classmethod
    def within(
        cls,
        site_xy: ArrayLike,
        point_xy: ArrayLike,
        radius: ArrayLike,
        *,
        weights: ArrayLike = 1.0,
        costs: ArrayLike = 1.0,
        existing: ArrayLike = False,
        sites: Sequence[str] | None = None,
        points: Sequence[str] | None = None,
    ) -> Coverage:
        """A site serves the points within its ``radius``; coordinates (n, 2) or (n, 3), one unit."""
        from scipy.spatial import cKDTree

        at = _coordinates(site_xy, "site")
        where = _coordinates(point_xy, "point")
        reach = np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(at),))
        if not (np.isfinite(reach) & (reach >= 0)).all():
            raise BadSitingData(
                f"a radius is {reach[~(reach >= 0)][0]:g}",
                place=f"site {int(np.argmin(reach >= 0))}",
                remedy="give 0 or more",
            )
        found = cKDTree(where).query_ball_point(at, reach, return_sorted=True)
        starts = np.concatenate([[0], np.cumsum([len(each) for each in found])])
        indices = np.concatenate([np.asarray(each, dtype=np.int64) for each in found])
        matrix = sparse.csr_matrix((np.ones(indices.size), indices, starts), shape=(len(at), len(where)))
        return cls.build(matrix, weights=weights, costs=costs, existing=existing, sites=sites, points=points)

    def served(self, chosen: ArrayLike) -> Mask:
        """Which points the chosen sites (indices) and the existing ones serve. Shape (points,)."""
        open_sites = self.existing.copy()
        open_sites[np.asarray(chosen, dtype=np.int64)] = True
        return np.asarray(self.covers.T @ open_sites.astype(np.float64) > 0)


def _names(names: Sequence[str] | None, count: int, kind: str) -> tuple[str, ...]:
    if names is None:
        return tuple(f"{kind} {at + 1}" for at in range(count))
    if len(names) != count:
        raise BadSitingData(
            f"{len(names)} {kind} names for {count} {kind}s", place=f"{kind}s", remedy="name each once"
        )
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BadSitingData(
                f"the {kind} {name!r} is there twice", place=f"{kind}s", remedy="give each its own id"
            )
        seen.add(name)
    return tuple(names)


def _amounts(values: ArrayLike, count: int, kind: str, names: tuple[str, ...]) -> Floats:
    try:
        amounts = np.broadcast_to(np.asarray(values, dtype=np.float64), (count,)).copy()
    except ValueError as error:
        raise BadSitingData(
            f"{np.size(values)} values of {kind} for {count}", place=kind, remedy="give one for each"
        ) from error
    bad = ~(np.isfinite(amounts) & (amounts >= 0))
    if bad.any():
        at = int(np.argmax(bad))
        raise BadSitingData(f"the {kind} is {amounts[at]:g}", place=names[at], remedy="give 0 or more")
    return amounts


def _coordinates(values: ArrayLike, kind: str) -> Floats:
    xy = np.asarray(values, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] not in (2, 3) or not len(xy):
        raise BadSitingData(
            f"{kind} coordinates have the shape {xy.shape}", place=f"{kind}s", remedy="give x and y for each"
        )
    if not np.isfinite(xy).all():
        at = int(np.argmin(np.isfinite(xy).all(axis=1)))
        raise BadSitingData("a coordinate is not a number", place=f"{kind} {at + 1}", remedy="give x and y")
    return xy
