"""The sheet a map is drawn on: metres to drawing units, the scale bar, the north arrow, the legend."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lienthong.infrastructure.report.labels import Box
from lienthong.infrastructure.report.svg import element, path_of, rectangle, text, text_width

WIDTH = 760.0
MARGIN = 12.0
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """From degrees to drawing units. ``west`` and ``north`` are metres in ``crs``; ``scale`` is units a
    metre; the map itself is ``width`` × ``height`` units.
    """

    crs: str
    west: float
    north: float
    scale: float
    width: float
    height: float

    @classmethod
    def around(cls, lon: ArrayLike, lat: ArrayLike, crs: str, *, width: float = WIDTH) -> Frame:
        """The frame that shows all of the points with a margin; never flatter than 2:1 nor higher than
        1:1.2.
        """
        x, y = projected(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64), crs)
        across = max(float(np.ptp(x)), 1000.0)
        up = max(float(np.ptp(y)), 1000.0)
        scale = (width - 2 * MARGIN) / across
        height = up * scale + 2 * MARGIN
        if height > 1.2 * width:
            height = 1.2 * width
            scale = (height - 2 * MARGIN) / up
        height = max(height, width / 2)
        middle_x, middle_y = float(x.max() + x.min()) / 2, float(y.max() + y.min()) / 2
        return cls(crs, middle_x - width / 2 / scale, middle_y + height / 2 / scale, scale, width, height)

    def place(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
        """Drawing units of positions in degrees."""
        x, y = projected(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64), self.crs)
        return (x - self.west) * self.scale, (self.north - y) * self.scale

    def path(self, points: Sequence[tuple[float, float]] | Floats, *, closed: bool = False) -> str:
        """The ``d`` of a line in degrees."""
        at = np.asarray(points, dtype=np.float64)
        x, y = self.place(at[:, 0], at[:, 1])
        return path_of(np.column_stack([x, y]), closed=closed)

    def shape(self, geometry: Any) -> str:
        """The ``d`` of a shapely geometry in degrees: lines and polygons with holes, points left out."""
        if geometry is None or geometry.is_empty:
            return ""
        if hasattr(geometry, "geoms"):
            return "".join(self.shape(part) for part in geometry.geoms)
        if geometry.geom_type == "Polygon":
            rings = [geometry.exterior, *geometry.interiors]
            return "".join(self.path(np.asarray(ring.coords)[:, :2], closed=True) for ring in rings)
        if geometry.geom_type in ("LineString", "LinearRing"):
            return self.path(np.asarray(geometry.coords)[:, :2])
        return ""


def projected(lon: Floats, lat: Floats, crs: str) -> tuple[Floats, Floats]:
    """Metres in ``crs`` of positions in degrees (WGS 84)."""
    from pyproj import Transformer

    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


def scale_bar(frame: Frame, x: float, y: float) -> tuple[str, Box]:
    """A bar of a round length near an eighth of the sheet, its left end at (x, y)."""
    wanted = frame.width / 6 / frame.scale / 1000
    power = 10 ** math.floor(math.log10(wanted))
    km = max(step * power for step in (1, 2, 5) if step * power <= wanted)
    length = km * 1000 * frame.scale
    half = length / 2
    drawn = (
        rectangle(x, y, half, 5, "#222")
        + rectangle(x + half, y, half, 5, "#fff", stroke="#222", stroke_width=0.8)
        + text(x, y - 4, "0", size=11, anchor="middle", halo=1.5)
        + text(x + half, y - 4, f"{km / 2:g}", size=11, anchor="middle", halo=1.5)
        + text(x + length, y - 4, f"{km:g} km", size=11, anchor="middle", halo=1.5)
    )
    return drawn, (x - 6, y - 18, x + length + 24, y + 8)


def north_arrow(x: float, y: float, word: str) -> tuple[str, Box]:
    """An arrow 34 units high, its foot at (x, y), under the letter for north."""
    left = path_of([(x, y - 34), (x - 8, y), (x, y - 7)], closed=True)
    right = path_of([(x, y - 34), (x + 8, y), (x, y - 7)], closed=True)
    drawn = (
        element("path", d=left, fill="#222", stroke="#222", stroke_width=0.8)
        + element("path", d=right, fill="#fff", stroke="#222", stroke_width=0.8)
        + text(x, y - 39, word, size=13, anchor="middle", bold=True, halo=1.5)
    )
    return drawn, (x - 10, y - 54, x + 10, y + 2)


@dataclass
class Legend:
    """Samples with their names, set in columns under the map. Samples are drawn 30 × 12 units."""

    entries: list[tuple[str, str]] = field(default_factory=list)

    def add(self, sample: str, name: str) -> None:
        self.entries.append((sample, name))

    def lines(self, colour: str, name: str, *, width: float = 2.4, dash: str | None = None) -> None:
        self.add(
            element(
                "line", x1=0, y1=6, x2=30, y2=6, stroke=colour, stroke_width=width, stroke_dasharray=dash
            ),
            name,
        )

    def area(self, fill: str, name: str, stroke: str = "#888") -> None:
        self.add(rectangle(3, 0, 24, 12, fill, stroke=stroke, stroke_width=0.6), name)

    def draw(self, x: float, y: float, width: float) -> tuple[str, float]:
        """The legend from (x, y) downwards, and its height."""
        size, row = 13.0, 20.0
        if not self.entries:
            return "", 0.0
        widest = max(text_width(name, size) for _, name in self.entries) + 62
        columns = max(1, min(len(self.entries), int(width // widest)))
        rows = math.ceil(len(self.entries) / columns)
        step = width / columns
        drawn = []
        for at, (sample, name) in enumerate(self.entries):
            column, below = divmod(at, rows)
            left, top = x + column * step, y + below * row
            drawn.append(element("g", sample, transform=f"translate({left:.1f} {top:.1f})"))
            drawn.append(text(left + 38, top + 10.5, name, size=size))
        return "".join(drawn), rows * row


def joined(parts: Iterable[str], **attributes: object) -> str:
    """A group."""
    return element("g", "".join(parts), **attributes)
