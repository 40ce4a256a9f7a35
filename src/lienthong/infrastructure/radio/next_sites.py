"""Where the next towers go: maximal covering over predicted coverage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lienthong.infrastructure.radio.coverage import Ground, Reception, Settings, served_cells
from lienthong.infrastructure.radio.errors import BadRadioPlan
from lienthong.infrastructure.siting import maximal
from lienthong.infrastructure.siting.instance import Coverage
from lienthong.infrastructure.siting.result import Progress, Siting


def choose_sites(
    ground: Ground,
    received: Sequence[Reception],
    settings: Settings,
    count: int,
    *,
    level: str = "mid",
    time_limit: float = 60.0,
    progress: Progress | None = None,
) -> Siting:
    """The ``count`` sites, not standing yet, that with the existing ones reach the most people.

    ``level`` ("low", "mid", "high") says which answer of the sensitivity band counts as reached. The
    chosen are indices into ``received``.
    """
    covers, inhabited = served_cells(ground, received, settings, level)
    if not inhabited.size:
        raise BadRadioPlan(
            "nobody lives on the map",
            place="population",
            remedy="give a population raster to choose sites by",
        )
    coverage = Coverage.build(
        covers,
        weights=ground.people[inhabited],
        existing=np.asarray([each.site.existing for each in received]),
        sites=[each.site.name for each in received],
    )
    return maximal.solve(coverage, count, time_limit=time_limit, progress=progress)
