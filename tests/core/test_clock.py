"""Deadlines count working days of Vietnam."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.core.clock import WorkingCalendar, public_holidays

CALENDAR = WorkingCalendar()
DAYS = st.dates(date(2017, 1, 1), date(2027, 12, 31))


def test_national_day_and_reunification_day_are_holidays() -> None:
    assert {date(2019, 9, 2), date(2019, 4, 30), date(2019, 5, 1)} <= public_holidays(2019)


def test_a_deadline_skips_the_weekend_and_the_holiday() -> None:
    # Thursday 29 August 2019 + 2 working days: Friday 30, then Monday 2 September is National Day
    assert CALENDAR.add_working_days(date(2019, 8, 29), 2) == date(2019, 9, 3)


def test_a_worked_saturday_counts() -> None:
    opened = WorkingCalendar.with_exceptions(opened=[date(2019, 8, 31)])
    assert opened.add_working_days(date(2019, 8, 30), 1) == date(2019, 8, 31)


def test_a_day_off_in_lieu_does_not_count() -> None:
    closed = WorkingCalendar.with_exceptions(closed=[date(2019, 8, 30)])
    assert closed.add_working_days(date(2019, 8, 29), 1) == date(2019, 9, 3)


def test_negative_days_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        CALENDAR.add_working_days(date(2019, 1, 2), -1)


@given(DAYS, st.integers(0, 60))
def test_a_deadline_is_a_working_day_and_leaves_exactly_that_many_between(start: date, days: int) -> None:
    end = CALENDAR.add_working_days(start, days)
    assert CALENDAR.is_working_day(end)
    if days:
        span = (start + timedelta(n + 1) for n in range((end - start).days))
        assert sum(CALENDAR.is_working_day(day) for day in span) == days
