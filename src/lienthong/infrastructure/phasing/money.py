"""Net present value and total cost of ownership."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lienthong.infrastructure.phasing.request import Compiled, Ints


@dataclass(frozen=True)
class Flows:
    """VND by year of the horizon: ``capex`` at that year's prices, ``opex`` and ``saving`` from the year
    after an item is done.
    """

    capex: tuple[int, ...]
    opex: tuple[int, ...]
    saving: tuple[int, ...]

    @property
    def total_cost(self) -> int:
        """Total cost of ownership, undiscounted: capex and opex to the end of the horizon."""
        return sum(self.capex) + sum(self.opex)


def npv(amounts: Sequence[float], rate: float) -> float:
    """Σ amounts[t] / (1 + rate)^t: the first year is not discounted."""
    return float(sum(amount / (1 + rate) ** at for at, amount in enumerate(amounts)))


def flows(problem: Compiled, when: Ints) -> Flows:
    """The money of a schedule over the whole horizon; opex and savings grow with prices."""
    request = problem.request
    horizon = request.horizon_years
    capex = np.zeros(horizon, dtype=np.int64)
    capex[: problem.years] = problem.spent(when)
    running = np.array([item.opex_per_year for item in problem.items], dtype=np.int64)
    saving = np.array([item.saving_per_year for item in problem.items], dtype=np.int64)
    opex, saved = [], []
    for at in range(horizon):
        done = when < min(at, problem.years)
        growth = (1 + request.price_growth) ** at
        opex.append(round(int(running[done].sum()) * growth))
        saved.append(round(int(saving[done].sum()) * growth))
    return Flows(tuple(int(each) for each in capex), tuple(opex), tuple(saved))


def net_present_value(found: Flows, rate: float) -> float:
    """Savings less capex and opex, discounted: negative when it costs more than it saves."""
    return npv(
        [
            saving - capex - opex
            for capex, opex, saving in zip(found.capex, found.opex, found.saving, strict=True)
        ],
        rate,
    )
