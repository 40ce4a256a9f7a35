"""A plan as a whole: what the report, the exports and the map pages need, and nothing of how it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cached_property
from typing import Any

from lienthong.infrastructure.capacity.coefficients import Coefficient
from lienthong.infrastructure.capacity.links import LinkSize
from lienthong.infrastructure.capacity.storage import StorageYear
from lienthong.infrastructure.capacity.tornado import Tornado
from lienthong.infrastructure.fibre.result import FibrePlan
from lienthong.infrastructure.fibre.splitters import Splitter
from lienthong.infrastructure.phasing.prices import Price
from lienthong.infrastructure.phasing.result import Item, Phasing
from lienthong.infrastructure.plan.radio_part import RadioPlan
from lienthong.infrastructure.plan.settings import Settings
from lienthong.infrastructure.plan.state import State
from lienthong.infrastructure.survey.model import Site

SCHEMA = "lienthong-plan/2"


PARTS: Mapping[str, tuple[str, ...]] = {
    "radio": ("radio",),
    "fibre": ("fibre", "apart", "splitters", "notes_vi", "notes_en"),
    "capacity": ("links", "trunks", "storage"),
    "phasing": ("items", "phasing"),
    "scenarios": ("scenarios",),
    "sensitivity": ("tornadoes",),
}
"""The fields of a plan that each stage fills."""


@dataclass(frozen=True)
class Outcome:
    """A scenario beside the plan: its names and its phasing; ``what`` says why there is none."""

    name_vi: str
    name_en: str
    budget: tuple[int, ...]
    phasing: Phasing | None = None
    why_vi: str = ""
    why_en: str = ""

    def name(self, lang: str) -> str:
        return self.name_en if lang == "en" else self.name_vi

    def why(self, lang: str) -> str:
        return self.why_en if lang == "en" else self.why_vi


@dataclass(frozen=True)
class Splitters:
    """Passive splitters of at most ``ratio`` sites each: VND ``extra`` beside the fibre plan, whose cost with
    them is ``cost`` and at least ``lower_bound``.
    """

    ratio: int
    places: tuple[Splitter, ...]
    extra: float
    cost: float
    lower_bound: float


@dataclass(frozen=True)
class Plan:
    """Money in VND, lengths in metres, rates in Mbit/s, storage in GB, years as numbers.

    ``stages`` have been made, in order; the parts of stages not made yet are None or empty. ``keys`` tell by
    stage what it was made from (:meth:`.folder.Folder.keys`). ``apart`` is what the network would cost if
    every site had a trench of its own to the network of today. ``seconds`` by stage.
    """

    settings: Settings
    keys: Mapping[str, str]
    made_at: str
    synthetic: bool
    stages: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    notes_vi: tuple[str, ...] = ()
    notes_en: tuple[str, ...] = ()
    sites: tuple[Site, ...] = ()
    root: str = ""
    state: State | None = None
    radio: RadioPlan | None = None
    fibre: FibrePlan | None = None
    apart: float = 0.0
    splitters: Splitters | None = None
    coefficients: tuple[Coefficient, ...] = ()
    prices: tuple[Price, ...] = ()
    links: tuple[LinkSize, ...] = ()
    trunks: Mapping[str, LinkSize] = field(default_factory=dict)
    storage: tuple[StorageYear, ...] = ()
    items: tuple[Item, ...] = ()
    phasing: Phasing | None = None
    scenarios: tuple[Outcome, ...] = ()
    tornadoes: Mapping[str, Tornado] = field(default_factory=dict)
    schema: str = SCHEMA

    @property
    def digest(self) -> str:
        """SHA-256 of everything the plan was made from."""
        return self.keys["sensitivity"]

    @property
    def years(self) -> tuple[int, ...]:
        return self.settings.money.years

    def upto(self, stages: tuple[str, ...]) -> Plan:
        """The plan as it was when only these stages had been made."""
        later = {name for stage, names in PARTS.items() if stage not in stages for name in names}
        empty: dict[str, Any] = {
            each.name: each.default_factory() if each.default_factory is not MISSING else each.default
            for each in fields(self)
            if each.name in later
        }
        seconds = {stage: spent for stage, spent in self.seconds.items() if stage in stages}
        return replace(self, stages=stages, seconds=seconds, **empty)

    def notes(self, lang: str) -> tuple[str, ...]:
        return self.notes_en if lang == "en" else self.notes_vi

    @cached_property
    def edge_year(self) -> dict[int, int]:
        """The year in which each new edge of the graph is built; edges of no year are left out."""
        if self.phasing is None:
            return {}
        years = {}
        for item in self.items:
            year = self.phasing.year_of.get(item.key)
            if year is not None:
                years.update(dict.fromkeys(item.edges, year))
        return years

    @cached_property
    def site_year(self) -> dict[str, int]:
        """The year from which each site is connected: that of the last item that is its own."""
        if self.phasing is None:
            return {}
        years: dict[str, int] = {}
        never: set[str] = set()
        for item in self.items:
            if not item.site or not item.benefit:
                continue
            year = self.phasing.year_of.get(item.key)
            if year is None:
                never.add(item.site)
            else:
                years[item.site] = max(year, years.get(item.site, year))
        return {site: year for site, year in years.items() if site not in never}
