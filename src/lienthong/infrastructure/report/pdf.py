"""The report as PDF, and single pictures as PNG, by typst: no font and no package from elsewhere."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import typst

from lienthong.infrastructure.plan.model import Plan
from lienthong.infrastructure.report.contents import contents, pictures

TEMPLATE = Path(__file__).with_name("report.typ")


def report_pdf(plan: Plan, lang: str = "vi", *, drawn: Mapping[str, str] | None = None) -> bytes:
    """The investment report as PDF/A-2b. ``drawn`` are its pictures, when they are there already."""
    drawn = pictures(plan, lang) if drawn is None else drawn
    said = contents(plan, lang)
    with tempfile.TemporaryDirectory(prefix="lienthong-report-") as name:
        folder = Path(name)
        (folder / "report.json").write_text(json.dumps(said, ensure_ascii=False), "utf-8")
        (folder / "report.typ").write_bytes(TEMPLATE.read_bytes())
        for picture, svg in drawn.items():
            (folder / f"{picture}.svg").write_text(svg, "utf-8")
        made = typst.compile(
            folder / "report.typ",
            root=folder,
            ignore_system_fonts=True,
            pdf_standards="a-2b",
            timestamp=datetime.fromisoformat(plan.made_at),
        )
    assert isinstance(made, bytes)
    return made


def png_of(svg: str, *, width_px: int = 1520) -> bytes:
    """An SVG as PNG of that width."""
    with tempfile.TemporaryDirectory(prefix="lienthong-picture-") as name:
        folder = Path(name)
        (folder / "picture.svg").write_text(svg, "utf-8")
        (folder / "page.typ").write_text(
            '#set page(width: 760pt, height: auto, margin: 0pt)\n#image("picture.svg", width: 100%)\n',
            "utf-8",
        )
        made = typst.compile(
            folder / "page.typ", root=folder, format="png", ppi=72 * width_px / 760, ignore_system_fonts=True
        )
    assert isinstance(made, bytes)
    return made
