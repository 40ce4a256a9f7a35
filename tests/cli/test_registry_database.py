"""A registry's database that is not there or is damaged is said so, with what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("url", ["", "postgresql://nobody@127.0.0.1:1/registry"])
def test_a_database_that_does_not_answer_exits_3(tmp_path: Path, url: str) -> None:
    (tmp_path / "registry.sqlite3").write_bytes(b"this is no database " * 100)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LIENTHONG_")}
    done = subprocess.run(
        [sys.executable, "-m", "lienthong", "registry", "list", "--json"],
        env={**clean, "LIENTHONG_DATA": str(tmp_path), "LIENTHONG_REGISTRY_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    problem = json.loads(done.stderr)
    assert problem["code"] == "registry-unreachable"
    assert problem["place"]
    assert problem["remedy"]
