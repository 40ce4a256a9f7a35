"""Exports read back with other programs' readers: the same figures, labelled."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import openpyxl
import pyogrio
import pytest
import shapely

from lienthong.infrastructure.plan.model import Plan
from lienthong.infrastructure.report.files import FORMATS, export

Made = tuple[Path, Plan]


@pytest.fixture(scope="module")
def out(district: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    written = export(district[1], folder, "vi", FORMATS)
    assert all(path.stat().st_size > 0 for path in written)
    return folder


def test_the_geopackage_holds_every_layer_in_degrees(district: Made, out: Path) -> None:
    plan = district[1]
    assert plan.fibre is not None
    layers = {name for name, _ in pyogrio.list_layers(out / "plan.gpkg")}
    assert {"sites", "fibre", "masts", "background"} <= layers
    about = pyogrio.read_info(out / "plan.gpkg", layer="fibre")
    assert about["crs"] == "EPSG:4326"
    meta, _, shapes, columns = pyogrio.raw.read(out / "plan.gpkg", layer="fibre")
    fields = dict(zip(meta["fields"], columns, strict=True))
    assert len(shapes) == plan.fibre.edges.size
    assert int(fields["cost_vnd"].sum()) == round(float(plan.fibre.edge_cost.sum()))
    new = plan.fibre.edges[~plan.fibre.graph.fibre[plan.fibre.edges]]
    assert int((~fields["existing"].astype(bool)).sum()) == new.size
    assert set(np.unique(fields["year"]).tolist()) <= {0, *plan.years}
    assert all("not for procurement" in each for each in fields["data"])
    west, south, east, north = shapely.total_bounds(shapely.from_wkb(shapes))
    assert 105 < west < east < 107 and 9 < south < north < 11


def test_a_second_export_replaces_the_first(district: Made, out: Path) -> None:
    before = pyogrio.read_info(out / "plan.gpkg", layer="sites")["features"]
    export(district[1], out, "vi", ["gpkg"])
    assert pyogrio.read_info(out / "plan.gpkg", layer="sites")["features"] == before


def test_the_geopackage_says_that_it_is_synthetic(out: Path) -> None:
    with closing(sqlite3.connect(out / "plan.gpkg")) as file:
        said = [row[0] for row in file.execute("select description from gpkg_contents")]
    assert said and all("not for procurement" in each for each in said)


def test_an_export_that_fails_leaves_the_file_of_before(
    district: Made, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (out / "plan.gpkg").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise pyogrio.errors.DataSourceError("database or disk is full")

    monkeypatch.setattr(pyogrio.raw, "write", full)
    with pytest.raises(OSError, match="disk is full"):
        export(district[1], out, "vi", ["gpkg"])
    assert (out / "plan.gpkg").read_bytes() == before
    assert not [path for path in out.iterdir() if path.name.startswith(".plan.gpkg")]


def test_geojson_keeps_to_the_rfc(out: Path) -> None:
    data = json.loads((out / "plan.geojson").read_text("utf-8"))
    assert data["type"] == "FeatureCollection" and "crs" not in data
    assert "không dùng để mua sắm" in data["label"]
    layers = {feature["properties"]["layer"] for feature in data["features"]}
    assert {"sites", "fibre", "background"} <= layers
    for feature in data["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.is_valid and not shape.is_empty
        if feature["geometry"]["type"] == "MultiPolygon":
            for part in shape.geoms:
                assert part.exterior.is_ccw
                assert not any(hole.is_ccw for hole in part.interiors)
        west, south, east, north = shape.bounds
        assert 105 < west <= east < 107 and 9 < south <= north < 11


def test_the_workbook_has_the_plan_in_figures(district: Made, out: Path) -> None:
    plan = district[1]
    assert plan.phasing is not None
    book = openpyxl.load_workbook(out / "plan-vi.xlsx", data_only=True)
    assert {"Theo năm", "Điểm", "Hạng mục", "Kịch bản", "Lưu trữ", "Hệ số", "Trạm"} <= set(book.sheetnames)
    for sheet in book.worksheets:
        assert sheet.cell(1, 1).value == "Dữ liệu mô phỏng, gần đúng, không dùng để mua sắm"
    years = list(book["Theo năm"].iter_rows(min_row=3, values_only=True))
    assert [row[0] for row in years] == list(plan.years)
    assert [row[2] for row in years] == list(plan.phasing.capex)
    items = list(book["Hạng mục"].iter_rows(min_row=3, values_only=True))
    assert sum(row[6] for row in items) == sum(item.capex for item in plan.items)
    assert {row[0] for row in items} == {item.key for item in plan.items}
    beside = list(book["Kịch bản"].iter_rows(min_row=3, values_only=True))
    assert beside[0][:3] == ("Kế hoạch", sum(plan.phasing.budget), sum(plan.phasing.capex))
    assert beside[0][3:5] == years[-1][4:6]


def test_the_bill_of_quantities_sums_to_the_items(district: Made, out: Path) -> None:
    book = openpyxl.load_workbook(out / "quantities-vi.xlsx", data_only=True)
    values = [cell for sheet in book.worksheets for row in sheet.iter_rows(values_only=True) for cell in row]
    assert sum(item.capex for item in district[1].items) in values


def test_a_site_whose_name_is_a_formula_stays_text(district: Made, tmp_path: Path) -> None:
    from dataclasses import replace

    plan = district[1]
    assert plan.fibre is not None
    sites = (replace(plan.fibre.sites[0], name='=HYPERLINK("x")'), *plan.fibre.sites[1:])
    export(replace(plan, fibre=replace(plan.fibre, sites=sites)), tmp_path, "en", ["xlsx"])
    book = openpyxl.load_workbook(tmp_path / "plan-en.xlsx")
    cell = next(cell for cell in book["Places"]["B"] if str(cell.value).startswith("=HYPER"))
    assert cell.data_type == "s"


def test_every_map_is_there_as_drawing_and_picture(out: Path) -> None:
    for name in ("state", "design", "years", "radio-4g-1800", "radio-3g-900", "radio-5g-3700"):
        assert (out / f"map-{name}-vi.svg").read_text("utf-8").startswith("<svg ")
        assert (out / f"map-{name}-vi.png").read_bytes().startswith(b"\x89PNG")
