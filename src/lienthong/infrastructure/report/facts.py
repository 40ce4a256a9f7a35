"""The figures of a plan that several chapters quote, computed once and always the same way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lienthong.infrastructure.fibre.result import FibrePlan
from lienthong.infrastructure.phasing.result import Item, Phasing
from lienthong.infrastructure.plan.errors import PlanUnfinished
from lienthong.infrastructure.plan.model import Plan
from lienthong.infrastructure.report.scene import Scene

KIND_NAMES = {
    "vi": {
        "trunk": "Tuyến cáp quang",
        "drop": "Cáp vào điểm, hàn nối",
        "node": "Thiết bị tại điểm",
        "tower": "Trạm thu phát sóng",
        "microwave": "Vi ba",
        "storage": "Lưu trữ, máy chủ",
        "licence": "Bản quyền phần mềm",
        "training": "Đào tạo",
    },
    "en": {
        "trunk": "Fibre routes",
        "drop": "Drop cables, splicing",
        "node": "Equipment at sites",
        "tower": "Radio masts",
        "microwave": "Microwave",
        "storage": "Storage, servers",
        "licence": "Software licences",
        "training": "Training",
    },
}


@dataclass(frozen=True)
class Facts:
    """A finished plan and what is counted in it. Raises :class:`PlanUnfinished` when there is no phasing."""

    plan: Plan

    def __post_init__(self) -> None:
        if self.plan.fibre is None or self.plan.phasing is None or self.plan.state is None:
            raise PlanUnfinished(
                f"the plan was made as far as: {', '.join(self.plan.stages) or 'nothing'}",
                place="plan.json",
                remedy="run `lienthong infrastructure plan FOLDER` again: it goes on from there",
            )

    @property
    def fibre(self) -> FibrePlan:
        assert self.plan.fibre is not None
        return self.plan.fibre

    @property
    def phasing(self) -> Phasing:
        assert self.plan.phasing is not None
        return self.plan.phasing

    @property
    def years(self) -> tuple[int, ...]:
        return self.phasing.years

    @property
    def span(self) -> str:
        return f"{self.years[0]}–{self.years[-1]}" if len(self.years) > 1 else str(self.years[0])

    @cached_property
    def count(self) -> dict[str, int]:
        """Active sites by kind."""
        return dict(Counter(site.kind for site in self.plan.sites))

    @cached_property
    def connected_by_end(self) -> dict[str, int]:
        """Communes and agencies with a way to the data centre at the end of the last year."""
        there = Counter(
            site.kind
            for site in self.plan.sites
            if site.connected or site.code == self.plan.root or site.code in self.plan.site_year
        )
        return {kind: there[kind] for kind in ("commune", "agency")}

    @cached_property
    def new_edges(self) -> np.ndarray:
        return self.fibre.edges[~self.fibre.graph.fibre[self.fibre.edges]]

    @cached_property
    def new_km(self) -> float:
        return self.fibre.length_m / 1000

    @cached_property
    def used_km(self) -> float:
        """Km of existing fibre that the design uses."""
        used = self.fibre.edges[self.fibre.graph.fibre[self.fibre.edges]]
        return float(self.fibre.graph.length_m[used].sum()) / 1000

    @cached_property
    def capex(self) -> int:
        return sum(self.phasing.capex)

    @cached_property
    def done(self) -> tuple[Item, ...]:
        """Items that some year builds."""
        return tuple(item for item in self.plan.items if self.phasing.year_of.get(item.key) is not None)

    def capex_of(self, kind: str, year: int) -> int:
        """VND of a kind of item in a year: the year's capex shared out by list price."""
        listed = self._listed.get((kind, year), 0)
        at = self.years.index(year)
        whole = sum(amount for (_, when), amount in self._listed.items() if when == year)
        return round(self.phasing.capex[at] * listed / whole) if whole else 0

    @cached_property
    def _listed(self) -> dict[tuple[str, int], int]:
        sums: Counter[tuple[str, int]] = Counter()
        for item in self.done:
            year = self.phasing.year_of[item.key]
            assert year is not None
            sums[(item.kind, year)] += item.capex
        return dict(sums)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of items there are, in the order of the list."""
        there = {kind for kind, _ in self._listed}
        return tuple(kind for kind in KIND_NAMES["en"] if kind in there)

    @property
    def saved(self) -> float:
        """The share of the cost that common trenches save beside one trench a site."""
        return 1 - self.fibre.cost / self.plan.apart if self.plan.apart > 0 else 0.0

    def scene(self) -> Scene:
        """What the maps are drawn from."""
        plan = self.plan
        return Scene(
            plan.settings.province,
            self.fibre.graph,
            plan.sites,
            self.fibre,
            plan.radio,
            self.years,
            plan.edge_year,
            plan.site_year,
            plan.settings.districts,
            plan.root,
            plan.synthetic,
        )

    def source_name(self, key: str, lang: str) -> str:
        """How a funding source is called: as ``plan.toml`` names it."""
        for source in self.plan.settings.funding:
            if source.key == key:
                return source.name_en if lang == "en" else source.name_vi
        return {"vi": "Ngân sách", "en": "Budget"}[lang] if key == "budget" else key
