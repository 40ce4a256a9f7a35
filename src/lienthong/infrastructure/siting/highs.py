"""The models handed to HiGHS: one way to state them, read them back and say whether they are proved."""

from __future__ import annotations

import time
from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from lienthong.infrastructure.siting.errors import BadSitingData
from lienthong.infrastructure.siting.instance import Floats, Mask

# Callers bring a start that is nearly always optimal: restarts and improvement heuristics cost half the time.
_LEFT_OUT = (
    "mip_allow_restart",
    "mip_detect_symmetry",
    "mip_heuristic_run_rins",
    "mip_heuristic_run_rens",
)


@dataclass(frozen=True)
class Solved:
    """``status`` is "optimal", "limit" or "infeasible"; ``values`` are the columns' (none: empty),
    ``duals`` the rows', ``bound`` the proven side of the objective (always as a minimum).
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
    integer: Mask | None = None,
    start: Floats | None = None,
    absolute_gap: float = 1e-6,
    deadline: float,
) -> Solved:
    """Minimise over columns in [0, 1]. Continuous problems by interior point without crossover (primal
    and dual only nearly feasible: callers make their own safe bounds); integer ones to proven
    optimality, ``start`` being a known solution. ``deadline`` is on :func:`time.monotonic`.
    """
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.setOptionValue("time_limit", max(0.05, deadline - time.monotonic()))
    columns = rows.shape[1]
    problem = highspy.HighsLp()
    problem.num_col_, problem.num_row_ = columns, rows.shape[0]
    problem.col_cost_ = costs
    problem.col_lower_, problem.col_upper_ = np.zeros(columns), np.ones(columns)
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
        for name in _LEFT_OUT:
            model.setOptionValue(name, False)
    else:
        model.setOptionValue("solver", "ipm")
        model.setOptionValue("run_crossover", "off")
    if model.passModel(problem) == highspy.HighsStatus.kError:
        raise BadSitingData("the model was refused by the solver", place="model", remedy="check the numbers")
    if start is not None:
        known = highspy.HighsSolution()
        known.col_value = list(start)
        model.setSolution(known)
    model.run()
    outcome = model.getModelStatus()
    status = "limit"
    if outcome == highspy.HighsModelStatus.kOptimal:
        status = "optimal"
    elif outcome == highspy.HighsModelStatus.kInfeasible:
        status = "infeasible"
    found, info = model.getSolution(), model.getInfo()
    values = np.asarray(found.col_value, dtype=np.float64) if found.value_valid else np.empty(0)
    duals = np.asarray(found.row_dual, dtype=np.float64) if found.dual_valid else np.empty(0)
    bound = info.mip_dual_bound if integer is not None else info.objective_function_value
    return Solved(status, values, duals, info.objective_function_value, bound)
