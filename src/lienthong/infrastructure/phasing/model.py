"""Phasing by mixed-integer programming in HiGHS: the best years, and how far from best at most."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

import numpy as np

from lienthong.infrastructure.highs import safe_bound
from lienthong.infrastructure.phasing import start
from lienthong.infrastructure.phasing.errors import BudgetTooSmall, Vietnamese
from lienthong.infrastructure.phasing.funding import allocate
from lienthong.infrastructure.phasing.least import LeastBudget, least_budget, money_words
from lienthong.infrastructure.phasing.matrix import Model, build, schedule
from lienthong.infrastructure.phasing.money import flows, net_present_value
from lienthong.infrastructure.phasing.request import Compiled, Floats, Ints, Request, compile_request
from lienthong.infrastructure.phasing.result import BENEFITS, Phasing

Progress = Callable[[str, float, float], None]
Cancel = Callable[[], bool]

_RELAXATION_ROOM = 0.5


def phase(
    request: Request,
    *,
    time_limit: float = 60.0,
    gap: float = 0.0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    known: Mapping[str, int | None] | None = None,
) -> Phasing:
    """The years of the items that connect most (``request.of``) earliest within every budget.

    ``time_limit`` s of wall clock; stops early at ``gap`` (share; 0: only when proved) or when ``cancel``
    says so, with the best found. ``known`` is a schedule to start from (item key to year), if it fits.
    ``progress`` gets the stage, objective and bound. Raises :class:`BadPhasingData` for what cannot be read
    and :class:`BudgetTooSmall` when not everything can be done, with the least budget that would do.
    """
    began = time.monotonic()
    deadline = began + time_limit
    problem = compile_request(request)
    later = np.append(np.cumsum(problem.weights[::-1])[::-1], 0.0)
    most = float((problem.gain * later[problem.earliest]).sum())
    reach = start.ancestors(problem)
    first = [start.greedy(problem, reach)]
    if known is not None:
        first.append(_positions(problem, known))
    best = _better(problem, reach, first, None)
    _tell(progress, "greedy", problem, best, most)
    model = build(problem)
    costs = _costs(problem, model)
    relaxed = model.minimise(
        costs, relaxed=True, deadline=min(deadline, began + time_limit * _RELAXATION_ROOM)
    )
    if relaxed.duals.size:
        sides = (model.row_lower, model.row_upper, model.lower, model.upper)
        most = min(most, -safe_bound(costs, model.rows, *sides, relaxed.duals))
    if relaxed.status == "optimal" and not (cancel and cancel()):
        share = relaxed.values[: problem.cost.size].reshape(problem.cost.shape).clip(0, 1)
        best = _better(problem, reach, start.from_relaxation(problem, reach, share), best)
        _tell(progress, "relaxed", problem, best, most)
    bound, status = most, relaxed.status
    if status != "infeasible":
        best, bound, status = _solve(
            problem, model, costs, reach, best, most, gap, deadline, progress, cancel
        )
    if best is None and status == "cancelled":
        raise BudgetTooSmall(
            "stopped before any way to pay for everything was found",
            remedy="let it run longer, or allow items to be left out",
        )
    if best is None:
        least = least_budget(request, time_limit=time_limit, cancel=cancel)
        best = _better(problem, reach, [_positions(problem, least.year_of)], None)
        if best is None:
            raise _too_small(request, least)
    objective = problem.score(best)
    bound = _whole_bound(problem, max(bound, objective))
    best = start.improve(problem, reach, best)
    return _result(problem, best, bound, time.monotonic() - began, status)


def _solve(
    problem: Compiled,
    model: Model,
    costs: Floats,
    reach: start.Reach,
    best: Ints | None,
    most: float,
    gap: float,
    deadline: float,
    progress: Progress | None,
    cancel: Cancel | None,
) -> tuple[Ints | None, float, str]:
    bound, status = most, "limit"
    close_enough = [False]

    def told(dual: float, primal: float) -> None:
        lower, upper = -primal, -dual
        if math.isfinite(lower) and math.isfinite(upper):
            close_enough[0] = gap > 0 and upper - lower <= gap * abs(upper)
            if progress is not None:
                progress("branch and cut", lower, upper)

    def stop() -> bool:
        return close_enough[0] or (cancel is not None and cancel())

    if cancel is not None and cancel():
        return best, bound, "cancelled"
    for tighten in (0.0, 1e-7, 1e-5):
        if tighten:
            model = build(problem, tighten=tighten)
        found = model.minimise(
            costs,
            start=None if best is None else model.columns(problem, best),
            absolute_gap=0.999 if _is_whole(problem) else 1e-7 * max(1.0, most),
            deadline=deadline,
            progress=told,
            cancel=stop,
        )
        if not tighten:
            status = found.status
            if status == "cancelled" and close_enough[0]:
                status = "limit"
            if math.isfinite(found.bound):
                bound = min(bound, -found.bound)
        if found.status == "infeasible" or not found.values.size:
            break
        when = schedule(problem, found.values)
        if start.feasible(problem, when):
            return _better(problem, reach, [when], best, improve=False), bound, status
    return best, bound, status if best is None or status != "infeasible" else "limit"


def _costs(problem: Compiled, model: Model) -> Floats:
    costs = np.zeros(len(model.lower))
    costs[: problem.cost.size] = -(problem.gain[:, None] * problem.weights[None, :]).ravel()
    return costs


def _better(
    problem: Compiled, reach: start.Reach, found: list[Ints], best: Ints | None, *, improve: bool = True
) -> Ints | None:
    for when in found:
        if not start.feasible(problem, when):
            continue
        tried = start.improve(problem, reach, when) if improve else when
        if best is None or problem.score(tried) > problem.score(best):
            best = tried
    return best


def _is_whole(problem: Compiled) -> bool:
    parts = np.concatenate([problem.gain, problem.weights])
    return bool((parts == np.round(parts)).all())


def _whole_bound(problem: Compiled, bound: float) -> float:
    """Whole benefits add up to whole numbers: so does the best of them."""
    if not _is_whole(problem):
        return bound
    return float(math.floor(bound + 1e-6 * max(1.0, abs(bound) * 1e-6)))


def _tell(progress: Progress | None, stage: str, problem: Compiled, best: Ints | None, bound: float) -> None:
    if progress is not None:
        progress(stage, 0.0 if best is None else problem.score(best), bound)


def _positions(problem: Compiled, year_of: Mapping[str, int | None]) -> Ints:
    at = {year: position for position, year in enumerate(problem.request.years)}
    return np.array(
        [at.get(year_of.get(item.key) or 0, problem.years) for item in problem.items], dtype=np.int64
    )


def _too_small(request: Request, least: LeastBudget) -> BudgetTooSmall:
    first, last, count = request.years[0], request.years[-1], len(request.items)
    what = f"all {count} items" if request.complete else "what is due in these years"
    vi = f"cả {count} hạng mục" if request.complete else "những hạng mục đến hạn"
    return BudgetTooSmall(
        f"the money of {first} to {last} cannot pay for {what}",
        remedy=money_words(least, request),
        least=least,
        vietnamese=Vietnamese(
            f"tiền của các năm {first} đến {last} không đủ cho {vi}", money_words(least, request, "vi")
        ),
    )


def _result(problem: Compiled, when: Ints, bound: float, seconds: float, status: str) -> Phasing:
    request = problem.request
    funding = allocate(problem, when)
    if funding is None:
        raise AssertionError("a feasible schedule is always funded")
    objective = problem.score(when)
    bound = max(bound, objective)
    money = flows(problem, when)
    connected = {}
    for name in BENEFITS:
        gain = np.array([item.benefit.get(name, 0.0) for item in problem.items])
        connected[name] = tuple(float(gain[when <= t].sum()) for t in range(problem.years))
    return Phasing(
        years=request.years,
        budget=request.budget,
        year_of={
            item.key: request.years[int(at)] if at < problem.years else None
            for item, at in zip(problem.items, when, strict=True)
        },
        capex=money.capex[: problem.years],
        opex=money.opex[: problem.years],
        connected=connected,
        objective=objective,
        bound=bound,
        gap=(bound - objective) / bound if bound > 0 else 0.0,
        npv=net_present_value(money, request.discount_rate),
        total_cost=money.total_cost,
        funding=funding,
        seconds=seconds,
        proved=bound - objective <= 1e-6 * max(1.0, bound * 1e-3),
        cancelled=status == "cancelled",
        of=request.of,
        totals={name: float(sum(item.benefit.get(name, 0.0) for item in problem.items)) for name in BENEFITS},
        horizon=money.opex,
    )
