"""Fast schedules: greedy by benefit for money, from the relaxation's order, and improved by moving items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lienthong.infrastructure.phasing.funding import allocate
from lienthong.infrastructure.phasing.request import Compiled, Floats, Ints

Reach = NDArray[np.bool_]


class Room:
    """What is left to spend; with carry-over a year's money also pays later years."""

    def __init__(self, problem: Compiled, *, open_end: bool = False) -> None:
        limit = problem.budget.copy()
        sources = problem.request.sources
        if all(source.cap is not None for source in sources):
            for t, year in enumerate(problem.request.years):
                limit[t] = min(limit[t], sum((source.cap or {}).get(year, 0) for source in sources))
        if open_end:
            limit[-1] = 1 << 60
        self._carry = problem.request.carry_over
        self._limit = np.cumsum(limit) if self._carry else limit
        self._spent = np.zeros(problem.years, dtype=np.int64)

    def left(self, year: int) -> int:
        """VND that can still be added to a year."""
        if not self._carry:
            return int(self._limit[year] - self._spent[year])
        return int((self._limit - np.cumsum(self._spent))[year:].min())

    def spend(self, year: int, money: int) -> None:
        self._spent[year] += money

    def fits(self, year: int, money: int, freed: dict[int, int]) -> bool:
        """Whether ``money`` fits into ``year`` once ``freed`` (by year) is given back."""
        for at, amount in freed.items():
            self._spent[at] -= amount
        fine = self.left(year) >= money
        for at, amount in freed.items():
            self._spent[at] += amount
        return fine


def ancestors(problem: Compiled) -> Reach:
    """(n, n) booleans: row i marks i and everything that must come before it."""
    count = len(problem.items)
    reach = np.eye(count, dtype=bool)
    for at, before in enumerate(problem.before):
        for one in before:
            reach[at] |= reach[one]
    return reach


def greedy(problem: Compiled, reach: Reach, *, open_end: bool = False) -> Ints:
    """Year by year: what is due, then the best benefit for the money of what is still missing before it.

    ``open_end``: the last year may spend without limit.
    """
    count, years = len(problem.items), problem.years
    when = np.full(count, years, dtype=np.int64)
    room = Room(problem, open_end=open_end)
    side = problem.any_gain / max(1.0, float(problem.any_gain.sum())) * 1e-3
    gain = problem.gain + side
    done = np.zeros(count, dtype=bool)
    for t in range(years):
        _due_first(problem, reach, when, room, t)
        done = when <= t
        missing = reach & ~done
        cost = np.asarray(missing @ problem.cost[:, t].astype(np.float64), dtype=np.float64)
        value = np.asarray(missing @ gain, dtype=np.float64)
        possible = ~(missing & (problem.earliest > t)).any(axis=1)
        while True:
            ready = possible & ~done & (cost <= room.left(t)) & (value > 0)
            if not ready.any():
                break
            ratio = np.where(ready, value / np.maximum(cost, 1e-9), -1.0)
            target = int(ratio.argmax())
            group = np.flatnonzero(reach[target] & ~done)
            when[group], done[group] = t, True
            room.spend(t, int(problem.cost[group, t].sum()))
            cost = cost - reach[:, group] @ problem.cost[group, t].astype(np.float64)
            value = value - reach[:, group] @ gain[group]
        _rest(problem, when, room, t, range(count))
    return when


def in_order(problem: Compiled, reach: Reach, order: Sequence[int]) -> Ints:
    """Year by year: what is due, then whatever fits in the order given, each after what it needs."""
    when = np.full(len(problem.items), problem.years, dtype=np.int64)
    room = Room(problem)
    for t in range(problem.years):
        _due_first(problem, reach, when, room, t)
        _rest(problem, when, room, t, order)
    return when


def from_relaxation(problem: Compiled, reach: Reach, share: Floats) -> list[Ints]:
    """Schedules from a fractional one, ``share[i, t]`` done by year t: by its mean year, by when half is."""
    steps = np.diff(share, axis=1, prepend=0.0).clip(0)
    mean = steps @ np.arange(problem.years) + (1 - share[:, -1]) * problem.years
    orders = [mean]
    for part in (0.3, 0.5, 0.8):
        crossed = np.where(share >= part, np.arange(problem.years), problem.years).min(axis=1)
        orders.append(crossed + 1e-3 * mean)
    found = []
    for key in orders:
        for at, before in enumerate(problem.before):
            if before:
                key[at] = max(key[at], max(key[one] for one in before))
        ratio = problem.gain / np.maximum(problem.cost[:, 0], 1)
        order = np.lexsort((np.arange(key.size), -ratio, np.round(key, 6)))
        found.append(in_order(problem, reach, _topological(problem, order)))
    return found


