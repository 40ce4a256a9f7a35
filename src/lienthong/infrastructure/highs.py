"""The models handed to HiGHS: one way to state them, read them back and say whether they are proved."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lienthong.infrastructure.errors import BadInstance

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Callers with a start that is nearly always optimal: restarts and improvement heuristics cost half the time.
_SEARCH = (
    "mip_allow_restart",
    "mip_detect_symmetry",
    "mip_heuristic_run_rins",
    "mip_heuristic_run_rens",
)


@dataclass(frozen=True)
class Solved:
    """``status`` is "optimal", "limit", "cancelled" or "infeasible"; ``values`` are the columns' (none:
    empty), ``duals`` the rows', ``bound`` the proven side of the objective (always as a minimum).
    """

    status: str
    values: Floats
    duals: Floats
    objective: float
    bound: float


def minimise(
    costs: Floats,
    rows: sparse.csr_matrix,
    row_lower: Floats,
    row_upper: Floats,
    *,
    lower: Floats | None = None,
    upper: Floats | None = None,
    integer: Mask | None = None,
    start: Floats | None = None,
    absolute_gap: float = 1e-6,
    search: bool = False,
    deadline: float,
    progress: Callable[[float, float], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Solved:
    """Minimise over columns in [``lower``, ``upper``], [0, 1] if not given. Continuous problems by interior
    point without crossover (primal and dual only nearly feasible: callers make their own safe bounds);
    integer ones to proven optimality, ``start`` being a known solution, ``search`` with improvement
    heuristics. ``deadline`` is on :func:`time.monotonic`. ``progress`` gets bound and objective, and
    ``cancel`` is asked, now and then while an integer problem is solved; with either, Ctrl-C ends it too.
    """
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.setOptionValue("time_limit", max(0.05, deadline - time.monotonic()))
    columns = rows.shape[1]
    problem = highspy.HighsLp()
    problem.num_col_, problem.num_row_ = columns, rows.shape[0]
    problem.col_cost_ = costs
    problem.col_lower_ = np.zeros(columns) if lower is None else lower
    problem.col_upper_ = np.ones(columns) if upper is None else upper
    problem.row_lower_, problem.row_upper_ = row_lower, row_upper
    problem.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    problem.a_matrix_.start_ = rows.indptr
    problem.a_matrix_.index_ = rows.indices
    problem.a_matrix_.value_ = rows.data
    if integer is not None:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        problem.integrality_ = [kinds[int(whole)] for whole in integer]
        model.setOptionValue("mip_rel_gap", 0.0)
        model.setOptionValue("mip_abs_gap", absolute_gap)
        if not search:
            for name in _SEARCH:
                model.setOptionValue(name, False)
    else:
        model.setOptionValue("solver", "ipm")
        model.setOptionValue("run_crossover", "off")
    if model.passModel(problem) == highspy.HighsStatus.kError:
        raise BadInstance("the model was refused by the solver", place="model", remedy="check the numbers")
    if start is not None:
        known = highspy.HighsSolution()
        known.col_value = list(start)
        model.setSolution(known)
    listener = _Listener(progress, cancel)
    if integer is not None and (progress or cancel):
        model.cbMipInterrupt.subscribe(listener)
    model.run()
    if listener.interrupt is not None:
        raise listener.interrupt
    outcome = model.getModelStatus()
    status = "cancelled" if listener.cancelled else "limit"
    if outcome == highspy.HighsModelStatus.kOptimal:
        status = "optimal"
    elif outcome == highspy.HighsModelStatus.kInfeasible:
        status = "infeasible"
    found, info = model.getSolution(), model.getInfo()
    values = np.asarray(found.col_value, dtype=np.float64) if found.value_valid else np.empty(0)
    duals = np.asarray(found.row_dual, dtype=np.float64) if found.dual_valid else np.empty(0)
    bound = info.mip_dual_bound if integer is not None else info.objective_function_value
    return Solved(status, values, duals, info.objective_function_value, bound)


def safe_bound(
    costs: Floats,
    rows: sparse.csr_matrix,
    row_lower: Floats,
    row_upper: Floats,
    lower: Floats,
    upper: Floats,
    duals: Floats,
) -> float:
    """A proven lower bound on the minimum from duals that need not be feasible or optimal (weak duality).

    Columns must be bounded; duals that lean on a side without a limit are left out.
    """
    limit = np.where(duals > 0, row_lower, row_upper)
    used = np.where(np.isfinite(limit), duals, 0.0)
    reduced = costs - rows.T @ used
    ends = np.where(reduced > 0, lower, upper)
    return float(used @ np.where(np.isfinite(limit), limit, 0.0) + reduced @ ends)


class _Listener:
    """Called by HiGHS in our thread; nothing may be raised through it, so it keeps what was."""

    def __init__(
        self, progress: Callable[[float, float], None] | None, cancel: Callable[[], bool] | None
    ) -> None:
        self._progress, self._cancel = progress, cancel
        self.cancelled = False
        self.interrupt: BaseException | None = None

    def __call__(self, event: Any) -> None:
        try:
            if self._progress is not None:
                self._progress(event.data_out.mip_dual_bound, event.data_out.mip_primal_bound)
            if self._cancel is not None and self._cancel():
                self.cancelled = True
        except BaseException as raised:  # handed on after the solver has returned
            self.interrupt = raised
        if self.cancelled or self.interrupt is not None:
            event.interrupt()
