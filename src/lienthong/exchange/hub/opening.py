"""Opening containers together: what arrives at one moment goes through each step side by side.

A processor that verifies thirty signatures in a row finds the curve's tables in its cache each time; one that
reads XML and writes answers in between fetches them anew. That is a fifth of what a small document costs.

Used from the event loop's thread only. A group that takes long lets the loop go on in between, and what fails
is told to its own message alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Generic, TypeVar

from lienthong.core.errors import LienthongError
from lienthong.exchange.container import Opened, read_message
from lienthong.exchange.hub.acceptance import Acceptance, Acceptor
from lienthong.registry.directory import Directory
from lienthong.trust.asic import Container, Unverified
from lienthong.trust.errors import ContainerError
from lienthong.trust.zip.format import TooMuch

T = TypeVar("T")

GROUP = 64
"""Containers that are opened together at most: all that the agencies of a province send at one moment."""
GATHER_S = 0.003
"""How long a group waits for others who are on their way: less than a disk takes to sync."""
HELD_S = 0.020
"""How long the loop is held before it may do something else: longer than a group of small containers takes,
so that these go through without a pause.
"""


class Arrival(Generic[T]):
    """A container that came in. ``future``: what it turned out to be; the :class:`Opened`, None when it
    unpacks to more than may be unpacked on the loop's thread, what whoever took it over answers, or why not.

    ``sender``, ``directory`` and ``digest`` are for whoever takes it over, who leaves ``acceptance`` or
    ``refusal``.
    """

    __slots__ = (
        "acceptance",
        "container",
        "digest",
        "directory",
        "failure",
        "future",
        "now_s",
        "opened",
        "payload",
        "refusal",
        "sender",
        "unverified",
    )

    def __init__(
        self,
        future: asyncio.Future[Opened | T | None],
        payload: bytes,
        now_s: float,
        sender: str,
        directory: Directory,
        digest: bytes,
    ) -> None:
        self.future = future
        self.payload = payload
        self.now_s = now_s
        self.sender = sender
        self.directory = directory
        self.digest = digest
        self.failure: Exception | None = None
        self.unverified: Unverified
        self.container: Container
        self.opened: Opened
        self.acceptance: Acceptance
        self.refusal: LienthongError | None = None


class Opening(Generic[T]):
    """``take_over`` may take an opened container on at once, as the group's last step: it answers whether it
    has, and will then settle the future; it raises nothing and keeps nothing of ``opened``.
    ``in_house`` answers how many messages are on their way, those handed over included: while others are,
    a group gathers for :data:`GATHER_S`. ``busy``: containers are waiting or being opened.
    """

    __slots__ = ("_acceptor", "_gathering", "_in_house", "_loop", "_take_over", "_task", "_waiting", "busy")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        acceptor: Acceptor,
        *,
        take_over: Callable[[Arrival[T]], bool] = lambda _: False,
        in_house: Callable[[], int] = lambda: 0,
    ) -> None:
        self._loop = loop
        self._acceptor = acceptor
        self._take_over = take_over
        self._in_house = in_house
        self._waiting: deque[Arrival[T]] = deque()
        self._gathering: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self.busy = False

    def open(
        self, payload: bytes, now_s: float, sender: str, directory: Directory, digest: bytes
    ) -> Arrival[T]:
        """Have every digest and signature of a container checked, and its edXML message read. The future
        fails as :func:`~lienthong.exchange.container.open_container`.
        """
        arrival: Arrival[T] = Arrival(self._loop.create_future(), payload, now_s, sender, directory, digest)
        self._waiting.append(arrival)
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
        return arrival

    def _begin(self) -> None:
        self._gathering = None
        self._task = self._loop.create_task(self._work())

    async def _work(self) -> None:
        waiting = self._waiting
        try:
            while waiting:
                group = [waiting.popleft() for _ in range(min(GROUP, len(waiting)))]
                try:
                    await self._open_all(group)
                except Exception as fault:
                    _give_up(group, fault)
                except BaseException as end:  # a library's panic too: nobody may be left waiting
                    _give_up((*group, *waiting), end)
                    waiting.clear()
                    raise
        finally:
            self.busy = False

    async def _open_all(self, group: Sequence[Arrival[T]]) -> None:
        until = perf_counter() + HELD_S
        for step in (self._examine, self._verify, self._read, self._tell):
            for one in group:
                step(one)
                if perf_counter() > until:
                    await asyncio.sleep(0)
                    until = perf_counter() + HELD_S

    def _examine(self, one: Arrival[T]) -> None:
        try:
            one.unverified = self._acceptor.examine(one.payload)
        except Exception as failure:
            one.failure = failure

    @staticmethod
    def _verify(one: Arrival[T]) -> None:
        if one.failure is None:
            try:
                one.container = one.unverified.verify()
            except Exception as failure:
                one.failure = failure

    def _read(self, one: Arrival[T]) -> None:
        if one.failure is None:
            try:
                one.opened = read_message(one.container, today=self._acceptor.today(one.now_s))
            except Exception as failure:
                one.failure = failure
                one.container.close()

    def _tell(self, one: Arrival[T]) -> None:
        future, failure = one.future, one.failure
        if future.done():  # who sent it has hung up
            if failure is None:
                one.opened.close()
        elif failure is None:
            if self._take_over(one):
                one.opened.close()
            else:
                future.set_result(one.opened)
        elif isinstance(failure, ContainerError) and failure.code == TooMuch.code:
            future.set_result(None)
        else:
            future.set_exception(failure)


def _give_up(arrivals: Iterable[Arrival[T]], cause: BaseException) -> None:
    """What nobody foresaw: tell all who wait, so that they send again."""
    for one in arrivals:
        if not one.future.done():
            fault = RuntimeError("containers that were opened together were given up")
            fault.__cause__ = cause
            one.future.set_exception(fault)