def feasible(problem: Compiled, when: Ints) -> bool:
    """Windows, precedence, budgets and funding, all exactly."""
    return in_windows(problem, when) and problem.within_budget(when) and allocate(problem, when) is not None


def in_windows(problem: Compiled, when: Ints) -> bool:
    """Every item between its earliest and latest year, and after what it needs."""
    if (when < problem.earliest).any() or (when > problem.latest).any():
        return False
    return not any(when[one] > when[at] for at, before in enumerate(problem.before) for one in before)


def improve(problem: Compiled, reach: Reach, when: Ints) -> Ints:
    """Never worse: pull what connects anybody forward, fill the money left, and leave the rest for later."""
    better = when.copy()
    room = Room(problem)
    for t, money in enumerate(problem.spent(better)):
        room.spend(t, int(money))
    _forward(problem, reach, better, room)
    if problem.request.discount_rate > problem.request.price_growth:
        _later(problem, better, room)
    if better.tolist() == when.tolist() or not feasible(problem, better):
        return when
    return better if problem.score(better) >= problem.score(when) else when


def _forward(problem: Compiled, reach: Reach, when: Ints, room: Room) -> None:
    weight = problem.gain + 1e-6 * problem.any_gain
    order = np.argsort(-weight / np.maximum(problem.cost[:, 0], 1), kind="stable")
    for t in range(problem.years):
        for at in order:
            if when[at] <= t or (weight[at] == 0 and when[at] < problem.years):
                continue
            group = np.flatnonzero(reach[at] & (when > t))
            if (problem.earliest[group] > t).any():
                continue
            freed: dict[int, int] = {}
            for one in group:
                if when[one] < problem.years:
                    year = int(when[one])
                    freed[year] = freed.get(year, 0) + int(problem.cost[one, year])
            money = int(problem.cost[group, t].sum())
            if room.fits(t, money, freed):
                for year, amount in freed.items():
                    room.spend(year, -amount)
                room.spend(t, money)
                when[group] = t


def _later(problem: Compiled, when: Ints, room: Room) -> None:
    for at in reversed(range(len(problem.items))):
        now = int(when[at])
        if problem.any_gain[at] > 0 or now >= problem.years:
            continue
        last = min([int(problem.latest[at]), problem.years - 1, *(int(when[b]) for b in problem.behind[at])])
        for t in range(last, now, -1):
            money, old = int(problem.cost[at, t]), int(problem.cost[at, now])
            if room.fits(t, money, {now: old}):
                room.spend(now, -old)
                room.spend(t, money)
                when[at] = t
                break


def _due_first(problem: Compiled, reach: Reach, when: Ints, room: Room, t: int) -> None:
    for at in np.flatnonzero((problem.latest == t) & (when > t)):
        group = np.flatnonzero(reach[at] & (when > t))
        money = int(problem.cost[group, t].sum())
        if money <= room.left(t) and not (problem.earliest[group] > t).any():
            when[group] = t
            room.spend(t, money)


def _rest(problem: Compiled, when: Ints, room: Room, t: int, order: Sequence[int] | range) -> None:
    for at in order:
        if when[at] <= t or problem.earliest[at] > t:
            continue
        if any(when[one] > t for one in problem.before[at]):
            continue
        money = int(problem.cost[at, t])
        if money <= room.left(t):
            when[at] = t
            room.spend(t, money)


def _topological(problem: Compiled, order: Ints) -> list[int]:
    placed = np.zeros(len(order), dtype=bool)
    result: list[int] = []

    def place(at: int) -> None:
        stack = [at]
        while stack:
            top = stack[-1]
            waiting = [one for one in problem.before[top] if not placed[one]]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            if not placed[top]:
                placed[top] = True
                result.append(top)

    for at in order:
        if not placed[at]:
            place(int(at))
    return result
