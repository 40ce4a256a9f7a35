"""Everything a plan gives, written into one folder: reports, maps, map data, workbooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lienthong.core.files import write_atomically
from lienthong.infrastructure.capacity.coefficients import Coefficients
from lienthong.infrastructure.phasing.boq import write_boq
from lienthong.infrastructure.phasing.prices import PriceList
from lienthong.infrastructure.plan.model import Plan
from lienthong.infrastructure.plan.spending import request_for
from lienthong.infrastructure.report.contents import pictures
from lienthong.infrastructure.report.facts import Facts
from lienthong.infrastructure.report.geodata import write_geojson, write_geopackage
from lienthong.infrastructure.report.maps import all_maps
from lienthong.infrastructure.report.pdf import png_of, report_pdf
from lienthong.infrastructure.report.workbook import write_workbook

FORMATS = ("gpkg", "geojson", "xlsx", "boq", "maps")
Told = Callable[[str, int, int], None]


def write_report(plan: Plan, path: Path, lang: str = "vi") -> None:
    """The investment report as PDF. Raises :class:`PlanUnfinished`."""
    Facts(plan)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, report_pdf(plan, lang, drawn=pictures(plan, lang)))


def export(
    plan: Plan,
    folder: Path,
    lang: str = "vi",
    formats: Sequence[str] = FORMATS,
    *,
    told: Told = lambda name, done, of: None,
) -> list[Path]:
    """Write the wanted formats into ``folder``; answers the files. Raises :class:`PlanUnfinished`."""
    facts = Facts(plan)
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for done, name in enumerate(formats):
        told(name, done, len(formats))
        if name == "gpkg":
            written.append(folder / "plan.gpkg")
            write_geopackage(plan, written[-1])
        elif name == "geojson":
            written.append(folder / "plan.geojson")
            write_geojson(plan, written[-1])
        elif name == "xlsx":
            written.append(folder / f"plan-{lang}.xlsx")
            write_workbook(plan, written[-1], lang)
        elif name == "boq":
            written.append(folder / f"quantities-{lang}.xlsx")
            _write_boq(plan, written[-1], lang)
        elif name == "maps":
            written += _write_maps(facts, folder, lang)
        else:
            raise AssertionError(name)
    told("", len(formats), len(formats))
    return written


def _write_boq(plan: Plan, path: Path, lang: str) -> None:
    assert plan.phasing is not None
    request = request_for(plan, list(plan.items), Coefficients(plan.coefficients))
    title = {"vi": "Khối lượng, dự toán mạng tỉnh {}", "en": "Bill of quantities, network of {}"}[lang]
    write_boq(
        path,
        request,
        plan.phasing,
        lang=lang,
        title=title.format(plan.settings.province),
        synthetic=plan.synthetic,
        prices=PriceList(plan.prices),
    )


def _write_maps(facts: Facts, folder: Path, lang: str) -> list[Path]:
    written = []
    for name, svg in all_maps(facts.scene(), lang).items():
        if name == "cover":
            continue
        for ending, data in (("svg", svg.encode()), ("png", png_of(svg))):
            written.append(folder / f"map-{name}-{lang}.{ending}")
            write_atomically(written[-1], data)
    return written
