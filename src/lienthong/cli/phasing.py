"""``lienthong infrastructure phase``: which item in which year, at what cost, how far from best at most."""

from __future__ import annotations

import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lienthong.cli.output import JsonOption, note, print_json, progress, say, table

if TYPE_CHECKING:
    from lienthong.infrastructure.phasing.request import Request
    from lienthong.infrastructure.phasing.result import Phasing
    from lienthong.infrastructure.phasing.scenarios import Outcome

WORDS = {
    "vi": {
        "title": "{} hạng mục, {}",
        "line": "triệu đồng",
        "budget": "Ngân sách", "capex": "Vốn đầu tư", "opex": "Chi phí vận hành", "by": "Nguồn: {}",
        "people": "Người dân được kết nối", "agencies": "Cơ quan được kết nối",
        "communes": "Xã, phường được kết nối",
        "proved": "đã chứng minh là tốt nhất", "gap": "cách phương án tốt nhất không quá {:.3%}",
        "npv": "Giá trị hiện tại ròng", "cost": "Tổng chi phí sở hữu {} năm",
        "not_done": "Chưa bố trí được vốn: {}",
        "cancelled": "đã dừng theo yêu cầu: phương án tốt nhất đến lúc dừng",
        "scenarios": "Các kịch bản so với phương án chính, triệu đồng",
        "impossible": "không thể", "written": "đã ghi: {}",
    },
    "en": {
        "title": "{} items, {}",
        "line": "million VND",
        "budget": "budget", "capex": "capex", "opex": "opex", "by": "funded by {}",
        "people": "people connected", "agencies": "agencies connected", "communes": "communes connected",
        "proved": "proved optimal", "gap": "at most {:.3%} from the best possible",
        "npv": "net present value", "cost": "total cost of ownership, {} years",
        "not_done": "no year has money for: {}", "cancelled": "stopped as asked: the best found until then",
        "scenarios": "Scenarios less the plan, million VND",
        "impossible": "impossible", "written": "written: {}",
    },
}  # fmt: skip
SCENARIO_COLUMNS = {
    "vi": (
        "Kịch bản", "Kết nối cuối kỳ", "Vốn đầu tư", "Tổng chi phí", "NPV", "Không làm", "Làm muộn",
        "Vốn tối thiểu cần thêm",
    ),
    "en": (
        "scenario", "connected at the end", "capex", "total cost", "NPV", "not done", "later",
        "least extra money for all",
    ),
}  # fmt: skip


