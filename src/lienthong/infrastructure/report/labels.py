"""Where names go on a map: beside their points, never over each other, the important first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lienthong.infrastructure.report.svg import text_width

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True)
class Label:
    """A name at a point, ``size`` in the map's units; ``gap`` is how far from the point it stands.

    ``inside`` labels name areas: they are centred on the point. ``needed`` ones are moved further away
    until there is room; others are left out where there is none.
    """

    x: float
    y: float
    words: str
    size: float
    gap: float = 4.0
    bold: bool = False
    inside: bool = False
    needed: bool = False


@dataclass(frozen=True)
class Placed:
    label: Label
    x: float
    y: float
    anchor: str
    box: Box


# Where a label may stand around its point, best first: dx, dy in gaps and sizes, and the text's anchor.
_AROUND = (
    (1.0, 0.0, "start"),
    (-1.0, 0.0, "end"),
    (0.0, -1.0, "middle"),
    (0.0, 1.0, "middle"),
    (0.8, -0.8, "start"),
    (0.8, 0.8, "start"),
    (-0.8, -0.8, "end"),
    (-0.8, 0.8, "end"),
)


def place(
    labels: Sequence[Label], within: Box, taken: Iterable[Box] = (), points: Iterable[Box] = ()
) -> list[Placed]:
    """Each label where nothing is ``taken``, in the order given, over as few ``points`` as can be."""
    occupied, marks = list(taken), list(points)
    placed: list[Placed] = []
    for label in labels:
        best: tuple[float, Placed] | None = None
        for x, y, anchor in _places(label):
            box = _box(label, x, y, anchor)
            if not _contains(within, box) or any(_meet(box, other) for other in occupied):
                continue
            away = ((x - label.x) ** 2 + (y - label.y) ** 2) ** 0.5 / label.size
            badness = 0.4 * away + sum(_meet(box, mark) for mark in marks)
            if best is None or badness < best[0]:
                best = (badness, Placed(label, x, y, anchor, box))
        if best is not None:
            occupied.append(best[1].box)
            placed.append(best[1])
    return placed


def _places(label: Label) -> Iterable[tuple[float, float, str]]:
    middle = 0.34 * label.size
    if label.inside:
        yield label.x, label.y + middle, "middle"
        for turn in range(1, 9 if label.needed else 4):
            for dx, dy in ((0, -1), (0, 1), (1, 0), (-1, 0), (1, -1), (-1, 1), (1, 1), (-1, -1)):
                yield (
                    label.x + 1.6 * dx * turn * label.size,
                    label.y + middle + dy * turn * label.size,
                    "middle",
                )
        return
    for turn in range(1, 7 if label.needed else 2):
        for across, down, anchor in _AROUND:
            gap = label.gap * turn
            lift = gap + 0.5 * label.size if anchor == "middle" else gap
            yield label.x + across * gap, label.y + down * lift + middle, anchor


def _box(label: Label, x: float, y: float, anchor: str) -> Box:
    width = text_width(label.words, label.size, bold=label.bold)
    left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
    return left - 1.0, y - 0.82 * label.size, left + width + 1.0, y + 0.28 * label.size


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _contains(outer: Box, inner: Box) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]
