"""CPU of the embedded store for a document, above a bare batched write and sync of the same bytes."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from benchmarks._store import ORIGIN, BareAppend, documents, sign_checkpoint
from benchmarks.figure import Figure
from lienthong.exchange.receipts import leaf_bytes
from lienthong.exchange.store.embedded import open_embedded
from lienthong.exchange.store.protocol import Accepted
from lienthong.trust.log.merkle import Frontier, leaf_hash


def _cpu_us(call: Callable[[], object]) -> float:
    start = time.process_time_ns()
    call()
    return (time.process_time_ns() - start) / 1000


def _measure(folder: Path, *, size: int, batch: int, batches: int, recipients: int = 1) -> dict[str, float]:
    """Median µs CPU a document of each part, all taken in turn within one run."""
    store = open_embedded(folder / "hub", ORIGIN, sign_checkpoint)
    bare = BareAppend(folder / "bare")
    stream = documents(size=size, recipients=recipients)
    frontier = Frontier()
    samples: dict[str, list[float]] = {"append": [], "leaf": [], "commit": [], "receipt": []}
    for n in range(batches):
        submissions = list(islice(stream, batch))
        payloads = [bytes(each.payload) + each.summary for each in submissions]  # type: ignore[arg-type]
        samples["append"].append(_cpu_us(lambda: bare(payloads)))  # noqa: B023

        def leaves() -> None:
            nonlocal frontier
            grown = frontier.append([leaf_hash(leaf_bytes(each, n)) for each in submissions])  # noqa: B023
            grown.proofs()
            sign_checkpoint(grown.size, grown.root)
            frontier = grown.frontier

        samples["leaf"].append(_cpu_us(leaves))
        outcomes: list[object] = []
        samples["commit"].append(_cpu_us(lambda: outcomes.extend(store.commit(submissions, n))))  # noqa: B023
        accepted = [each.index for each in outcomes if isinstance(each, Accepted)]
        samples["receipt"].append(_cpu_us(lambda: [store.receipt(index) for index in accepted]))  # noqa: B023
    store.close()
    bare.close()
    warm = batches // 10
    return {part: statistics.median(values[warm:]) / batch for part, values in samples.items()}


def measure(*, quick: bool) -> Iterator[Figure]:
    for size, batch, recipients in (
        (4096, 8, 1),
        (4096, 16, 1),
        (4096, 32, 1),
        (102_400, 16, 1),
        (4096, 16, 109),
    ):
        with tempfile.TemporaryDirectory(prefix="lienthong-bench-") as folder:
            batches = (40 if quick else 400) if recipients == 1 else (20 if quick else 120)
            part = _measure(Path(folder), size=size, batch=batch, batches=batches, recipients=recipients)
        above = part["commit"] - part["append"] - part["leaf"]
        kibibytes = f"{size // 1024}k"
        if recipients == 1:
            yield Figure(
                f"store_us_per_document_{kibibytes}_batch{batch}",
                above,
                "<= 40",
                "us CPU",
                part["commit"],
                part["append"],
                "bare batched append",
                parts={
                    "append": part["append"],
                    "leaf+tree+checkpoint": part["leaf"],
                    "store": above,
                    "receipt": part["receipt"],
                },
            )
        else:
            yield Figure(
                f"store_us_per_delivery_of_a_broadcast_to_{recipients}",
                above / recipients,
                "<= 10",
                "us CPU",
                part["commit"],
                part["append"],
                "bare batched append of one document",
            )


if __name__ == "__main__":
    for figure in measure(quick=False):
        print(figure.line(), flush=True)
