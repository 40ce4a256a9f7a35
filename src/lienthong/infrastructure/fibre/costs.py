"""What fibre costs: VND by metre of each kind of road, crossings, splices, nodes, drops, microwave.

Costs of edges and nodes are rounded to whole thousands of VND, so that bounds on their sums are exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from lienthong.infrastructure.fibre.errors import BadCosts
from lienthong.infrastructure.geography.attaching import Attached
from lienthong.infrastructure.geography.graph import KINDS, Floats, RoadGraph
from lienthong.infrastructure.survey.model import Site

UNIT = 1_000
"""VND: every cost is a whole multiple of it."""

FIBRE_PER_M = {
    "national": 185_000,
    "provincial": 150_000,
    "district": 120_000,
    "rural": 95_000,
    "track": 105_000,
    "ferry": 900_000,
    "bridge": 350_000,
    "unknown": 120_000,
}
NODE = {"commune": 68_000_000, "agency": 42_000_000, "node": 120_000_000, "tower": 55_000_000}


@dataclass(frozen=True)
class FibreCosts:
    """Prices in VND; the defaults are illustrative.

    ``per_m``: new cable by metre of each kind of road, laying included. ``crossing``: factor where an edge
    crosses a river and is neither bridge nor ferry. ``existing``: the share of the price that is still to be
    paid where fibre lies (0: free, 0.1: a tenth for lighting it). ``splice``: joining one site to the
    cable. ``node``: equipment by kind of site. ``drop_per_m``: cable from road to building. ``microwave``:
    one hop's two radios with antennas and first licence; ``mast``: for each end of a hop that is no tower.
    ``splitter`` and ``strand_per_m``: a PON splitter in its box, and a fibre pair in a cable already paid.
    """

    per_m: Mapping[str, int] = field(default_factory=lambda: dict(FIBRE_PER_M))
    crossing: float = 1.6
    existing: float = 0.0
    splice: int = 6_500_000
    node: Mapping[str, int] = field(default_factory=lambda: dict(NODE))
    drop_per_m: int = 60_000
    microwave: int = 185_000_000
    mast: int = 95_000_000
    splitter: int = 4_500_000
    strand_per_m: int = 1_200

    def __post_init__(self) -> None:
        for name, value in _flat(self):
            if not math.isfinite(value) or value < 0:
                raise BadCosts(
                    f"the price is {value}", place=name, remedy="give a number that is not negative"
                )
        if self.existing > 1:
            raise BadCosts(f"the share is {self.existing}", place="existing", remedy="give 0 to 1")

    @classmethod
    def from_prices(cls, prices: Mapping[str, float]) -> FibreCosts:
        """Costs from a price list: keys "fibre.national", "node.commune", "splice", "drop_per_m", …
        (:func:`price_keys`); keys that are missing keep the illustrative price, others are ignored.
        """
        given: dict[str, Any] = {}
        for spec in fields(cls):
            if spec.name in _PREFIX:
                base = dict(FIBRE_PER_M if spec.name == "per_m" else NODE)
                given[spec.name] = {
                    kind: prices.get(f"{_PREFIX[spec.name]}.{kind}", price) for kind, price in base.items()
                }
            elif spec.name in prices:
                given[spec.name] = prices[spec.name]
        return cls(**given)


_PREFIX = {"per_m": "fibre", "node": "node"}


def price_keys() -> dict[str, float]:
    """Every key that :meth:`FibreCosts.from_prices` knows, with its illustrative value."""
    return dict(_flat(FibreCosts()))


def _flat(costs: FibreCosts) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for spec in fields(costs):
        value = getattr(costs, spec.name)
        if spec.name in _PREFIX:
            found += [(f"{_PREFIX[spec.name]}.{kind}", price) for kind, price in value.items()]
        else:
            found.append((spec.name, value))
    return found


def edge_costs(graph: RoadGraph, costs: FibreCosts) -> Floats:
    """VND by edge (m), whole thousands: length × price of the kind × terrain × crossing × existing.

    Raises :class:`BadCosts` when a length or terrain factor is negative or no number.
    """
    for name, values in (("length_m", graph.length_m), ("factor", graph.factor)):
        bad = ~(np.isfinite(values) & (values >= 0))
        if bad.any():
            edge = int(np.argmax(bad))
            raise BadCosts(
                f"{name} is {values[edge]:g}",
                place=graph.name_of(edge),
                remedy="give a number that is not negative; existing fibre is marked by the column fibre",
            )
    missing = [KINDS[k] for k in np.unique(graph.kind) if KINDS[k] not in costs.per_m]
    if missing:
        raise BadCosts(
            f"there is no price for roads of the kind {missing[0]}",
            place=f"fibre.{missing[0]}",
            remedy="add it to the price list, VND by metre",
        )
    price = np.array([costs.per_m.get(kind, 0) for kind in KINDS], np.float64)[graph.kind]
    over = graph.crossing & ~np.isin(graph.kind, (KINDS.index("ferry"), KINDS.index("bridge")))
    cost = graph.length_m * graph.factor * price * np.where(over, costs.crossing, 1.0)
    cost *= np.where(graph.fibre, costs.existing, 1.0)
    found: Floats = np.rint(cost / UNIT) * UNIT
    return found


def node_price(site: Site, costs: FibreCosts) -> float:
    """Equipment at a site, VND: nothing where it is connected today."""
    if site.connected:
        return 0.0
    return _whole(costs.node.get(site.kind, costs.node.get("agency", 0)))


def drop_costs(attached: Attached, costs: FibreCosts) -> Floats:
    """Splice and drop cable by site (s), VND: nothing where it is connected today."""
    cost = np.rint((costs.splice + attached.drop_m * costs.drop_per_m) / UNIT) * UNIT
    cost[[site.connected for site in attached.sites]] = 0.0
    found: Floats = cost
    return found


def hop_price(sender: Site, receiver: Site, costs: FibreCosts) -> float:
    """A microwave hop between two sites, VND: radios, and a mast at each end that is no tower."""
    return _whole(costs.microwave + costs.mast * sum(s.kind != "tower" for s in (sender, receiver)))


def _whole(price: float) -> float:
    return float(round(price / UNIT) * UNIT)
