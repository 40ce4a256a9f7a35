"""What if: a cut, a delay, another aim, dearer work; each phased anew and set beside the plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lienthong.infrastructure.phasing.errors import BadPhasingData, BudgetTooSmall
from lienthong.infrastructure.phasing.least import LeastBudget, least_budget
from lienthong.infrastructure.phasing.model import Cancel, Progress, phase
from lienthong.infrastructure.phasing.request import Request
from lienthong.infrastructure.phasing.result import BENEFITS, Phasing

OF = {
    "people": {"vi": "nhiều người dân sớm nhất", "en": "most people earliest"},
    "agencies": {"vi": "nhiều cơ quan sớm nhất", "en": "most agencies earliest"},
    "communes": {"vi": "nhiều xã sớm nhất", "en": "most communes earliest"},
}


@dataclass(frozen=True)
class Scenario:
    """``change`` makes the request of the scenario from the plan's."""

    key: str
    name_vi: str
    name_en: str
    change: Callable[[Request], Request]

    def name(self, lang: str) -> str:
        return self.name_en if lang == "en" else self.name_vi


@dataclass(frozen=True)
class Outcome:
    """One scenario: its request, its phasing, and, when its money does not do everything that was asked, the
    ``least`` that would. The phasing then leaves items out (``phasing.not_done``); None: due dates cannot
    be kept even so.
    """

    scenario: Scenario
    request: Request
    phasing: Phasing | None
    least: LeastBudget | None = None


@dataclass(frozen=True)
class Difference:
    """An outcome less the plan: ``connected`` of the last years, money in VND, counts of items."""

    key: str
    connected: dict[str, float]
    capex: int
    total_cost: int
    npv: float
    not_done: int
    later: int


def cut(year: int, share: float) -> Scenario:
    """``year`` has ``share`` (0 to 1) less; funding sources' caps in that year likewise."""
    if not 0 <= share <= 1:
        raise BadPhasingData(f"the cut is {share}", place="scenario", remedy="give a share: 0.2 for 20 %")

    def change(request: Request) -> Request:
        if year not in request.years:
            raise BadPhasingData(
                f"{year} is not planned",
                place="scenario",
                remedy=f"cut one of {', '.join(map(str, request.years))}",
            )
        at = request.years.index(year)
        budget = tuple(
            round(money * (1 - share)) if i == at else money for i, money in enumerate(request.budget)
        )
        sources = tuple(
            source
            if source.cap is None
            else replace(
                source,
                cap={y: round(cap * (1 - share)) if y == year else cap for y, cap in source.cap.items()},
            )
            for source in request.sources
        )
        return replace(request, budget=budget, sources=sources)

    return Scenario(
        f"cut-{year}-{share * 100:g}",
        f"Cắt {share * 100:g} % vốn năm {year}",
        f"{share * 100:g} % cut in {year}",
        change,
    )


def delay(years: int = 1) -> Scenario:
    """All money, also the sources', comes ``years`` later; so do items' dates. Prices grow meanwhile."""
    if years < 1:
        raise BadPhasingData(f"a delay of {years} years", place="scenario", remedy="give 1 or more")

    def change(request: Request) -> Request:
        last = request.years[-1]
        return replace(
            request,
            years=(*request.years, *range(last + 1, last + 1 + years)),
            budget=((0,) * years + request.budget),
            weights=request.weights and (*request.weights, *(request.weights[-1:] * years)),
            horizon_years=request.horizon_years + years,
            sources=tuple(
                source
                if source.cap is None
                else replace(source, cap={year + years: money for year, money in source.cap.items()})
                for source in request.sources
            ),
            items=[
                replace(
                    item,
                    due=None if item.due is None else item.due + years,
                    not_before=None if item.not_before is None else item.not_before + years,
                )
                for item in request.items
            ],
        )

    return Scenario(
        f"delay-{years}",
        f"Chậm {years} năm",
        f"{years} year{'s' if years > 1 else ''} later",
        change,
    )


def aim(of: str) -> Scenario:
    """Another objective: people, agencies or communes."""
    if of not in OF:
        raise BadPhasingData(
            f"{of!r} is not counted", place="scenario", remedy=f"choose one of {', '.join(BENEFITS)}"
        )
    return Scenario(
        f"aim-{of}",
        f"Mục tiêu: {OF[of]['vi']}",
        f"Aim: {OF[of]['en']}",
        lambda request: replace(request, of=of),
    )


def prices(change_by: float) -> Scenario:
    """Everything costs ``change_by`` (a share) more or less, capex and opex; the money stays."""
    if not -1 < change_by < 10:
        raise BadPhasingData(
            f"prices change by {change_by}", place="scenario", remedy="give a share: 0.2 for 20 % more"
        )
    factor = 1 + change_by

    def change(request: Request) -> Request:
        return replace(
            request,
            items=[
                replace(
                    item,
                    capex=round(item.capex * factor),
                    unit_price=round(item.unit_price * factor),
                    opex_per_year=round(item.opex_per_year * factor),
                )
                for item in request.items
            ],
        )

    sign = "+" if change_by >= 0 else "−"
    amount = f"{sign}{abs(change_by) * 100:g} %"
    return Scenario(f"prices{change_by * 100:+g}", f"Giá {amount}", f"Prices {amount}", change)


def standard(request: Request, *, share: float = 0.2) -> list[Scenario]:
    """A cut in the year with most money, a year's delay, the other aims, and prices up."""
    richest = request.years[max(range(len(request.years)), key=lambda at: request.budget[at])]
    others = [of for of in BENEFITS if of != request.of and any(i.benefit.get(of) for i in request.items)]
    return [cut(richest, share), delay(1), *(aim(of) for of in others), prices(share)]


def compare(
    request: Request,
    scenarios: Sequence[Scenario],
    *,
    time_limit: float = 30.0,
    gap: float = 0.0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> list[Outcome]:
    """Phase each scenario (``time_limit`` s each). Where its money does not do everything, what it does."""
    found = []
    for scenario in scenarios:
        changed = scenario.change(request)

        def told(stage: str, lower: float, upper: float, of: Scenario = scenario) -> None:
            if progress is not None:
                progress(f"{of.key}: {stage}", lower, upper)

        try:
            phasing = phase(changed, time_limit=time_limit, gap=gap, progress=told, cancel=cancel)
            found.append(Outcome(scenario, changed, phasing))
            continue
        except BudgetTooSmall as error:
            least = error.least or least_budget(changed, time_limit=time_limit, cancel=cancel)
        partial = None
        if changed.complete:
            try:
                partial = phase(
                    replace(changed, complete=False),
                    time_limit=time_limit,
                    gap=gap,
                    progress=told,
                    cancel=cancel,
                )
            except BudgetTooSmall:
                partial = None
        found.append(Outcome(scenario, changed, partial, least))
    return found


def difference(outcome: Outcome, plan: Phasing) -> Difference | None:
    """What the scenario does beside the plan: differences (scenario less plan); ``later`` counts the items
    done later than planned, ``not_done`` those not done at all.
    """
    phasing = outcome.phasing
    if phasing is None:
        return None
    later = sum(
        1
        for key, year in phasing.year_of.items()
        if year is not None and (plan.year_of.get(key) or year) < year
    )
    return Difference(
        key=outcome.scenario.key,
        connected={of: phasing.connected[of][-1] - plan.connected[of][-1] for of in BENEFITS},
        capex=sum(phasing.capex) - sum(plan.capex),
        total_cost=phasing.total_cost - plan.total_cost,
        npv=phasing.npv - plan.npv,
        not_done=len(phasing.not_done),
        later=later,
    )
