"""The whole plan of Vĩnh Long: seconds from data to the report in two languages, and the proven gap."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure
from lienthong.core.clock import utc_now
from lienthong.infrastructure.plan import demo
from lienthong.infrastructure.plan.making import make
from lienthong.infrastructure.plan.progress import Clock, Run
from lienthong.infrastructure.plan.settings import STAGES
from lienthong.infrastructure.report.files import export, write_report


def measure(*, quick: bool = False) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="lienthong-bench-") as name:
        path = Path(name)
        if quick:
            path.joinpath("plan.toml").write_text(
                demo.PLAN_TOML.replace("nodes = 6000", "nodes = 600"), "utf-8"
            )
        started, cpu = time.monotonic(), time.process_time()
        folder = demo.write_demo(path)
        plan = make(folder, Run(Clock(folder.settings.time.seconds, STAGES)), now=utc_now())
        for lang in ("vi", "en"):
            write_report(plan, path / "out" / f"report-{lang}.pdf", lang)
        export(plan, path / "out")
        seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    assert plan.fibre is not None and plan.phasing is not None
    offices = sum(site.kind in ("commune", "agency") for site in plan.sites)
    yield Figure(
        name="vinhlong_plan_seconds",
        value=seconds,
        target="<= 300",
        unit="s",
        measured=seconds,
        parts={"cpu": cpu, **plan.seconds},
        note=f"{offices} offices, {plan.settings.synthetic.nodes} nodes, {len(plan.years)} years",
    )
    yield Figure(
        name="vinhlong_plan_gap",
        value=max(plan.fibre.gap, plan.phasing.gap),
        target="<= 0.01",
        parts={
            "fibre": plan.fibre.gap,
            "phasing": plan.phasing.gap,
            "radio": plan.radio.gap if plan.radio else 0.0,
        },
        note="share of the cost, or of what is reached, that the best possible could differ by at most",
    )