def phase(
    file: Annotated[Path, typer.Argument(metavar="ITEMS.csv", help="key, kind, capex, after, people, …")],
    budgets: Annotated[
        list[str],
        typer.Option("--budget", metavar="YEAR=VND", help="2017=30000000000 or 2017=30ty; one a year."),
    ],
    objective: Annotated[
        Literal["people", "agencies", "communes"], typer.Option("--objective", help="Whom to connect early.")
    ] = "people",
    weights: Annotated[
        str | None, typer.Option("--weights", metavar="W,W,…", help="What each year counts; 1 if not given.")
    ] = None,
    funding: Annotated[
        Path | None, typer.Option("--funding", help="Who pays: caps by year and shares, TOML.")
    ] = None,
    carry_over: Annotated[
        bool, typer.Option("--carry-over", help="What a year leaves is added to the next.")
    ] = False,
    partial: Annotated[bool, typer.Option("--partial", help="Items may be left out.")] = False,
    price_growth: Annotated[
        float, typer.Option("--price-growth", metavar="SHARE", help="Growth of prices a year: 0.03.")
    ] = 0.0,
    discount: Annotated[
        float, typer.Option("--discount", metavar="SHARE", help="Discount rate a year: 0.08.")
    ] = 0.08,
    horizon: Annotated[int, typer.Option("--horizon", metavar="YEARS", help="Years of opex counted.")] = 10,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also a cut, a delay, other aims, dearer work.")
    ] = False,
    bill: Annotated[
        Path | None, typer.Option("--boq", metavar="OUT.xlsx", help="Write the bill of quantities.")
    ] = None,
    synthetic: Annotated[bool, typer.Option("--synthetic", help="Label the bill as made-up data.")] = False,
    seconds: Annotated[
        float, typer.Option("--time", min=0.1, metavar="S", help="Wall-clock seconds to spend at most.")
    ] = 60.0,
    gap: Annotated[
        float, typer.Option("--gap", min=0, metavar="SHARE", help="Stop when this near to the bound: 0.01.")
    ] = 0.0,
    lang: Annotated[Literal["vi", "en"], typer.Option("--lang", help="Language of the tables.")] = "vi",
    as_json: JsonOption = False,
) -> None:
    """Put items into years under budgets so that most are connected earliest, with a proven bound."""
    from lienthong.infrastructure.phasing.item_files import read_items, read_sources
    from lienthong.infrastructure.phasing.model import phase as solve
    from lienthong.infrastructure.phasing.request import EVERYTHING, Request
    from lienthong.infrastructure.phasing.scenarios import compare as compare_scenarios
    from lienthong.infrastructure.phasing.scenarios import standard

    years, money = _budget(budgets)
    request = Request(
        items=read_items(file),
        years=years,
        budget=money,
        of=objective,
        weights=_weights(weights),
        sources=(EVERYTHING,) if funding is None else read_sources(funding),
        carry_over=carry_over,
        complete=not partial,
        price_growth=price_growth,
        discount_rate=discount,
        horizon_years=max(horizon, len(years)),
    )
    stop = threading.Event()
    with progress(quiet=as_json) as display, _StopOnInterrupt(stop):
        task = display.add_task("reading", total=None)

        def told(stage: str, lower: float, upper: float) -> None:
            display.update(task, description=f"{stage}: {lower:,.6g} ≤ {upper:,.6g}")

        found = solve(request, time_limit=seconds, gap=gap, progress=told, cancel=stop.is_set)
        outcomes: list[Outcome] = []
        if compare and not stop.is_set():
            outcomes = compare_scenarios(
                request, standard(request), time_limit=seconds, gap=gap, progress=told, cancel=stop.is_set
            )
    if bill is not None:
        from lienthong.infrastructure.phasing.boq import write_boq

        write_boq(bill, request, found, lang=lang, synthetic=synthetic)
    if as_json:
        print_json(_json(found, outcomes, bill))
    else:
        _show(request, found, outcomes, bill, lang)


