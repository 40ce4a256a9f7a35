"""SVG drawn by hand: elements with escaped values, the width of a text, pixels as an image inside it."""

from __future__ import annotations

import base64
import struct
import unicodedata
import zlib
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

FONT = "'Libertinus Serif', 'Liberation Serif', 'Times New Roman', serif"

# Advance widths of Libertinus Serif, which typst carries, in hundredths of the font size.
_WIDTHS = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,-()%/:đĐ",
        (
            *(46, 49, 43, 51, 45, 31, 50, 54, 27, 27, 51, 26, 79, 54, 50, 52, 50, 37, 39, 32, 53, 50, 75, 49),
            *(52, 42, 70, 59, 65, 70, 56, 48, 68, 73, 30, 32, 64, 53, 84, 70, 70, 54, 70, 59, 48, 60, 66, 65),
            *(95, 66, 57, 60, 25, 22, 22, 34, 30, 30, 64, 32, 24, 51, 70),
        ),
        strict=True,
    )
)
_OTHER = 50
_BOLD = 1.09


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """How wide ``text`` is, in the unit of ``size``: close enough to place labels by."""
    total = 0
    for letter in unicodedata.normalize("NFD", text):
        if not unicodedata.combining(letter):
            total += _WIDTHS.get(letter, _OTHER)
    return total / 100.0 * size * (_BOLD if bold else 1.0)


def element(name: str, content: str = "", /, **attributes: object) -> str:
    """One element. ``stroke_width`` becomes ``stroke-width``; None is left out; numbers are rounded."""
    parts = [name]
    for key, value in attributes.items():
        if value is not None:
            parts.append(f"{key.rstrip('_').replace('_', '-')}={quoteattr(_shown(value))}")
    opening = " ".join(parts)
    return f"<{opening}>{content}</{name}>" if content else f"<{opening}/>"


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: float = 10.0,
    colour: str = "#222",
    anchor: str = "start",
    bold: bool = False,
    italic: bool = False,
    halo: float = 0.0,
    rotate: float = 0.0,
) -> str:
    """A line of text, its baseline at ``y``; ``halo`` draws white around it so that it reads over lines."""
    style = {
        "x": x,
        "y": y,
        "font_size": size,
        "text_anchor": anchor,
        "font_weight": "bold" if bold else None,
        "font_style": "italic" if italic else None,
        "transform": f"rotate({rotate:g} {x:.2f} {y:.2f})" if rotate else None,
    }
    drawn = element("text", escape(words), fill=colour, **style)
    if not halo:
        return drawn
    around = element(
        "text",
        escape(words),
        fill="none",
        stroke="#fff",
        stroke_width=2 * halo,
        stroke_linejoin="round",
        stroke_opacity=0.85,
        **style,
    )
    return around + drawn


def line(x1: float, y1: float, x2: float, y2: float, colour: str = "#222", width: float = 1.0) -> str:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, stroke_width=width)


def rectangle(x: float, y: float, width: float, height: float, fill: str, **attributes: object) -> str:
    return element("rect", x=x, y=y, width=width, height=height, fill=fill, **attributes)


def path_of(points: Sequence[tuple[float, float]] | NDArray[np.float64], *, closed: bool = False) -> str:
    """The ``d`` of a path through points, to a tenth of a unit."""
    steps = [f"{x:.1f} {y:.1f}" for x, y in points]
    return "M" + "L".join(steps) + ("Z" if closed else "")


def document(width: float, height: float, content: str, *, title: str, description: str) -> str:
    """A whole SVG file: readable alone, with a title and a description for those who do not see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" font-family="{FONT}" role="img">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{content}</svg>\n"
    )


def png(pixels: NDArray[np.uint8]) -> bytes:
    """An RGBA image (rows, columns, 4) as PNG (ISO/IEC 15948)."""
    rows, columns = pixels.shape[:2]
    raw = np.zeros((rows, columns * 4 + 1), dtype=np.uint8)
    raw[:, 1:] = pixels.reshape(rows, columns * 4)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", columns, rows, 8, 6, 0, 0, 0)
    body = zlib.compress(raw.tobytes(), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def image(pixels: NDArray[np.uint8], x: float, y: float, width: float, height: float) -> str:
    """Pixels stretched over a rectangle, cells kept sharp."""
    data = base64.b64encode(png(pixels)).decode()
    return element(
        "image",
        x=x,
        y=y,
        width=width,
        height=height,
        preserveAspectRatio="none",
        image_rendering="optimizeSpeed",
        href=f"data:image/png;base64,{data}",
    )


def _shown(value: object) -> str:
    if isinstance(value, float | np.floating):
        return f"{float(value):.2f}".rstrip("0").rstrip(".")
    return str(value)
