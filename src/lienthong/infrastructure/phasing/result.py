"""What phasing takes and gives: items in, the year of each with money, people and a proven bound out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

KINDS = ("trunk", "drop", "node", "tower", "microwave", "storage", "licence", "training")
BENEFITS = ("people", "agencies", "communes")
UNITS = {
    "m": {"vi": "m", "en": "m"},
    "site": {"vi": "điểm", "en": "site"},
    "set": {"vi": "bộ", "en": "set"},
    "hop": {"vi": "chặng", "en": "hop"},
    "mast": {"vi": "trạm", "en": "mast"},
    "pole": {"vi": "cột", "en": "pole"},
    "TB": {"vi": "TB", "en": "TB"},
    "user": {"vi": "người dùng", "en": "user"},
    "person": {"vi": "người", "en": "person"},
}


def unit_name(unit: str, lang: str) -> str:
    """A unit in words; units we do not know stay as they are."""
    return UNITS.get(unit, {}).get(lang, unit)


@dataclass(frozen=True)
class Item:
    """One thing to pay for. Money in VND at the prices of the first year; ``after`` are keys of items that
    must be done the same year or before; ``benefit`` counts who is connected once this item is done.

    ``not_before`` and ``due`` are calendar years; ``edges`` are those of the fibre plan's graph.
    """

    key: str
    kind: str
    name_vi: str
    name_en: str
    unit: str
    quantity: float
    unit_price: int
    capex: int
    opex_per_year: int
    after: tuple[str, ...] = ()
    benefit: Mapping[str, float] = field(default_factory=dict)
    site: str = ""
    edges: tuple[int, ...] = ()
    not_before: int | None = None
    due: int | None = None
    saving_per_year: int = 0

    def name(self, lang: str) -> str:
        return self.name_en if lang == "en" else self.name_vi


@dataclass(frozen=True)
class Phasing:
    """``year_of`` an item is None when it is not done in these years. By year: ``budget``, ``capex`` (VND of
    that year), ``opex`` (from the year after an item is done), ``connected`` (cumulative, by benefit) and
    ``funding`` (by source; sums to ``capex``).

    ``objective`` ≤ ``bound`` (connected × weight of the year); ``gap`` = (bound - objective) / bound.
    ``npv`` discounts capex, opex and savings to the first year, costs negative; ``total_cost`` is capex
    and opex to the end of the horizon, VND. ``horizon`` has the opex of every year of the horizon.
    """

    years: tuple[int, ...]
    budget: tuple[int, ...]
    year_of: Mapping[str, int | None]
    capex: tuple[int, ...]
    opex: tuple[int, ...]
    connected: Mapping[str, tuple[float, ...]]
    objective: float
    bound: float
    gap: float
    npv: float
    total_cost: int
    funding: Mapping[str, tuple[int, ...]]
    seconds: float
    proved: bool = False
    cancelled: bool = False
    of: str = "people"
    totals: Mapping[str, float] = field(default_factory=dict)
    horizon: tuple[int, ...] = ()

    @property
    def not_done(self) -> tuple[str, ...]:
        """Keys of the items no year had money for."""
        return tuple(key for key, year in self.year_of.items() if year is None)
