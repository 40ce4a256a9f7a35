"""The core of a maximal covering problem: what is left after joining points, dropping and fixing sites."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from lienthong.infrastructure.siting.instance import Coverage, Floats, Integers, Mask
from lienthong.infrastructure.siting.reductions import dominated_sites, join_identical, joined_weights


@dataclass(frozen=True)
class Core:
    """Choose ``count`` of ``sites`` beside those ``taken`` for good (both indices of the whole problem's
    sites).

    ``covers`` (sites, points) and ``weights`` (points,) are what is still open; ``base`` is the weight served
    already.
    """

    covers: sparse.csr_matrix
    weights: Floats
    sites: Integers
    taken: Integers
    count: int
    base: float

    @property
    def everything(self) -> float:
        """The value if every point that can be served were."""
        return self.base + float(self.weights.sum())

    def worth(self, chosen: Integers) -> float:
        """The value of opening ``chosen`` (indices into ``sites``), base counted in."""
        served = np.asarray(self.covers[chosen].sum(axis=0)).ravel() > 0
        return self.base + float(self.weights[served].sum())

    def original(self, chosen: Integers) -> Integers:
        """``chosen`` and the taken sites, as indices of the whole problem's sites."""
        return np.sort(np.concatenate([self.taken, self.sites[chosen]]))

    def positions(self, original: Integers) -> Integers:
        """Which of the core's sites are among those of the whole problem."""
        return np.flatnonzero(np.isin(self.sites, original))


def first_core(coverage: Coverage, count: int) -> Core:
    """The core of a whole problem: existing sites have served their points."""
    standing = coverage.served(np.empty(0, dtype=np.int64))
    base = float(coverage.weights[standing].sum())
    candidates = np.flatnonzero(~coverage.existing)
    nothing = np.empty(0, dtype=np.int64)
    return _reduce(coverage.covers, coverage.weights, candidates, ~standing, nothing, count, base)


def narrowed(core: Core, shut: Mask, forced: Mask) -> Core:
    """The core that is left when some sites are shut and some opened for good."""
    taken = np.flatnonzero(forced)
    free = np.flatnonzero(~shut & ~forced)
    served = np.asarray(core.covers[taken].sum(axis=0)).ravel() > 0
    base = core.base + float(core.weights[served].sum())
    left = _reduce(core.covers, core.weights, free, ~served, taken, core.count - taken.size, base)
    original = np.concatenate([core.taken, core.sites[taken]])
    return Core(left.covers, left.weights, core.sites[left.sites], original, left.count, base)


def restricted(core: Core, sites: Integers) -> tuple[sparse.csr_matrix, Floats]:
    """Coverage and weights of some of the core's sites alone, identical points joined."""
    part = core.covers[sites]
    first, of_point = join_identical(_sorted(part.T))
    return _sorted(part[:, first]), joined_weights(of_point, core.weights, first.size)


def _reduce(
    covers: sparse.csr_matrix,
    weights: Floats,
    sites: Integers,
    points: Mask,
    taken: Integers,
    count: int,
    base: float,
) -> Core:
    """Join identical points, drop dominated sites, and again join what has become identical."""
    useful = points & (weights > 0)
    part = covers[sites][:, np.flatnonzero(useful)]
    left = weights[useful]
    for _ in range(2):
        first, of_point = join_identical(_sorted(part.T))
        left = joined_weights(of_point, left, first.size)
        part = _sorted(part[:, first])
        kept = np.flatnonzero(~dominated_sites(part))
        sites, part = sites[kept], _sorted(part[kept])
    return Core(part, left, sites, taken, min(count, sites.size), base)


def _sorted(matrix: sparse.spmatrix) -> sparse.csr_matrix:
    result = sparse.csr_matrix(matrix)
    result.sort_indices()
    return result
