"""Fair order between agencies: round robin over who has something waiting, urgent before normal.

Pure data structures, used from the event loop's thread only.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from lienthong.exchange.store.protocol import Lane

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Items by agency and lane. Within an agency and a lane the order of arrival is kept."""

    __slots__ = ("_lanes", "bytes", "records")

    def __init__(self) -> None:
        self.records = 0
        self.bytes = 0
        self._lanes: tuple[_RoundRobin[T], ...] = tuple(_RoundRobin() for _ in Lane)

    def push(self, agency: str, lane: Lane, item: T, size: int) -> None:
        self._lanes[lane].push(agency, (item, size))
        self.records += 1
        self.bytes += size

    def of(self, agency: str) -> int:
        """How many items of an agency wait."""
        return sum(lane.of(agency) for lane in self._lanes)

    def take(self, max_records: int, max_bytes: int) -> list[T]:
        """The next batch: urgent first, then one of each agency in turn; at least one when any waits.

        ``max_bytes`` is passed by the first item only, so that a large one can travel at all.
        """
        taken: list[T] = []
        room = max_bytes
        for lane in reversed(self._lanes):
            while lane.ring and len(taken) < max_records:
                if taken and lane.next_size() > room:
                    return taken
                item, size = lane.pop()
                self.records -= 1
                self.bytes -= size
                room -= size
                taken.append(item)
        return taken


class _RoundRobin(Generic[T]):
    __slots__ = ("_waiting", "ring")

    def __init__(self) -> None:
        self.ring: deque[str] = deque()
        self._waiting: dict[str, deque[tuple[T, int]]] = {}

    def push(self, agency: str, entry: tuple[T, int]) -> None:
        waiting = self._waiting.get(agency)
        if waiting is None:
            self._waiting[agency] = deque((entry,))
            self.ring.append(agency)
        else:
            waiting.append(entry)

    def of(self, agency: str) -> int:
        return len(self._waiting.get(agency, ()))

    def next_size(self) -> int:
        return self._waiting[self.ring[0]][0][1]

    def pop(self) -> tuple[T, int]:
        agency = self.ring.popleft()
        waiting = self._waiting[agency]
        entry = waiting.popleft()
        if waiting:
            self.ring.append(agency)
        else:
            del self._waiting[agency]
        return entry
