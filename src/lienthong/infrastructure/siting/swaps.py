"""Good sitings quickly: greedy choice, then tabu search over exchanges of one site for another."""

from __future__ import annotations

import time

import numpy as np
from scipy import sparse

from lienthong.infrastructure.siting.instance import Floats, Integers


def greedy(covers: sparse.csr_matrix, weights: Floats, count: int) -> Integers:
    """``count`` sites one after the other, each serving the most that is left. ``covers`` is (sites,
    points).
    """
    left = weights.copy()
    chosen: list[int] = []
    for _ in range(min(count, covers.shape[0])):
        gain = covers @ left
        gain[chosen] = -1.0
        best = int(gain.argmax())
        chosen.append(best)
        left[covers.indices[covers.indptr[best] : covers.indptr[best + 1]]] = 0.0
    return np.asarray(chosen, dtype=np.int64)


class Exchange:
    """The state of a search: ``count`` open sites, and for every exchange what it would bring."""

    def __init__(self, covers: sparse.csr_matrix, weights: Floats, start: Integers) -> None:
        self.covers, self.weights = covers, weights
        self.open = start.astype(np.int64).copy()
        self.edge_site = np.repeat(np.arange(covers.shape[0]), np.diff(covers.indptr))
        self.times = np.zeros(covers.shape[1], dtype=np.int64)
        self.slots = np.zeros(covers.shape[1], dtype=np.int64)
        for slot, site in enumerate(self.open):
            self.times[self._points(site)] += 1
            self.slots[self._points(site)] += slot
        self.value = float(weights[self.times > 0].sum())

    def _points(self, site: int) -> Integers:
        points: Integers = self.covers.indices[self.covers.indptr[site] : self.covers.indptr[site + 1]]
        return points

    def gains(self) -> Floats:
        """What opening a site in place of each open one changes: shape (sites, open sites)."""
        sites, count = self.covers.shape[0], self.open.size
        fresh = self.covers @ np.where(self.times == 0, self.weights, 0.0)
        once = np.flatnonzero(self.times == 1)
        loss = np.bincount(self.slots[once], weights=self.weights[once], minlength=count)
        edges = np.flatnonzero(self.times[self.covers.indices] == 1)
        points = self.covers.indices[edges]
        keys = self.edge_site[edges] * count + self.slots[points]
        kept = np.bincount(keys, weights=self.weights[points], minlength=sites * count)
        change: Floats = kept.reshape(sites, count).astype(np.float64)
        change += fresh[:, None]
        change -= loss
        change[self.open] = -np.inf
        return change

    def swap(self, site: int, slot: int, change: float) -> None:
        """Open ``site`` in place of the open site at ``slot``."""
        leaving = self._points(self.open[slot])
        self.times[leaving] -= 1
        self.slots[leaving] -= slot
        coming = self._points(site)
        self.times[coming] += 1
        self.slots[coming] += slot
        self.open[slot] = site
        self.value += change


def improve(
    covers: sparse.csr_matrix,
    weights: Floats,
    start: Integers,
    patience: int,
    *,
    seed: int,
    target: float,
    deadline: float,
) -> Integers:
    """The best siting a tabu search meets. It stops at ``target``, a proven bound of the weight served,
    or after ``patience`` exchanges without anything better.
    """
    random = np.random.default_rng(seed)
    state = Exchange(covers, weights, start)
    sites, count = covers.shape[0], state.open.size
    best, best_value = state.open.copy(), state.value
    closed_until = np.zeros(sites, dtype=np.int64)
    open_until = np.zeros(count, dtype=np.int64)
    if sites <= count:
        return best
    step = last = 0
    while step - last < patience and best_value < target - 1e-9 and time.monotonic() < deadline:
        step += 1
        change = state.gains()
        held = (closed_until >= step)[:, None] | (open_until >= step)
        change[held & (state.value + change <= best_value + 1e-9)] = -np.inf
        site, slot = divmod(int(change.argmax()), count)
        gain = float(change[site, slot])
        if gain == -np.inf:
            continue
        closed_until[state.open[slot]] = step + 5 + random.integers(10)
        open_until[slot] = step + 2 + random.integers(count // 8 + 2)
        state.swap(site, slot, gain)
        if state.value > best_value + 1e-9:
            best, best_value, last = state.open.copy(), state.value, step
    return best
