"""Prometheus metrics, cheap where it matters: plain integers on the way, read by a collector when asked."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

if TYPE_CHECKING:
    from lienthong.exchange.server.application import Application

BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Durations:
    """A histogram of seconds over :data:`BOUNDS`: one bisection a value."""

    __slots__ = ("_counts", "_total")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._total = 0.0

    def observe(self, seconds: float) -> None:
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._total += seconds

    def family(self, name: str, words: str) -> HistogramMetricFamily:
        buckets, seen = [], 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self._counts, strict=True):
            seen += count
            buckets.append((bound, float(seen)))
        return HistogramMetricFamily(name, words, buckets=buckets, sum_value=self._total)


class Exposition:
    """What ``/metrics`` shows of an application."""

    def __init__(self, app: Application) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._registry.register(_Collector(app))

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _Collector:
    def __init__(self, app: Application) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
        yield from self._requests()
        yield from self._records()
        yield from self._waiting()
        yield from self._health()

    def _requests(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "lienthong_requests", "Requests answered", labels=("operation", "status")
        )
        for (operation, status), count in sorted(self._app.answered.items()):
            requests.add_metric((operation, str(status)), count)
        yield requests
        problems = CounterMetricFamily("lienthong_problems", "Problems answered", labels=("code",))
        for code, count in sorted(self._app.problems.items()):
            problems.add_metric((code,), count)
        yield problems
        yield self._app.accept_seconds.family(
            "lienthong_accept_seconds", "From a message's first header to its receipt"
        )

    def _records(self) -> Iterator[Metric]:
        figures = self._app.hub.figures
        records = CounterMetricFamily("lienthong_records", "Records appended to the log", labels=("kind",))
        records.add_metric(("document",), figures.documents)
        records.add_metric(("status",), figures.statuses)
        records.add_metric(("acknowledgement",), figures.acknowledgements)
        yield records
        for name, words, value in (
            ("duplicates", "Messages that had been accepted before", figures.duplicates),
            ("refused", "Messages that the log refused", figures.refused),
            ("payload_bytes", "Bytes of containers accepted", figures.payload_bytes),
        ):
            yield CounterMetricFamily(f"lienthong_{name}", words, value=value)
        commit = self._app.hub.commit.figures
        for name, words, number in (
            ("batches", "Batches committed", float(commit.batches)),
            ("batch_seconds", "Time spent in committing", commit.seconds),
            ("batch_failures", "Batches that could not be made durable", float(commit.failures)),
        ):
            yield CounterMetricFamily(f"lienthong_{name}", words, value=number)

    def _waiting(self) -> Iterator[Metric]:
        hub = self._app.hub
        for name, words, value in (
            ("requests_inside", "Messages being received or stored", hub.door.inside),
            ("writer_backlog", "Verified messages that wait for the writer", hub.commit.backlog),
            ("inbox_waiters", "Long polls and event streams", self._app.streams.held),
        ):
            yield GaugeMetricFamily(f"lienthong_{name}", words, value=value)

    def _health(self) -> Iterator[Metric]:
        health = GaugeMetricFamily("lienthong_health", "1 well, 0.5 warning, 0 failing", labels=("item",))
        for item in self._app.health.latest:
            health.add_metric((item.name,), {"ok": 1.0, "warning": 0.5, "failing": 0.0}[item.state])
        yield health
