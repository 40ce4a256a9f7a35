"""What maps are drawn from: places and lines with the year each is built, whatever plan they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lienthong.infrastructure.fibre.result import FibrePlan
from lienthong.infrastructure.geography.graph import RoadGraph
from lienthong.infrastructure.plan.radio_part import RadioPlan
from lienthong.infrastructure.survey.model import Site


@dataclass(frozen=True)
class Scene:
    """``edge_year`` maps edges of the graph, ``site_year`` site codes, to the year they are built; what is
    missing there is not built within the plan. ``districts`` maps codes to names.
    """

    province: str
    graph: RoadGraph
    sites: tuple[Site, ...]
    fibre: FibrePlan | None = None
    radio: RadioPlan | None = None
    years: tuple[int, ...] = ()
    edge_year: Mapping[int, int] = field(default_factory=dict)
    site_year: Mapping[str, int] = field(default_factory=dict)
    districts: Mapping[str, str] = field(default_factory=dict)
    root: str = ""
    """The code of the site that is the data centre."""
    synthetic: bool = False

    def district_centres(self) -> dict[str, tuple[float, float]]:
        """Each district's name at the mean place of its communes."""
        centres = {}
        for code, name in self.districts.items():
            inside = [site for site in self.sites if site.district == code and site.kind == "commune"]
            if inside:
                lon = sum(site.lon for site in inside) / len(inside)
                lat = sum(site.lat for site in inside) / len(inside)
                centres[name] = (lon, lat)
        return centres
