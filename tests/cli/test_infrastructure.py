"""``lienthong infrastructure steiner`` as a script meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.in_process import run

SQUARE = """33D32945 STP File, STP Format Version 1.0
SECTION Graph
Nodes 5
Edges 8
E 1 2 3
E 2 3 3
E 3 4 3
E 4 1 3
E 1 5 2
E 2 5 2
E 3 5 2
E 4 5 2
END
SECTION Terminals
Terminals 4
T 1
T 2
T 3
T 4
END
EOF
"""

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def square(tmp_path: Path) -> Path:
    path = tmp_path / "square.stp"
    path.write_text(SQUARE)
    return path


def test_json_gives_cost_bound_and_the_edges_as_the_file_numbers_them(
    square: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = run(capsys, monkeypatch, "infrastructure", "steiner", square, "--time", 30, "--json")
    answer = json.loads(out)
    assert code == 0
    assert (answer["cost"], answer["lower_bound"], answer["proved"]) == (8, 8, True)
    assert sorted(map(sorted, answer["edges"])) == [[1, 5], [2, 5], [3, 5], [4, 5]]
    assert answer["seconds"] >= 0


def test_people_read_the_cost_and_how_far_it_is_from_the_bound(
    square: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = run(capsys, monkeypatch, "infrastructure", "steiner", square)
    assert code == 0
    assert "cost         8" in out
    assert "lower bound  8  (proved optimal)" in out


def test_a_bad_file_is_refused_with_the_line(
    square: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    square.write_text(SQUARE.replace("E 2 3 3", "E 2 three 3"))
    code, out, err = run(capsys, monkeypatch, "infrastructure", "steiner", square)
    assert code == 1
    assert out == ""
    assert "square.stp:6" in err


def test_help_does_not_load_the_numeric_libraries() -> None:
    program = (
        "import sys; sys.argv = ['lienthong', 'infrastructure', '--help']\n"
        "from lienthong.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert not {'numba', 'numpy', 'highspy', 'scipy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, timeout=60)
