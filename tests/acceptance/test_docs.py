"""Every command in the README and the docs does what the page says: it runs."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("docs_check", ROOT / "docs" / "check.py")
assert _spec and _spec.loader
docs_check = importlib.util.module_from_spec(_spec)
sys.modules["docs_check"] = docs_check
_spec.loader.exec_module(docs_check)

PAGES = {
    str(page.relative_to(ROOT)): [block for block in docs_check.shell_blocks(page) if block.run_by is None]
    for page in docs_check.pages()
}


@pytest.mark.parametrize("page", [name for name, blocks in PAGES.items() if blocks])
def test_every_command_on_the_page_runs(page: str, tmp_path: Path) -> None:
    script = "set -euo pipefail\n" + "\n".join(block.commands for block in PAGES[page])
    environment = {
        **os.environ,
        "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LIENTHONG_SOURCE": str(ROOT),
    }
    outcome = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert outcome.returncode == 0, f"{page}\n{outcome.stdout[-4000:]}\n{outcome.stderr[-4000:]}"


def test_docs_have_no_broken_links() -> None:
    assert [problem for page in docs_check.pages() for problem in docs_check.problems_of(page)] == []
