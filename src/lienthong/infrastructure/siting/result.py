"""What every siting problem answers: the sites, what they achieve, and the proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lienthong.infrastructure.siting.instance import Floats, Integers, Mask

Progress = Callable[[str, float, float], None]


@dataclass(frozen=True)
class Siting:
    """``chosen`` are indices of new sites. ``value`` is what was optimised, in the data's own unit:
    weight served (maximal covering, existing sites included), cost (set covering), or weighted distance
    (median). ``bound`` is proven: no siting can do better than it. ``served`` (points,) marks served
    points; ``seconds`` is wall-clock.
    """

    problem: str
    chosen: Integers
    value: float
    bound: float
    served: Mask
    seconds: float

    @property
    def gap(self) -> float:
        """How far from optimal this can be at most, as a part of the value."""
        return abs(self.bound - self.value) / max(abs(self.value), 1e-12) if self.bound != self.value else 0.0

    @property
    def proved(self) -> bool:
        return self.gap <= 1e-9


def whole(*amounts: Floats) -> bool:
    """Whether all amounts are whole numbers, so that two values differ by one or not at all."""
    return all(bool((np.floor(each) == each).all()) and float(np.abs(each).sum()) < 2**50 for each in amounts)
