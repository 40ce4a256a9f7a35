"""What is asked: items, years, budgets, who pays and what counts; checked, and put into arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lienthong.infrastructure.phasing.errors import BadPhasingData
from lienthong.infrastructure.phasing.result import BENEFITS, KINDS, Item

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Source:
    """Who pays. ``cap`` is VND by year (a year left out: nothing; None: no limit in any year).

    ``share`` is the most and ``at_least`` the least of the whole capex it takes on (0 to 1), to within one
    đồng; ``pays_for`` are the item kinds it may pay for, empty for all. Sources listed first pay first.
    """

    key: str
    name_vi: str
    name_en: str
    cap: Mapping[int, int] | None = None
    share: float = 1.0
    at_least: float = 0.0
    pays_for: tuple[str, ...] = ()

    def name(self, lang: str) -> str:
        return self.name_en if lang == "en" else self.name_vi

    @property
    def pays_all(self) -> bool:
        """Whether nothing limits what it pays."""
        return self.cap is None and self.share >= 1 and not self.pays_for


EVERYTHING = Source("budget", "Ngân sách", "Budget")


@dataclass(frozen=True)
class Request:
    """``budget`` is the most capex of each of ``years`` (VND of that year); with ``carry_over`` what a year
    leaves is added to the next. ``of`` is the benefit that counts and ``weights`` what being connected in
    each year counts (empty: 1 each, that is person-years). ``complete``: everything must be done.

    Prices grow by ``price_growth`` a year; money is discounted by ``discount_rate`` to the first year, and
    opex counts to the end of ``horizon_years``.
    """

    items: Sequence[Item]
    years: tuple[int, ...]
    budget: tuple[int, ...]
    of: str = "people"
    weights: tuple[float, ...] = ()
    sources: tuple[Source, ...] = (EVERYTHING,)
    carry_over: bool = False
    complete: bool = True
    price_growth: float = 0.0
    discount_rate: float = 0.08
    horizon_years: int = 10


@dataclass(frozen=True)
class Compiled:
    """A checked request as arrays over items (n) in an order where predecessors come first, and years (T).

    ``cost[i, t]`` is VND; ``earliest`` and ``latest`` are years' positions with precedence worked in
    (``latest`` = T when the item may be left out); ``before`` and ``behind`` are direct precedence.
    """

    request: Request
    items: tuple[Item, ...]
    cost: Ints
    gain: Floats
    weights: Floats
    budget: Ints
    earliest: Ints
    latest: Ints
    before: tuple[tuple[int, ...], ...]
    behind: tuple[tuple[int, ...], ...]
    groups: tuple[tuple[str, ...], ...]
    group_of: Ints
    payable: tuple[tuple[int, ...], ...] = field(default=())

    @property
    def years(self) -> int:
        return len(self.request.years)

    @cached_property
    def any_gain(self) -> Floats:
        return np.array([sum(item.benefit.values()) for item in self.items], dtype=np.float64)

    def spent(self, when: Ints) -> Ints:
        """VND by year for a schedule (position of each item's year; T = not done)."""
        done = np.flatnonzero(when < self.years)
        total = np.zeros(self.years, dtype=np.int64)
        np.add.at(total, when[done], self.cost[done, when[done]])
        return total

    def within_budget(self, when: Ints) -> bool:
        spent = self.spent(when)
        if self.request.carry_over:
            return bool((np.cumsum(spent) <= np.cumsum(self.budget)).all())
        return bool((spent <= self.budget).all())

    def score(self, when: Ints) -> float:
        """Connected × weight of the year, summed over the years."""
        later = np.append(np.cumsum(self.weights[::-1])[::-1], 0.0)
        return float((self.gain * later[when]).sum())


def compile_request(request: Request) -> Compiled:
    """Check everything; raises :class:`BadPhasingData` naming the item, year or source."""
    _check_frame(request)
    _check_sources(request)
    keys = _check_items(request.items)
    order = _order(request.items, keys)
    items = tuple(request.items[at] for at in order)
    position = {item.key: at for at, item in enumerate(items)}
    before = tuple(tuple(position[key] for key in dict.fromkeys(item.after)) for item in items)
    behind: list[list[int]] = [[] for _ in items]
    for at, keys_before in enumerate(before):
        for one in keys_before:
            behind[one].append(at)
    earliest, latest = _window(request, items, before, behind)
    growth = [(1 + request.price_growth) ** (year - request.years[0]) for year in request.years]
    cost = np.array([[round(item.capex * each) for each in growth] for item in items], dtype=np.int64)
    signatures: dict[tuple[int, ...], list[str]] = {}
    for kind in KINDS:
        can = tuple(
            at for at, source in enumerate(request.sources) if not source.pays_for or kind in source.pays_for
        )
        signatures.setdefault(can, []).append(kind)
    groups = tuple(tuple(kinds) for kinds in signatures.values())
    group = {kind: at for at, kinds in enumerate(groups) for kind in kinds}
    return Compiled(
        request=request,
        items=items,
        cost=cost.reshape(len(items), len(request.years)),
        gain=np.array([item.benefit.get(request.of, 0.0) for item in items], dtype=np.float64),
        weights=np.array(request.weights or [1.0] * len(request.years)),
        budget=np.array(request.budget, dtype=np.int64),
        earliest=earliest,
        latest=latest,
        before=before,
        behind=tuple(tuple(each) for each in behind),
        groups=groups,
        group_of=np.array([group[item.kind] for item in items], dtype=np.int64),
        payable=tuple(signatures),
    )


def _check_frame(request: Request) -> None:
    years = request.years
    if not years or list(years) != list(range(years[0], years[0] + len(years))):
        raise BadPhasingData(
            f"the years are {', '.join(map(str, years)) or 'none'}",
            place="years",
            remedy="give consecutive years, a budget for each (0 where there is none)",
        )
    if len(request.budget) != len(years):
        raise BadPhasingData(
            f"{len(request.budget)} budgets for {len(years)} years", place="budget", remedy="give one a year"
        )
    for year, money in zip(years, request.budget, strict=True):
        if money < 0:
            raise BadPhasingData(
                f"the budget is {money:,} VND", place=f"budget of {year}", remedy="give 0 or more"
            )
    if request.of not in BENEFITS:
        raise BadPhasingData(
            f"{request.of!r} is not counted", place="objective", remedy=f"choose one of {', '.join(BENEFITS)}"
        )
    if request.weights and (
        len(request.weights) != len(years) or any(not math.isfinite(w) or w < 0 for w in request.weights)
    ):
        raise BadPhasingData(
            f"the weights are {request.weights}", place="weights", remedy="give one of at least 0 a year"
        )
    for name, rate in (("price growth", request.price_growth), ("discount rate", request.discount_rate)):
        if not -0.5 < rate < 1:
            raise BadPhasingData(f"{rate} a year", place=name, remedy="give a share: 0.08 for 8 %")
    if request.horizon_years < len(years):
        raise BadPhasingData(
            f"{request.horizon_years} years",
            place="horizon",
            remedy=f"give at least the {len(years)} planned",
        )


def _check_sources(request: Request) -> None:
    seen = set()
    for source in request.sources:
        place = f"funding source {source.key}"
        if source.key in seen:
            raise BadPhasingData("the source comes twice", place=place, remedy="keep one")
        seen.add(source.key)
        if not 0 <= source.at_least <= source.share <= 1:
            raise BadPhasingData(
                f"the shares are {source.at_least} to {source.share}",
                place=place,
                remedy="give 0 ≤ at_least ≤ share ≤ 1 (0.3 for 30 %)",
            )
        for year, money in (source.cap or {}).items():
            if money < 0:
                raise BadPhasingData(f"{money:,} VND in {year}", place=place, remedy="give 0 or more")
            if year not in request.years:
                raise BadPhasingData(
                    f"there is money in {year}", place=place, remedy=f"plan {year} too, or leave it out"
                )
        for kind in source.pays_for:
            if kind not in KINDS:
                raise BadPhasingData(
                    f"pays for {kind!r}", place=place, remedy=f"name kinds of {', '.join(KINDS)}"
                )
    if not request.sources:
        raise BadPhasingData("nobody pays", place="funding", remedy="name a source, or leave funding out")
    if sum(source.at_least for source in request.sources) > 1 + 1e-9:
        raise BadPhasingData(
            "the least shares add up to more than everything", place="funding", remedy="lower at_least"
        )
    for kind in {item.kind for item in request.items if item.capex > 0} & set(KINDS):
        payers = [each for each in request.sources if not each.pays_for or kind in each.pays_for]
        if not payers:
            raise BadPhasingData(
                f"no source pays for {kind}", place="funding", remedy=f"add {kind} to a source's pays_for"
            )


def _check_items(items: Sequence[Item]) -> dict[str, int]:
    keys: dict[str, int] = {}
    for at, item in enumerate(items):
        place = f"item {item.key or at + 1}"
        if not item.key:
            raise BadPhasingData("the key is empty", place=place, remedy="give each item a key of its own")
        if item.key in keys:
            raise BadPhasingData("the key comes twice", place=place, remedy="give each item a key of its own")
        keys[item.key] = at
        if item.kind not in KINDS:
            raise BadPhasingData(
                f"the kind is {item.kind!r}", place=place, remedy=f"use one of {', '.join(KINDS)}"
            )
        for name in ("capex", "opex_per_year", "saving_per_year", "quantity", "unit_price"):
            number = getattr(item, name)
            if not math.isfinite(number) or not 0 <= number < 1e16:
                raise BadPhasingData(f"{name} is {number}", place=place, remedy="give 0 or more, VND")
        for name, number in item.benefit.items():
            if name not in BENEFITS or not math.isfinite(number) or number < 0:
                raise BadPhasingData(
                    f"the benefit {name} is {number}",
                    place=place,
                    remedy=f"give 0 or more of {', '.join(BENEFITS)}",
                )
    for item in items:
        for key in item.after:
            if key not in keys:
                raise BadPhasingData(
                    f"comes after {key!r}, which is not there",
                    place=f"item {item.key}",
                    remedy="name an item of the list",
                )
    return keys


def _order(items: Sequence[Item], keys: Mapping[str, int]) -> list[int]:
    waiting = [len(set(item.after)) for item in items]
    behind: list[list[int]] = [[] for _ in items]
    for at, item in enumerate(items):
        for key in set(item.after):
            behind[keys[key]].append(at)
    ready = [at for at, count in enumerate(waiting) if count == 0]
    order = []
    for at in ready:
        order.append(at)
        for one in sorted(behind[at]):
            waiting[one] -= 1
            if waiting[one] == 0:
                ready.append(one)
    if len(order) < len(items):
        circle = [item.key for at, item in enumerate(items) if waiting[at] > 0]
        raise BadPhasingData(
            f"each waits for another: {', '.join(circle[:6])}",
            place=f"item {circle[0]}",
            remedy="take one `after` out of the circle",
        )
    return order


def _window(
    request: Request,
    items: Sequence[Item],
    before: Sequence[Sequence[int]],
    behind: Sequence[Sequence[int]],
) -> tuple[Ints, Ints]:
    first, count = request.years[0], len(request.years)
    earliest = np.array(
        [min(max(0, (item.not_before or first) - first), count) for item in items], dtype=np.int64
    )
    last = count - 1 if request.complete else count
    latest = np.array(
        [last if item.due is None else min(item.due - first, last) for item in items], dtype=np.int64
    )
    for at in range(len(items)):
        for one in before[at]:
            earliest[at] = max(earliest[at], earliest[one])
    for at in reversed(range(len(items))):
        for one in behind[at]:
            latest[at] = min(latest[at], latest[one])
    for at, item in enumerate(items):
        if earliest[at] > latest[at]:
            late = (
                f"after {request.years[-1]}" if earliest[at] == count else f"from {first + int(earliest[at])}"
            )
            raise BadPhasingData(
                f"can be done {late} but is needed by {first + int(latest[at])}",
                place=f"item {item.key}",
                remedy="mend not_before or due, of it or of those before and behind it, or plan more years",
            )
    return earliest, latest
