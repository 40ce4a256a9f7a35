"""Roads as CSV: one row an edge, positions in the row or in a second file of nodes."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from lienthong.infrastructure.geography.errors import BadRoads

ENDS = ("from_lon", "from_lat", "to_lon", "to_lat")
NEEDED = (
    "columns from_lon, from_lat, to_lon, to_lat; or from, to with a file of nodes (id, lon, lat); "
    "length_m, kind, factor, crossing, fibre, name if wanted"
)


def read(path: Path, nodes: Path | None = None) -> tuple[Any, list[dict[str, object]], list[str]]:
    """Straight lines in degrees, their rows, and where each was read. Raises :class:`BadRoads`."""
    rows = _rows(path)
    columns = set(rows[0][1]) if rows else set()
    where = _positions(nodes) if nodes is not None else None
    if not rows or not (set(ENDS) <= columns or ({"from", "to"} <= columns and where is not None)):
        listed = ", ".join(sorted(columns)) or "none"
        raise BadRoads(f"the columns are {listed}", place=f"{path}, line 1", remedy=NEEDED)
    ends = np.empty((len(rows), 2, 2))
    for at, (line, row) in enumerate(rows):
        place = f"{path}, line {line}"
        if set(ENDS) <= columns:
            ends[at] = np.array([_degrees(row, column, place) for column in ENDS]).reshape(2, 2)
            continue
        assert where is not None
        for end, column in enumerate(("from", "to")):
            if row[column] not in where:
                raise BadRoads(
                    f"the node {row[column]!r} has no position", place=place, remedy=f"add it to {nodes}"
                )
            ends[at, end] = where[row[column]]
    attributes: list[dict[str, object]] = []
    for _, row in rows:
        kept: dict[str, object] = {k: v for k, v in row.items() if k not in (*ENDS, "from", "to", "length")}
        kept["length_m"] = row.get("length_m") or row.get("length", "")
        attributes.append(kept)
    return shapely.linestrings(ends), attributes, [f"{path.name}, line {line}" for line, _ in rows]


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRoads(
            f"the file cannot be read: {error}", place=str(path), remedy="save it as CSV in UTF-8"
        ) from error
    try:
        reader = csv.DictReader(text.splitlines(), strict=True)
        return [
            (
                reader.line_num,
                {
                    (key or "").strip().lower(): value.strip() if isinstance(value, str) else ""
                    for key, value in row.items()
                    if key is not None
                },
            )
            for row in reader
        ]
    except csv.Error as error:
        raise BadRoads(
            f"the table is broken: {error}", place=str(path), remedy="save it as CSV in UTF-8"
        ) from error


def _positions(path: Path) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    rows = _rows(path)
    if not rows or not {"id", "lon", "lat"} <= set(rows[0][1]):
        raise BadRoads("the nodes have no id, lon and lat", place=f"{path}, line 1", remedy="add them")
    for line, row in rows:
        place = f"{path}, line {line}"
        if row["id"] in found:
            raise BadRoads(
                f"the node {row['id']!r} is there twice", place=place, remedy="name each node once"
            )
        found[row["id"]] = (_degrees(row, "lon", place), _degrees(row, "lat", place))
    return found


def _degrees(row: dict[str, str], column: str, place: str) -> float:
    try:
        value = float(row[column].replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > 180:
        raise BadRoads(
            f"{column} is {row[column]!r}", place=place, remedy="give degrees, as 105.97 (longitude first)"
        )
    return value
