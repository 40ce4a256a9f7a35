"""Sites join the nearest road, and the demo's roads are connected, repeatable and labelled."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lienthong.infrastructure.geography.attaching import attach
from lienthong.infrastructure.geography.errors import BadRoads
from lienthong.infrastructure.geography.graph import KINDS, RoadGraph
from lienthong.infrastructure.geography.projection import degrees, metres
from lienthong.infrastructure.geography.synthetic import gabriel, road_graph
from lienthong.infrastructure.survey.model import Site


def street(kind: str = "rural") -> RoadGraph:
    """One straight road of 1,000 m from west to east."""
    x, y = metres([105.97], [10.25])
    x, y = np.array([x[0], x[0] + 1000.0]), np.array([y[0], y[0]])
    lon, lat = degrees(x, y)
    one, none = np.zeros(1, np.int64), np.zeros(1, np.bool_)
    return RoadGraph(
        x, y, lon, lat, one, one + 1, np.array([1200.0]), np.array([KINDS.index(kind)], np.int8), np.ones(1),
        none, none, names=("QL1",),
    )  # fmt: skip


def beside(graph: RoadGraph, east_m: float, north_m: float, code: str = "S") -> Site:
    lon, lat = degrees(graph.x[0] + east_m, graph.y[0] + north_m)
    return Site(code, code, "commune", float(lon[0]), float(lat[0]))


def test_a_site_splits_the_nearest_road_and_its_drop_is_measured() -> None:
    graph = street()
    attached = attach(graph, [beside(graph, 250.0, 40.0)])
    assert attached.graph.edges == 2
    assert attached.graph.length_m.tolist() == pytest.approx([300.0, 900.0], rel=1e-6)
    assert attached.graph.names == ("QL1", "QL1")
    assert attached.drop_m[0] == pytest.approx(40.0, abs=1e-3)
    vertex = int(attached.terminals[0])
    assert attached.graph.x[vertex] == pytest.approx(graph.x[0] + 250.0, abs=1e-3)


def test_a_site_at_a_road_end_or_at_another_site_makes_no_new_vertex() -> None:
    graph = street()
    sites = [beside(graph, 0.3, 5.0), beside(graph, 500.0, 9.0), beside(graph, 500.2, -9.0)]
    attached = attach(graph, sites)
    assert attached.graph.vertices == 3
    assert attached.terminals[0] == 0
    assert attached.terminals[1] == attached.terminals[2]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(-200, 1200), st.floats(-500, 500)), min_size=1, max_size=12))
def test_splitting_keeps_the_length_and_the_connection(places: list[tuple[float, float]]) -> None:
    graph = street()
    attached = attach(graph, [beside(graph, east, north) for east, north in places])
    assert attached.graph.length_m.sum() == pytest.approx(1200.0)
    assert attached.graph.parts().max() == 0
    assert (attached.graph.length_m > 0).all()
    for (east, north), vertex, drop in zip(places, attached.terminals, attached.drop_m, strict=True):
        assert drop == pytest.approx(math.hypot(east - min(max(east, 0.0), 1000.0), north), abs=0.01)
        assert abs(attached.graph.x[vertex] - graph.x[0] - min(max(east, 0.0), 1000.0)) <= 1.01


def test_a_site_far_from_every_road_is_named() -> None:
    graph = street()
    attached = attach(graph, [beside(graph, 500.0, 7000.0, "29542")])
    assert [finding.code for finding in attached.findings] == ["site-far-from-road"]
    assert "29542" in attached.findings[0].text("vi")
    assert "7,000 m" in attached.findings[0].text("en")


@pytest.mark.parametrize(("lon", "lat"), [(math.nan, 10.0), (1059.7, 10.25), (105.97, 95.0)])
def test_a_site_without_a_position_is_refused_by_its_code(lon: float, lat: float) -> None:
    with pytest.raises(BadRoads) as caught:
        attach(street(), [Site("29542", "Phường 9", "commune", lon, lat)])
    assert "29542" in (caught.value.place or "")


def test_there_must_be_a_site() -> None:
    with pytest.raises(BadRoads, match="no site"):
        attach(street(), [])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 25))
def test_a_gabriel_edge_has_nobody_in_its_circle(seed: int, count: int) -> None:
    x, y = np.random.default_rng(seed).uniform(0, 100, (2, count))
    tail, head = gabriel(x, y)
    edges = set(zip(tail.tolist(), head.tolist(), strict=True))
    for u in range(count):
        for v in range(u + 1, count):
            radius = math.hypot(x[u] - x[v], y[u] - y[v]) / 2
            inside = np.hypot(x - (x[u] + x[v]) / 2, y - (y[u] + y[v]) / 2) < radius * (1 - 1e-7)
            assert ((u, v) in edges) == (not inside.any())


def province() -> list[Site]:
    rng = np.random.default_rng(7)
    places = rng.uniform((105.75, 9.95), (106.2, 10.28), (60, 2))
    return [
        Site(str(i), f"Xã {i}", "commune", float(lon), float(lat), district=str(850 + i % 8))
        for i, (lon, lat) in enumerate(places)
    ]


def test_the_demo_is_connected_labelled_and_crosses_rivers_only_here_and_there() -> None:
    graph = road_graph(province(), seed=4, nodes=1500)
    assert graph.vertices == 1500
    assert graph.parts().max() == 0
    assert graph.synthetic
    assert "not for procurement" in graph.source
    over = {KINDS[k] for k in graph.kind[graph.crossing]}
    assert over <= {"bridge", "ferry"}
    assert 10 <= graph.crossing.sum() <= 40
    assert 0 < graph.fibre.sum() < 0.1 * graph.edges
    assert {"national", "provincial", "district", "rural", "track"} <= {KINDS[k] for k in graph.kind}
    assert {"province", "river:Sông Hậu", "district:850"} <= graph.boundary.keys()
    assert (graph.length_m >= np.hypot(graph.x[graph.tail] - graph.x[graph.head],
                                       graph.y[graph.tail] - graph.y[graph.head])).all()  # fmt: skip


def test_the_same_seed_gives_the_same_demo() -> None:
    one, two, other = (road_graph(province(), seed=seed, nodes=400) for seed in (1, 1, 2))
    assert np.array_equal(one.x, two.x)
    assert np.array_equal(one.length_m, two.length_m)
    assert np.array_equal(one.kind, two.kind)
    assert not np.array_equal(one.x, other.x)


def test_a_demo_needs_sites() -> None:
    with pytest.raises(BadRoads, match="too few"):
        road_graph(province()[:2])
