"""Who waits for something in which inbox, and waking them the moment it is there: no polling.

Used from the event loop's thread only; a store that hears of other processes' records hops onto it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


class Notices:
    """Waiters by agency. :meth:`announce` costs nothing when nobody waits."""

    __slots__ = ("_closed", "_waiters")

    def __init__(self) -> None:
        self._waiters: dict[str, set[asyncio.Future[bool]]] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def somebody(self) -> bool:
        """Whether anybody waits; may be asked from any thread."""
        return bool(self._waiters)

    @property
    def waiting(self) -> int:
        return sum(len(waiters) for waiters in self._waiters.values())

    def register(self, agency: str) -> asyncio.Future[bool]:
        """A future that becomes True at the next record for the agency, False when the hub stops.

        Register first and read the inbox after, so that nothing falls between. Hand it back with
        :meth:`forget`.
        """
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self._closed:
            waiter.set_result(False)
        else:
            self._waiters.setdefault(agency, set()).add(waiter)
        return waiter

    def forget(self, agency: str, waiter: asyncio.Future[bool]) -> None:
        waiters = self._waiters.get(agency)
        if waiters is not None:
            waiters.discard(waiter)
            if not waiters:
                del self._waiters[agency]

    def announce(self, agencies: Iterable[str]) -> None:
        """Something new is in the inboxes of these agencies."""
        if not self._waiters:
            return
        for agency in agencies:
            for waiter in self._waiters.pop(agency, ()):
                if not waiter.done():
                    waiter.set_result(True)

    def announce_all(self) -> None:
        """Something may be new anywhere (a store that cannot say for whom)."""
        self.announce(list(self._waiters))

    def close(self) -> None:
        """The hub stops: everybody who waits is answered with what there is."""
        self._closed = True
        for waiters in self._waiters.values():
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(False)
        self._waiters.clear()
