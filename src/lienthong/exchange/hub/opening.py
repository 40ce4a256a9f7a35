"""Opening containers together: what arrives at one moment goes through each step side by side.

A processor that verifies thirty signatures in a row finds the curve's tables in its cache each time; one that
reads XML and writes answers in between fetches them anew. That is a fifth of what a small document costs.

Used from the event loop's thread only. Nothing is held longer than one by one: between two slices the loop
goes on, and what fails is told to its own message alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from lienthong.exchange.container import Opened, read_message
from lienthong.exchange.hub.acceptance import Acceptor
from lienthong.trust.asic import Container, Unverified
from lienthong.trust.errors import ContainerError
from lienthong.trust.zip.format import TooMuch

GROUP = 64
"""Containers that are opened together at most: all that the agencies of a province send at one moment."""
GATHER_S = 0.003
"""How long a group waits for others who are on their way: less than a disk takes to sync."""
SLICE = 32
"""Of one step, before the loop may do something else: two or three milliseconds."""


class _Waiting:
    __slots__ = ("container", "failure", "future", "now_s", "opened", "payload", "unverified")

    def __init__(self, future: asyncio.Future[Opened | None], payload: bytes, now_s: float) -> None:
        self.future = future
        self.payload = payload
        self.now_s = now_s
        self.failure: Exception | None = None
        self.unverified: Unverified
        self.container: Container
        self.opened: Opened


class Opening:
    """``in_house`` answers how many messages are on their way, those handed over included: while others are,
    a group gathers for :data:`GATHER_S`. ``busy``: containers are waiting or being opened.
    """

    __slots__ = ("_acceptor", "_gathering", "_in_house", "_loop", "_task", "_waiting", "busy")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        acceptor: Acceptor,
        *,
        in_house: Callable[[], int] = lambda: 0,
    ) -> None:
        self._loop = loop
        self._acceptor = acceptor
        self._in_house = in_house
        self._waiting: deque[_Waiting] = deque()
        self._gathering: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self.busy = False

    def open(self, payload: bytes, now_s: float) -> asyncio.Future[Opened | None]:
        """The container with every digest and signature checked, and its edXML message read; None when it
        unpacks to more than may be unpacked on the loop's thread. Raises as
        :func:`~lienthong.exchange.container.open_container`.
        """
        future: asyncio.Future[Opened | None] = self._loop.create_future()
        self._waiting.append(_Waiting(future, payload, now_s))
        alone = len(self._waiting) >= min(self._in_house(), GROUP)
        if not self.busy:
            self.busy = True
            if alone:
                self._begin()
            else:
                self._gathering = self._loop.call_later(GATHER_S, self._begin)
        elif alone and self._gathering is not None:
            self._gathering.cancel()
            self._begin()
        return future

    def _begin(self) -> None:
        self._gathering = None
        self._task = self._loop.create_task(self._work())

    async def _work(self) -> None:
        waiting = self._waiting
        while waiting:
            group = [waiting.popleft() for _ in range(min(GROUP, len(waiting)))]
            for step in (self._examine, self._verify, self._read):
                for start in range(0, len(group), SLICE):
                    step(group[start : start + SLICE])
                    if start + SLICE < len(group):
                        await asyncio.sleep(0)
            for one in group:
                self._tell(one)
        self.busy = False

    def _examine(self, group: Sequence[_Waiting]) -> None:
        examine = self._acceptor.examine
        for one in group:
            try:
                one.unverified = examine(one.payload)
            except Exception as failure:
                one.failure = failure

    def _verify(self, group: Sequence[_Waiting]) -> None:
        for one in group:
            if one.failure is None:
                try:
                    one.container = one.unverified.verify()
                except Exception as failure:
                    one.failure = failure

    def _read(self, group: Sequence[_Waiting]) -> None:
        today = self._acceptor.today
        for one in group:
            if one.failure is None:
                try:
                    one.opened = read_message(one.container, today=today(one.now_s))
                except Exception as failure:
                    one.failure = failure
                    one.container.close()

    @staticmethod
    def _tell(one: _Waiting) -> None:
        future, failure = one.future, one.failure
        if future.done():  # who sent it has hung up
            if failure is None:
                one.opened.close()
        elif failure is None:
            future.set_result(one.opened)
        elif isinstance(failure, ContainerError) and failure.code == TooMuch.code:
            future.set_result(None)
        else:
            future.set_exception(failure)
