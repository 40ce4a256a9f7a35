"""Steiner trees beside networkx and rustworkx at equal time, and the gap that is left at the time limit.

``LIENTHONG_STEINLIB`` names a folder of ``.stp`` files to measure as well.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import networkx
import numpy as np
import rustworkx

from benchmarks.figure import Figure
from lienthong.infrastructure.steiner.instance import Instance, read_steinlib
from lienthong.infrastructure.steiner.solver import solve


def measure(*, quick: bool = False) -> Iterator[Figure]:
    """Grids of streets with random costs, and the folder's files: cost ratios, then gaps."""
    limit = 10.0 if quick else 60.0
    solve(_streets(8, 6), time_limit=60.0)  # compiles
    for instance in _instances(quick):
        for peer, tree_of in (("networkx", _networkx), ("rustworkx", _rustworkx)):
            began = time.perf_counter()
            baseline = tree_of(instance)
            seconds = time.perf_counter() - began
            found = solve(instance, time_limit=seconds)
            yield Figure(
                name=f"steiner-{instance.name}-cost-beside-{peer}",
                value=found.cost / baseline,
                target="<= 1",
                unit="cost",
                measured=found.cost,
                baseline=baseline,
                baseline_name=peer,
                parts={"seconds": found.seconds, "seconds of the peer": seconds},
            )
        found = solve(instance, time_limit=limit)
        yield Figure(
            name=f"steiner-{instance.name}-gap",
            value=found.gap,
            target="<= 0.0005",
            parts={"cost": found.cost, "bound": found.lower_bound, "seconds": found.seconds},
            note="proved" if found.proved else f"bounded within {limit:g} s",
        )


def _instances(quick: bool) -> Iterator[Instance]:
    yield _streets(30, 60)
    if not quick:
        yield _streets(114, 500)
    folder = os.environ.get("LIENTHONG_STEINLIB")
    for path in sorted(Path(folder).glob("*.stp")) if folder else ():
        yield read_steinlib(path)


def _streets(side: int, terminals: int) -> Instance:
    rng = np.random.default_rng(side)
    steps = [(v, v + 1) for v in range(side * side) if (v + 1) % side]
    steps += [(v, v + side) for v in range(side * (side - 1))]
    edges = [
        (u, v, float(cost)) for (u, v), cost in zip(steps, rng.integers(1, 100, len(steps)), strict=True)
    ]
    wanted = rng.choice(side * side, terminals, replace=False).tolist()
    return Instance.of(side * side, edges, wanted, f"streets-{side}x{side}")


def _rows(instance: Instance) -> list[tuple[int, int, float]]:
    return list(zip(instance.tail.tolist(), instance.head.tolist(), instance.cost.tolist(), strict=True))


def _networkx(instance: Instance) -> float:
    graph = networkx.Graph()
    for u, v, cost in _rows(instance):
        if not graph.has_edge(u, v) or graph[u][v]["weight"] > cost:
            graph.add_edge(u, v, weight=cost)
    steiner_tree: Callable[..., networkx.Graph] = networkx.algorithms.approximation.steiner_tree
    return float(steiner_tree(graph, instance.terminals.tolist(), method="mehlhorn").size(weight="weight"))


def _rustworkx(instance: Instance) -> float:
    graph = rustworkx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(instance.vertices))
    for u, v, cost in _rows(instance):
        if not graph.has_edge(u, v) or graph.get_edge_data(u, v) > cost:
            graph.add_edge(u, v, cost)
    return float(sum(rustworkx.steiner_tree(graph, instance.terminals.tolist(), float).edges()))
