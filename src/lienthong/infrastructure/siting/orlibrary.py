"""Readers for OR-Library's set covering (scp) and p-median (pmed) files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import sparse

from lienthong.infrastructure.siting.errors import BadSitingData
from lienthong.infrastructure.siting.instance import Coverage, Floats


def read_scp(path: Path) -> Coverage:
    """A set covering problem: rows are points, columns sites with costs."""
    numbers = _numbers(path)
    rows, columns = _take(numbers, 0, 2, path, "the size")
    costs = _take(numbers, 2, columns, path, "the costs")
    at = 2 + columns
    sites: list[int] = []
    points: list[int] = []
    for row in range(rows):
        (size,) = _take(numbers, at, 1, path, f"row {row + 1}")
        found = _take(numbers, at + 1, size, path, f"row {row + 1}")
        if size < 0 or (found and not 1 <= min(found) <= max(found) <= columns):
            raise BadSitingData(
                f"a column is not among 1 to {columns}",
                place=f"{path}, row {row + 1}",
                remedy="check the file",
            )
        sites.extend(column - 1 for column in found)
        points.extend([row] * size)
        at += 1 + size
    covers = sparse.csr_matrix((np.ones(len(sites)), (sites, points)), shape=(columns, rows))
    return Coverage.build(
        covers,
        costs=costs,
        sites=[str(column + 1) for column in range(columns)],
        points=[str(row + 1) for row in range(rows)],
    )


def read_pmed(path: Path) -> tuple[Floats, int]:
    """An uncapacitated p-median problem: shortest distances between all vertices, and how many to choose."""
    from scipy.sparse.csgraph import shortest_path

    numbers = _numbers(path)
    vertices, edges, count = _take(numbers, 0, 3, path, "the size")
    flat = np.asarray(_take(numbers, 3, 3 * edges, path, "the edges"), dtype=np.int64).reshape(edges, 3)
    if edges and not 1 <= flat[:, :2].min() <= flat[:, :2].max() <= vertices:
        raise BadSitingData(
            f"a vertex is not among 1 to {vertices}", place=f"{path}, edges", remedy="check the file"
        )
    if edges and flat[:, 2].min() < 0:
        raise BadSitingData("an edge has a negative length", place=f"{path}, edges", remedy="give 0 or more")
    length = np.full((vertices, vertices), np.inf)
    for tail, head, cost in flat:  # a repeated edge: the last counts, as OR-Library says
        length[tail - 1, head - 1] = length[head - 1, tail - 1] = cost
    distances = np.asarray(shortest_path(length, directed=False))
    if not np.isfinite(distances).all():
        alone = int(np.argmax(~np.isfinite(distances[0])))
        raise BadSitingData(
            "the network is not connected", place=f"{path}, vertex {alone + 1}", remedy="add an edge to it"
        )
    return distances, count


def _numbers(path: Path) -> list[int]:
    try:
        return [int(word) for word in path.read_text("ascii").split()]
    except (OSError, ValueError) as error:
        raise BadSitingData(
            f"the file is not one of whole numbers: {error}",
            place=str(path),
            remedy="give an OR-Library file",
        ) from error


def _take(numbers: list[int], start: int, count: int, path: Path, what: str) -> list[int]:
    part = numbers[start : start + max(count, 0)]
    if len(part) < count:
        raise BadSitingData(f"the file ends within {what}", place=str(path), remedy="fetch the whole file")
    return part
