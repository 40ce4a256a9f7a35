"""The registry keeps its promises on PostgreSQL too: the same tests, run against a server of our own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.exchange.store.cluster import running_cluster

HERE = Path(__file__).parent
SUITE = [
    "test_actions.py",
    "test_certificates.py",
    "test_importing.py",
    "test_publishing.py",
    "test_queries.py",
]


@pytest.mark.slow
def test_every_promise_to_the_database_holds_on_postgresql() -> None:
    with running_cluster() as cluster:
        url = f"postgresql://postgres@127.0.0.1:{cluster.port}/postgres"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "--create-db"]
            + [str(HERE / name) for name in SUITE],
            cwd=HERE.parent.parent,
            env={**os.environ, "LIENTHONG_REGISTRY_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-8000:]
    assert " passed" in done.stdout
