"""Clients of the module's province, at its running hub."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from tests.exchange.province import RunningHub, TestProvince

from lienthong.exchange.client.answers import InboxLine
from lienthong.exchange.client.build import compose
from lienthong.exchange.client.http import Wire
from lienthong.exchange.client.steps import Answer, Call
from lienthong.exchange.client.sync import Client
from lienthong.exchange.container import File
from lienthong.exchange.edxml.model import Document

NUMBERS = itertools.count(1)
PDF = File("van-ban.pdf", "application/pdf", b"%PDF-1.7 n\xe1\xbb\x99i dung")

NewClient = Callable[[str], Client]


class Meddler:
    """A wire whose answers somebody changes on the way."""

    def __init__(self, wire: Wire, change: Callable[[Call, Answer], Answer]) -> None:
        self._wire = wire
        self._change = change
        self.calls: list[Call] = []

    def perform(self, call: Call) -> Answer:
        self.calls.append(call)
        return self._change(call, self._wire.perform(call))

    def close(self) -> None:
        self._wire.close()


def meddle(client: Client, change: Callable[[Call, Answer], Answer] = lambda call, answer: answer) -> Meddler:
    """Put somebody between the client and its hub; unchanged answers just count the calls."""
    if client._wire is not None:
        client._wire.close()
    meddler = Meddler(Wire(client.profile), change)
    client._wire = meddler  # type: ignore[assignment]
    return meddler


def a_document(
    client: Client, *to: str, priority: int = 0, subject: str = "Về việc phòng, chống hạn mặn"
) -> Document:
    """A new document with a number that no other test uses."""
    return compose(
        client.profile,
        to=to,
        subject=subject,
        number=str(next(NUMBERS)),
        notation="UBND-VX",
        promulgated=datetime.now(UTC).date(),
        place="Vĩnh Long",
        priority=priority,
    )


def arrival(client: Client, index: int) -> InboxLine:
    """The inbox line of a record."""
    [line] = [item for item in client.inbox(after=index - 1, limit=1).items if item.index == index]
    return line


@pytest.fixture
def clients(province: TestProvince, hub: RunningHub) -> Iterator[NewClient]:
    """Clients by agency code, closed at the end of the test."""
    province.write_profiles(hub.url)
    made: list[Client] = []

    def client(code: str) -> Client:
        made.append(Client(province.data / "agencies" / code))
        return made[-1]

    yield client
    for one in made:
        one.close()
