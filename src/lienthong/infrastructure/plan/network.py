"""The fibre stage: sites on the roads, possible microwave hops, and the cheapest network over all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from lienthong.infrastructure.fibre.costs import FibreCosts, drop_costs, edge_costs, node_price
from lienthong.infrastructure.fibre.design import design
from lienthong.infrastructure.fibre.result import FibrePlan
from lienthong.infrastructure.geography.attaching import Attached, attach
from lienthong.infrastructure.geography.graph import RoadGraph
from lienthong.infrastructure.phasing.prices import PriceList
from lienthong.infrastructure.plan.folder import Folder
from lienthong.infrastructure.plan.progress import Run
from lienthong.infrastructure.survey.model import Site


@dataclass(frozen=True)
class Designed:
    """``apart`` is what the sites would cost if each had a trench of its own to the network of today."""

    plan: FibrePlan
    apart: float


def designed(
    folder: Folder, graph: RoadGraph, sites: Sequence[Site], root: str, prices: PriceList, run: Run
) -> Designed:
    """Raises :class:`Disconnected` with the sites that cannot be reached and what would join them."""
    settings = folder.settings
    costs = FibreCosts.from_prices(prices)
    attached = attach(graph, sites)
    at = next(at for at, site in enumerate(sites) if site.code == root)

    def told(stage: str, lower: float, upper: float) -> None:
        run.say(f"{stage}: {lower / 1e9:,.3f} ≤ {upper / 1e9:,.3f} tỷ", -1.0)

    found = design(
        attached,
        costs,
        root=at,
        time_limit=run.limit,
        seed=settings.synthetic.seed,
        progress=told,
        stop=run.stop,
    )
    return Designed(found, _apart(attached, costs, at))


def _apart(attached: Attached, costs: FibreCosts, root: int) -> float:
    """The sum over sites not connected of their cheapest own way to the network of today, and their nodes."""
    graph = attached.graph
    cost = np.maximum(edge_costs(graph, costs), 1e-3)
    n = graph.vertices
    best: dict[tuple[int, int], float] = {}
    for u, v, each in zip(graph.tail.tolist(), graph.head.tolist(), cost.tolist(), strict=True):
        pair = (min(u, v), max(u, v))
        best[pair] = min(each, best.get(pair, np.inf))
    ends = np.array(list(best), dtype=np.int64)
    links = coo_matrix((np.array(list(best.values())), (ends[:, 0], ends[:, 1])), shape=(n, n)).tocsr()
    today = [at for at, site in enumerate(attached.sites) if site.connected or at == root]
    starts = np.unique(attached.terminals[today])
    away = dijkstra(links, directed=False, indices=starts, min_only=True)
    drops = drop_costs(attached, costs)
    whole = 0.0
    for at, site in enumerate(attached.sites):
        if site.connected or at == root:
            continue
        way = float(away[attached.terminals[at]])
        whole += (way if np.isfinite(way) else 0.0) + float(drops[at]) + node_price(site, costs)
    return round(whole)
