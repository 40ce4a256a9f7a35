"""How much each sender used lately: cumulative buckets, so that a quota is two bisections."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
_KEEP_SECONDS: Final = 120
_KEEP_MINUTES: Final = 2 * 24 * 60


@dataclass(slots=True)
class _Buckets:
    """Totals since the first bucket, at the beginning of each bucket that got something."""

    width_ms: int
    keep: int
    starts: list[int] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)
    amounts: list[int] = field(default_factory=list)
    total_messages: int = 0
    total_amount: int = 0

    def add(self, at_ms: int, messages: int, amount: int) -> None:
        start = at_ms - at_ms % self.width_ms
        if not self.starts or self.starts[-1] < start:
            self.starts.append(start)
            self.messages.append(self.total_messages)
            self.amounts.append(self.total_amount)
            if len(self.starts) > 2 * self.keep:
                self._trim(start - self.keep * self.width_ms)
        self.total_messages += messages
        self.total_amount += amount

    def since(self, since_ms: int) -> tuple[int, int]:
        at = bisect_left(self.starts, since_ms)
        if at == len(self.starts):
            return 0, 0
        return self.total_messages - self.messages[at], self.total_amount - self.amounts[at]

    def newest(self) -> tuple[int, int, int]:
        """(start, messages, amount) of the last bucket."""
        return (
            self.starts[-1],
            self.total_messages - self.messages[-1],
            self.total_amount - self.amounts[-1],
        )

    def _trim(self, before_ms: int) -> None:
        cut = bisect_left(self.starts, before_ms)
        del self.starts[:cut], self.messages[:cut], self.amounts[:cut]


class Usage:
    """Messages and bytes of each sender, by the second for two minutes and by the minute for two days."""

    def __init__(self) -> None:
        self._seconds: dict[str, _Buckets] = {}
        self._minutes: dict[str, _Buckets] = {}
        self._finished: dict[tuple[str, int], tuple[int, int]] = {}
        self._touched: set[str] = set()

    def add(self, sender: str, at_ms: int, messages: int, amount: int) -> None:
        seconds = self._seconds.get(sender)
        if seconds is None:
            seconds = self._seconds[sender] = _Buckets(SECOND_MS, _KEEP_SECONDS)
        minutes = self._minutes_of(sender)
        if sender in self._touched and minutes.starts[-1] < at_ms - at_ms % MINUTE_MS:
            start, count, total = minutes.newest()
            self._finished[sender, start] = count, total
        self._touched.add(sender)
        seconds.add(at_ms, messages, amount)
        minutes.add(at_ms, messages, amount)

    def load(self, sender: str, start_ms: int, messages: int, amount: int) -> None:
        """One minute read back, oldest first."""
        self._minutes_of(sender).add(start_ms, messages, amount)

    def since(self, sender: str, since_ms: int) -> tuple[int, int]:
        """(messages, bytes) in the buckets that began at ``since_ms`` or later."""
        seconds = self._seconds.get(sender)
        if seconds is not None and seconds.starts and seconds.starts[0] <= since_ms:
            return seconds.since(since_ms)
        minutes = self._minutes.get(sender)
        return (0, 0) if minutes is None else minutes.since(since_ms)

    def take_changes(self) -> list[tuple[str, int, int, int]]:
        """(sender, minute in ms, messages, bytes) of every minute that changed since the last call."""
        changes = [(sender, start, *totals) for (sender, start), totals in self._finished.items()]
        changes += [(sender, *self._minutes[sender].newest()) for sender in self._touched]
        self._finished.clear()
        self._touched.clear()
        return changes

    def _minutes_of(self, sender: str) -> _Buckets:
        minutes = self._minutes.get(sender)
        if minutes is None:
            minutes = self._minutes[sender] = _Buckets(MINUTE_MS, _KEEP_MINUTES)
        return minutes
