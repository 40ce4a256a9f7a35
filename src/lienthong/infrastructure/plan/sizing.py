"""The capacity stage: what each link and trunk must carry, what the data centre must keep."""

from __future__ import annotations

from dataclasses import replace

from lienthong.infrastructure.capacity.coefficients import Coefficients
from lienthong.infrastructure.capacity.links import SiteLoad, size_links, size_trunks
from lienthong.infrastructure.capacity.storage import StorageYear, storage_by_year
from lienthong.infrastructure.plan.model import Plan
from lienthong.infrastructure.plan.settings import Capacity
from lienthong.infrastructure.survey.model import Site

OFFICES = ("commune", "agency")


def sized(plan: Plan, coefficients: Coefficients, existing_gb: float) -> Plan:
    """The plan with links, trunks and storage. Towers are left to their operator's own sizing."""
    fibre = plan.fibre
    assert fibre is not None
    loads = [load_of(site, plan.settings.capacity) for site in fibre.sites]
    sizes = size_links(loads, coefficients)
    trunks = size_trunks(
        fibre.parent.tolist(), fibre.parent_edge.tolist(), fibre.terminals.tolist(), sizes, coefficients
    )
    storage = stored(plan, coefficients, existing_gb)
    offices = {site.code for site in fibre.sites if site.kind in OFFICES}
    return replace(
        plan,
        links=tuple(size for size in sizes if size.code in offices),
        trunks={str(edge): size for edge, size in trunks.items() if edge >= 0},
        storage=storage,
    )


def stored(plan: Plan, coefficients: Coefficients, existing_gb: float) -> tuple[StorageYear, ...]:
    """Storage at the data centre by year; ``existing_gb`` is what agencies store today."""
    capacity, offices = plan.settings.capacity, sum(site.kind in OFFICES for site in plan.sites)
    return tuple(
        storage_by_year(
            users_of(plan),
            coefficients,
            plan.years,
            cameras=capacity.cameras * offices,
            existing_gb=existing_gb * capacity.existing_share,
        )
    )


def load_of(site: Site, capacity: Capacity) -> SiteLoad:
    """Who and what works at a site; masts and nodes have no rooms and cameras."""
    office = int(site.kind in OFFICES)
    return SiteLoad(
        site.code, site.name, site.users, site.seats, capacity.cameras * office, capacity.rooms * office
    )


def users_of(plan: Plan) -> int:
    return sum(site.users for site in plan.sites if site.kind in OFFICES)
