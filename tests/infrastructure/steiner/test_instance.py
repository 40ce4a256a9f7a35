"""What an instance refuses, and where it says the fault lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from lienthong.infrastructure.errors import BadInstance, Disconnected
from lienthong.infrastructure.steiner.instance import Instance, read_steinlib

FILE = """33D32945 STP File, STP Format Version 1.0
SECTION Graph
Nodes 3
Edges 2
E 1 2 4
E 2 3 2.5
END
SECTION Terminals
Terminals 2
T 1
T 3
END
EOF
"""


def test_a_steinlib_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "small.stp"
    path.write_text(FILE)
    instance = read_steinlib(path)
    assert (instance.name, instance.vertices, instance.terminals.tolist()) == ("small", 3, [0, 2])
    assert instance.cost.tolist() == [4, 2.5]
    assert not instance.integral


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("33D32945", "33D32946", "small.stp:1"),
        ("E 2 3 2.5", "E 2 x 2.5", "small.stp:6"),
        ("E 2 3 2.5", "E 2", "small.stp:6"),
        ("E 2 3 2.5", "A 2 3 2.5", "small.stp:6"),
        ("E 2 3 2.5", "E 2 9 2.5", "edge 2"),
        ("E 2 3 2.5", "E 2 3 -1", "edge 2"),
        ("E 2 3 2.5", "E 2 3 nan", "edge 2"),
    ],
)
def test_a_bad_file_is_refused_where_it_is_bad(tmp_path: Path, old: str, new: str, place: str) -> None:
    path = tmp_path / "small.stp"
    path.write_text(FILE.replace(old, new))
    with pytest.raises(BadInstance) as caught:
        read_steinlib(path)
    assert place in (caught.value.place or "")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInstance) as caught:
        read_steinlib(tmp_path / "nowhere.stp")
    assert "nowhere.stp" in (caught.value.place or "")


def test_sites_apart_are_listed() -> None:
    with pytest.raises(Disconnected, match="1 of 2 terminals have no path to terminal 1: 3") as caught:
        Instance.of(3, [(0, 1, 1)], [0, 2])
    assert "missing road" in (caught.value.remedy or "")


@pytest.mark.parametrize("terminals", [[], [3], [-1]])
def test_terminals_must_exist(terminals: list[int]) -> None:
    with pytest.raises(BadInstance, match="terminal"):
        Instance.of(3, [(0, 1, 1), (1, 2, 1)], terminals)
