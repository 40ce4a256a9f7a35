"""The door: how many requests of one agency are inside at once. The others wait in line, then are told to.

Used from the event loop's thread only.
"""

from __future__ import annotations

import asyncio
from collections import deque

from lienthong.exchange.hub.quotas import QuotaUsedUp


class Door:
    """``waiting`` requests of one agency may stand in line beyond those inside."""

    __slots__ = ("_inside", "_lines", "_waiting", "inside")

    def __init__(self, waiting: int) -> None:
        self._waiting = waiting
        self._inside: dict[str, int] = {}
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}
        self.inside = 0

    def of(self, agency: str) -> int:
        """How many requests of an agency are inside."""
        return self._inside.get(agency, 0)

    def try_enter(self, agency: str, concurrent: int) -> bool:
        """Enter at once if there is room; the usual case, without an await."""
        inside = self._inside.get(agency, 0)
        if inside >= concurrent:
            return False
        self._inside[agency] = inside + 1
        self.inside += 1
        return True

    async def enter(self, agency: str, concurrent: int) -> None:
        """Enter when it is this request's turn; :class:`QuotaUsedUp` when the line is full."""
        if self.try_enter(agency, concurrent):
            return
        line = self._lines.setdefault(agency, deque())
        if len(line) >= self._waiting:
            raise QuotaUsedUp(
                f"{agency} has {concurrent} requests under way and {len(line)} waiting already", 1
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(agency)
            else:
                line.remove(turn)
                if not line:
                    self._lines.pop(agency, None)
            raise

    def leave(self, agency: str) -> None:
        """Let the next one of the agency in, or count one less."""
        line = self._lines.get(agency)
        while line:
            turn = line.popleft()
            if not line:
                self._lines.pop(agency, None)
            if not turn.done():
                turn.set_result(None)
                return
        self.inside -= 1
        inside = self._inside[agency] - 1
        if inside:
            self._inside[agency] = inside
        else:
            del self._inside[agency]
