"""The radio part of a plan: towers standing and chosen, who is reached before and after, in each band."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NONE, BEFORE, GAINED = 0, 1, 2


@dataclass(frozen=True)
class Tower:
    """A mast: ``lon``, ``lat`` degrees, ``height_m`` of the antenna above ground. ``existing`` ones stand
    already; ``chosen`` is to be built. ``people`` live in the cells it serves best, when standing or chosen.
    """

    code: str
    name: str
    lon: float
    lat: float
    height_m: float
    existing: bool
    chosen: bool
    people: int = 0


@dataclass(frozen=True)
class Reach:
    """People and km² reached in one band by the low, mid and high answer, with the towers of today
    (``before``) and the chosen ones (``after``). ``grid`` (rows, columns) says for each cell of the map
    whether the mid answer reaches it: 0 not, 1 today, 2 by a chosen tower.
    """

    band: str
    needed_dbm: float
    people_before: Mapping[str, float]
    people_after: Mapping[str, float]
    km2_before: Mapping[str, float]
    km2_after: Mapping[str, float]
    grid: NDArray[np.uint8]

    @property
    def title(self) -> str:
        """The band as people write it: 4G-1800."""
        return self.band.upper()


@dataclass(frozen=True)
class RadioPlan:
    """``reaches`` by band, that of the siting first. ``value`` people are reached by the siting's choice and
    ``bound`` at most by any choice of as many towers. The outer edges of the reaches' grids are in degrees.
    """

    towers: tuple[Tower, ...]
    reaches: tuple[Reach, ...]
    people: float
    value: float
    bound: float
    proved: bool
    seconds: float
    west: float
    south: float
    east: float
    north: float
    source: str

    @property
    def gap(self) -> float:
        """(bound − value) ÷ value; 0 when proved."""
        return 0.0 if self.proved or self.value <= 0 else max(0.0, self.bound - self.value) / self.value

    @property
    def chosen(self) -> tuple[Tower, ...]:
        return tuple(tower for tower in self.towers if tower.chosen)
