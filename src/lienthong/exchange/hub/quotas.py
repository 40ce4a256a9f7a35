"""What one agency may use: messages a minute (token bucket) and bytes a day (counted from the store).

Used from the event loop's thread only. Time comes in as an argument.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil

from lienthong.core.clock import VIETNAM
from lienthong.exchange.errors import QuotaExceeded
from lienthong.registry.directory import Quota


class QuotaUsedUp(QuotaExceeded):
    """Carries how long to wait: ``retry_after_s`` ≥ 1."""

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail, remedy=f"send again in {retry_after_s} s; the message id may stay the same")
        self.retry_after_s = retry_after_s


class _Use:
    __slots__ = ("bytes_today", "day", "filled_s", "tokens")

    def __init__(self, tokens: float, now_s: float, day: int, bytes_today: int) -> None:
        self.tokens = tokens
        self.filled_s = now_s
        self.day = day
        self.bytes_today = bytes_today


class Quotas:
    """One agency's day begins with :meth:`open`, told what the store counted, so that a restart forgets
    nothing.
    """

    __slots__ = ("_uses",)

    def __init__(self) -> None:
        self._uses: dict[str, _Use] = {}

    def known(self, agency: str, now_s: float) -> bool:
        """Whether the agency's use of this day is known; else :meth:`open` comes first."""
        use = self._uses.get(agency)
        return use is not None and use.day == (now_s + _OFFSET_S) // 86_400

    def open(self, agency: str, quota: Quota, now_s: float, bytes_today: int) -> None:
        """Begin the agency's day with what it has used of it."""
        before = self._uses.get(agency)
        tokens, filled_s = (before.tokens, before.filled_s) if before else (quota.messages_per_minute, now_s)
        self._uses[agency] = _Use(tokens, filled_s, _day(now_s), bytes_today)

    def take(self, agency: str, quota: Quota, size: int, now_s: float) -> None:
        """Count one message of ``size`` bytes about to be received, or :class:`QuotaUsedUp`."""
        use = self._uses[agency]
        rate = quota.messages_per_minute / 60.0
        tokens = use.tokens + (now_s - use.filled_s) * rate
        if tokens > quota.messages_per_minute:
            tokens = quota.messages_per_minute
        if tokens < 1.0:
            raise QuotaUsedUp(
                f"{agency} may send {quota.messages_per_minute} messages a minute",
                max(1, ceil((1.0 - tokens) / rate)),
            )
        if use.bytes_today + size > quota.bytes_per_day:
            raise QuotaUsedUp(
                f"{agency} may send {quota.bytes_per_day} bytes a day; {use.bytes_today} are used",
                _until_midnight(now_s),
            )
        use.tokens = tokens - 1.0
        use.filled_s = now_s
        use.bytes_today += size

    def give_back(self, agency: str, size: int) -> None:
        """The message was not stored (refused, cut off, or a duplicate): its bytes do not count."""
        use = self._uses[agency]
        use.bytes_today = max(0, use.bytes_today - size)


_OFFSET_S = VIETNAM.utcoffset(None).total_seconds()


def _day(now_s: float) -> int:
    """Days since the epoch in Vietnam time."""
    return int((now_s + _OFFSET_S) // 86_400)


def midnight_ms(now_s: float) -> int:
    """When the day that ``now_s`` lies in began in Vietnam, Unix milliseconds."""
    return int((_day(now_s) * 86_400 - _OFFSET_S) * 1000)


def _until_midnight(now_s: float) -> int:
    now = datetime.fromtimestamp(now_s, UTC).astimezone(VIETNAM)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return max(1, int((midnight - now).total_seconds()))
