"""Memory of the hub's process at rest: new, with a hundred thousand documents in its log, after a rush."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import httpx
import psutil

from benchmarks import _province
from benchmarks._load import drive
from benchmarks._store import documents
from benchmarks.figure import Figure
from benchmarks.hub import requests_of
from lienthong.exchange.configuration import load
from lienthong.exchange.server.process import checkpoint_key, open_store
from lienthong.trust.log.checkpoints import checkpoint_signer

MEGABYTE = 1e6


def fill(data: Path, count: int) -> None:
    """Append ``count`` documents to the hub's log, without the hub."""
    configuration = load(data)
    store = open_store(configuration, checkpoint_signer(checkpoint_key(configuration)))
    stream = documents(size=300)
    while store.tree_size() < count:
        store.commit(list(islice(stream, min(256, count - store.tree_size()))), 1)
    store.close()


def at_rest(hub: _province.Running) -> float:
    """Resident megabytes, once the hub has answered what operators and agencies ask for first."""
    for path in ("/health/ready", "/metrics", "/v1/log/checkpoint", "/v1/statistics"):
        httpx.get(hub.url + path).raise_for_status()
    return float(psutil.Process(hub.pid).memory_info().rss) / MEGABYTE


def measure(quick: bool = False) -> Iterator[Figure]:
    count, rush = (10_000, 200) if quick else (100_000, 2000)
    with tempfile.TemporaryDirectory(dir=os.environ.get("LIENTHONG_BENCH_DIR")) as temporary:
        data = Path(temporary) / "province"
        subprocess.run([sys.executable, "-m", "benchmarks._province", str(data)], check=True)
        with _province.process("_serve_hub", str(data)) as hub:
            new = at_rest(hub)
        fill(data, count)
        with _province.process("_serve_hub", str(data)) as hub:
            full = at_rest(hub)
            drive(hub.pid, hub.port, requests_of(data, hub.url, rush, 100 * 1024, 0), connections=64)
            after = at_rest(hub)
        parts = {"new": new, f"with {count} documents": full, f"after {rush} of 100 KB at once": after}
        yield Figure(
            "hub_rss_mb_at_rest",
            max(new, full),
            "<= 120",
            "MB",
            parts=parts,
            note="resident memory of the exchange process",
        )
