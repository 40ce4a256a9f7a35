"""Charts drawn by hand: bars beside each other, stacked bars, and lines, with the figures written on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from lienthong.infrastructure.report.svg import document, element, line, path_of, rectangle, text, text_width

WIDTH, HEIGHT = 560.0, 235.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 14.0, 44.0, 34.0
COLOURS = ("#17406d", "#e08a1e", "#4e9a6b", "#b3415b", "#7a5ea8", "#8c8c8c", "#3fa7c4", "#c9a227")
Write = Callable[[float], str]


def bars(
    title: str, names: Sequence[str], series: Mapping[str, Sequence[float]], write: Write, *, unit: str = ""
) -> str:
    """For each name a group of bars, one of each series, the value above each."""
    most = max([0.0, *(value for values in series.values() for value in values)])
    chart = _Chart(title, list(series), most, write, unit)
    step = chart.width / max(len(names), 1)
    bar = min(64.0, 0.78 * step / max(len(series), 1))
    for at, name in enumerate(names):
        middle = LEFT + step * (at + 0.5)
        chart.under(middle, name)
        for row, values in enumerate(series.values()):
            x = middle + (row - len(series) / 2) * bar
            chart.bar(x, bar * 0.9, 0.0, values[at], COLOURS[row % len(COLOURS)])
            chart.above(x + bar * 0.45, values[at])
    return chart.finish()


def stacked(
    title: str, names: Sequence[str], series: Mapping[str, Sequence[float]], write: Write, *, unit: str = ""
) -> str:
    """One bar a name, the series on top of each other, their sum above."""
    sums = [sum(values[at] for values in series.values()) for at in range(len(names))]
    chart = _Chart(title, list(series), max([0.0, *sums]), write, unit)
    step = chart.width / max(len(names), 1)
    bar = min(90.0, 0.6 * step)
    for at, name in enumerate(names):
        middle, base = LEFT + step * (at + 0.5), 0.0
        chart.under(middle, name)
        for row, values in enumerate(series.values()):
            chart.bar(middle - bar / 2, bar, base, base + values[at], COLOURS[row % len(COLOURS)])
            base += values[at]
        chart.above(middle, sums[at])
    return chart.finish()


def lines(
    title: str, names: Sequence[str], series: Mapping[str, Sequence[float]], write: Write, *, unit: str = ""
) -> str:
    """A line a series over the names, the values at their points."""
    most = max([0.0, *(value for values in series.values() for value in values)])
    chart = _Chart(title, list(series), most, write, unit)
    step = chart.width / max(len(names), 1)
    for at, name in enumerate(names):
        chart.under(LEFT + step * (at + 0.5), name)
    for row, values in enumerate(series.values()):
        colour = COLOURS[row % len(COLOURS)]
        points = [(LEFT + step * (at + 0.5), chart.height_of(value)) for at, value in enumerate(values)]
        chart.add(element("path", d=path_of(points), fill="none", stroke=colour, stroke_width=2.4))
        for (x, y), value in zip(points, values, strict=True):
            chart.add(element("circle", cx=x, cy=y, r=4, fill=colour, stroke="#fff", stroke_width=1))
            lift = 15 if row % 2 and y + 18 < HEIGHT - BOTTOM else -8
            chart.add(text(x, y + lift, write(value), size=11.5, anchor="middle", colour=colour, halo=1.5))
    return chart.finish()


class _Chart:
    """The frame of a chart: title, keys, axis and grid lines."""

    def __init__(self, title: str, series: Sequence[str], most: float, write: Write, unit: str) -> None:
        self.title, self.write = title, write
        self.step = _round_step(most / 4)
        self.top = max(self.step, math.ceil(most * 1.04 / self.step) * self.step)
        self.width = WIDTH - LEFT - RIGHT
        self.parts: list[str] = []
        x = LEFT
        for row, name in enumerate(series):
            if x + text_width(name, 12.5) + 30 > WIDTH:
                break
            self.add(rectangle(x, 10, 12, 12, COLOURS[row % len(COLOURS)]))
            self.add(text(x + 17, 20.5, name, size=12.5))
            x += text_width(name, 12.5) + 40
        if unit:
            self.add(text(WIDTH - RIGHT, 20.5, unit, size=11.5, colour="#555", anchor="end", italic=True))
        level = 0.0
        while level <= self.top + 1e-9:
            y = self.height_of(level)
            self.add(line(LEFT, y, WIDTH - RIGHT, y, "#222" if level == 0 else "#ddd", 0.8))
            self.add(text(LEFT - 7, y + 4, write(level), size=11.5, anchor="end", colour="#555"))
            level += self.step

    def add(self, drawn: str) -> None:
        self.parts.append(drawn)

    def height_of(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top

    def bar(self, x: float, width: float, low: float, high: float, colour: str) -> None:
        top, foot = self.height_of(high), self.height_of(low)
        self.add(rectangle(x, top, width, max(0.0, foot - top), colour))

    def above(self, x: float, value: float) -> None:
        self.add(text(x, self.height_of(value) - 5, self.write(value), size=11.5, anchor="middle", halo=1.5))

    def under(self, x: float, name: str) -> None:
        self.add(text(x, HEIGHT - BOTTOM + 18, name, size=12.5, anchor="middle"))

    def finish(self) -> str:
        whole = rectangle(0, 0, WIDTH, HEIGHT, "#fff") + "".join(self.parts)
        return document(WIDTH, HEIGHT, whole, title=self.title, description=self.title)


def _round_step(wanted: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    if wanted <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= wanted)
