"""The agencies at work: each takes what waits in its inbox, verifies it, enters it and answers.

What an agency does depends on its code alone, and every message id on the document and the agency: played
again, the story finds everything said already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from lienthong.exchange.client.asynchronous import AsyncClient
from lienthong.exchange.client.receiving import Received
from lienthong.exchange.edxml.model import BusinessType, Document, Status

PAGE = 200
FETCHES = 6

STAFF = ("Nguyễn Thị Lan", "Trần Văn Hải", "Lê Thị Mai", "Phạm Quốc Tuấn", "Võ Ngọc Hạnh", "Huỳnh Tấn Phát")


@dataclass
class Tally:
    """What was counted along the way. ``overtaken``: agencies to which the hỏa tốc came first."""

    fetched: int = 0
    statuses_read: int = 0
    overtaken: int = 0
    unsealed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """One status an agency reports, with the reason where one is needed."""

    code: str
    reason: str = ""


Rule = Callable[[str, Document], Sequence[Answer]]
"""(agency code, document) → what the agency reports on it, in order."""


class Clerk:
    """The records clerk of one agency."""

    def __init__(self, client: AsyncClient, rules: Mapping[str, Rule], tally: Tally) -> None:
        self.client = client
        self.code = client.profile.code
        self._rules = rules
        self._tally = tally
        self._name = STAFF[_number(self.code) % len(STAFF)]

    async def work(self) -> None:
        """Until nothing of the story waits. What was decided is on the disk before it is acknowledged."""
        await self.client.deliver()
        full = True
        while full:
            page = await self.client.inbox(pending=True, limit=PAGE)
            full = len(page.items) == PAGE
            items = [item for item in page.items if self._of_the_story(item.message_id)]
            if not items:
                return
            if _urgent_overtook([(item.kind, item.lane, item.index) for item in items]):
                self._tally.overtaken += 1
            gate = asyncio.Semaphore(FETCHES)
            found = await asyncio.gather(*(self._fetched(item.index, gate) for item in items))
            answers = [status for some in found for status in some]
            if answers:
                await self.client.run(self.client.desk.sending.enqueue_statuses(answers))
            await self.client.acknowledge([item.index for item in items], staff=self._name)
            await self.client.deliver()

    def _of_the_story(self, message_id: str) -> bool:
        """A document of the story, or a status on one. What anybody else sent waits in the inbox for them."""
        return message_id in self._rules or message_id.rpartition(".")[0] in self._rules

    async def _fetched(self, index: int, gate: asyncio.Semaphore) -> list[Status]:
        async with gate:
            return await self._answers(await self.client.fetch(index))

    async def _answers(self, received: Received) -> list[Status]:
        message = received.message
        if isinstance(message, Status):
            self._tally.statuses_read += 1
            return []
        self._tally.fetched += 1
        if received.sealed:
            folder = self.client.profile.folder / "unsealed" / str(received.index)
            if not folder.exists():
                await self.client.extract(received, folder)
            self._tally.unsealed.append(self.code)
        own_id = message.message_id or ""
        return [
            self.client.desk.status_on(
                received,
                answer.code,
                description=answer.reason,
                staff=self._name,
                message_id=f"{own_id}.{answer.code}",
            )
            for answer in self._rules[own_id](self.code, message)
        ]


def entered(code: str, document: Document) -> list[Answer]:
    """Arrived, entered."""
    return [Answer("01"), Answer("03")]


def carried_out(code: str, document: Document) -> list[Answer]:
    """Arrived, entered, and then as far as this agency has come with it."""
    further = ("04", "05", "06")[: _number(code) % 4]
    return [*entered(code, document), *map(Answer, further)]


def consented(code: str, document: Document) -> list[Answer]:
    """Agrees to the recall or update."""
    assert document.business.type is not BusinessType.NEW
    return [Answer("15")]


def _urgent_overtook(lines: Sequence[tuple[str, str, int]]) -> bool:
    """Whether an urgent document stands before something that was accepted earlier."""
    return any(
        kind == "document" and lane == "urgent" and any(index < mine for _, _, index in lines[place + 1 :])
        for place, (kind, lane, mine) in enumerate(lines)
    )


def _number(code: str) -> int:
    return sha256(code.encode()).digest()[0]
