"""What can be wrong with imported lines and graphs, and what is done about each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from scipy.spatial import cKDTree

from lienthong.infrastructure.geography.errors import WrongProjection
from lienthong.infrastructure.geography.findings import Finding, several
from lienthong.infrastructure.geography.graph import RoadGraph
from lienthong.infrastructure.geography.noding import SAME_M, Line

VIETNAM = (102.0, 6.0, 118.0, 24.0)
"""West, south, east, north, islands included."""
_LINES = (1, 2, 5)
_GIVE_UP = 0.5


def lines(
    geometries: Any,
    rows: Sequence[dict[str, object]],
    places: Sequence[str],
    path: Path,
    latitude_first: bool,
    findings: list[Finding],
) -> tuple[Any, list[dict[str, object]], list[str]]:
    """Only simple lines inside Vietnam, each once; what is left out is added to ``findings``.

    Raises :class:`WrongProjection` when most lines lie outside Vietnam or latitude and longitude are swapped.
    """
    shapes = np.asarray(geometries, dtype=object)
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    _left_out(findings, "empty-geometry", "không có hình học", "no geometry", empty, places,
              "xóa hoặc vẽ lại đối tượng", "delete the feature or draw it again")  # fmt: skip
    other = ~empty & ~np.isin(shapely.get_type_id(shapes), _LINES)
    _left_out(findings, "not-a-line", "không phải là đường", "not a line", other, places,
              "chỉ đưa vào lớp đường giao thông", "give the layer of roads only")  # fmt: skip
    kept = np.flatnonzero(~empty & ~other)
    parts, of = shapely.get_parts(shapes[kept], return_index=True)
    of = kept[of]
    if latitude_first:
        parts = shapely.transform(parts, lambda c: c[:, ::-1])
    inside = _inside(parts, [places[i] for i in of], path, findings)
    parts, of = parts[inside], of[inside]
    _, first = np.unique(shapely.to_wkb(shapely.normalize(parts)), return_index=True)
    again = np.ones(len(parts), np.bool_)
    again[first] = False
    _left_out(findings, "duplicate-geometry", "trùng với đối tượng khác", "the same line as another", again,
              [places[i] for i in of], "xóa đối tượng trùng", "delete the copies")  # fmt: skip
    parts, of = parts[~again], of[~again]
    return parts, [rows[i] for i in of], [places[i] for i in of]


def _inside(parts: Any, places: Sequence[str], path: Path, findings: list[Finding]) -> Any:
    west, south, east, north = VIETNAM
    bounds = shapely.bounds(parts)
    if not len(bounds):
        return np.zeros(0, np.bool_)
    box = (bounds[:, 0] >= west) & (bounds[:, 2] <= east) & (bounds[:, 1] >= south) & (bounds[:, 3] <= north)
    if box.mean() >= _GIVE_UP:
        _left_out(findings, "outside-vietnam", "nằm ngoài lãnh thổ Việt Nam", "outside Vietnam", ~box, places,
                  "kiểm tra tọa độ", "check the coordinates")  # fmt: skip
        return box
    turned = (
        (bounds[:, 1] >= west) & (bounds[:, 3] <= east) & (bounds[:, 0] >= south) & (bounds[:, 2] <= north)
    )
    at = int(np.argmin(box))
    x, y = shapely.get_coordinates(parts[at])[0]
    if turned.mean() >= _GIVE_UP:
        raise WrongProjection(
            f"{int(turned.sum())} of {len(parts)} lines have latitude and longitude swapped, as {x:g}, {y:g}",
            place=f"{path}: {places[at]}",
            remedy="write longitude first; or say roads_latitude_first = true under [files] in plan.toml",
        )
    raise WrongProjection(
        f"{int((~box).sum())} of {len(parts)} lines lie outside Vietnam, as {x:g}, {y:g}",
        place=f"{path}: {places[at]}",
        remedy="check the coordinate system: assign the one the numbers are in, or export in degrees",
    )


def with_length(found: Sequence[Line], findings: list[Finding]) -> list[Line]:
    """The lines that have a length; the others are named."""
    short = np.array([float(np.ptp(line.points, axis=0).max(initial=0.0)) <= SAME_M for line in found])
    _left_out(findings, "zero-length", "có chiều dài bằng 0", "of no length", short,
              [line.place for line in found], "vẽ lại đường", "draw the line again")  # fmt: skip
    return [line for line, none in zip(found, short, strict=True) if not none]


def unknown_kinds(places: Sequence[str]) -> Finding:
    return Finding(
        "unknown-kind",
        "note",
        several(list(places)),
        {
            "vi": f"{len(places)} tuyến không rõ loại đường, tính theo đơn giá chưa phân loại",
            "en": f"{len(places)} lines do not say their kind of road and get the price of unclassified ones",
        },
        {
            "vi": "điền cột kind (national, provincial, district, rural, track, ferry, bridge) hoặc highway",
            "en": "fill in kind (national, provincial, district, rural, track, ferry, bridge), or highway",
        },
    )


def parts(graph: RoadGraph, most: int = 20) -> list[Finding]:
    """One finding for each part apart from the largest: where, how big, how far, between which points."""
    labels = graph.parts()
    count = int(labels.max(initial=0))
    if not count:
        return []
    points = np.column_stack([graph.x, graph.y])
    home = np.flatnonzero(labels == 0)
    tree = cKDTree(points[home])
    found = []
    for label in range(1, min(count, most) + 1):
        part = np.flatnonzero(labels == label)
        away, nearest = tree.query(points[part])
        at = int(np.argmin(away))
        u, v = int(part[at]), int(home[nearest[at]])
        here, there = (f"{graph.lon[w]:.5f}, {graph.lat[w]:.5f}" for w in (u, v))
        found.append(
            Finding(
                "disconnected-part",
                "warning",
                here,
                {
                    "vi": f"cụm {part.size} nút tách rời, cách mạng đường chính {away[at]:,.0f} m",
                    "en": f"a part of {part.size} nodes lies apart, {away[at]:,.0f} m from the main network",
                },
                {
                    "vi": f"bổ sung cầu, phà hoặc đường nối {here} với {there}; nếu các đường chỉ gần chạm "
                    "nhau, tăng files.roads_snap_m hoặc đặt files.roads_crossings = true trong plan.toml",
                    "en": f"add the bridge, ferry or road from {here} to {there}; where lines nearly touch, "
                    "raise files.roads_snap_m or set files.roads_crossings = true in plan.toml",
                },
                float(graph.lon[u]),
                float(graph.lat[u]),
            )
        )
    if count > most:
        found.append(
            Finding(
                "disconnected-part",
                "warning",
                graph.source,
                {"vi": f"và {count - most} cụm tách rời khác", "en": f"and {count - most} more parts"},
                {"vi": "kiểm tra dữ liệu đường", "en": "check the road data"},
            )
        )
    return found


def _left_out(
    findings: list[Finding], code: str, vi: str, en: str, which: Any, places: Sequence[str],
    remedy_vi: str, remedy_en: str,
) -> None:  # fmt: skip
    named = [places[i] for i in np.flatnonzero(which).tolist()]
    if named:
        findings.append(
            Finding(
                code,
                "warning",
                several(named),
                {"vi": f"bỏ qua {len(named)} đối tượng {vi}", "en": f"left out {len(named)} features: {en}"},
                {"vi": remedy_vi, "en": remedy_en},
            )
        )
