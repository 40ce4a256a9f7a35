"""The solver run so that Ctrl-C, or an event, ends it with the best tree found so far."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np

from lienthong.infrastructure.steiner import solver
from lienthong.infrastructure.steiner.instance import Instance
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
