"""A Steiner tree problem: vertices, edges with costs, terminals; and the SteinLib file format."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lienthong.infrastructure.errors import BadInstance, Disconnected

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Instance:
    """``tail``, ``head`` (int64, m) and ``cost`` (float64, m, ≥ 0) by edge; ``terminals`` (int64).

    ``integral``: every cost is a whole number, so a bound may be rounded up.
    """

    vertices: int
    tail: Ints
    head: Ints
    cost: Floats
    terminals: Ints
    name: str = ""

    @property
    def integral(self) -> bool:
        return bool(np.all(self.cost == np.floor(self.cost)))

    @classmethod
    def of(
        cls, vertices: int, edges: Iterable[tuple[int, int, float]], terminals: Iterable[int], name: str = ""
    ) -> Instance:
        """Checked: ends in range, costs finite and not negative, terminals present and connected."""
        rows = list(edges)
        tail = np.array([u for u, _, _ in rows], np.int64)
        head = np.array([v for _, v, _ in rows], np.int64)
        cost = np.array([c for _, _, c in rows], np.float64)
        wanted = np.array(sorted(set(terminals)), np.int64)
        for position, (u, v, c) in enumerate(rows, 1):
            if not (0 <= u < vertices and 0 <= v < vertices):
                raise BadInstance(
                    f"joins {u + 1} and {v + 1}, but there are {vertices} vertices", place=f"edge {position}"
                )
            if not math.isfinite(c) or c < 0:
                raise BadInstance(
                    f"cost {c} between {u + 1} and {v + 1}",
                    place=f"edge {position}",
                    remedy="give a finite cost that is not negative; use 0 for what already exists",
                )
        if not wanted.size:
            raise BadInstance("no terminals", remedy="name at least one site to connect")
        if wanted[0] < 0 or wanted[-1] >= vertices:
            raise BadInstance(f"terminal {int(wanted[-1]) + 1} is not one of the {vertices} vertices")
        loops = tail == head
        made = cls(vertices, tail[~loops], head[~loops], cost[~loops], wanted, name)
        made._connected()
        return made

    def _connected(self) -> None:
        near: list[list[int]] = [[] for _ in range(self.vertices)]
        for u, v in zip(self.tail.tolist(), self.head.tolist(), strict=True):
            near[u].append(v)
            near[v].append(u)
        seen = {int(self.terminals[0])}
        stack = list(seen)
        while stack:
            for w in near[stack.pop()]:
                if w not in seen:
                    seen.add(w)
                    stack.append(w)
        lost = [int(t) for t in self.terminals if int(t) not in seen]
        if lost:
            some = ", ".join(str(t + 1) for t in lost[:10])
            raise Disconnected(
                f"{len(lost)} of {self.terminals.size} terminals have no path to terminal "
                f"{int(self.terminals[0]) + 1}: {some}{' …' if len(lost) > 10 else ''}",
                place=self.name or None,
                remedy="add the missing road or link, or plan these sites apart",
            )


def read_steinlib(path: Path) -> Instance:
    """A ``.stp`` file (SteinLib format 1.0): vertices count from 1 there and from 0 here."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise BadInstance(str(error), place=str(path), remedy="name a readable .stp file") from error
    if not lines or not lines[0].upper().lstrip().startswith("33D32945"):
        raise BadInstance("not a SteinLib file: the first line must begin with 33D32945", place=f"{path}:1")
    vertices, edges, terminals = 0, [], []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        keyword = words[0].upper()
        try:
            if keyword == "NODES":
                vertices = int(words[1])
            elif keyword == "E":
                edges.append((int(words[1]) - 1, int(words[2]) - 1, float(words[3])))
            elif keyword == "T":
                terminals.append(int(words[1]) - 1)
            elif keyword in {"A", "TP"}:
                raise BadInstance(
                    "directed arcs and prizes are other problems",
                    place=f"{path}:{number}",
                    remedy="give an undirected instance with E and T lines",
                )
        except (IndexError, ValueError):
            raise BadInstance(f"cannot be read: {line.strip()[:80]!r}", place=f"{path}:{number}") from None
    return Instance.of(vertices, edges, terminals, path.stem)
