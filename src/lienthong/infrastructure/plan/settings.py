"""What a planning folder's ``plan.toml`` may say: every key with its type, range and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


def key(meaning: str, default: Any = ..., *, least: float | None = None, most: float | None = None) -> Any:
    """A key of ``plan.toml``: its meaning, its default (none: it must be given), its range."""
    about = {"meaning": meaning, "least": least, "most": most}
    if default is ...:
        return field(metadata=about)
    if isinstance(default, dict | list):
        return field(default_factory=lambda: default, metadata=about)
    return field(default=default, metadata=about)


@dataclass(frozen=True)
class Files:
    """``[files]``: paths beside ``plan.toml``."""

    sites: str = key("CSV of the places to connect, when there is no survey", "")
    survey: str = key("workbook (XLSX) or folder (CSV) of the survey's waves", "")
    wave: str = key("the survey wave to plan for; empty: the latest", "")
    roads: str = key("road graph: GeoPackage, GeoJSON, OSM PBF or CSV", "")
    fibre: str = key("existing fibre lines: GeoPackage or GeoJSON", "")
    roads_crs: str = key("coordinate system of the roads when the file names none, as EPSG:9217", "")
    prices: str = key("price list (CSV) that overlays the built-in one", "")
    coefficients: str = key("coefficients (TOML or CSV) that overlay the built-in ones", "")
    terrain: str = key("terrain heights, GeoTIFF, m; without it no radio is planned", "")
    clutter: str = key("heights of trees and buildings, GeoTIFF, m", "")
    population: str = key("people a cell, GeoTIFF", "")
    towers: str = key("masts standing and possible: CSV with id, lon, lat, height_m, existing", "")


@dataclass(frozen=True)
class Synthetic:
    """``[synthetic]``: made-up data in place of files; everything is then labelled so."""

    roads: bool = key("make up the road graph", False)
    terrain: bool = key("make up terrain, clutter and population", False)
    towers: int = key(
        "make up as many standing masts, and twice as many possible ones", 0, least=0, most=2000
    )
    seed: int = key("start of the random numbers", 1, least=0)
    nodes: int = key("vertices of the made-up road graph", 6000, least=50, most=200_000)


@dataclass(frozen=True)
class Fibre:
    """``[fibre]``: what the network must be."""

    rings: bool = key(
        "close rings through the district centres, so that one cut takes none of them off", False
    )
    max_hops: int = key(
        "at most as many sites between a site and the data centre; 0: any", 0, least=0, most=64
    )
    split_ratio: int = key("at most as many branches at a site; 0: any", 0, least=0, most=128)
    microwave: bool = key("let sites be reached by microwave where that is cheaper", True)
    microwave_km: float = key("the longest microwave hop, km", 15.0, least=0.5, most=80.0)


@dataclass(frozen=True)
class Radio:
    """``[radio]``: coverage and the next masts."""

    bands: tuple[str, ...] = key("bands to predict; masts are chosen for the first", ("4g-1800", "3g-900"))
    new_towers: int = key("how many masts to build at most", 8, least=0, most=1000)
    range_km: float = key("how far to predict, km", 8.0, least=1.0, most=50.0)
    offset_db: float = key("calibration: measured minus predicted, dB", 0.0, least=-40, most=40)
    sensitivity_db: float = key("half width of the low … high band, dB", 6.0, least=0, most=30)
    indoor_loss_db: float = key("loss into buildings, dB", 12.0, least=0, most=40)
    backhaul: bool = key("connect the new masts in the same design", True)


@dataclass(frozen=True)
class Money:
    """``[money]``: years, budgets and what counts. Money in VND."""

    years: tuple[int, ...] = key("calendar years of the plan, ascending")
    budgets: tuple[int, ...] = key("budget of each year, VND")
    objective: Literal["people", "agencies", "communes"] = key("who is to be connected early", "people")
    carry_over: bool = key("what a year leaves may be spent in the next", True)
    funding: Mapping[str, float] = key("shares of the sources in the budget, summing to 1", {})


@dataclass(frozen=True)
class Scenario:
    """``[[scenarios]]``: what else to compute beside the plan."""

    name_vi: str = key("its name in Vietnamese")
    name_en: str = key("its name in English")
    budget_factor: float = key("all budgets times this", 1.0, least=0.0, most=10.0)
    cut_year: int = key("the year whose budget is cut; 0: none", 0, least=0)
    cut_share: float = key("share of that year's budget that is cut", 0.0, least=0.0, most=1.0)
    delay_years: int = key("begin as many years later", 0, least=0, most=10)
    objective: str = key("another objective: people, agencies or communes; empty: the plan's", "")


@dataclass(frozen=True)
class Time:
    """``[time]``: how long to compute."""

    seconds: float = key("wall-clock seconds for the whole plan at most", 200.0, least=2, most=86_400)
    gap: float = key("stop a stage when the proven gap is at most this share", 0.0, least=0.0, most=0.2)


@dataclass(frozen=True)
class Settings:
    """``plan.toml`` as a whole."""

    money: Money
    province: str = key("the province's name, as the report prints it")
    root: str = key("code of the site that is the data centre; empty: the first agency", "")
    crs: str = key("coordinate system in metres to plan in", "EPSG:32648")
    synthetic_data: bool = key("label everything synthetic whatever the files say", False)
    owner_vi: str = key("who answers for the plan, on the cover", "")
    owner_en: str = key("the same in English", "")
    districts: Mapping[str, str] = key("district codes and names, for maps and tables", {})
    files: Files = field(default_factory=Files)
    synthetic: Synthetic = field(default_factory=Synthetic)
    fibre: Fibre = field(default_factory=Fibre)
    radio: Radio = field(default_factory=Radio)
    scenarios: tuple[Scenario, ...] = ()
    time: Time = field(default_factory=Time)

    @property
    def made_up(self) -> bool:
        """Whether anything in the plan is synthetic."""
        made = self.synthetic
        return self.synthetic_data or made.roads or made.terrain or made.towers > 0


STAGES: Mapping[str, float] = {
    "data": 0.05,
    "radio": 0.15,
    "fibre": 0.35,
    "capacity": 0.05,
    "phasing": 0.20,
    "scenarios": 0.15,
    "sensitivity": 0.05,
}
"""The stages of making a plan and the share of the time each may take; what one leaves the next may use."""
