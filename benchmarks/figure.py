"""A figure: a ratio measured in one run, with the baseline beside it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Figure:
    """``value`` is what is judged (mostly a ratio, no unit); ``target`` reads like '>= 0.60'.

    ``measured`` and ``baseline`` are what the ratio came from, in ``unit``; ``parts`` is the split.
    """

    name: str
    value: float
    target: str
    unit: str = ""
    measured: float | None = None
    baseline: float | None = None
    baseline_name: str = ""
    parts: dict[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def met(self) -> bool:
        sign, _, limit = self.target.partition(" ")
        number = float(limit)
        return self.value >= number if sign == ">=" else self.value <= number

    def line(self) -> str:
        words = [
            f"bench: {self.name} = {self.value:.4g}",
            f"(target {self.target}: {'met' if self.met else 'NOT met'}",
        ]
        if self.measured is not None:
            words.append(f"; measured {self.measured:.4g} {self.unit}")
        if self.baseline is not None:
            words.append(f"; baseline {self.baseline_name} {self.baseline:.4g} {self.unit}")
        if self.parts:
            words.append("; " + ", ".join(f"{part} {value:.4g}" for part, value in self.parts.items()))
        if self.note:
            words.append(f"; {self.note}")
        return words[0] + " " + "".join(words[1:]) + ")"

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "met": self.met}


def cpu_microseconds(call: Callable[[], object], *, repeat: int, rounds: int = 5) -> float:
    """Median over ``rounds`` of this process's CPU time for one ``call``, in µs (all threads counted)."""
    samples = []
    for _ in range(rounds):
        start = time.process_time_ns()
        for _ in range(repeat):
            call()
        samples.append((time.process_time_ns() - start) / repeat / 1000)
    return statistics.median(samples)
