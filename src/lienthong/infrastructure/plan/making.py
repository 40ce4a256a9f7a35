"""From data to a plan, stage by stage; what is done is handed out at once, so that nothing done is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from lienthong.core.clock import VIETNAM
from lienthong.infrastructure.capacity.coefficients import Coefficients
from lienthong.infrastructure.geography.findings import Finding
from lienthong.infrastructure.geography.graph import RoadGraph
from lienthong.infrastructure.phasing.prices import PriceList
from lienthong.infrastructure.plan.errors import Cancelled
from lienthong.infrastructure.plan.folder import Folder
from lienthong.infrastructure.plan.masts import ground_of, reach, tower_sites
from lienthong.infrastructure.plan.model import Plan
from lienthong.infrastructure.plan.network import designed
from lienthong.infrastructure.plan.places import places, roads
from lienthong.infrastructure.plan.progress import Run
from lienthong.infrastructure.plan.settings import STAGES
from lienthong.infrastructure.plan.sizing import sized
from lienthong.infrastructure.plan.spending import phased, scenarios, tornadoes
from lienthong.infrastructure.radio.coverage import Ground

Kept = Callable[[Plan], None]


@dataclass(frozen=True)
class Base:
    """What every stage may read beside the plan: it is cheap to read again when a plan is gone on with."""

    folder: Folder
    coefficients: Coefficients
    prices: PriceList
    storage_gb: float
    graph: RoadGraph
    findings: tuple[Finding, ...]
    ground: Ground | None


def make(
    folder: Folder,
    run: Run,
    *,
    now: datetime,
    earlier: Plan | None = None,
    kept: Kept = lambda plan: None,
) -> Plan:
    """The plan of a folder. Stages of ``earlier`` that nothing has changed for are taken over; ``kept`` is
    given the plan after each stage. Raises :class:`Cancelled` with the stages done, and each part's own
    errors.
    """
    keys = folder.keys()
    if earlier is not None:
        earlier = _still_true(earlier, folder, keys)
        if earlier is not None and set(STAGES) <= set(earlier.stages):
            return earlier
    plan, base = _begin(folder, run, now, keys, earlier)
    kept(plan)
    for stage, work in _WORK.items():
        if stage in plan.stages:
            run.clock.done(stage)
            continue
        plan = _stage(run, stage, plan, base, work)
        kept(plan)
    return plan


def _still_true(earlier: Plan, folder: Folder, keys: Mapping[str, str]) -> Plan | None:
    """What of an earlier plan is still what the folder would give: its first stages, or nothing."""
    stages: list[str] = []
    for stage in STAGES:
        if stage not in earlier.stages or earlier.keys.get(stage) != keys[stage]:
            break
        stages.append(stage)
    if not stages:
        return None
    settings = replace(folder.settings, districts=earlier.settings.districts)
    if tuple(stages) == earlier.stages and settings == earlier.settings:
        return earlier
    return replace(earlier.upto(tuple(stages)), settings=settings, keys=keys)


def _begin(
    folder: Folder, run: Run, now: datetime, keys: Mapping[str, str], earlier: Plan | None
) -> tuple[Plan, Base]:
    run.stage, began = "data", time.monotonic()
    run.say("survey")
    settings = folder.settings
    coefficients_file, prices_file = folder.file("coefficients"), folder.file("prices")
    coefficients = (
        Coefficients.load(coefficients_file) if coefficients_file is not None else Coefficients.default()
    )
    prices = PriceList.load(prices_file) if prices_file is not None else PriceList.default()
    found = places(folder)
    run.say("roads")
    graph, findings = roads(folder, found.sites)
    ground = ground_of(folder, found.sites)
    base = Base(folder, coefficients, prices, found.storage_gb, graph, findings, ground)
    run.clock.done("data")
    if earlier is not None:
        made_at = now.astimezone(VIETNAM).isoformat(timespec="seconds")
        rates = tuple(coefficients.values())
        return replace(earlier, made_at=made_at, coefficients=rates, prices=prices.entries), base
    synthetic = settings.made_up or found.synthetic or graph.synthetic
    sources = [*found.sources, graph.source]
    plan = Plan(
        settings=replace(settings, districts=found.districts),
        keys=keys,
        made_at=now.astimezone(VIETNAM).isoformat(timespec="seconds"),
        synthetic=synthetic,
        stages=("data",),
        seconds={"data": time.monotonic() - began},
        sources=tuple(dict.fromkeys(each for each in sources if each)),
        sites=found.sites,
        root=found.sites[0].code,
        state=found.state,
        coefficients=tuple(coefficients.values()),
        prices=prices.entries,
    )
    return plan, base


def _stage(run: Run, stage: str, plan: Plan, base: Base, work: Callable[[Plan, Base, Run], Plan]) -> Plan:
    run.stage, began = stage, time.monotonic()
    try:
        run.say("")
        made = work(plan, base, run)
        run.check()
    except (Cancelled, KeyboardInterrupt) as error:
        stopped = Cancelled(
            f"stopped while making: {stage}; kept: {', '.join(plan.stages)}",
            place=str(base.folder.plan),
            remedy=f"run `lienthong infrastructure plan {base.folder.path}` again: it goes on from there",
        )
        stopped.done = plan.stages
        raise stopped from error
    run.clock.done(stage)
    return replace(
        made,
        stages=(*plan.stages, stage),
        seconds={**plan.seconds, stage: time.monotonic() - began},
    )


def _radio(plan: Plan, base: Base, run: Run) -> Plan:
    found = reach(base.folder, base.ground, plan.sites, run)
    if found is None:
        return plan
    sources = (*plan.sources, found.source) if found.source not in plan.sources else plan.sources
    return replace(plan, radio=found, sources=sources)


def _fibre(plan: Plan, base: Base, run: Run) -> Plan:
    extra = tower_sites(plan.radio) if plan.settings.radio.backhaul else ()
    found = designed(base.folder, base.graph, (*plan.sites, *extra), plan.root, base.prices, base.ground, run)
    findings = (*base.findings, *found.plan.findings)
    return replace(
        plan,
        fibre=found.plan,
        apart=found.apart,
        splitters=found.splitters,
        notes_vi=tuple(finding.text("vi") for finding in findings),
        notes_en=tuple(finding.text("en") for finding in findings),
    )


def _capacity(plan: Plan, base: Base, run: Run) -> Plan:
    return sized(plan, base.coefficients, base.storage_gb)


def _phasing(plan: Plan, base: Base, run: Run) -> Plan:
    return phased(plan, base.coefficients, base.prices, run)


def _scenarios(plan: Plan, base: Base, run: Run) -> Plan:
    return scenarios(plan, base.coefficients, run)


def _sensitivity(plan: Plan, base: Base, run: Run) -> Plan:
    return tornadoes(plan, base.coefficients, base.prices, base.storage_gb, run)


_WORK: dict[str, Callable[[Plan, Base, Run], Plan]] = {
    "radio": _radio,
    "fibre": _fibre,
    "capacity": _capacity,
    "phasing": _phasing,
    "scenarios": _scenarios,
    "sensitivity": _sensitivity,
}
