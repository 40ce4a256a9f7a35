"""What each coefficient does to a figure: low and high one at a time, the strongest first, and drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape

from lienthong.infrastructure.capacity.coefficients import Coefficients
from lienthong.infrastructure.capacity.errors import BadCapacityData

WORDS = {
    "low": {"vi": "hệ số ở mức thấp", "en": "coefficient at its low"},
    "high": {"vi": "hệ số ở mức cao", "en": "coefficient at its high"},
    "base": {"vi": "Cơ sở", "en": "Base"},
    "none": {
        "vi": "Không hệ số nào trong danh sách làm thay đổi kết quả này.",
        "en": "No listed coefficient changes this figure.",
    },
}

UNITS_VI = {
    "years": "năm", "days": "ngày", "copies": "bản", "1/day": "/ngày", "1/h": "/giờ", "min": "phút",
    "min/day": "phút/ngày", "GB/year": "GB/năm", "days/year": "ngày/năm", "probability": "",
}  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """The outcome with one coefficient at its low and at its high, all others at their values."""

    key: str
    name_vi: str
    name_en: str
    unit: str
    low: float
    high: float
    low_outcome: float
    high_outcome: float

    @property
    def swing(self) -> float:
        return abs(self.high_outcome - self.low_outcome)

    def name(self, lang: str) -> str:
        return self.name_en if lang == "en" else self.name_vi


@dataclass(frozen=True)
class Tornado:
    """``base`` is the outcome at all values; ``bars`` the coefficients that change it, strongest first."""

    base: float
    bars: tuple[Bar, ...]


def tornado(
    coefficients: Coefficients,
    outcome: Callable[[Coefficients], float],
    *,
    keys: Iterable[str] | None = None,
) -> Tornado:
    """Ask ``outcome`` at the low and high of each coefficient (``keys``, else all), one at a time."""
    base = _finite(outcome(coefficients), "all coefficients at their values")
    bars = []
    for key in coefficients if keys is None else keys:
        coefficients.value(key)
        entry = coefficients[key]
        ends = [
            _finite(outcome(coefficients.with_(key, end)), f"{key} = {end:g}")
            for end in (entry.low, entry.high)
        ]
        if ends[0] != base or ends[1] != base:
            bars.append(
                Bar(key, entry.name_vi, entry.name_en, entry.unit, entry.low, entry.high, ends[0], ends[1])
            )
    return Tornado(base, tuple(sorted(bars, key=lambda bar: (-_reach(bar, base), bar.key))))


def tornado_svg(
    found: Tornado,
    *,
    title: str,
    unit: str = "",
    lang: str = "vi",
    top: int = 12,
    show: Callable[[float], str] | None = None,
    note: str = "",
) -> str:
    """The chart as an SVG document, 760 px wide; ``show`` writes a figure, ``note`` stands below."""
    shown = show or (lambda value: figure(value, lang))
    bars = found.bars[:top]
    left, right, row, head = 345, 90, 30, 78
    width, body = 760, 30 * max(len(bars), 1)
    height = head + body + (58 if note else 40)
    values = [found.base, *(end for bar in bars for end in (bar.low_outcome, bar.high_outcome))]
    least, most = min(values), max(values)
    span = (most - least) or 1.0

    def across(value: float) -> float:
        return left + 40 + (value - least) / span * (width - left - right - 40)

    base = across(found.base)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" font-family="Noto Sans, DejaVu Sans, sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="24" font-size="15" font-weight="bold" fill="#1a1a1a">{escape(title)}</text>',
        f'<rect x="12" y="38" width="12" height="12" fill="#9ecae1"/><text x="30" y="48" fill="#333333">'
        f"{WORDS['low'][lang]}</text>",
        f'<rect x="210" y="38" width="12" height="12" fill="#08519c"/><text x="228" y="48" fill="#333333">'
        f"{WORDS['high'][lang]}</text>",
    ]
    if not bars:
        parts.append(f'<text x="12" y="{head + 20}" fill="#333333">{WORDS["none"][lang]}</text>')
    for at, bar in enumerate(bars):
        top_edge = head + at * row
        label = f"{bar.name(lang)} ({band(bar, lang)})"
        parts.append(
            f'<text x="{left + 4}" y="{top_edge + 19}" text-anchor="end" fill="#1a1a1a" '
            f'font-size="11">{escape(_short(label))}<title>{escape(label)}</title></text>'
        )
        for value, colour in ((bar.low_outcome, "#9ecae1"), (bar.high_outcome, "#08519c")):
            start, end = sorted((base, across(value)))
            parts.append(
                f'<rect x="{start:.1f}" y="{top_edge + 5}" width="{end - start:.1f}" height="20" '
                f'fill="{colour}"/>'
            )
        ends = sorted((bar.low_outcome, bar.high_outcome))
        if ends[0] < found.base:
            parts.append(_number(across(ends[0]) - 4, top_edge + 19, "end", shown(ends[0])))
        if ends[1] > found.base:
            parts.append(_number(across(ends[1]) + 4, top_edge + 19, "start", shown(ends[1])))
    if bars:
        parts.append(
            f'<line x1="{base:.1f}" y1="{head - 4}" x2="{base:.1f}" y2="{head + body + 4}" '
            f'stroke="#1a1a1a" stroke-width="1.2"/>'
        )
    foot = f"{WORDS['base'][lang]}: {shown(found.base)} {unit}".rstrip()
    parts.append(
        f'<text x="{min(max(base, 90), width - 120):.1f}" y="{head + body + 22}" text-anchor="middle" '
        f'fill="#1a1a1a" font-weight="bold">{escape(foot)}</text>'
    )
    if note:
        parts.append(f'<text x="12" y="{height - 12}" font-size="10" fill="#8a1c1c">{escape(note)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def figure(value: float, lang: str, decimals: int | None = None) -> str:
    """A number for people: 1.234,5 in Vietnamese, 1,234.5 in English, in four digits unless told."""
    if decimals is not None:
        text = f"{value:,.{decimals}f}"
        return text if lang == "en" else text.translate(str.maketrans(",.", ".,"))
    if value == 0:
        return "0"
    decimals = 0 if abs(value) >= 1000 else max(0, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(decimals, 6)}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if lang == "en":
        return text
    return text.translate(str.maketrans(",.", ".,"))


def band(bar: Bar, lang: str) -> str:
    """A coefficient's low and high with their unit: 0,5…4 MB."""
    if bar.unit.startswith("share"):
        return f"{figure(bar.low * 100, lang)}…{figure(bar.high * 100, lang)} %"
    unit = "" if bar.unit in ("1", "probability") else bar.unit
    unit = UNITS_VI.get(unit, unit) if lang == "vi" else unit
    gap = "" if not unit or unit.startswith("/") else " "
    return f"{figure(bar.low, lang)}…{figure(bar.high, lang)}{gap}{unit}"


def _reach(bar: Bar, base: float) -> float:
    ends = (base, bar.low_outcome, bar.high_outcome)
    return max(ends) - min(ends)


def _short(label: str) -> str:
    return label if len(label) <= 56 else label[:55] + "…"


def _number(x: float, y: float, anchor: str, text: str) -> str:
    place = f'x="{x:.1f}" y="{y}" text-anchor="{anchor}"'
    return f'<text {place} font-size="10" fill="#333333">{escape(text)}</text>'


def _finite(value: float, place: str) -> float:
    if not math.isfinite(value):
        raise BadCapacityData(
            f"the outcome is {value}",
            place=place,
            remedy="choose an outcome that is a number at every low and high",
        )
    return float(value)
