"""The embedded store at a million documents: CPU against ten thousand, restart, rebuild, memory at rest."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks._store import ORIGIN, documents, sign_checkpoint
from benchmarks.figure import Figure
from lienthong.exchange.store.embedded import EmbeddedStore, open_embedded, rebuild_index
from lienthong.exchange.store.protocol import Submission

BATCH = 32
_RESTART = """
import json, resource, sys, time
from pathlib import Path
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks._store import ORIGIN, sign_checkpoint
from lienthong.exchange.store.embedded import open_embedded
start = time.perf_counter()
store = open_embedded(Path(sys.argv[1]), ORIGIN, sign_checkpoint)
size, note = store.tree_size(), store.checkpoint()
opened = time.perf_counter() - start
store.inbox(store.record(0).recipients[0])
rss = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
print(json.dumps({"seconds": opened, "size": size, "rss": rss}))
store.close()
"""


def _fill(store: EmbeddedStore, stream: Iterator[Submission], until: int) -> None:
    while store.tree_size() < until:
        store.commit(list(islice(stream, min(BATCH * 8, until - store.tree_size()))), 1)


class _Door:
    """What the hub does at least for every document before it is stored: one P-256 check, one digest."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self._public, self._algorithm = key.public_key(), ec.ECDSA(hashes.SHA256())
        self._signed = b"the signed attributes of a container" * 4
        self._signature = key.sign(self._signed, self._algorithm)

    def pass_through(self, each: Submission) -> None:
        self._public.verify(self._signature, self._signed, self._algorithm)
        assert sha256(each.payload).digest() == each.digest  # type: ignore[arg-type]


def _window(store: EmbeddedStore, stream: Iterator[Submission], batches: int) -> tuple[float, float]:
    """µs CPU a document over so many batches, with the work at the door and the receipt; the store's part."""
    door = _Door()
    whole, stored = [], []
    for _ in range(5):
        submissions = [list(islice(stream, BATCH)) for _ in range(batches // 5)]
        start, inside = time.process_time_ns(), 0
        for each in submissions:
            for one in each:
                door.pass_through(one)
            begin = time.process_time_ns()
            outcomes = store.commit(each, 1)
            inside += time.process_time_ns() - begin
            for outcome in outcomes:
                store.receipt(outcome.index or 0)
        count = 1000 * len(submissions) * BATCH
        whole.append((time.process_time_ns() - start) / count)
        stored.append(inside / count)
    return statistics.median(whole), statistics.median(stored)


def _restart(folder: Path) -> dict[str, float]:
    root = Path(__file__).resolve().parents[1]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "src")])}
    done = subprocess.run(
        [sys.executable, "-c", _RESTART, str(folder)], env=environment, capture_output=True, check=True
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def measure(*, quick: bool) -> Iterator[Figure]:
    large = 60_000 if quick else 1_000_000
    batches = 300
    with tempfile.TemporaryDirectory(prefix="lienthong-bench-") as name:
        folder = Path(name) / "hub"
        store = open_embedded(folder, ORIGIN, sign_checkpoint)
        small, measured = documents(size=300), documents(size=4096, seed=2)
        _fill(store, small, 10_000)
        at_ten_thousand = _window(store, measured, batches)
        _fill(store, small, large)
        at_large = _window(store, measured, batches)
        yield Figure(
            "cpu_per_document_at_1M_over_10k",
            at_large[0] / at_ten_thousand[0],
            "<= 1.2",
            "us CPU a document",
            at_large[0],
            at_ten_thousand[0],
            "at 10,000 documents",
            parts={"store at 10k": at_ten_thousand[1], "store at 1M": at_large[1]},
            note=f"{store.tree_size()} documents; signature, digest, store and receipt of each",
        )
        store.close()
        restart = _restart(folder)
        yield Figure("restart_s_at_1M", restart["seconds"], "<= 3", "s", note=f"{restart['size']} records")
        yield Figure("store_rss_mb_at_rest", restart["rss"] / 1e6, "<= 120", "MB", note="store process alone")
        start = time.perf_counter()
        records = rebuild_index(folder, ORIGIN)
        rate = records / (time.perf_counter() - start)
        yield Figure("index_rebuild_records_per_s", rate, ">= 20000", "records/s", note=f"{records} records")


if __name__ == "__main__":
    for figure in measure(quick="--quick" in sys.argv):
        print(figure.line(), flush=True)
