"""A province's own files: roads, cables, rivers, terrain, masts, prices and coefficients, all by path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.infrastructure.plan.district import PLAN_TOML, made, write_district

from lienthong.infrastructure.errors import Disconnected
from lienthong.infrastructure.geography.errors import WrongProjection
from lienthong.infrastructure.geography.graph import KINDS
from lienthong.infrastructure.geography.synthetic import road_graph
from lienthong.infrastructure.plan.folder import open_folder
from lienthong.infrastructure.plan.places import places, roads
from lienthong.infrastructure.radio.rasters import write_geotiff
from lienthong.infrastructure.radio.synthetic import landscape

FILES = """\
roads = "roads.geojson"
fibre = "cables.geojson"
rivers = "rivers.geojson"
terrain = "terrain.tif"
population = "people.tif"
towers = "towers.csv"
prices = "prices.csv"
coefficients = "coefficients.toml"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The district with its made-up roads and ground written as files, as if they were surveyed."""
    write_district(tmp_path)
    graph = road_graph(places(open_folder(tmp_path)).sites, seed=3, nodes=250)
    roads = [
        {
            "type": "Feature",
            "properties": {"kind": KINDS[int(graph.kind[edge])]},
            "geometry": {"type": "LineString", "coordinates": graph.line(edge)},
        }
        for edge in range(graph.edges)
    ]
    _write(tmp_path / "roads.geojson", roads)
    _write(tmp_path / "cables.geojson", roads[:12])
    river = {"type": "LineString", "coordinates": [[105.9, 10.033], [106.1, 10.036]]}
    _write(tmp_path / "rivers.geojson", [{"type": "Feature", "properties": {}, "geometry": river}])
    land = landscape(5, west=105.9, south=9.95, east=106.1, north=10.13, step_deg=0.005, people=90_000)
    write_geotiff(tmp_path / "terrain.tif", land.terrain)
    write_geotiff(tmp_path / "people.tif", land.population)
    masts = ["id,lon,lat,height_m,existing", "M1,105.96,10.02,42,yes", "M2,106.03,10.07,42,no"]
    (tmp_path / "towers.csv").write_text("\n".join(masts) + "\n", "utf-8")
    (tmp_path / "prices.csv").write_text("key,price,source\ntower,2000000000,Báo giá 2017\n", "utf-8")
    (tmp_path / "coefficients.toml").write_text("minimum_mbps = 100\n", "utf-8")
    settings = PLAN_TOML.replace('sites = "sites.csv"\n', 'sites = "sites.csv"\n' + FILES)
    synthetic = settings[settings.index("[synthetic]") : settings.index("[radio]")]
    settings = settings.replace(synthetic, "").replace("[9_000_000_000, 9", "[19_000_000_000, 9")
    (tmp_path / "plan.toml").write_text(settings, "utf-8")
    return tmp_path


def test_a_plan_from_files_uses_each_of_them(folder: Path) -> None:
    plan = made(folder)
    fibre, radio = plan.fibre, plan.radio
    assert fibre is not None and radio is not None and plan.phasing is not None
    assert fibre.graph.source.endswith("roads.geojson")
    assert fibre.graph.fibre.any() and fibre.graph.crossing.any()
    assert {tower.code for tower in radio.towers} == {"M1", "M2"}
    assert [tower.code for tower in radio.chosen] == ["M2"]
    assert all(size.rate >= 100 for size in plan.links)
    assert next(item for item in plan.items if item.kind == "tower").capex == 2_000_000_000
    assert "Báo giá 2017" in {price.source for price in plan.prices}


def test_sites_that_no_road_reaches_are_named_with_what_would_join_them(folder: Path) -> None:
    roads = json.loads((folder / "roads.geojson").read_text())["features"]
    west = [each for each in roads if all(x < 105.95 for x, _ in each["geometry"]["coordinates"])]
    east = [each for each in roads if all(x > 105.958 for x, _ in each["geometry"]["coordinates"])]
    _write(folder / "roads.geojson", west + east)
    with pytest.raises(Disconnected) as refused:
        made(folder)
    assert refused.value.remedy


def test_how_the_roads_are_read_is_said_in_the_settings(folder: Path) -> None:
    cross = [
        {
            "type": "Feature",
            "properties": {"kind": "rural"},
            "geometry": {"type": "LineString", "coordinates": ends},
        }
        for ends in ([[10.0, 105.98], [10.0, 106.0]], [[9.99, 105.99], [10.01, 105.99]])
    ]
    _write(folder / "roads.geojson", cross)
    opened = open_folder(folder)
    with pytest.raises(WrongProjection):
        roads(opened, places(opened).sites)
    settings = (folder / "plan.toml").read_text("utf-8")
    told = 'roads = "roads.geojson"\nroads_latitude_first = true\n'
    (folder / "plan.toml").write_text(settings.replace('roads = "roads.geojson"\n', told), "utf-8")
    opened = open_folder(folder)
    before = opened.keys()["data"]
    graph, findings = roads(opened, places(opened).sites)
    assert graph.edges == 2 and "disconnected-part" in {finding.code for finding in findings}
    (folder / "plan.toml").write_text(
        settings.replace('roads = "roads.geojson"\n', told + "roads_crossings = true\n"), "utf-8"
    )
    opened = open_folder(folder)
    assert roads(opened, places(opened).sites)[0].edges == 4
    assert opened.keys()["data"] != before


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:1", "metres"])
def test_a_plan_is_made_in_metres(folder: Path, crs: str) -> None:
    settings = (folder / "plan.toml").read_text("utf-8")
    (folder / "plan.toml").write_text(f'crs = "{crs}"\n{settings}', "utf-8")
    opened = open_folder(folder)
    with pytest.raises(WrongProjection, match="coordinate system"):
        roads(opened, places(opened).sites)


def _write(path: Path, features: list[dict[str, object]]) -> None:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
