"""A hub whose clock the test sets: everything in it that asks for the time asks this one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import time

import httpx
from tests.exchange.province import RunningHub, TestProvince

from lienthong.trust.asic import MIMETYPE


class Clock:
    """Unix seconds, as far from the real ones as it was set."""

    def __init__(self, away: timedelta = timedelta(0)) -> None:
        self.away_s = away.total_seconds()

    def __call__(self) -> float:
        return time() + self.away_s

    def set(self, away: timedelta) -> None:
        self.away_s = away.total_seconds()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self(), UTC)


class ClockedHub(RunningHub):
    """A :class:`RunningHub` on that clock."""

    def __init__(self, province: TestProvince, clock: Clock) -> None:
        super().__init__(province, clock)
        self.clock = clock

    def look_at_the_clock(self) -> float:
        """What upkeep does each second, at once."""
        return self.on_loop(self.app.hub.look_at_the_clock)

    def token(self, code: str) -> dict[str, str]:
        """A session of this hub's time."""
        fingerprint = bytes.fromhex(self.province.agencies[code].tls[0].fingerprint)
        return {"Authorization": f"Bearer {self.app.tokens.issue(fingerprint, int(self.clock()) + 60)}"}

    def send_at(self, code: str, to: str, **options: object) -> httpx.Response:
        """A document sealed and handed over by the hub's time."""
        now = self.clock.now()
        document = self.province.document(code, [to], day=min(now, datetime.now(UTC)).date())
        container = self.province.container(document, signing_time=now, **options)  # type: ignore[arg-type]
        headers = {**self.token(code), "Content-Type": MIMETYPE}
        return self.http.post("/v1/messages", content=container, headers=headers)
