"""The solver run so that Ctrl-C, or an event, ends it with the best tree found so far."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass

from lienthong.infrastructure.steiner.instance import Instance
from lienthong.infrastructure.steiner.preparing import prepare
from lienthong.infrastructure.steiner.solver import Progress, Solver

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
    """The best tree within ``time_limit`` seconds, or until ``stop`` is set or the user presses Ctrl-C. The
    kernels are loaded, and compiled if need be, before the clock starts.

    Ctrl-C before there is any tree is passed on as :class:`KeyboardInterrupt`.
    """
    prepare()
    began = time.monotonic()
    solver = Solver(instance, began + time_limit, seed, progress)
    failure: list[BaseException] = []

    def work() -> None:
        try:
            solver.run()
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
        solver.stop()
        thread.join(GRACE_S)
    elif failure:
        raise failure[0]
    best = solver.solution(time.monotonic() - began)
    if cancelled and not math.isfinite(best.cost):
        raise KeyboardInterrupt
    return Found(best.cost, best.lower_bound, best.edges, best.seconds, best.proved, cancelled)
