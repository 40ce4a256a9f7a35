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

    def last(self) -> tuple[int, int, int]:
        """(start, messages, amount) of the newest bucket."""
        return (
            self.starts[-1],
            self.total_messages - self.messages[-1],
            self.total_amount - self.amounts[-1],
        )

    def _trim(self, before_ms: int) -> None:
        cut = bisect_left(self.starts, before_ms)
        del self.starts[:cut], self.messages[:cut], self.amounts[:cut]


class Usage:
    """Messages and bytes of each sender, by the second for two minutes and by the minute for two days.

    What happens within the current second is only summed up: that is all a commit waits for.
    """

    def __init__(self) -> None:
        self._seconds: dict[str, _Buckets] = {}
        self._minutes: dict[str, _Buckets] = {}
        self._now = 0
        self._current: dict[str, list[int]] = {}
        self._changed: dict[tuple[str, int], tuple[int, int]] = {}

    def add(self, sender: str, at_ms: int, amount: int) -> None:
        """One message of so many bytes. Time never goes back."""
        second = at_ms - at_ms % SECOND_MS
        if second != self._now:
            self._settle()
            self._now = second
        totals = self._current.get(sender)
        if totals is None:
            self._current[sender] = [1, amount]
        else:
            totals[0] += 1
            totals[1] += amount

    def load(self, sender: str, start_ms: int, messages: int, amount: int) -> None:
        """One minute read back, oldest first."""
        self._buckets(self._minutes, sender, MINUTE_MS, _KEEP_MINUTES).add(start_ms, messages, amount)

    def since(self, sender: str, since_ms: int) -> tuple[int, int]:
        """(messages, bytes) in the buckets that began at ``since_ms`` or later."""
        self._settle()
        seconds = self._seconds.get(sender)
        if seconds is not None and seconds.starts[0] <= since_ms:
            return seconds.since(since_ms)
        minutes = self._minutes.get(sender)
        return (0, 0) if minutes is None else minutes.since(since_ms)

    def take_changes(self) -> list[tuple[str, int, int, int]]:
        """(sender, minute in ms, messages, bytes) of every minute that changed since the last call."""
        self._settle()
        changes = [(sender, start, *totals) for (sender, start), totals in self._changed.items()]
        self._changed.clear()
        return changes

    def _settle(self) -> None:
        """Put the current second into the buckets."""
        for sender, (messages, amount) in self._current.items():
            self._buckets(self._seconds, sender, SECOND_MS, _KEEP_SECONDS).add(self._now, messages, amount)
            minutes = self._buckets(self._minutes, sender, MINUTE_MS, _KEEP_MINUTES)
            minutes.add(self._now, messages, amount)
            start, *totals = minutes.last()
            self._changed[sender, start] = totals[0], totals[1]
        self._current.clear()

    @staticmethod
    def _buckets(of: dict[str, _Buckets], sender: str, width_ms: int, keep: int) -> _Buckets:
        found = of.get(sender)
        if found is None:
            found = of[sender] = _Buckets(width_ms, keep)
        return found
