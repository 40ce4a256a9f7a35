"""How the making of a plan speaks while it runs, shares its time, and is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lienthong.infrastructure.plan.errors import Cancelled

Told = Callable[[str, str, float], None]
"""Stage, what it does now, and how much of it is done (0 to 1; negative: not known)."""


def nobody(stage: str, what: str, share: float) -> None:
    """For those who do not watch."""


@dataclass
class Clock:
    """Splits ``seconds`` of wall-clock time among stages by ``shares``; what one leaves, later ones get."""

    seconds: float
    shares: Mapping[str, float]
    began: float = field(default_factory=time.monotonic)
    passed: set[str] = field(default_factory=set)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.began

    def limit(self, stage: str) -> float:
        """Seconds this stage may take now: its share of what is left among the stages still to come."""
        open_shares = sum(share for name, share in self.shares.items() if name not in self.passed)
        left = max(0.0, self.seconds - self.elapsed)
        return max(0.2, left * self.shares[stage] / max(open_shares, 1e-9))

    def done(self, stage: str) -> None:
        self.passed.add(stage)


@dataclass
class Run:
    """One making: who is told, and the event that stops it."""

    clock: Clock
    told: Told = nobody
    stop: threading.Event = field(default_factory=threading.Event)
    stage: str = ""

    def say(self, what: str, share: float = -1.0) -> None:
        """Tell, and end here when the person has stopped it. Raises :class:`Cancelled`."""
        self.check()
        self.told(self.stage, what, share)

    def check(self) -> None:
        if self.stop.is_set():
            raise Cancelled("the making of the plan was stopped", place=self.stage)

    @property
    def limit(self) -> float:
        return self.clock.limit(self.stage)
