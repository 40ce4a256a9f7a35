"""The money stages: items in years under budgets, scenarios beside them, and what each coefficient does."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lienthong.infrastructure.capacity.coefficients import Coefficients
from lienthong.infrastructure.capacity.links import size_links
from lienthong.infrastructure.capacity.tornado import Tornado, tornado
from lienthong.infrastructure.phasing import scenarios as changes
from lienthong.infrastructure.phasing.errors import BadPhasingData, BudgetTooSmall
from lienthong.infrastructure.phasing.items import NewMast, items_of
from lienthong.infrastructure.phasing.least import LeastBudget
from lienthong.infrastructure.phasing.model import phase
from lienthong.infrastructure.phasing.money import flows
from lienthong.infrastructure.phasing.prices import PriceList
from lienthong.infrastructure.phasing.request import EVERYTHING, Request, Source, compile_request
from lienthong.infrastructure.phasing.result import Item
from lienthong.infrastructure.plan.folder import SETTINGS
from lienthong.infrastructure.plan.model import Outcome, Plan
from lienthong.infrastructure.plan.progress import Run
from lienthong.infrastructure.plan.settings import Scenario
from lienthong.infrastructure.plan.sizing import OFFICES, load_of, sized, stored, users_of


def phased(plan: Plan, coefficients: Coefficients, prices: PriceList, run: Run) -> Plan:
    """Raises :class:`BudgetTooSmall` when everything must be built and the money does not do it, and
    :class:`BadPhasingData` for money or funding that cannot be; both name the key of ``plan.toml``.
    """
    items = items_for(plan, coefficients, prices)
    request = request_for(plan, items, coefficients)

    def told(stage: str, lower: float, upper: float) -> None:
        run.say(f"{stage}: {lower:,.0f} ≤ {upper:,.0f}")

    try:
        found = phase(
            request,
            time_limit=run.limit,
            gap=plan.settings.time.gap,
            progress=told,
            cancel=run.stop.is_set,
        )
    except BadPhasingData as error:
        where = _key_of(error.place or "", request)
        raise BadPhasingData(error.detail, place=where, remedy=str(error.remedy)) from error
    except BudgetTooSmall as error:
        here, there = "`--partial`", "complete = false under [money] in plan.toml"
        said = error.vietnamese
        raise BudgetTooSmall(
            error.detail,
            remedy=str(error.remedy).replace(here, there),
            least=error.least,
            vietnamese=replace(
                said, remedy=said.remedy.replace(here, "complete = false ở [money] trong plan.toml")
            )
            if said
            else None,
            place=f"{SETTINGS}, money.budgets",
        ) from error
    return replace(plan, items=tuple(items), phasing=found)


def _key_of(place: str, request: Request) -> str:
    """Where ``plan.toml`` says what a request was refused for; what stands elsewhere keeps its place."""
    for at, source in enumerate(request.sources, 1):
        if place == f"funding source {source.key}":
            return f"{SETTINGS}, funding[{at}] ({source.key})"
    keys = {"years": "money.years", "objective": "money.objective", "funding": "funding"}
    key = "money.budgets" if place.startswith("budget") else keys.get(place)
    return f"{SETTINGS}, {key}" if key else place


def items_for(plan: Plan, coefficients: Coefficients, prices: PriceList) -> list[Item]:
    """Everything to pay for, at the coefficients' level of prices."""
    assert plan.fibre is not None
    joined = {site.code for site in plan.fibre.sites}
    chosen = plan.radio.chosen if plan.radio else ()
    items = items_of(
        plan.fibre,
        prices,
        links=plan.links,
        storage=plan.storage,
        masts=[
            NewMast(tower.code, tower.name, 0.0, tower.code if tower.code in joined else "")
            for tower in chosen
        ],
        users=users_of(plan),
        years=plan.years,
        price_level=coefficients.value("price_level"),
    )
    items = _mast_first(items)
    if plan.splitters is not None and plan.splitters.places:
        count, extra = len(plan.splitters.places), plan.splitters.extra
        money = round(extra * coefficients.value("price_level"))
        items.append(
            Item(
                "splitters", "node", "Bộ chia quang và sợi dẫn", "Optical splitters and their strands", "set",
                float(count), round(money / count), money, prices.opex("splitter", money),
            )
        )  # fmt: skip
    return items


def _mast_first(items: list[Item]) -> list[Item]:
    """Nothing is fitted to a mast that does not stand yet."""
    masts = {item.site: item.key for item in items if item.kind == "tower" and item.site}
    ordered = []
    for item in items:
        if item.kind == "tower":
            item = replace(item, after=())
        elif item.site in masts:
            item = replace(item, after=(*item.after, masts[item.site]))
        ordered.append(item)
    return ordered


