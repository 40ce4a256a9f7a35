"""Smaller problems with the same optimum: identical points joined, dominated sites and points left out."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from lienthong.infrastructure.siting.instance import Floats, Integers, Mask


def join_identical(by_point: sparse.csr_matrix) -> tuple[Integers, Integers]:
    """Points served by the same sites are one. ``by_point`` (points, sites) is CSR with sorted indices.

    Returns the first point of each class, and the class of every point (-1: served by none).
    """
    classes: dict[bytes, int] = {}
    first: list[int] = []
    of_point = np.full(by_point.shape[0], -1, dtype=np.int64)
    starts, indices = by_point.indptr, by_point.indices
    for point in range(by_point.shape[0]):
        if starts[point] == starts[point + 1]:
            continue
        key = indices[starts[point] : starts[point + 1]].tobytes()
        known = classes.get(key)
        if known is None:
            known = classes[key] = len(first)
            first.append(point)
        of_point[point] = known
    return np.asarray(first, dtype=np.int64), of_point


def joined_weights(of_point: Integers, weights: Floats, classes: int) -> Floats:
    """The weights of the classes: the sums of their points'."""
    inside = of_point >= 0
    sums = np.bincount(of_point[inside], weights=weights[inside], minlength=classes)
    return sums.astype(np.float64)


def dominated_sites(covers: sparse.csr_matrix, costs: Floats | None = None) -> Mask:
    """Sites that another one serves at least as well as, for no more cost: leaving them out loses nothing.

    Of equal sites the first stays. ``covers`` is (sites, points).
    """
    sizes = np.diff(covers.indptr)
    shared = (covers @ covers.T).tocoo()
    contained = (shared.row != shared.col) & (shared.data == sizes[shared.row])
    inner, outer = shared.row[contained], shared.col[contained]
    worse = sizes[outer] > sizes[inner]
    same = ~worse
    if costs is None:
        better = worse | (same & (outer < inner))
    else:
        cheaper = costs[outer] < costs[inner]
        equal = costs[outer] == costs[inner]
        better = (equal | cheaper) & (worse | cheaper | (outer < inner))
    dropped = sizes == 0
    dropped[inner[better]] = True
    return np.asarray(dropped)


def implied_points(by_point: sparse.csr_matrix) -> Mask:
    """Points that are served whenever some other point is: all its sites serve them too. (points, sites)."""
    sizes = np.diff(by_point.indptr)
    shared = (by_point @ by_point.T).tocoo()
    contained = (shared.row != shared.col) & (shared.data == sizes[shared.row])
    demanding, implied = shared.row[contained], shared.col[contained]
    strict = (sizes[implied] > sizes[demanding]) | (demanding < implied)
    dropped = np.zeros(by_point.shape[0], dtype=np.bool_)
    dropped[implied[strict]] = True
    return dropped
