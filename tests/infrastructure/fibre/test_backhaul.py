"""Microwave hops: only where the way is clear, only where they save money, and in the same bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from lienthong.infrastructure.errors import Disconnected
from lienthong.infrastructure.fibre.backhaul import Microwave, clearance, fresnel_m, microwave_links
from lienthong.infrastructure.fibre.costs import FibreCosts
from lienthong.infrastructure.fibre.design import design
from lienthong.infrastructure.fibre.errors import Infeasible
from lienthong.infrastructure.fibre.problem import Link
from lienthong.infrastructure.geography.attaching import Attached, attach
from lienthong.infrastructure.radio.rasters import Raster

from .test_design import adds_up, reaches_every_site
from .towns import SOUTH, WEST, grid, sites_beside, town, towns

DEAR = FibreCosts()
CHEAP_RADIO = replace(DEAR, microwave=2_000_000, mast=0)


def land(ridge_m: float = 0.0, holes: bool = False) -> Raster:
    """Flat land 2 m above the sea around the towns, with a ridge in the middle of its length."""
    ground = np.full((60, 80), 2.0, np.float32)
    ground[:, 39:41] += ridge_m
    if holes:
        ground[:, 39:41] = np.nan
    return Raster(ground, WEST - 0.02, SOUTH + 0.04, 0.001, 0.001, "EPSG:4326", True, "test")


ENDS = ((WEST - 0.01, SOUTH), (WEST + 0.05, SOUTH))


def test_the_fresnel_zone_is_that_of_the_recommendation() -> None:
    assert fresnel_m(np.array([5.0]), np.array([5.0]), 15.0)[0] == pytest.approx(7.06, abs=0.01)


def test_a_hop_over_flat_land_has_the_room_that_geometry_says() -> None:
    room = clearance(ENDS, (30.0, 30.0), 6.56, Microwave(ghz=15.0), land())
    bulge = 3.28 * 3.28 / (2 * 4 / 3 * 6371) * 1000
    zone = 17.3 * (3.28 * 3.28 / (15 * 6.56)) ** 0.5
    assert room == pytest.approx(30 - bulge - zone, abs=0.02)


@pytest.mark.parametrize(("ridge", "clear"), [(10.0, True), (22.0, True), (27.0, False), (60.0, False)])
def test_a_ridge_blocks_a_hop_when_it_enters_the_fresnel_zone(ridge: float, clear: bool) -> None:
    room = clearance(ENDS, (30.0, 30.0), 6.56, Microwave(), land(ridge))
    assert room is not None
    assert (room >= 0) == clear


def test_clutter_stands_in_the_way_but_not_at_the_masts() -> None:
    wood = replace(land(), values=np.full((60, 80), 27.0, np.float32))
    without = clearance(ENDS, (30.0, 30.0), 6.56, Microwave(), land())
    assert without is not None
    assert clearance(ENDS, (30.0, 30.0), 6.56, Microwave(), land(), wood) == pytest.approx(
        without - 27, abs=0.6
    )


def test_a_hop_over_unknown_land_is_not_called_clear() -> None:
    assert clearance(ENDS, (30.0, 30.0), 6.56, Microwave(), land(holes=True)) is None


def test_candidates_are_within_range_and_each_pair_once() -> None:
    attached = town(8, 12, 3)
    links = microwave_links(attached, Microwave(furthest_km=1.0))
    assert links
    assert all(link.km <= 1.0 and not link.clear for link in links)
    towers = {i for i, site in enumerate(attached.sites) if site.kind == "tower"}
    assert all({link.first, link.second} & towers for link in links)
    pairs = [(link.first, link.second) for link in links]
    assert len(set(pairs)) == len(pairs)
    everyone = microwave_links(attached, Microwave(furthest_km=1.0), sites=range(12), terrain=land())
    assert len(everyone) > len(links)
    assert all(link.clear for link in everyone)
    over = microwave_links(attached, Microwave(), sites=range(12), terrain=land(400.0))
    assert len(over) < len(microwave_links(attached, Microwave(), sites=range(12), terrain=land()))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(towns())
def test_hops_never_make_a_plan_dearer_and_every_site_is_still_reached(attached: Attached) -> None:
    links = microwave_links(attached, Microwave(), sites=range(len(attached.sites)))
    fibre = design(attached, CHEAP_RADIO, time_limit=5)
    both = design(attached, CHEAP_RADIO, links=links, time_limit=5)
    assert both.cost <= fibre.cost
    assert both.lower_bound <= both.cost
    assert adds_up(both)
    assert reaches_every_site(both)
    allowed = {(link.first, link.second) for link in links}
    for hop in both.wireless:
        assert (min(hop.site, hop.from_site), max(hop.site, hop.from_site)) in allowed
        assert hop.from_vertex == attached.terminals[hop.from_site]
        assert hop.cost == 2_000_000


def test_hops_too_dear_are_not_built() -> None:
    attached = town(5, 8, 2)
    links = microwave_links(attached, Microwave(), sites=range(8))
    plan = design(attached, replace(DEAR, microwave=10**12), links=links, time_limit=5)
    assert plan.wireless == ()
    assert plan.cost == design(attached, DEAR, time_limit=5).cost


def test_an_island_is_reached_by_radio_and_feeds_its_neighbours_by_fibre() -> None:
    graph = grid(4)
    left = graph.x < graph.x.min() + 600
    kept = left[graph.tail] == left[graph.head]
    parted = replace(
        graph, tail=graph.tail[kept], head=graph.head[kept], length_m=graph.length_m[kept],
        kind=np.zeros(kept.sum(), np.int8) + 3, factor=graph.factor[kept], crossing=graph.crossing[kept],
        fibre=graph.fibre[kept],
    )  # fmt: skip
    sites = sites_beside(graph, 7)
    attached = attach(parted, sites)
    with pytest.raises(Disconnected):
        design(attached, DEAR, time_limit=5)
    labels = attached.graph.parts()[attached.terminals]
    here = int(np.flatnonzero(labels == labels[0])[0])
    there = [int(i) for i in np.flatnonzero(labels != labels[0])]
    plan = design(attached, DEAR, links=[Link(here, there[0], 1.5, True)], time_limit=5)
    assert [hop.site for hop in plan.wireless] == [there[0]]
    assert plan.wireless[0].clear
    assert reaches_every_site(plan)
    assert all(plan.way_of(i) for i in there[1:] if attached.terminals[i] != attached.terminals[there[0]])


def test_a_frequency_of_zero_is_refused() -> None:
    with pytest.raises(Infeasible, match="ghz is 0"):
        Microwave(ghz=0)
