"""What the agencies' inboxes hold when the story is told: what was fetched, which requests were answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lienthong.exchange.client.asynchronous import AsyncClient

if TYPE_CHECKING:
    from lienthong.exchange.client.answers import InboxLine

PAGE = 500


@dataclass
class Inboxes:
    """``fetched``: documents that their recipient fetched, verified and acknowledged. ``requests``: documents
    that ask for an update, a recall or a replacement. ``answers``: statuses 15 and 16 to such requests.
    """

    fetched: int = 0
    requests: int = 0
    answers: int = 0

    @property
    def answered(self) -> int:
        """Requests that were answered; a 15 or 16 can also answer a status 13, which is no delivery."""
        return min(self.requests, self.answers)

    def add(self, lines: Iterable[InboxLine]) -> None:
        for line in lines:
            if line.kind == "document":
                self.fetched += line.acknowledged_ms is not None
                self.requests += line.business != 0
            else:
                self.answers += line.status in ("15", "16")

    async def look(self, client: AsyncClient) -> None:
        """Add the whole inbox of an agency."""
        after = -1
        while items := (await client.inbox(after=after, limit=PAGE)).items:
            self.add(items)
            if len(items) < PAGE:
                return
            after = items[-1].index
