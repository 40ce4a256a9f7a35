"""The cheapest fibre network over the sites, with its lower bound: the planning room's central question."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from lienthong.infrastructure.fibre import running
from lienthong.infrastructure.fibre.costs import UNIT, FibreCosts
from lienthong.infrastructure.fibre.problem import Link, plan_of, state
from lienthong.infrastructure.fibre.result import FibrePlan
from lienthong.infrastructure.geography.attaching import Attached
from lienthong.infrastructure.geography.findings import Finding
from lienthong.infrastructure.steiner.solver import Progress

CANCELLED = Finding(
    "cancelled",
    "warning",
    "fibre",
    {
        "vi": "việc tính toán đã bị dừng; đây là phương án tốt nhất tìm được đến lúc đó",
        "en": "the computation was stopped; this is the best plan found until then",
    },
    {"vi": "chạy lại với thời gian dài hơn", "en": "run again with more time"},
)


def design(
    attached: Attached,
    costs: FibreCosts,
    *,
    root: int | None = None,
    links: Sequence[Link] = (),
    time_limit: float = 60.0,
    seed: int = 1,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> FibrePlan:
    """The cheapest tree of fibre, and of microwave ``links`` where these are cheaper, over all sites.

    ``root`` is the position of the data centre's site (else the first of kind "node", else the first).
    ``progress`` is called with (stage, lower bound, best cost) in VND, nodes left out. ``stop`` or
    Ctrl-C ends the search: the best plan so far is answered, with a finding "cancelled". Raises
    :class:`Disconnected` when sites cannot be reached, :class:`BadCosts` for prices that are no prices.
    """
    problem = state(attached, costs, root=root, links=links)
    told = None
    if progress is not None:

        def told(stage: str, lower: float, upper: float) -> None:
            progress(stage, lower * UNIT, upper * UNIT)

    found = running.solve(problem.instance(), time_limit=time_limit, seed=seed, progress=told, stop=stop)
    findings = [*attached.findings, *([CANCELLED] if found.cancelled else [])]
    return plan_of(
        problem,
        found.edges,
        lower_bound=found.lower_bound * UNIT,
        seconds=found.seconds,
        proved=found.proved,
        findings=findings,
    )
