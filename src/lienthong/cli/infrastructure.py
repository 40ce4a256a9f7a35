"""``lienthong infrastructure``: plan the network, with the bound beside every cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lienthong.cli.capacity import capacity
from lienthong.cli.coverage import coverage, site
from lienthong.cli.output import JsonOption, print_json, progress, say
from lienthong.cli.phasing import phase
from lienthong.cli.planning import demo, export, plan, report
from lienthong.cli.survey import app as survey_app

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Plan the network: fibre trees, radio coverage and tower sites, with proven bounds.",
)


@app.callback()
def infrastructure() -> None:
    """Plan the network, with the bound beside every cost."""


app.command()(demo)
app.command()(plan)
app.command()(report)
app.command()(export)
app.command()(coverage)
app.command()(site)
app.command()(capacity)
app.command()(phase)
app.add_typer(survey_app, name="survey")


@app.command()
def steiner(
    file: Annotated[Path, typer.Argument(metavar="FILE.stp", help="A SteinLib file.")],
    seconds: Annotated[
        float, typer.Option("--time", min=0.1, metavar="S", help="Wall-clock seconds to spend at most.")
    ] = 60.0,
    seed: Annotated[int, typer.Option("--seed", help="Start of the random numbers.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Solve or bound a minimum Steiner tree problem: its cost, a proven lower bound, and the tree."""
    from lienthong.infrastructure.steiner.instance import read_steinlib

    instance = read_steinlib(file)
    with progress(quiet=as_json) as display:
        task = display.add_task("compiling", total=None)

        def told(stage: str, lower: float, upper: float) -> None:
            display.update(task, description=f"{stage}: {lower:,.6g} ≤ optimum ≤ {upper:,.6g}")

        from lienthong.infrastructure.steiner.solver import solve

        found = solve(instance, time_limit=seconds, seed=seed, progress=told)
    ends = [[int(instance.tail[e]) + 1, int(instance.head[e]) + 1] for e in found.edges]
    if as_json:
        print_json(
            {
                "cost": _number(found.cost),
                "lower_bound": _number(found.lower_bound),
                "gap": found.gap,
                "proved": found.proved,
                "edges": ends,
                "seconds": round(found.seconds, 3),
            }
        )
        return
    say(f"[bold]{instance.name}[/bold]: {instance.vertices:,} vertices, {instance.tail.size:,} edges, "
        f"{instance.terminals.size:,} terminals")  # fmt: skip
    say(f"cost         {_number(found.cost):,}")
    word = "proved optimal" if found.proved else f"gap {found.gap:.3%}"
    say(f"lower bound  {_number(found.lower_bound):,}  ({word})")
    say(f"edges        {len(ends):,}")
    say(f"seconds      {found.seconds:.2f}")


def _number(value: float) -> Any:
    """Whole costs as whole numbers, as the files have them."""
    return int(value) if float(value).is_integer() else value
