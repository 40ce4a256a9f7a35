"""The least money that would do everything in time, when the money given does not."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from lienthong.infrastructure.phasing import start
from lienthong.infrastructure.phasing.funding import allocate
from lienthong.infrastructure.phasing.matrix import build, schedule
from lienthong.infrastructure.phasing.request import (
    Compiled,
    Ints,
    Request,
    Source,
    compile_request,
)

# To the last đồng it would be a puzzle of which items fill a year exactly, and a budget nobody can keep.
CLOSE = 0.002
WORDS = {
    "en": {
        "least": "the least that does",
        "bound": "no less than {} more can do",
        "raise": "raise the budget by {} VND to {} ({})",
        "find": "find {} VND more from funding sources ({})",
        "or": "or plan more years, or let items be left out (`--partial`)",
    },
    "vi": {
        "least": "mức ít nhất",
        "bound": "không thể thêm ít hơn {}",
        "raise": "tăng ngân sách thêm {} đồng, thành {} ({})",
        "find": "tìm thêm {} đồng từ các nguồn vốn ({})",
        "or": "hoặc kéo dài thêm năm, hoặc cho phép để lại hạng mục (`--partial`)",
    },
}


@dataclass(frozen=True)
class LeastBudget:
    """Everything asked can be done with ``budget`` (VND by year): ``extra`` by year more than was given, and
    ``unpaid`` VND by year that no funding source covers yet. ``bound`` ≤ the least Σ extra + Σ unpaid, which
    the answer exceeds by 0.2 % of the whole capex at most unless time ran out.
    """

    years: tuple[int, ...]
    budget: tuple[int, ...]
    extra: tuple[int, ...]
    unpaid: tuple[int, ...]
    bound: int
    proved: bool
    year_of: dict[str, int | None]


def least_budget(
    request: Request, *, time_limit: float = 30.0, cancel: Callable[[], bool] | None = None
) -> LeastBudget:
    """The least extra money with which all items (of a request that may leave items out: those with due
    years and what they need) can be done by their due years, and in which years.
    """
    problem = compile_request(request)
    model = build(problem, extra=True)
    quick = start.greedy(problem, start.ancestors(problem), open_end=True)
    if not request.complete or not start.in_windows(problem, quick):
        quick = problem.latest
    # Money a source fails to pay counts like money the budget lacks; of equal answers, the later one.
    costs = np.zeros(len(model.lower))
    lateness = 1e-7 * np.arange(problem.years)[::-1]
    costs[model.extra] = 1.0 + lateness
    costs[model.unpaid] = 1.0
    allowed = CLOSE * int(problem.cost.max(axis=1, initial=0).sum())
    close_enough = False

    def stop() -> bool:
        return close_enough or (cancel is not None and cancel())

    def told(dual: float, primal: float) -> None:
        nonlocal close_enough
        upper = min(primal * model.unit, sum(map(_total, _missing(problem, quick))))
        close_enough = upper - dual * model.unit <= allowed

    found = model.minimise(
        costs,
        start=model.columns(problem, quick),
        absolute_gap=0.5 / model.unit,
        deadline=time.monotonic() + time_limit,
        progress=told,
        cancel=stop,
    )
    when = quick
    if found.values.size:
        when = schedule(problem, found.values)
    bound = max(0, math.floor(found.bound * model.unit * (1 - 1e-6))) if math.isfinite(found.bound) else 0
    if sum(map(_total, _missing(problem, quick))) - bound <= allowed:
        when = quick
    extra, unpaid = _missing(problem, when)
    money = _total(extra) + _total(unpaid)
    return LeastBudget(
        years=request.years,
        budget=tuple(int(each) for each in problem.budget + extra),
        extra=tuple(int(each) for each in extra),
        unpaid=tuple(int(each) for each in unpaid),
        bound=min(bound, money),
        proved=money - bound <= 1 + 1e-6 * money,
        year_of={
            item.key: request.years[int(at)] if at < problem.years else None
            for item, at in zip(problem.items, when, strict=True)
        },
    )


def money_words(least: LeastBudget, request: Request, lang: str = "en") -> str:
    """What to do, in one sentence."""
    words = WORDS[lang]
    parts = []
    if any(least.extra):
        sure = words["least"] if least.proved else words["bound"].format(f"{least.bound:,}")
        sums = ", ".join(f"{year}={money}" for year, money in zip(least.years, least.budget, strict=True))
        parts.append(words["raise"].format(f"{sum(least.extra):,}", sums, sure))
    if any(least.unpaid):
        sums = ", ".join(
            f"{year}: {money:,}" for year, money in zip(least.years, least.unpaid, strict=True) if money
        )
        parts.append(words["find"].format(f"{sum(least.unpaid):,}", sums))
    if request.complete:
        parts.append(words["or"])
    return "; ".join(parts)


def _missing(problem: Compiled, when: Ints) -> tuple[Ints, Ints]:
    return _extra(problem, when), _unpaid(problem, when)


def _total(money: Ints) -> int:
    return int(money.sum())


def _extra(problem: Compiled, when: Ints) -> Ints:
    spent = problem.spent(when)
    if not problem.request.carry_over:
        over: Ints = np.maximum(spent - problem.budget, 0)
        return over
    extra = np.zeros_like(spent)
    purse = 0
    for t in range(problem.years):
        purse += int(problem.budget[t] - spent[t])
        if purse < 0:
            extra[t], purse = -purse, 0
    return extra


def _unpaid(problem: Compiled, when: Ints) -> Ints:
    """What the sources leave unpaid, by year, exactly: their flow falls short of it."""
    if allocate(problem, when) is not None:
        return np.zeros(problem.years, dtype=np.int64)
    helper = Source("", "", "")
    sources = tuple(replace(source, at_least=0.0) for source in problem.request.sources)
    helped = compile_request(replace(problem.request, sources=(*sources, helper)))
    found = allocate(helped, when)
    paid: Ints = np.array([0] * problem.years if found is None else found[""], dtype=np.int64)
    return paid