class _StopOnInterrupt:
    """The first Ctrl-C ends the search with the best found; the second ends the program."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def __enter__(self) -> None:
        import signal

        if threading.current_thread() is not threading.main_thread():
            return

        def heard(number: int, frame: Any) -> None:
            if self._stop.is_set():
                raise KeyboardInterrupt
            self._stop.set()

        self._before = signal.signal(signal.SIGINT, heard)

    def __exit__(self, *_: object) -> None:
        import signal

        if hasattr(self, "_before"):
            signal.signal(signal.SIGINT, self._before)


def _json(found: Phasing, outcomes: list[Outcome], bill: Path | None) -> dict[str, Any]:
    from lienthong.infrastructure.phasing.scenarios import difference

    scenarios = []
    for each in outcomes:
        less = difference(each, found)
        scenarios.append(
            {
                "key": each.scenario.key,
                "name_vi": each.scenario.name_vi,
                "name_en": each.scenario.name_en,
                "phasing": None if each.phasing is None else asdict(each.phasing),
                "difference": None if less is None else asdict(less),
                "least_budget": None if each.least is None else asdict(replace(each.least, year_of={})),
            }
        )
    return {
        **asdict(found),
        "seconds": round(found.seconds, 3),
        "not_done": list(found.not_done),
        "scenarios": scenarios,
        "bill": None if bill is None else str(bill),
    }


def _show(request: Request, found: Phasing, outcomes: list[Outcome], bill: Path | None, lang: str) -> None:
    from lienthong.infrastructure.phasing.scenarios import difference

    words = WORDS[lang]
    names = {source.key: source.name(lang) for source in request.sources}
    lines: list[tuple[str, tuple[float, ...], bool]] = [
        (words["budget"], found.budget, True),
        (words["capex"], found.capex, True),
        (words["opex"], found.opex, True),
        *((words["by"].format(names[key]), money, True) for key, money in found.funding.items()),
        *((words[of], found.connected[of], False) for of, total in found.totals.items() if total),
    ]
    word = words["proved"] if found.proved else words["gap"].format(found.gap)
    table(
        words["title"].format(len(request.items), word),
        (words["line"], *map(str, found.years)),
        [
            (name, *(_millions(each, lang) if money else _number(each, lang) for each in values))
            for name, values, money in lines
        ],
    )
    say(f"{words['npv']}: {_millions(found.npv, lang)} · {words['cost'].format(request.horizon_years)}: "
        f"{_millions(found.total_cost, lang)} ({words['line']})")  # fmt: skip
    if found.not_done:
        shown = ", ".join(found.not_done[:12]) + (" …" if len(found.not_done) > 12 else "")
        say(words["not_done"].format(f"{len(found.not_done)} ({shown})"))
    if found.cancelled:
        note(words["cancelled"])
    if outcomes:
        rows = []
        for each in outcomes:
            less = difference(each, found)
            extra = (
                "" if each.least is None else _millions(sum(each.least.extra) + sum(each.least.unpaid), lang)
            )
            if less is None:
                rows.append((each.scenario.name(lang), words["impossible"], "", "", "", "", "", extra))
                continue
            rows.append(
                (
                    each.scenario.name(lang),
                    _number(less.connected[request.of], lang, "+,.0f"),
                    _millions(less.capex, lang),
                    _millions(less.total_cost, lang),
                    _millions(less.npv, lang),
                    str(less.not_done),
                    str(less.later),
                    extra,
                )
            )
        table(words["scenarios"], SCENARIO_COLUMNS[lang], rows)
    if bill is not None:
        say(words["written"].format(bill))


def _number(value: float, lang: str, form: str = ",.0f") -> str:
    text = format(value, form)
    return text if lang == "en" else text.translate(str.maketrans(",.", ".,"))


def _millions(money: float, lang: str) -> str:
    return _number(money / 1e6, lang, ",.1f")


_UNITS = {"tỷ": 10**9, "ty": 10**9, "bn": 10**9, "triệu": 10**6, "trieu": 10**6, "tr": 10**6, "m": 10**6}


def _budget(texts: list[str]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    from lienthong.infrastructure.phasing.errors import BadPhasingData

    money: dict[int, int] = {}
    for text in texts:
        year, _, amount = text.replace("_", "").replace(",", "").partition("=")
        amount = amount.strip().lower()
        factor = 1
        for unit, size in _UNITS.items():
            if amount.endswith(unit):
                amount, factor = amount.removesuffix(unit).strip(), size
                break
        try:
            when, vnd = int(year), round(float(amount) * factor)
            if when in money:
                raise ValueError
        except (ValueError, OverflowError):
            raise BadPhasingData(
                f"{text!r} is no budget of a year of its own",
                place="--budget",
                remedy="write YEAR=VND once for each year, as 2017=30000000000 or 2017=30ty",
            ) from None
        money[when] = vnd
    years = tuple(sorted(money))
    return years, tuple(money[year] for year in years)


def _weights(text: str | None) -> tuple[float, ...]:
    from lienthong.infrastructure.phasing.errors import BadPhasingData

    if text is None:
        return ()
    try:
        return tuple(float(each) for each in text.split(","))
    except ValueError:
        raise BadPhasingData(
            f"{text!r} are no weights", place="--weights", remedy="write one number a year, as 4,3,2,1"
        ) from None