def request_for(plan: Plan, items: list[Item], coefficients: Coefficients) -> Request:
    """The question of the plan's own settings."""
    money, c = plan.settings.money, coefficients.value
    sources = tuple(
        Source(
            each.key,
            each.name_vi,
            each.name_en,
            {int(year): amount for year, amount in each.cap.items()} or None,
            each.share,
            each.at_least,
            each.pays_for,
        )
        for each in plan.settings.funding
    )
    return Request(
        items,
        money.years,
        money.budgets,
        of=money.objective,
        sources=sources or (EVERYTHING,),
        carry_over=money.carry_over,
        complete=money.complete,
        price_growth=c("price_growth"),
        discount_rate=c("discount_rate"),
        horizon_years=max(len(money.years), round(c("horizon_years"))),
    )


def scenarios(plan: Plan, coefficients: Coefficients, run: Run) -> Plan:
    """Each scenario of the settings (else the standard ones), phased anew."""
    request = request_for(plan, list(plan.items), coefficients)
    wanted = [_change(each) for each in plan.settings.scenarios] or changes.standard(request)
    limit = run.limit / len(wanted)
    done: list[Outcome] = []
    for at, scenario in enumerate(wanted):
        run.say(scenario.name("vi"), at / len(wanted))

        def told(stage: str, lower: float, upper: float, at: int = at, name: str = scenario.name_vi) -> None:
            run.say(f"{name}: {lower:,.0f} ≤ {upper:,.0f}", at / len(wanted))

        found = changes.compare(
            request,
            [scenario],
            time_limit=limit,
            gap=max(plan.settings.time.gap, 1e-3),
            progress=told,
            cancel=run.stop.is_set,
        )[0]
        vi, en = _why(found.least)
        done.append(Outcome(scenario.name_vi, scenario.name_en, found.request.budget, found.phasing, vi, en))
    return replace(plan, scenarios=tuple(done))


def tornadoes(
    plan: Plan, coefficients: Coefficients, prices: PriceList, existing_gb: float, run: Run
) -> Plan:
    """What each coefficient does to the whole life's cost (in the plan's own years), to storage, to rates."""
    loads = [load_of(site, plan.settings.capacity) for site in plan.sites if site.kind in OFFICES]

    def cost(changed: Coefficients) -> float:
        again = sized(plan, changed, existing_gb)
        return float(_total_cost(again, changed, prices))

    def storage(changed: Coefficients) -> float:
        return stored(plan, changed, existing_gb)[-1].total / 1000

    def rate(changed: Coefficients) -> float:
        return float(sum(size.rate for size in size_links(loads, changed)))

    asked: dict[str, Callable[[Coefficients], float]] = {"capex": cost, "storage": storage, "rate": rate}
    found: dict[str, Tornado] = {}
    for at, (name, outcome) in enumerate(asked.items()):
        run.say(name, at / len(asked))
        found[name] = tornado(coefficients, _stoppable(outcome, run))
    return replace(plan, tornadoes=found)


def _total_cost(plan: Plan, coefficients: Coefficients, prices: PriceList) -> int:
    """Capex and opex to the horizon with every item in the year that the plan gives it."""
    assert plan.phasing is not None
    items = [replace(item, due=None) for item in items_for(plan, coefficients, prices)]
    request = replace(request_for(plan, items, coefficients), complete=False)
    problem = compile_request(request)
    years = plan.years
    when = np.array(
        [
            years.index(year) if (year := plan.phasing.year_of.get(item.key)) is not None else len(years)
            for item in problem.items
        ],
        dtype=np.int64,
    )
    return flows(problem, when).total_cost


def _stoppable(outcome: Callable[[Coefficients], float], run: Run) -> Callable[[Coefficients], float]:
    def asked(changed: Coefficients) -> float:
        run.check()
        return outcome(changed)

    return asked


def _change(wanted: Scenario) -> changes.Scenario:
    """A scenario of ``plan.toml``: its changes one after the other."""
    steps: list[Callable[[Request], Request]] = []
    if wanted.budget_factor != 1.0:
        steps.append(lambda request: _scaled(request, wanted.budget_factor))
    if wanted.cut_year:
        steps.append(changes.cut(wanted.cut_year, wanted.cut_share).change)
    if wanted.prices_change:
        steps.append(changes.prices(wanted.prices_change).change)
    if wanted.objective:
        steps.append(changes.aim(wanted.objective).change)
    if wanted.delay_years:
        steps.append(changes.delay(wanted.delay_years).change)

    def change(request: Request) -> Request:
        for step in steps:
            request = step(request)
        return request

    return changes.Scenario(wanted.name_en, wanted.name_vi, wanted.name_en, change)


def _scaled(request: Request, factor: float) -> Request:
    return replace(
        request,
        budget=tuple(round(each * factor) for each in request.budget),
        sources=tuple(
            source
            if source.cap is None
            else replace(source, cap={year: round(cap * factor) for year, cap in source.cap.items()})
            for source in request.sources
        ),
    )


def _why(least: LeastBudget | None) -> tuple[str, str]:
    if least is None:
        return "", ""
    extra = math.ceil((sum(least.extra) + sum(least.unpaid)) / 1e8) / 10
    vi = f"cần thêm ít nhất {extra:,.1f} tỷ đồng để làm được tất cả".replace(",", " ").replace(".", ",")
    return vi, f"at least {extra:,.1f} billion VND more would do everything"
