"""What the planning commands say at the end: tables, files, the label of synthetic data, what to try next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.markup import escape

from lienthong.cli.output import print_json, say, table

if TYPE_CHECKING:
    from lienthong.infrastructure.plan.model import Plan

Language = Literal["vi", "en"]
MOST_NOTES = 8

WORDS: dict[str, dict[str, Any]] = {
    "vi": {
        "stages": {
            "data": "Đọc số liệu", "radio": "Phủ sóng", "fibre": "Mạng cáp quang", "capacity": "Dung lượng",
            "phasing": "Tiến độ, kinh phí", "scenarios": "Kịch bản", "sensitivity": "Độ nhạy",
        },
        "writing": "Ghi {}",
        "title": "Kế hoạch mạng tỉnh {} {}",
        "columns": ("Chỉ tiêu", "Kết quả"),
        "investment": "Tổng mức đầu tư", "network": "Chi phí thiết kế mạng", "bound": "Cận dưới",
        "order": "Thứ tự xây dựng", "gap": "cách tốt nhất không quá {}", "proved": "đã chứng minh tốt nhất",
        "communes": "Xã, phường, thị trấn được kết nối", "agencies": "Cơ quan được kết nối",
        "new": "Cáp quang xây mới", "masts": "Trạm thu phát sóng xây mới", "covered": "Người được phủ sóng",
        "took": "Thời gian tính", "kept": "lấy từ lần tính trước", "files": "Đã ghi", "next": "Thử tiếp",
        "years": ("Năm", "Ngân sách (tỷ đồng)", "Đầu tư (tỷ đồng)", "Xã", "Cơ quan"),
        "try": ("đổi ngân sách trong plan.toml rồi tính lại", "báo cáo tiếng Anh", "dữ liệu bản đồ cho QGIS",
                "ai chậm trả lời khảo sát"),
        "more": "và {} điều khác, xem báo cáo hoặc plan.json",
        "stopping": "Đang dừng; bấm Ctrl-C lần nữa để bỏ ngay.",
    },
    "en": {
        "stages": {
            "data": "Reading", "radio": "Coverage", "fibre": "Fibre network", "capacity": "Capacity",
            "phasing": "Years and money", "scenarios": "Scenarios", "sensitivity": "Sensitivity",
        },
        "writing": "Writing {}",
        "title": "The network of {} {}",
        "columns": ("what", "result"),
        "investment": "total investment", "network": "cost of the network", "bound": "lower bound",
        "order": "order of construction", "gap": "at most {} from the best", "proved": "proved optimal",
        "communes": "communes connected", "agencies": "agencies connected",
        "new": "new fibre", "masts": "new masts", "covered": "people covered",
        "took": "computed in", "kept": "kept from an earlier run", "files": "Written", "next": "Try next",
        "years": ("year", "budget (billion VND)", "investment (billion VND)", "communes", "agencies"),
        "try": ("change budgets in plan.toml and plan again", "the report in Vietnamese", "map data for QGIS",
                "who is late with the survey"),
        "more": "and {} more: see the report or plan.json",
        "stopping": "Stopping; press Ctrl-C again to leave at once.",
    },
}  # fmt: skip


def written(files: Sequence[Path], made: Plan, *, as_json: bool, lang: Language) -> None:
    if as_json:
        print_json({"files": [str(path) for path in files], "synthetic": made.synthetic})
        return
    _list(files, WORDS[lang])
    _label(made, lang)


def _list(files: Sequence[Path], words: dict[str, Any]) -> None:
    for path in files[:2]:
        say(f"{words['files']}: {escape(str(path))}")
    if len(files) > 2:
        say(
            f"{words['files']}: {escape(f'{files[0].parent}/ ' + ', '.join(path.name for path in files[2:]))}"
        )


def show(
    made: Plan,
    lang: Language,
    files: Sequence[Path],
    folder: Path,
    *,
    new: bool,
    seconds: float,
    as_json: bool,
    hints: bool,
) -> None:
    from lienthong.infrastructure.report.facts import Facts
    from lienthong.infrastructure.report.sections.summary import connected
    from lienthong.infrastructure.report.wording import billions, money, number, percent

    facts, words = Facts(made), WORDS[lang]
    fibre, phasing, count, end = facts.fibre, facts.phasing, facts.count, facts.connected_by_end
    if as_json:
        print_json(_as_json(facts, files, new=new, seconds=seconds))
        return

    def proof(gap: float, proved: bool) -> str:
        return str(words["proved"]) if proved else words["gap"].format(percent(gap, lang, 2))

    rows = [
        (words["investment"], money(facts.capex, lang)),
        (words["network"], f"{money(fibre.cost, lang)}; {proof(fibre.gap, fibre.proved)}"),
        (words["bound"], money(fibre.lower_bound, lang)),
        (words["order"], proof(phasing.gap, phasing.proved)),
        (words["communes"], f"{end['commune']} / {count.get('commune', 0)}"),
        (words["agencies"], f"{end['agency']} / {count.get('agency', 0)}"),
        (words["new"], f"{number(facts.new_km, lang, 1)} km"),
    ]
    if made.radio is not None:
        reach = made.radio.reaches[0]
        covered = f"{number(reach.people_before['mid'], lang)} → {number(reach.people_after['mid'], lang)}"
        rows += [
            (words["masts"], str(len(made.radio.chosen))),
            (f"{words['covered']} ({reach.title})", covered),
        ]
    rows.append((words["took"], f"{number(seconds, lang, 1)} s" if new else str(words["kept"])))
    table(words["title"].format(made.settings.province, facts.span), words["columns"], rows)
    total = made.state.total if made.state else None
    assert total is not None
    table(
        "",
        words["years"],
        [
            (
                str(year),
                billions(phasing.budget[at], lang),
                billions(phasing.capex[at], lang),
                round(total.communes_connected + connected(facts, "communes", at)),
                round(total.agencies_connected + connected(facts, "agencies", at)),
            )
            for at, year in enumerate(facts.years)
        ],
    )
    notes = made.notes(lang)
    for each in notes[:MOST_NOTES]:
        say(f"[yellow]![/yellow] {escape(each)}")
    if len(notes) > MOST_NOTES:
        say(f"[yellow]![/yellow] {words['more'].format(len(notes) - MOST_NOTES)}")
    _list(files, words)
    _label(made, lang)
    if hints:
        other = "en" if lang == "vi" else "vi"
        commands = (
            f"lienthong infrastructure plan {folder}",
            f"lienthong infrastructure report {folder} --lang {other}",
            f"lienthong infrastructure export {folder} --format gpkg",
            f"lienthong infrastructure survey late {folder}",
        )
        surveyed = not made.settings.files.sites
        say(f"[bold]{words['next']}[/bold]")
        for command, why in zip(commands[: 3 + surveyed], words["try"], strict=False):
            say(f"  {escape(command)}   [dim]# {why}[/dim]")


def _label(made: Plan, lang: Language) -> None:
    from lienthong.infrastructure.geography.graph import SYNTHETIC

    if made.synthetic:
        say(f"[red]{SYNTHETIC[lang]}[/red]")


def _as_json(facts: Any, files: Sequence[Path], *, new: bool, seconds: float) -> dict[str, Any]:
    made, fibre, phasing = facts.plan, facts.fibre, facts.phasing
    return {
        "province": made.settings.province,
        "synthetic": made.synthetic,
        "computed": new,
        "seconds": round(seconds, 2),
        "stage_seconds": {name: round(spent, 2) for name, spent in made.seconds.items()},
        "network": {
            "cost": round(fibre.cost),
            "lower_bound": round(fibre.lower_bound),
            "gap": fibre.gap,
            "proved": fibre.proved,
            "new_km": round(facts.new_km, 3),
            "existing_km_used": round(facts.used_km, 3),
            "microwave_hops": len(fibre.wireless),
            "own_trenches_cost": round(made.apart),
        },
        "radio": None
        if made.radio is None
        else {
            "masts": [tower.code for tower in made.radio.chosen],
            "value": made.radio.value,
            "bound": made.radio.bound,
            "proved": made.radio.proved,
            "reached": {
                reach.band: {"before": dict(reach.people_before), "after": dict(reach.people_after)}
                for reach in made.radio.reaches
            },
        },
        "phasing": {
            "years": list(phasing.years),
            "budget": list(phasing.budget),
            "capex": list(phasing.capex),
            "opex": list(phasing.opex),
            "connected": {name: list(values) for name, values in phasing.connected.items()},
            "funding": {name: list(values) for name, values in phasing.funding.items()},
            "objective": phasing.objective,
            "bound": phasing.bound,
            "gap": phasing.gap,
            "npv": phasing.npv,
            "total_cost": phasing.total_cost,
        },
        "connected": facts.connected_by_end,
        "scenarios": [
            {
                "name": each.name_en,
                "capex": None if each.phasing is None else sum(each.phasing.capex),
                "objective": None if each.phasing is None else each.phasing.objective,
                "gap": None if each.phasing is None else each.phasing.gap,
                "remark": each.why_en,
            }
            for each in made.scenarios
        ],
        "files": [str(path) for path in files],
    }
