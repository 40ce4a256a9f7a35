"""Roads are read from every format, and whatever is wrong with them is named, located and answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from lienthong.infrastructure.errors import PlanningError
from lienthong.infrastructure.geography import overlays
from lienthong.infrastructure.geography.errors import BadRoads, WrongProjection
from lienthong.infrastructure.geography.graph import KINDS
from lienthong.infrastructure.geography.importers import read_roads
from lienthong.infrastructure.geography.projection import metres

from . import pbf

A, B, C, D = (105.97, 10.25), (105.98, 10.25), (105.98, 10.26), (105.99, 10.25)
LAT_LON = [A[::-1], B[::-1]]


def geojson(path: Path, *features: tuple[Any, dict[str, Any]], crs: str | None = None) -> Path:
    body: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": properties,
                "geometry": shape
                if shape is None or isinstance(shape, dict)
                else {"type": "LineString", "coordinates": [list(p) for p in shape]},
            }
            for shape, properties in features
        ],
    }
    if crs:
        body["crs"] = {"type": "name", "properties": {"name": crs}}
    path.write_text(json.dumps(body), "utf-8")
    return path


def codes(imported: Any) -> list[str]:
    return [finding.code for finding in imported.findings]


def test_geojson_lines_become_edges_between_shared_points(tmp_path: Path) -> None:
    path = geojson(
        tmp_path / "roads.geojson",
        ([A, B, D], {"kind": "Quốc lộ", "name": "QL1"}),
        ([B, C], {"kind": "rural", "fibre": "có", "factor": 1.3}),
    )
    imported = read_roads(path)
    graph = imported.graph
    assert (graph.vertices, graph.edges, imported.findings) == (4, 3, ())
    assert sorted(KINDS[k] for k in graph.kind) == ["national", "national", "rural"]
    assert graph.fibre.sum() == 1
    assert graph.factor.max() == 1.3
    assert graph.length_m.sum() == pytest.approx(2 * 1095 + 1106, rel=0.01)
    assert graph.name_of(0) == "QL1"
    assert not graph.synthetic


def test_a_bend_keeps_its_shape_and_its_length(tmp_path: Path) -> None:
    graph = read_roads(geojson(tmp_path / "r.geojson", ([A, B, C], {"kind": "rural"}))).graph
    assert graph.edges == 1
    assert np.allclose(list(graph.line(0)), [A, B, C], atol=1e-7)
    assert graph.length_m[0] == pytest.approx(1095 + 1106, rel=0.01)


def test_ends_that_nearly_touch_are_joined_within_the_snap(tmp_path: Path) -> None:
    near = (B[0] + 5e-6, B[1])
    path = geojson(tmp_path / "r.geojson", ([A, B], {"kind": "rural"}), ([near, C], {"kind": "rural"}))
    assert read_roads(path, snap_m=1.0).graph.parts().max() == 0
    apart = read_roads(path, snap_m=0.0)
    assert apart.graph.parts().max() == 1
    assert codes(apart) == ["disconnected-part"]
    assert "105.98" in apart.findings[0].remedy["vi"]


def test_roads_that_cross_are_joined_only_when_asked_and_not_by_a_bridge(tmp_path: Path) -> None:
    cross = ([(105.975, 10.245), (105.975, 10.255)], {"kind": "rural"})
    path = geojson(tmp_path / "r.geojson", ([A, B], {"kind": "rural"}), cross)
    assert read_roads(path).graph.edges == 2
    joined = read_roads(path, crossings=True).graph
    assert (joined.vertices, joined.edges) == (5, 4)
    bridge = geojson(tmp_path / "b.geojson", ([A, B], {"kind": "bridge"}), cross)
    assert read_roads(bridge, crossings=True).graph.edges == 2


def test_a_loop_becomes_two_edges(tmp_path: Path) -> None:
    path = geojson(tmp_path / "r.geojson", ([B, C, D, B], {"kind": "rural"}), ([A, B], {"kind": "rural"}))
    graph = read_roads(path).graph
    assert graph.edges == 3
    assert (graph.tail != graph.head).all()


def test_openstreetmap_is_read_with_bridges_and_ferries_and_without_railways(tmp_path: Path) -> None:
    path = tmp_path / "small.osm.pbf"
    places = [A, B, C, D, (106.0, 10.25)]
    pbf.write(
        path,
        [(i, lon, lat) for i, (lon, lat) in enumerate(places, 1)],
        [
            (11, {"highway": "trunk", "name": "QL1"}, [1, 2]),
            (12, {"highway": "secondary", "bridge": "yes"}, [2, 3]),
            (13, {"route": "ferry", "name": "Phà Đình Khao"}, [2, 4]),
            (14, {"railway": "rail"}, [1, 3]),
            (15, {"highway": "proposed"}, [1, 4]),
            (16, {"highway": "residential"}, [4, 5]),
        ],
    )
    imported = read_roads(path)
    kinds = sorted(KINDS[k] for k in imported.graph.kind)
    assert kinds == ["bridge", "ferry", "national", "rural"]
    assert imported.graph.crossing.sum() == 2
    assert "Phà Đình Khao" in imported.graph.names
    assert read_roads(path, box=(105.96, 10.24, 105.975, 10.255)).graph.edges < 4


def geopackage(
    path: Path, lines: list[Any], crs: str | None, layer: str = "roads", append: bool = False
) -> Path:
    pyogrio.raw.write(
        path, shapely.to_wkb(np.array([shapely.LineString(line) for line in lines], dtype=object)),
        [np.array(["rural"] * len(lines), dtype=object)], ["kind"], layer=layer, driver="GPKG",
        geometry_type="LineString", crs=crs, append=append,
    )  # fmt: skip
    return path


def in_metres(crs: str) -> list[Any]:
    return [np.column_stack(metres([A[0], B[0]], [A[1], B[1]], crs)).tolist()]


def test_a_geopackage_in_the_national_system_is_brought_into_degrees(tmp_path: Path) -> None:
    graph = read_roads(geopackage(tmp_path / "r.gpkg", in_metres("EPSG:9217"), "EPSG:9217")).graph
    assert sorted(graph.lon) == pytest.approx([A[0], B[0]], abs=1e-4)
    assert graph.length_m[0] == pytest.approx(1095, rel=0.01)


def test_a_file_without_a_coordinate_system_is_refused_until_it_is_given(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="crs"):
        path = geopackage(tmp_path / "r.gpkg", in_metres("EPSG:32648"), None)
    with pytest.raises(WrongProjection, match="does not say") as caught:
        read_roads(path)
    assert "files.roads_crs" in (caught.value.remedy or "")
    assert read_roads(path, crs="EPSG:32648").graph.edges == 1
    with pytest.raises(WrongProjection, match="not known"):
        read_roads(path, crs="EPSG:99999999")


def test_a_file_of_several_layers_asks_for_one(tmp_path: Path) -> None:
    path = geopackage(tmp_path / "r.gpkg", [[A, B]], "EPSG:4326")
    geopackage(path, [[A, C]], "EPSG:4326", layer="canals", append=True)
    with pytest.raises(BadRoads, match=r"2 layers.*: roads, canals"):
        read_roads(path)
    assert read_roads(path, layer="roads").graph.edges == 1
    with pytest.raises(BadRoads, match="cannot be read"):
        read_roads(path, layer="rivers")


@pytest.mark.parametrize(
    ("line", "crs", "message"),
    [
        (LAT_LON, None, "swapped"),
        ([(2.35, 48.85), (2.36, 48.86)], None, "outside Vietnam"),
        ([(606232.0, 1133188.0), (607232.0, 1133188.0)], None, "do not fit"),
    ],
)
def test_coordinates_of_elsewhere_are_refused(
    tmp_path: Path, line: Any, crs: str | None, message: str
) -> None:
    path = geojson(tmp_path / "r.geojson", (line, {"kind": "rural"}), crs=crs)
    with pytest.raises(WrongProjection, match=message) as caught:
        read_roads(path)
    assert "feature 1" in (caught.value.place or "")
    assert caught.value.remedy


def test_a_coordinate_that_is_no_number_is_named(tmp_path: Path) -> None:
    path = geojson(tmp_path / "r.geojson", ([A, B], {}), ([B, (float("nan"), 10.2), C], {}))
    with pytest.raises(BadRoads, match="no number") as refused:
        read_roads(path)
    assert refused.value.place is not None and refused.value.place.endswith("r.geojson, feature 2")


def test_swapped_coordinates_are_read_when_told(tmp_path: Path) -> None:
    path = geojson(tmp_path / "r.geojson", (LAT_LON, {"kind": "rural"}))
    assert read_roads(path, latitude_first=True).graph.lon.max() == pytest.approx(B[0], abs=1e-6)


def test_what_cannot_be_used_is_left_out_and_said(tmp_path: Path) -> None:
    path = geojson(
        tmp_path / "r.geojson",
        ([A, B], {"kind": "rural"}),
        (None, {"kind": "rural"}),
        ({"type": "Point", "coordinates": list(A)}, {"kind": "rural"}),
        ([B, A], {"kind": "rural"}),
        ([C, C], {"kind": "rural"}),
        ([B, C], {"kind": "đường gì đó"}),
        ([(2.35, 48.85), (2.36, 48.86)], {"kind": "rural"}),
        ([B, D], {"kind": "rural"}),
    )
    imported = read_roads(path)
    assert imported.graph.edges == 3
    assert sorted(codes(imported)) == [
        "duplicate-geometry", "empty-geometry", "not-a-line", "outside-vietnam", "unknown-kind",
        "zero-length",
    ]  # fmt: skip
    by_code = {finding.code: finding for finding in imported.findings}
    assert by_code["empty-geometry"].place == "r.geojson, feature 2"
    assert "Cách khắc phục" in by_code["zero-length"].text("vi")
    assert "Remedy" in by_code["zero-length"].text("en")


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"kind": "rural", "length_m": -5}, "length_m is -5"),
        ({"kind": "rural", "factor": -1}, "factor is -1"),
        ({"kind": "rural", "factor": "steep"}, "'steep'"),
        ({"kind": "rural", "fibre": "perhaps"}, "fibre is 'perhaps'"),
    ],
)
def test_numbers_that_are_negative_or_none_are_refused(
    tmp_path: Path, properties: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadRoads, match=message) as caught:
        read_roads(geojson(tmp_path / "r.geojson", ([A, B], properties)))
    assert caught.value.place == "r.geojson, feature 1"


CSV = "from,to,length_m,kind\nA,B,1200,rural\nB,C,,Đường tỉnh\n"
NODES = "id,lon,lat\nA,105.97,10.25\nB,105.98,10.25\nC,105.98,10.26\n"


def test_a_csv_of_edges_takes_positions_from_nodes(tmp_path: Path) -> None:
    (tmp_path / "edges.csv").write_text(CSV, "utf-8")
    (tmp_path / "nodes.csv").write_text(NODES, "utf-8")
    graph = read_roads(tmp_path / "edges.csv", nodes=tmp_path / "nodes.csv").graph
    assert graph.length_m.tolist() == pytest.approx([1200, 1106], rel=0.01)
    assert [KINDS[k] for k in graph.kind] == ["rural", "provincial"]


@pytest.mark.parametrize(
    ("edges", "nodes", "message", "line"),
    [
        (CSV, None, "the columns are", "line 1"),
        (CSV, NODES.replace("C,", "Z,"), "'C' has no position", "line 3"),
        (CSV, NODES + "A,1,2\n", "there twice", "line 5"),
        (CSV, NODES.replace("105.97,", "east,"), "lon is 'east'", "line 2"),
        (CSV.replace("1200", "-1"), NODES, "length_m is -1", "line 2"),
        ("", NODES, "the columns are none", "line 1"),
        ('from,to\nA,"B', NODES, "broken", "edges.csv"),
    ],
)
def test_a_bad_csv_is_refused_by_its_line(
    tmp_path: Path, edges: str, nodes: str | None, message: str, line: str
) -> None:
    (tmp_path / "edges.csv").write_text(edges, "utf-8")
    if nodes is not None:
        (tmp_path / "nodes.csv").write_text(nodes, "utf-8")
    with pytest.raises(BadRoads, match=message) as caught:
        read_roads(tmp_path / "edges.csv", nodes=tmp_path / "nodes.csv" if nodes is not None else None)
    assert line in (caught.value.place or "")


@pytest.mark.parametrize(
    "name", ["nothing.geojson", "roads.dwg", "broken.geojson", "broken.gpkg", "broken.csv"]
)
def test_a_file_that_is_none_is_named(tmp_path: Path, name: str) -> None:
    if name != "nothing.geojson":
        (tmp_path / name).write_bytes(b"\xff\xfe not a map \x00")
    with pytest.raises(BadRoads) as caught:
        read_roads(tmp_path / name)
    assert name in (caught.value.place or "")
    assert caught.value.remedy


coordinate = st.tuples(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6) | st.floats(105.9, 106.0),
    st.floats(10.2, 10.3) | st.floats(-200, 200),
)


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(
        st.tuples(
            st.none() | st.lists(coordinate, min_size=0, max_size=4),
            st.dictionaries(
                st.sampled_from(["kind", "highway", "factor", "length_m", "fibre", "bridge"]),
                st.none()
                | st.text(max_size=6)
                | st.floats()
                | st.sampled_from(["rural", "trunk", "1", "yes"]),
                max_size=4,
            ),
        ),
        max_size=5,
    ),
    crossings=st.booleans(),
)
def test_whatever_a_file_holds_it_is_read_or_refused_with_a_remedy(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Any], crossings: bool
) -> None:
    path = tmp_path_factory.mktemp("any") / "r.geojson"
    geojson(path, *lines)
    try:
        graph = read_roads(path, crossings=crossings).graph
    except PlanningError as error:
        assert error.remedy
        assert error.place
        return
    assert graph.edges > 0
    assert (graph.tail != graph.head).all()
    assert np.isfinite(graph.length_m).all()
    assert np.isfinite(graph.x).all()


def test_cables_and_rivers_mark_the_roads_they_meet(tmp_path: Path) -> None:
    roads = geojson(
        tmp_path / "roads.geojson", ([A, B], {"kind": "rural"}), ([B, C], {"kind": "rural"}),
        ([B, D], {"kind": "rural"}),
    )  # fmt: skip
    cable = geojson(tmp_path / "cable.geojson", ([(A[0], A[1] + 1e-4), (B[0], B[1] + 1e-4)], {}))
    river = geojson(tmp_path / "river.geojson", ([(105.985, 10.24), (105.985, 10.26)], {}))
    graph = read_roads(roads).graph
    lit = overlays.with_fibre(graph, overlays.read_geometries(cable))
    assert lit.fibre.tolist() == [True, False, False]
    wet = overlays.with_rivers(lit, overlays.read_geometries(river))
    assert wet.crossing.tolist() == [False, False, True]
