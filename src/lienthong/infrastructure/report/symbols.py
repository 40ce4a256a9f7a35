"""How kinds of places and of lines look, the same on every map and in every legend. Colours are told apart by
people who see red and green alike, and in grey by their order from dark to light.
"""

from __future__ import annotations

from lienthong.infrastructure.report.svg import element, path_of, rectangle

GROUND = "#faf7ef"
OUTSIDE = "#eef1f3"
WATER = "#b9d9ea"
BORDER = "#a08f76"
ROADS = {
    "national": ("#c9bda6", 2.2),
    "provincial": ("#d3c9b5", 1.5),
    "district": ("#dcd4c4", 1.0),
    "bridge": ("#c9bda6", 1.6),
}
ROAD_ELSE = ("#e5dfd2", 0.6)
EXISTING = "#3d3d3d"
RING = "#d95f9e"
MICROWAVE = "#007a78"
YEARS = ("#3b0f70", "#b5367a", "#f76f5c", "#e3a400", "#5a9e3f", "#1f78b4", "#6a51a3", "#555555")
LATER = "#9aa0a6"
COVERED = (120, 170, 220)
GAINED = (245, 150, 60)

SIZES = {"commune": 4.2, "agency": 3.2, "node": 4.6, "tower": 6.5, "core": 9.0}
FILLS = {"commune": "#1f4e79", "agency": "#2e8b57", "node": "#222", "tower": "#007a78", "core": "#c00"}


def marker(kind: str, x: float, y: float, *, fill: str | None = None, size: float | None = None) -> str:
    """A site at (x, y): communes are discs, agencies squares, nodes diamonds, towers masts, the data centre
    a star.
    """
    half = SIZES.get(kind, 4.0) if size is None else size
    colour = FILLS.get(kind, "#555") if fill is None else fill
    edge = {"stroke": "#fff", "stroke_width": 0.8}
    if kind == "agency":
        return rectangle(x - half, y - half, 2 * half, 2 * half, colour, **edge)
    if kind == "node":
        points = [(x, y - half), (x + half, y), (x, y + half), (x - half, y)]
        return element("path", d=path_of(points, closed=True), fill=colour, **edge)
    if kind == "tower":
        points = [(x, y - half), (x + 0.8 * half, y + 0.8 * half), (x - 0.8 * half, y + 0.8 * half)]
        return element("path", d=path_of(points, closed=True), fill=colour, **edge)
    if kind == "core":
        return element("path", d=path_of(_star(x, y, half), closed=True), fill=colour, **edge)
    return element("circle", cx=x, cy=y, r=half, fill=colour, **edge)


def year_colours(years: tuple[int, ...]) -> dict[int, str]:
    """A colour for each year, dark to light as time goes on."""
    return {year: YEARS[min(at, len(YEARS) - 1)] for at, year in enumerate(years)}


def _star(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    from math import cos, pi, sin

    points = []
    for at in range(10):
        reach = radius if at % 2 == 0 else 0.42 * radius
        points.append((x + reach * sin(at * pi / 5), y - reach * cos(at * pi / 5)))
    return points
