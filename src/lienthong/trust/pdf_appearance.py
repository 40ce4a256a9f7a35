"""What a PDF signature looks like: an image, words, or both, in a box on a page (Decree 30/2020/NĐ-CP, annex
I).

A person signs with a blue image of the handwritten signature, an agency with the red image of its seal, each
a PNG with a transparent background; the seal covers about a third of the signature, on its left. On an annex
kept in a file of its own there is no image: the top right corner of the first page says the number and
notation and the time of signing, upright, 10 pt, black. Typst draws the appearance, so Vietnamese text
carries its own font.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import typst

from lienthong.core.clock import VIETNAM
from lienthong.trust.errors import PdfSignatureError

POINTS_PER_MM = 72 / 25.4
MAX_IMAGE = 4 << 20
Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in points from the page's lower left corner."""

_PAGE = """
#let given = sys.inputs
#set page(width: float(given.width) * 1pt, height: float(given.height) * 1pt, margin: 0pt, fill: none)
#set text(font: ("Times New Roman", "Liberation Serif", "Libertinus Serif"), size: 10pt, lang: "vi")
#set par(leading: 0.4em, spacing: 0.4em)
#if given.image != "" {
  place(center + horizon, image(given.image, width: 100%, height: 100%, fit: "contain"))
}
#if given.words != "" {
  place(right + horizon, align(right, given.words.split("\\n").join(linebreak())))
}
"""


@dataclass(frozen=True, slots=True)
class Appearance:
    """``page`` counts from 0, or from the end when negative. ``image``: PNG. ``words``: lines of plain
    text.
    """

    page: int
    box: Box
    image: bytes = b""
    words: str = ""


def seal_box(signature: Box, *, diameter_mm: float = 36.0) -> Box:
    """Where a round seal goes beside a person's signature: over the left third of it, centred in height."""
    left, bottom, right, top = signature
    size = diameter_mm * POINTS_PER_MM
    edge = left + (right - left) / 3
    middle = (bottom + top) / 2
    return edge - size, middle - size / 2, edge, middle + size / 2


def annex_words(number_notation: str, signed_at: datetime) -> str:
    """What the agency's signature shows on an annex: number and notation, and the time with its offset."""
    return f"{number_notation}\n{signed_at.astimezone(VIETNAM):%d/%m/%Y %H:%M:%S} +07:00"


def draw(appearance: Appearance, file: Path) -> None:
    """Write the appearance as a one-page PDF of the box's size."""
    left, bottom, right, top = appearance.box
    if right - left < 1 or top - bottom < 1:
        raise PdfSignatureError(
            f"the signature's box {appearance.box} is empty", remedy="give left, bottom, right, top in points"
        )
    if len(appearance.image) > MAX_IMAGE:
        raise PdfSignatureError(f"the signature's image is larger than {MAX_IMAGE >> 20} MiB")
    if appearance.image and not appearance.image.startswith(b"\x89PNG\r\n\x1a\n"):
        raise PdfSignatureError(
            "the signature's image is not a PNG",
            remedy="use a PNG with a transparent background (Decree 30/2020)",
        )
    with tempfile.TemporaryDirectory(prefix="lienthong-appearance-") as name:
        folder = Path(name)
        (folder / "page.typ").write_text(_PAGE, encoding="utf-8")
        if appearance.image:
            (folder / "image.png").write_bytes(appearance.image)
        inputs = {
            "width": f"{right - left:.3f}",
            "height": f"{top - bottom:.3f}",
            "image": "image.png" if appearance.image else "",
            "words": appearance.words,
        }
        try:
            typst.compile(folder / "page.typ", output=file, root=folder, sys_inputs=inputs)
        except Exception as error:  # typst raises one sort of error for a bad image as for anything else
            why = str(error).splitlines()
            raise PdfSignatureError(
                f"the signature's appearance cannot be drawn: {why[0] if why else error}"
            ) from None
