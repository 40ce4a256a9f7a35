"""What a planning folder's ``plan.toml`` may say: every key with its type, range and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


def setting(
    meaning: str, default: Any = ..., *, least: float | None = None, most: float | None = None
) -> Any:
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

    sites: str = setting("CSV of the places to connect; empty: those of the survey in this folder", "")
    wave: str = setting("the survey wave to plan for; empty: the latest", "")
    roads: str = setting("road graph: GeoPackage, GeoJSON, OSM PBF or CSV", "")
    fibre: str = setting("existing fibre lines: GeoPackage or GeoJSON", "")
    rivers: str = setting("rivers: GeoPackage or GeoJSON; edges over them cost more", "")
    roads_crs: str = setting("coordinate system of the roads when the file names none, as EPSG:9217", "")
    roads_layer: str = setting("layer of the roads when the file has several", "")
    roads_snap_m: float = setting("road ends nearer than this are joined, m", 1.0, least=0, most=100)
    roads_crossings: bool = setting(
        "join roads that cross without a common point, unless one is a bridge", False
    )
    roads_latitude_first: bool = setting("the roads are written latitude first", False)
    prices: str = setting("price list (CSV or XLSX) that overlays the built-in one", "")
    coefficients: str = setting("coefficients (TOML or CSV) that overlay the built-in ones", "")
    terrain: str = setting("terrain heights, GeoTIFF, m; without it no radio is planned", "")
    clutter: str = setting("heights of trees and buildings, GeoTIFF, m", "")
    population: str = setting("people a cell, GeoTIFF", "")
    towers: str = setting("masts standing and possible: CSV with id, lon, lat, height_m, existing", "")


@dataclass(frozen=True)
class Synthetic:
    """``[synthetic]``: made-up data in place of files; everything is then labelled so."""

    roads: bool = setting("make up the road graph", False)
    terrain: bool = setting("make up terrain, clutter and population", False)
    towers: int = setting(
        "make up as many standing masts, and twice as many possible ones", 0, least=0, most=2000
    )
    seed: int = setting("start of the random numbers", 1, least=0)
    nodes: int = setting("vertices of the made-up road graph", 6000, least=50, most=200_000)


@dataclass(frozen=True)
class Fibre:
    """``[fibre]``: what the network must be."""

    rings: bool = setting("close rings through nodes and district centres: one cut takes none off", False)
    max_hops: int = setting(
        "at most as many switches from a site to the data centre, without rings and microwave; 0: any",
        0,
        least=0,
        most=64,
    )
    split_ratio: int = setting(
        "passive splitters of at most as many sites each; 0: none", 0, least=0, most=128
    )
    microwave: Literal["none", "masts", "all"] = setting(
        "who may be reached by microwave where that is cheaper: nobody, new masts, all sites", "masts"
    )
    microwave_km: float = setting("the longest microwave hop, km", 15.0, least=0.5, most=80.0)


@dataclass(frozen=True)
class Radio:
    """``[radio]``: coverage and the next masts."""

    bands: tuple[str, ...] = setting(
        "bands to predict and map, each once; masts are chosen for the first", ("4g-1800", "3g-900")
    )
    new_towers: int = setting("how many masts to build at most", 8, least=0, most=1000)
    range_km: float = setting("how far to predict, km", 8.0, least=1.0, most=50.0)
    offset_db: float = setting("calibration: measured minus predicted, dB", 0.0, least=-40, most=40)
    sensitivity_db: float = setting("half width of the low … high band, dB", 6.0, least=0, most=30)
    indoor_loss_db: float = setting("loss into buildings, dB; 0: outdoors", 0.0, least=0, most=40)
    backhaul: bool = setting("connect the new masts in the same design", True)


@dataclass(frozen=True)
class Capacity:
    """``[capacity]``: what links and the data centre serve."""

    rooms: int = setting("meeting rooms at each office", 1, least=0, most=100)
    cameras: int = setting("cameras at each office", 0, least=0, most=1000)
    existing_share: float = setting(
        "share of what agencies store today that moves to the data centre", 0.1, least=0, most=1
    )


@dataclass(frozen=True)
class Money:
    """``[money]``: years, budgets and what counts. Money in VND."""

    years: tuple[int, ...] = setting("calendar years of the plan, one after the other", least=1900, most=2200)
    budgets: tuple[int, ...] = setting("budget of each year, VND", least=0, most=1e16)
    objective: Literal["people", "agencies", "communes"] = setting("who is to be connected early", "people")
    carry_over: bool = setting("what a year leaves may be spent in the next", False)
    complete: bool = setting("everything must be built within the years; false: what the money allows", True)


@dataclass(frozen=True)
class Funding:
    """``[[funding]]``: who pays, the first listed first. Without any, one budget pays all."""

    key: str = setting("a short name")
    name_vi: str = setting("its name in Vietnamese")
    name_en: str = setting("its name in English")
    share: float = setting("at most this share of all investment", 1.0, least=0, most=1)
    at_least: float = setting("at least this share", 0.0, least=0, most=1)
    cap: Mapping[str, int] = setting("VND it gives in each year, by year; empty: no limit", {})
    pays_for: tuple[str, ...] = setting("kinds of items it may pay for; empty: all", ())


@dataclass(frozen=True)
class Scenario:
    """``[[scenarios]]``: what else to compute beside the plan."""

    name_vi: str = setting("its name in Vietnamese")
    name_en: str = setting("its name in English")
    budget_factor: float = setting("all budgets times this", 1.0, least=0.0, most=10.0)
    cut_year: int = setting("the year whose budget is cut; 0: none", 0, least=0)
    cut_share: float = setting("share of that year's budget that is cut", 0.0, least=0.0, most=1.0)
    delay_years: int = setting("begin as many years later", 0, least=0, most=10)
    prices_change: float = setting(
        "everything costs this share more (or less, negative)", 0.0, least=-0.9, most=9
    )
    objective: str = setting("another objective: people, agencies or communes; empty: the plan's", "")


@dataclass(frozen=True)
class Time:
    """``[time]``: how long to compute."""

    seconds: float = setting("wall-clock seconds for the whole plan at most", 200.0, least=2, most=86_400)
    gap: float = setting("stop a stage when the proven gap is at most this share", 0.0, least=0.0, most=0.2)


@dataclass(frozen=True)
class Settings:
    """``plan.toml`` as a whole."""

    money: Money
    province: str = setting("the province's name, as the report prints it")
    root: str = setting("code of the site that is the data centre; empty: the first agency", "")
    crs: str = setting("coordinate system in metres to plan in", "EPSG:32648")
    synthetic_data: bool = setting("label everything synthetic whatever the files say", False)
    owner_vi: str = setting("who answers for the plan, on the cover", "")
    owner_en: str = setting("the same in English", "")
    districts: Mapping[str, str] = setting("district codes and names, for maps and tables", {})
    files: Files = field(default_factory=Files)
    synthetic: Synthetic = field(default_factory=Synthetic)
    fibre: Fibre = field(default_factory=Fibre)
    radio: Radio = field(default_factory=Radio)
    capacity: Capacity = field(default_factory=Capacity)
    funding: tuple[Funding, ...] = ()
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
