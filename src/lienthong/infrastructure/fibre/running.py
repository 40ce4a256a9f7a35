"""The solver run so that Ctrl-C, or an event, ends it with the best tree found so far."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np

from lienthong.infrastructure.fibre.relaxation import Needs, Relaxation, raise_bound
from lienthong.infrastructure.steiner import solver
from lienthong.infrastructure.steiner.instance import Floats, Instance
from lienthong.infrastructure.steiner.kernels import ascent
from lienthong.infrastructure.steiner.solver import Progress

GRACE_S = 3.0
"""How long a cancelled solver may take to put down its work before it is left behind."""


@dataclass(frozen=True)
class Found:
    """As :class:`steiner.solver.Solution`, and whether the run was ``cancelled``."""

    cost: float
    lower_bound: float
    edges: tuple[int, ...]
    seconds: float
    proved: bool
    cancelled: bool


def solve(
    instance: Instance,
    *,
    time_limit: float,
    seed: int = 1,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Found:
    """The best tree within ``time_limit`` seconds, or until ``stop`` is set or the user presses Ctrl-C.

    Ctrl-C before there is any tree is passed on as :class:`KeyboardInterrupt`.
    """
    began = time.monotonic()
    # solve() of the solver gives nothing back when it is interrupted; its state does
    state = solver._Solver(instance, began + time_limit, seed, progress)
    failure: list[BaseException] = []

    def work() -> None:
        try:
            state.run()
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=work, name="steiner", daemon=True)
    thread.start()
    cancelled = False
    try:
        while thread.is_alive():
            thread.join(0.1)
            if stop is not None and stop.is_set():
                raise KeyboardInterrupt
            # a graph too large for the solver's own cuts: what is left of the time is for the bound
            if time.monotonic() > began + 0.3 * time_limit and _uncut(state):
                state.deadline = min(state.deadline, began + 0.55 * time_limit)
        if not failure and not state.done and _uncut(state):
            _raise_bound(state, began + time_limit, seed, progress, stop)
    except KeyboardInterrupt:
        cancelled = True
    if cancelled:
        state.deadline = 0.0
        thread.join(GRACE_S)
        if not np.isfinite(state.upper):
            raise KeyboardInterrupt
    elif failure:
        raise failure[0]
    done = state.done
    lower = min(state.lower, state.upper)
    if instance.integral:
        lower = state.upper if done else min(float(np.ceil(lower - 1e-3 - 1e-8 * lower)), state.upper)
    proved = done or lower >= state.upper - 1e-9 * max(1.0, state.upper)
    edges = tuple(sorted(state.best))
    return Found(state.upper, lower, edges, time.monotonic() - began, proved, cancelled)


def _uncut(state: solver._Solver) -> bool:
    return bool(np.isfinite(state.upper)) and state.graph.edges > solver.LARGE


def _raise_bound(
    state: solver._Solver, deadline: float, seed: int, progress: Progress | None, stop: threading.Event | None
) -> None:
    """The cut relaxation of the reduced graph, from the root whose ascent bounds best of a few."""
    arrays, offset, unit = state.graph.arrays(), state.graph.fixed_cost, 0.999 if state.unit else 0.0
    rng = np.random.default_rng(seed)
    tried = rng.choice(arrays.terminals, min(12, arrays.terminals.size), replace=False)
    root, highest = int(tried[0]), -1.0
    for candidate in tried.tolist():
        lower, *_ = ascent.dual_ascent(
            arrays.n, arrays.start, arrays.near, arrays.leaving, arrays.arc_cost, arrays.terminals,
            candidate, 8,
        )  # fmt: skip
        if lower > highest:
            root, highest = candidate, lower
    others = arrays.terminals[arrays.terminals != root]
    none = np.empty(0, np.int64)
    relaxation = Relaxation(Needs(arrays.n, arrays.tail, arrays.head, arrays.cost, root, others, none))

    def upper(_: Floats) -> float:
        if stop is not None and stop.is_set():
            raise KeyboardInterrupt
        return float(state.upper - offset)

    def told(bound: float) -> None:
        state.lower = max(state.lower, min(state.upper, bound + offset))
        if progress is not None:
            progress("relaxation", state.lower, state.upper)

    raise_bound(relaxation, upper=upper, deadline=deadline, enough=unit, rng=rng, told=told)
    told(relaxation.bound)
