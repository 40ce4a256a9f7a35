"""What can be wrong with items, prices and budgets, and the least budget that would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lienthong.infrastructure.errors import BadInstance, PlanningError

if TYPE_CHECKING:
    from lienthong.infrastructure.phasing.least import LeastBudget


class BadPhasingData(BadInstance):
    """Items, years, budgets or funding sources that cannot be used."""

    code = "bad-phasing-data"


class BadPrices(BadInstance):
    """A price list with rows that cannot be used: ``rows`` has (row, column, what is wrong) of every one."""

    code = "bad-prices"

    def __init__(self, rows: Sequence[tuple[int, str, str]], *, place: str, remedy: str) -> None:
        first = rows[0]
        more = f"; {len(rows) - 1} more" if len(rows) > 1 else ""
        super().__init__(f"row {first[0]}, column {first[1]}: {first[2]}{more}", place=place, remedy=remedy)
        self.rows = tuple(rows)


@dataclass(frozen=True)
class Vietnamese:
    """The same for the terminal in Vietnamese; ``detail``: the English one is to be shown too."""

    what: str
    remedy: str
    detail: bool = False


class BudgetTooSmall(PlanningError):
    """Not everything can be done with this money in these years; ``least`` is the least that would do."""

    code = "budget-too-small"
    title: ClassVar[str] = "The budget does not pay for everything in these years"

    def __init__(
        self,
        detail: str,
        *,
        remedy: str,
        least: LeastBudget | None = None,
        vietnamese: Vietnamese | None = None,
        place: str = "budget",
    ) -> None:
        super().__init__(detail, place=place, remedy=remedy)
        self.least = least
        self.vietnamese = vietnamese
