"""One call for a fibre plan with all that may be wished of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from lienthong.infrastructure.fibre.costs import FibreCosts
from lienthong.infrastructure.fibre.design import design
from lienthong.infrastructure.fibre.errors import Infeasible
from lienthong.infrastructure.fibre.hops import design_hops
from lienthong.infrastructure.fibre.problem import Link
from lienthong.infrastructure.fibre.result import FibrePlan
from lienthong.infrastructure.fibre.rings import design_rings
from lienthong.infrastructure.geography.attaching import Attached
from lienthong.infrastructure.steiner.solver import Progress


@dataclass(frozen=True)
class Wishes:
    """``root``: position of the data centre's site. ``links``: microwave hops that may be built.
    ``backbone``: positions of sites that must survive any one cut. ``most_switches``: the longest chain.
    """

    root: int | None = None
    links: tuple[Link, ...] = ()
    backbone: tuple[int, ...] = ()
    most_switches: int | None = None


def plan_fibre(
    attached: Attached,
    costs: FibreCosts,
    wishes: Wishes | None = None,
    *,
    time_limit: float = 90.0,
    seed: int = 1,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> FibrePlan:
    """The plan for ``wishes``: a tree (:func:`.design.design`), rings (:func:`.rings.design_rings`) or a tree
    with short chains (:func:`.hops.design_hops`). Raises :class:`Infeasible` for wishes that exclude
    each other.
    """
    wishes = wishes or Wishes()
    if wishes.most_switches is not None and (wishes.backbone or wishes.links):
        raise Infeasible(
            "a limit on switches cannot be asked together with rings or microwave",
            place="most_switches",
            remedy="leave it out, or plan without rings and microwave",
        )
    if wishes.most_switches is not None:
        return design_hops(
            attached, costs, wishes.most_switches, root=wishes.root, time_limit=time_limit, seed=seed,
            progress=progress, stop=stop,
        )  # fmt: skip
    if wishes.backbone:
        return design_rings(
            attached, costs, wishes.backbone, root=wishes.root, links=wishes.links, time_limit=time_limit,
            seed=seed, progress=progress, stop=stop,
        )  # fmt: skip
    return design(
        attached, costs, root=wishes.root, links=wishes.links, time_limit=time_limit, seed=seed,
        progress=progress, stop=stop,
    )  # fmt: skip
