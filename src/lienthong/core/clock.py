"""The working-time clock: Vietnam time and the days on which offices are open.

Time always comes in as an argument; nothing here asks the wall clock except :func:`utc_now`,
which the edges call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

import holidays

VIETNAM = timezone(timedelta(hours=7), "+07:00")
"""Vietnam has one offset the year round (no daylight saving)."""

Clock = Callable[[], datetime]
"""Anything that answers the current time, aware, in UTC."""


def utc_now() -> datetime:
    """The wall clock, aware, in UTC."""
    return datetime.now(UTC)


@lru_cache(maxsize=64)
def public_holidays(year: int) -> frozenset[date]:
    """Vietnam's public holidays of a year (Labour Code 2019, art. 112), in-lieu days included."""
    return frozenset(holidays.country_holidays("VN", years=year))


@dataclass(frozen=True)
class WorkingCalendar:
    """Working days: Monday to Friday, less public holidays, with the province's own exceptions.

    ``closed`` are extra days off (in-lieu days decided by the Government each year);
    ``opened`` are days worked in exchange.
    """

    closed: frozenset[date] = field(default_factory=frozenset)
    opened: frozenset[date] = field(default_factory=frozenset)

    @classmethod
    def with_exceptions(cls, closed: Iterable[date] = (), opened: Iterable[date] = ()) -> WorkingCalendar:
        return cls(frozenset(closed), frozenset(opened))

    def is_working_day(self, day: date) -> bool:
        if day in self.opened:
            return True
        return day.weekday() < 5 and day not in self.closed and day not in public_holidays(day.year)

    def add_working_days(self, start: date, days: int) -> date:
        """The day ``days`` working days after ``start`` (``days`` ≥ 0; 0 is the next working day
        on or after ``start``). Civil Code 2015, art. 147–148: the first day does not count and a
        period that ends on a day off ends with the next working day.
        """
        if days < 0:
            raise ValueError("days must not be negative")
        day = start
        while days:
            day += timedelta(days=1)
            if self.is_working_day(day):
                days -= 1
        while not self.is_working_day(day):
            day += timedelta(days=1)
        return day
