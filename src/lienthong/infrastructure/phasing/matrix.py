"""The mixed-integer model: done-by columns z[i, t], budgets, precedence, and who pays."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from lienthong.infrastructure.highs import Solved, minimise
from lienthong.infrastructure.phasing.request import Compiled, Floats, Ints


@dataclass(frozen=True)
class Model:
    """Columns: z[i·T + t] = 1 when item i is done by year t; then funding; then, when asked for, extra money.

    Money is in ``unit`` VND. ``extra`` are the columns of extra budget by year, ``unpaid`` those of money
    that no source pays.
    """

    rows: sparse.csr_matrix
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    integer: np.ndarray
    unit: float
    extra: Ints
    unpaid: Ints

    def minimise(
        self,
        costs: Floats,
        *,
        deadline: float,
        relaxed: bool = False,
        start: Floats | None = None,
        absolute_gap: float = 1e-6,
        progress: Callable[[float, float], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> Solved:
        """As :func:`.highs.minimise`, with improvement heuristics; ``relaxed``: items may be done in part."""
        return minimise(
            costs,
            self.rows,
            self.row_lower,
            self.row_upper,
            lower=self.lower,
            upper=self.upper,
            integer=None if relaxed else self.integer,
            start=start,
            absolute_gap=absolute_gap,
            search=True,
            deadline=deadline,
            progress=progress,
            cancel=cancel,
        )

    def columns(self, problem: Compiled, when: Ints) -> Floats:
        """A schedule (position of each item's year) as columns; the solver fills in the money."""
        found: Floats = np.zeros(len(self.lower))
        found[: problem.cost.size] = (when[:, None] <= np.arange(problem.years)[None, :]).ravel()
        return found


def schedule(problem: Compiled, columns: Floats) -> Ints:
    """The inverse of :meth:`Model.columns`."""
    by = columns[: problem.cost.size].reshape(problem.cost.shape).round().astype(np.int64)
    when: Ints = problem.years - by.sum(axis=1)
    return when


def build(problem: Compiled, *, extra: bool = False, tighten: float = 0.0) -> Model:
    """``extra`` lets budgets and funding be exceeded in columns of their own; ``tighten`` takes that share
    off every limit, against the solver's tolerances.
    """
    return _Builder(problem, extra, tighten).model()


class _Builder:
    def __init__(self, problem: Compiled, extra: bool, tighten: float) -> None:
        self.problem, self.years, self.count = problem, problem.years, len(problem.items)
        largest = int(problem.cost.max(initial=1))
        self.unit = 10.0 ** max(0, math.floor(math.log10(max(largest, 1))) - 3)
        self.most = float(self.problem.cost.max(axis=1, initial=0).sum()) / self.unit + 1.0
        self.keep = 1.0 - tighten
        self.lower = [0.0] * (self.count * self.years)
        self.upper = [1.0] * (self.count * self.years)
        self.entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.row_lower: list[float] = []
        self.row_upper: list[float] = []
        self.extra = [self._column() for _ in range(self.years)] if extra else []
        self.unpaid: list[int] = []
        self._windows()
        self._order()
        self._budgets()
        if not (len(problem.request.sources) == 1 and problem.request.sources[0].pays_all):
            self._funding(extra)

    def model(self) -> Model:
        rows, columns, values = (
            np.concatenate([each[part] for each in self.entries] or [np.empty(0)]) for part in range(3)
        )
        shape = (len(self.row_lower), len(self.lower))
        matrix = sparse.csr_matrix((values, (rows.astype(int), columns.astype(int))), shape=shape)
        integer = np.zeros(len(self.lower), dtype=bool)
        integer[: self.count * self.years] = True
        return Model(
            rows=matrix,
            row_lower=np.array(self.row_lower),
            row_upper=np.array(self.row_upper),
            lower=np.array(self.lower),
            upper=np.array(self.upper),
            integer=integer,
            unit=self.unit,
            extra=np.array(self.extra, dtype=np.int64),
            unpaid=np.array(self.unpaid, dtype=np.int64),
        )

    def _column(self) -> int:
        self.lower.append(0.0)
        self.upper.append(self.most)
        return len(self.lower) - 1

    def _row(self, columns: np.ndarray, values: np.ndarray, lower: float, upper: float) -> None:
        self.entries.append((np.full(len(columns), len(self.row_lower)), columns, values))
        self.row_lower.append(lower)
        self.row_upper.append(upper)

    def _windows(self) -> None:
        for at in range(self.count):
            for t in range(self.years):
                column = at * self.years + t
                if t < self.problem.earliest[at]:
                    self.upper[column] = 0.0
                if t >= self.problem.latest[at]:
                    self.lower[column] = 1.0

    def _order(self) -> None:
        one = np.array([1.0, -1.0])
        for at in range(self.count):
            first = at * self.years
            for t in range(self.years - 1):
                self._row(np.array([first + t, first + t + 1]), one, -math.inf, 0.0)
            for before in self.problem.before[at]:
                for t in range(self.years):
                    self._row(np.array([first + t, before * self.years + t]), one, -math.inf, 0.0)

    def _spending(self, t: int, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Columns and values of what ``members`` cost in year t."""
        cost = self.problem.cost[members, t] / self.unit
        columns, values = members * self.years + t, cost
        if t > 0:
            columns = np.concatenate([columns, members * self.years + t - 1])
            values = np.concatenate([values, -cost])
        return columns, values

    def _budgets(self) -> None:
        everything = np.arange(self.count)
        limits = self.problem.budget / self.unit * self.keep
        carried: tuple[np.ndarray, np.ndarray] = (np.empty(0, dtype=np.int64), np.empty(0))
        for t in range(self.years):
            columns, values = self._spending(t, everything)
            if self.extra:
                columns, values = np.append(columns, self.extra[t]), np.append(values, -1.0)
            if self.problem.request.carry_over:
                columns = np.concatenate([carried[0], columns])
                values = np.concatenate([carried[1], values])
                carried = (columns, values)
                self._row(columns, values, -math.inf, float(limits[: t + 1].sum()))
            else:
                self._row(columns, values, -math.inf, float(limits[t]))

    def _funding(self, extra: bool) -> None:
        problem, sources = self.problem, self.problem.request.sources
        paid: dict[int, list[list[int]]] = {s: [[] for _ in range(self.years)] for s in range(len(sources))}
        for g, payers in enumerate(problem.payable):
            members = np.flatnonzero(problem.group_of == g)
            if not members.size:
                continue
            for t in range(self.years):
                columns, values = self._spending(t, members)
                money = [self._column() for _ in payers]
                for s, column in zip(payers, money, strict=True):
                    paid[s][t].append(column)
                if extra:
                    money.append(self._column())
                    self.unpaid.append(money[-1])
                columns = np.concatenate([columns, np.array(money, dtype=np.int64)])
                self._row(columns, np.concatenate([values, np.full(len(money), -1.0)]), 0.0, 0.0)
        every = [self._spending(t, np.arange(self.count)) for t in range(self.years)]
        columns = np.concatenate([each[0] for each in every])
        values = np.concatenate([each[1] for each in every])
        for s, source in enumerate(sources):
            for t, year in enumerate(problem.request.years):
                if source.cap is not None and paid[s][t]:
                    limit = source.cap.get(year, 0) / self.unit * self.keep
                    self._row(np.array(paid[s][t]), np.ones(len(paid[s][t])), -math.inf, limit)
            mine = np.array([column for each in paid[s] for column in each], dtype=np.int64)
            ones = np.ones(len(mine))
            if source.share < 1:
                self._row(
                    np.concatenate([mine, columns]),
                    np.concatenate([ones, -source.share * values]),
                    -math.inf,
                    0.0,
                )
            if source.at_least > 0 and not extra:
                self._row(
                    np.concatenate([mine, columns]),
                    np.concatenate([ones, -source.at_least * values]),
                    0.0,
                    math.inf,
                )
