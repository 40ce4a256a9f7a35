"""The fibre stage: sites on the roads, possible microwave hops, and the cheapest network over all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from lienthong.infrastructure.fibre.backhaul import Microwave, microwave_links
from lienthong.infrastructure.fibre.costs import FibreCosts, drop_costs, edge_costs, node_price
from lienthong.infrastructure.fibre.planning import Wishes, plan_fibre
from lienthong.infrastructure.fibre.problem import Link
from lienthong.infrastructure.fibre.result import FibrePlan
from lienthong.infrastructure.fibre.splitters import split
from lienthong.infrastructure.geography.attaching import Attached, attach
from lienthong.infrastructure.geography.graph import RoadGraph
from lienthong.infrastructure.phasing.prices import PriceList
from lienthong.infrastructure.plan.folder import Folder
from lienthong.infrastructure.plan.model import Splitters
from lienthong.infrastructure.plan.progress import Run
from lienthong.infrastructure.radio.coverage import Ground
from lienthong.infrastructure.survey.model import Site


@dataclass(frozen=True)
class Designed:
    """``apart`` is what the sites would cost if each had a trench of its own to the network of today."""

    plan: FibrePlan
    apart: float
    splitters: Splitters | None


def designed(
    folder: Folder,
    graph: RoadGraph,
    sites: Sequence[Site],
    root: str,
    prices: PriceList,
    ground: Ground | None,
    run: Run,
) -> Designed:
    """Raises :class:`Disconnected` with the sites that cannot be reached and what would join them."""
    settings, wish = folder.settings, folder.settings.fibre
    costs = FibreCosts.from_prices(prices)
    attached = attach(graph, sites)
    at = next(at for at, site in enumerate(sites) if site.code == root)

    def told(stage: str, lower: float, upper: float) -> None:
        run.say(f"{stage}: {lower / 1e9:,.3f} ≤ {upper / 1e9:,.3f} tỷ", -1.0)

    links: tuple[Link, ...] = ()
    if wish.microwave != "none":
        links = microwave_links(
            attached,
            Microwave(furthest_km=wish.microwave_km, nearest=24),
            sites=None
            if wish.microwave == "masts"
            else [at for at, site in enumerate(sites) if not site.connected and site.code != root],
            terrain=None if ground is None else ground.terrain,
            clutter=None if ground is None else ground.clutter,
        )
    if wish.microwave == "masts":
        # A hop to an office without fibre might carry the office instead of the mast.
        fed = [site.connected or site.kind == "tower" or site.code == root for site in sites]
        links = tuple(link for link in links if fed[link.first] and fed[link.second])
    found = plan_fibre(
        attached,
        costs,
        Wishes(
            root=at,
            links=links,
            backbone=tuple(backbone_of(sites)) if wish.rings else (),
            most_switches=wish.max_hops or None,
        ),
        time_limit=run.limit,
        seed=settings.synthetic.seed,
        progress=told,
        stop=run.stop,
    )
    hung = None
    if wish.split_ratio:
        made = split(found, wish.split_ratio, costs)
        hung = Splitters(made.ratio, made.splitters, made.extra, made.cost, made.lower_bound)
    return Designed(found, _apart(attached, costs, at), hung)


def backbone_of(sites: Sequence[Site]) -> list[int]:
    """Positions of the nodes of today; where a district has none, its most central commune."""
    nodes = [at for at, site in enumerate(sites) if site.kind == "node"]
    held = {sites[at].district for at in nodes}
    for district in sorted({site.district for site in sites if site.kind == "commune"} - held):
        inside = [at for at, site in enumerate(sites) if site.district == district and site.kind == "commune"]
        lon = float(np.mean([sites[at].lon for at in inside]))
        lat = float(np.mean([sites[at].lat for at in inside]))
        nodes.append(min(inside, key=lambda at: (sites[at].lon - lon) ** 2 + (sites[at].lat - lat) ** 2))
    return nodes


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
