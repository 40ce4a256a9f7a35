"""The maps of a plan, drawn from its own data alone: the state today, the design, the years, the radio reach.

Each is an SVG file that stands alone: title, legend, scale bar, north arrow, label of synthetic data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from lienthong.infrastructure.geography.graph import KINDS, SYNTHETIC
from lienthong.infrastructure.plan.radio_part import Reach
from lienthong.infrastructure.report import symbols
from lienthong.infrastructure.report.frame import MARGIN, WIDTH, Frame, Legend, joined, north_arrow, scale_bar
from lienthong.infrastructure.report.labels import Box, Label, place
from lienthong.infrastructure.report.scene import Scene
from lienthong.infrastructure.report.svg import document, element, image, rectangle, text
from lienthong.infrastructure.report.wording import MAP

ORDER = ("unknown", "track", "rural", "ferry", "district", "bridge", "provincial", "national")
OFFICES = ("commune", "agency", "node")


class Sheet:
    """One map being drawn: what is on it, what the legend says, where labels may not go."""

    def __init__(self, scene: Scene, lang: str) -> None:
        self.scene, self.lang, self.words = scene, lang, MAP[lang]
        lon = [site.lon for site in scene.sites] + scene.graph.lon.tolist()
        lat = [site.lat for site in scene.sites] + scene.graph.lat.tolist()
        self.frame = Frame.around(lon, lat, scene.graph.crs)
        self.parts: list[str] = []
        self.taken: list[Box] = []
        self.points: list[Box] = []
        self.legend = Legend()

    def add(self, drawn: str) -> None:
        self.parts.append(drawn)

    def background(self, *, roads: bool = True) -> None:
        """Land, the roads, water, and the borders of districts."""
        shapes: Mapping[str, Any] = self.scene.graph.boundary or {}
        frame = self.frame
        land = shapes.get("province")
        self.add(
            rectangle(0, 0, frame.width, frame.height, symbols.GROUND if land is None else symbols.OUTSIDE)
        )
        if land is not None:
            self.add(element("path", d=frame.shape(land), fill=symbols.GROUND, fill_rule="evenodd"))
        if roads:
            self._roads()
        for name, shape in shapes.items():
            if name.startswith("river:") or name == "rivers":
                self._water(shape)
        borders = "".join(
            frame.shape(shape)
            for name, shape in shapes.items()
            if name.startswith("district:") or name == "districts"
        )
        if borders:
            self.add(
                element("path", d=borders, fill="none", stroke=symbols.BORDER, stroke_width=0.9,
                        stroke_dasharray="6 2 1 2")
            )  # fmt: skip
        if land is not None:
            self.add(element("path", d=frame.shape(land), fill="none", stroke="#7d6b52", stroke_width=1.4))

    def _water(self, water: Any) -> None:
        parts = list(getattr(water, "geoms", [water]))
        areas = "".join(self.frame.shape(part) for part in parts if part.geom_type == "Polygon")
        courses = "".join(self.frame.shape(part) for part in parts if part.geom_type == "LineString")
        if areas:
            self.add(element("path", d=areas, fill=symbols.WATER, fill_rule="evenodd"))
        if courses:
            self.add(
                element("path", d=courses, fill="none", stroke=symbols.WATER, stroke_width=4,
                        stroke_linecap="round", stroke_linejoin="round")
            )  # fmt: skip

    def _roads(self) -> None:
        graph = self.scene.graph
        for kind in ORDER:
            colour, width = symbols.ROADS.get(kind, symbols.ROAD_ELSE)
            self.lines(np.flatnonzero(graph.kind == KINDS.index(kind)), colour, width)

    def lines(
        self,
        edges: Iterable[int],
        colour: str,
        width: float,
        *,
        dash: str | None = None,
        casing: bool = False,
    ) -> None:
        """Edges of the graph as one path; ``casing`` lays white under it."""
        graph = self.scene.graph
        chosen = np.asarray(list(edges), dtype=np.int64)
        if not chosen.size:
            return
        if graph.shapes:
            drawn = "".join(self.frame.path(graph.line(int(edge))) for edge in chosen)
        else:
            x, y = self.frame.place(graph.lon, graph.lat)
            ends = zip(graph.tail[chosen], graph.head[chosen], strict=True)
            drawn = "".join(f"M{x[u]:.1f} {y[u]:.1f}L{x[v]:.1f} {y[v]:.1f}" for u, v in ends)
        if casing:
            self.add(
                element("path", d=drawn, fill="none", stroke="#fff", stroke_width=width + 1.6,
                        stroke_opacity=0.8, stroke_linecap="round")
            )  # fmt: skip
        self.add(
            element("path", d=drawn, fill="none", stroke=colour, stroke_width=width, stroke_dasharray=dash,
                    stroke_linecap="round" if dash is None else "butt")
        )  # fmt: skip

    def hops(self) -> bool:
        """Microwave links between sites."""
        fibre = self.scene.fibre
        if fibre is None or not fibre.wireless:
            return False
        for hop in fibre.wireless:
            ends = [fibre.sites[hop.site], fibre.sites[hop.from_site]] if hop.from_site >= 0 else []
            if not ends:
                continue
            x, y = self.frame.place([site.lon for site in ends], [site.lat for site in ends])
            self.add(
                element("line", x1=x[0], y1=y[0], x2=x[1], y2=y[1], stroke=symbols.MICROWAVE,
                        stroke_width=1.8, stroke_dasharray="2 3")
            )  # fmt: skip
        return True

    def markers(
        self, fill: Callable[[Any], str | None] = lambda site: None, *, size: float = 1.0
    ) -> set[str]:
        """All offices, towers left out; says which kinds there were."""
        seen = set()
        for site in self.scene.sites:
            if site.kind not in OFFICES:
                continue
            x, y = self._at(site.lon, site.lat)
            half = symbols.SIZES[site.kind] * size
            self.add(symbols.marker(site.kind, x, y, fill=fill(site), size=half))
            self.points.append((x - half, y - half, x + half, y + half))
            seen.add(site.kind)
        return seen

    def towers(self) -> None:
        """Masts: standing ones hollow, chosen ones full."""
        radio = self.scene.radio
        if radio is None:
            return
        standing = [tower for tower in radio.towers if tower.existing]
        for tower in (*standing, *radio.chosen):
            x, y = self._at(tower.lon, tower.lat)
            fill = "#93bfbe" if tower.existing else symbols.FILLS["tower"]
            self.add(symbols.marker("tower", x, y, fill=fill, size=5.0 if tower.existing else 7.5))
        if standing:
            self.legend.add(symbols.marker("tower", 15, 6, fill="#93bfbe", size=5.0), self.words["mast"])
        if radio.chosen:
            self.legend.add(symbols.marker("tower", 15, 6, size=7.0), self.words["new mast"])

    def core(self) -> None:
        """The data centre: a star with its label."""
        for site in self.scene.sites:
            if site.code == self.scene.root:
                x, y = self._at(site.lon, site.lat)
                self.add(symbols.marker("core", x, y))
                self.taken.append((x - 9, y - 9, x + 9, y + 9))
                self.legend.add(symbols.marker("core", 15, 6, size=7.5), self.words["core"])

    def _at(self, lon: float, lat: float) -> tuple[float, float]:
        x, y = self.frame.place([lon], [lat])
        return float(x[0]), float(y[0])

    def finish(self, title: str, *, names: bool = False) -> str:
        """Labels, bar, arrow, legend and title around what was drawn."""
        frame, words = self.frame, self.words
        bar, bar_box = scale_bar(frame, MARGIN + 8, frame.height - 16)
        arrow, arrow_box = north_arrow(frame.width - 24, 66, words["north"])
        self.taken += [bar_box, arrow_box]
        sign = ""
        if self.scene.synthetic:
            sign = text(
                frame.width - 10, frame.height - 9, SYNTHETIC[self.lang], size=11, colour="#a00000",
                anchor="end", italic=True, halo=1.5,
            )  # fmt: skip
            self.taken.append((frame.width - 290, frame.height - 24, frame.width, frame.height))
        labels = self._labels(names=names)
        legend, height = self.legend.draw(4, frame.height + 44, frame.width - 8)
        head = text(0, 20, title, size=17, bold=True)
        body = joined(
            [
                joined(self.parts, clip_path="url(#sheet)"),
                labels,
                rectangle(0.5, 0.5, frame.width - 1, frame.height - 1, "none", stroke="#666", stroke_width=1),
                bar,
                arrow,
                sign,
            ],
            transform="translate(0 30)",
        )
        clip = element("clipPath", rectangle(0, 0, frame.width, frame.height, "#000"), id="sheet")
        description = f"{title}. {SYNTHETIC[self.lang]}." if self.scene.synthetic else title
        whole = rectangle(0, 0, WIDTH, frame.height + 56 + height, "#fff")
        return document(
            WIDTH,
            frame.height + 52 + height,
            f"<defs>{clip}</defs>{whole}{head}{body}{legend}",
            title=f"{title} – {self.scene.province}",
            description=description,
        )

    def _labels(self, *, names: bool) -> str:
        wanted = []
        for name, (lon, lat) in self.scene.district_centres().items():
            x, y = self._at(lon, lat)
            wanted.append(Label(x, y, name, 14.0, bold=True, inside=True, needed=True))
        if names:
            for site in sorted(self.scene.sites, key=lambda each: -each.people):
                if site.kind == "commune":
                    x, y = self._at(site.lon, site.lat)
                    wanted.append(Label(x, y, site.name, 8.5, gap=5.5))
        within = (3.0, 3.0, self.frame.width - 3, self.frame.height - 3)
        return "".join(
            text(
                put.x, put.y, put.label.words, size=put.label.size, anchor=put.anchor, bold=put.label.bold,
                colour="#4a3b28" if put.label.inside else "#333", halo=2.2 if put.label.inside else 1.4,
            )
            for put in place(wanted, within, self.taken, self.points)
        )  # fmt: skip


def state_map(scene: Scene, lang: str = "vi") -> str:
    """Today: roads, fibre in the ground, and which offices are connected."""
    sheet = Sheet(scene, lang)
    words = sheet.words
    sheet.background()
    sheet.lines(np.flatnonzero(scene.graph.fibre), symbols.EXISTING, 1.8, casing=True)
    sheet.legend.lines(symbols.EXISTING, words["existing"], width=2)
    for kind, key in (("national", "national"), ("provincial", "provincial")):
        colour, width = symbols.ROADS[kind]
        sheet.legend.lines(colour, words[key], width=width + 1)
    missing, there = "#d7301f", "#2b7bba"
    seen = sheet.markers(lambda site: there if site.connected else missing)
    for kind in ("commune", "agency"):
        if kind in seen:
            sheet.legend.add(symbols.marker(kind, 15, 6, fill=there), words[f"{kind} connected"])
            sheet.legend.add(symbols.marker(kind, 15, 6, fill=missing), words[f"{kind} missing"])
    sheet.core()
    return sheet.finish(words["state title"])


def design_map(scene: Scene, lang: str = "vi") -> str:
    """The design: fibre in use and new, rings, microwave, masts, and every place by kind."""
    sheet = Sheet(scene, lang)
    words, fibre = sheet.words, scene.fibre
    assert fibre is not None
    sheet.background()
    used = fibre.edges[scene.graph.fibre[fibre.edges]]
    rings = set(fibre.ring_edges.tolist())
    new = [edge for edge in fibre.edges.tolist() if not scene.graph.fibre[edge] and edge not in rings]
    sheet.lines(np.flatnonzero(scene.graph.fibre), "#8c8c8c", 1.3)
    sheet.lines(used, symbols.EXISTING, 2.2, casing=True)
    sheet.lines(new, "#d7301f", 2.2, casing=True)
    sheet.lines(sorted(rings), symbols.RING, 2.4, dash="7 3")
    sheet.legend.lines(symbols.EXISTING, words["used"])
    sheet.legend.lines("#8c8c8c", words["existing unused"], width=1.6)
    sheet.legend.lines("#d7301f", words["new"])
    if rings:
        sheet.legend.lines(symbols.RING, words["ring"], dash="7 3")
    if sheet.hops():
        sheet.legend.lines(symbols.MICROWAVE, words["microwave"], dash="2 3")
    for kind in sorted(sheet.markers(size=0.85), key=OFFICES.index):
        sheet.legend.add(symbols.marker(kind, 15, 6), words[kind])
    sheet.towers()
    sheet.core()
    return sheet.finish(words["design title"])


def years_map(scene: Scene, lang: str = "vi") -> str:
    """The years: new fibre and each office in the colour of the year it is built."""
    sheet = Sheet(scene, lang)
    words, graph = sheet.words, scene.graph
    colours = symbols.year_colours(scene.years)
    sheet.background()
    sheet.lines(np.flatnonzero(graph.fibre), "#8c8c8c", 1.3)
    sheet.legend.lines("#8c8c8c", words["existing"], width=1.6)
    fibre = scene.fibre
    if fibre is not None:
        new = [edge for edge in fibre.edges.tolist() if not graph.fibre[edge]]
        later = [edge for edge in new if edge not in scene.edge_year]
        sheet.lines(later, symbols.LATER, 2.0, dash="4 3")
        for year in reversed(scene.years):
            built = [edge for edge in new if scene.edge_year.get(edge) == year]
            sheet.lines(built, colours[year], 2.6, casing=True)
        for year in scene.years:
            sheet.legend.lines(colours[year], words["built"].format(year=year), width=3)
        if later:
            sheet.legend.lines(symbols.LATER, words["later"], dash="4 3")
    if sheet.hops():
        sheet.legend.lines(symbols.MICROWAVE, words["microwave"], dash="2 3")

    def fill(site: Any) -> str:
        if site.connected:
            return "#555555"
        year = scene.site_year.get(site.code)
        return symbols.LATER if year is None else colours.get(year, symbols.LATER)

    sheet.markers(fill, size=0.85)
    sheet.legend.add(symbols.marker("commune", 15, 6, fill="#555555"), words["already"])
    sheet.core()
    return sheet.finish(words["years title"])


def radio_map(scene: Scene, reach: Reach, lang: str = "vi") -> str:
    """Who is reached in a band today, who by the chosen masts, and where nobody is."""
    sheet = Sheet(scene, lang)
    words, radio = sheet.words, scene.radio
    assert radio is not None
    sheet.background(roads=False)
    pixels = np.zeros((*reach.grid.shape, 4), dtype=np.uint8)
    for level, colour in ((1, symbols.COVERED), (2, symbols.GAINED)):
        pixels[reach.grid == level] = (*colour, 165)
    x, y = sheet.frame.place([radio.west, radio.east], [radio.north, radio.south])
    seen = image(pixels, float(x[0]), float(y[0]), float(x[1] - x[0]), float(y[1] - y[0]))
    land = (scene.graph.boundary or {}).get("province")
    if land is None:
        sheet.add(seen)
    else:
        edge = element("path", d=sheet.frame.shape(land))
        sheet.add(
            element("defs", element("clipPath", edge, id="land")) + joined([seen], clip_path="url(#land)")
        )
    sheet.lines(np.flatnonzero(scene.graph.kind == KINDS.index("national")), "#b0a48c", 1.2)
    for site in scene.sites:
        if site.kind == "commune":
            at_x, at_y = sheet.frame.place([site.lon], [site.lat])
            sheet.add(symbols.marker("commune", float(at_x[0]), float(at_y[0]), fill="#44546a", size=2.2))
    sheet.legend.area("rgb({},{},{})".format(*symbols.COVERED), words["reached"])
    sheet.legend.area("rgb({},{},{})".format(*symbols.GAINED), words["gained"])
    sheet.legend.area(symbols.GROUND, words["not reached"])
    sheet.towers()
    sheet.legend.add(symbols.marker("commune", 15, 6, fill="#44546a", size=2.5), words["commune"])
    return sheet.finish(words["radio title"].format(band=reach.title))


def cover_map(scene: Scene, lang: str = "vi") -> str:
    """The network alone, without legend or names, for a cover."""
    sheet = Sheet(scene, lang)
    shapes: Mapping[str, Any] = scene.graph.boundary or {}
    land = shapes.get("province")
    if land is not None:
        sheet.add(element("path", d=sheet.frame.shape(land), fill="#eef3f8"))
    for name, shape in shapes.items():
        if name.startswith("river"):
            sheet._water(shape)
    if scene.fibre is not None:
        sheet.lines(scene.fibre.edges.tolist(), "#17406d", 1.8)
        sheet.hops()
    sheet.markers(lambda site: "#17406d", size=0.7)
    sheet.core()
    frame = sheet.frame
    return document(
        frame.width,
        frame.height,
        joined(sheet.parts),
        title=scene.province,
        description=sheet.words["design title"],
    )


MAPS: dict[str, Callable[[Scene, str], str]] = {
    "state": state_map,
    "cover": cover_map,
    "design": design_map,
    "years": years_map,
}
"""The maps there is one of."""


def radio_map_name(reach: Reach) -> str:
    """How the map of a band is called: radio-4g-1800."""
    return f"radio-{reach.band}"


def all_maps(scene: Scene, lang: str = "vi") -> dict[str, str]:
    """Every map the scene has data for, by name."""
    wanted = ["state", "cover"]
    if scene.fibre is not None:
        wanted += ["design", "years"]
    drawn = {name: MAPS[name](scene, lang) for name in wanted}
    for reach in scene.radio.reaches if scene.radio is not None else ():
        drawn[radio_map_name(reach)] = radio_map(scene, reach, lang)
    return drawn
