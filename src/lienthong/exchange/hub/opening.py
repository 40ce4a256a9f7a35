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
from typing import Generic, TypeVar

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
SLICE_BYTES = 4 << 20
"""Of one step, before the loop may do something else: with 64 signatures, some five milliseconds."""


class Arrival(Generic[T]):
    """A container that came in. ``future``: what it turned out to be; the :class:`Opened`, None when it
    unpacks to more than may be unpacked on the loop's thread, what whoever took it over answers, or why not.

    ``sender``, ``directory`` and ``digest`` are for whoever takes it over.
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
        while waiting:
            group = [waiting.popleft() for _ in range(min(GROUP, len(waiting)))]
            slices = _slices(group)
            for step in (self._examine, self._verify, self._read, self._tell):
                for slice_ in slices:
                    step(slice_)
                    if slice_ is not slices[-1]:
                        await asyncio.sleep(0)
        self.busy = False

    def _examine(self, group: Sequence[Arrival[T]]) -> None:
        examine = self._acceptor.examine
        for one in group:
            try:
                one.unverified = examine(one.payload)
            except Exception as failure:
                one.failure = failure

    def _verify(self, group: Sequence[Arrival[T]]) -> None:
        for one in group:
            if one.failure is None:
                try:
                    one.container = one.unverified.verify()
                except Exception as failure:
                    one.failure = failure

    def _read(self, group: Sequence[Arrival[T]]) -> None:
        today = self._acceptor.today
        for one in group:
            if one.failure is None:
                try:
                    one.opened = read_message(one.container, today=today(one.now_s))
                except Exception as failure:
                    one.failure = failure
                    one.container.close()

    def _tell(self, group: Sequence[Arrival[T]]) -> None:
        take_over = self._take_over
        for one in group:
            future, failure = one.future, one.failure
            if future.done():  # who sent it has hung up
                if failure is None:
                    one.opened.close()
            elif failure is None:
                if take_over(one):
                    one.opened.close()
                else:
                    future.set_result(one.opened)
            elif isinstance(failure, ContainerError) and failure.code == TooMuch.code:
                future.set_result(None)
            else:
                future.set_exception(failure)


def _slices(group: list[Arrival[T]]) -> list[list[Arrival[T]]]:
    """The group in its order, in parts of about :data:`SLICE_BYTES` each."""
    slices: list[list[Arrival[T]]] = [[]]
    size = 0
    for one in group:
        if size >= SLICE_BYTES:
            slices.append([])
            size = 0
        slices[-1].append(one)
        size += len(one.payload)
    return slices
