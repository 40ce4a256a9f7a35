"""OR-Library's files are read as written, and the known optima are found where the files are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from lienthong.infrastructure.siting import covering, median
from lienthong.infrastructure.siting.errors import BadSitingData
from lienthong.infrastructure.siting.orlibrary import read_pmed, read_scp

DATA = Path(
    os.environ.get("LIENTHONG_PLANNING_DATA", Path(__file__).parents[4] / "shared" / "data" / "planning")
)
at_hand = pytest.mark.skipif(not (DATA / "scp41.txt").exists(), reason="OR-Library's files are not at hand")


def _file(folder: Path, text: str) -> Path:
    path = folder / "data.txt"
    path.write_text(text)
    return path


def test_a_covering_file_is_read_by_rows(tmp_path):
    data = read_scp(_file(tmp_path, "3 4\n2 3 4 5\n2\n1 2\n1\n3\n2 3 4\n"))
    assert data.costs.tolist() == [2, 3, 4, 5]
    assert data.covers.toarray().T.tolist() == [[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]
    found = covering.solve(data)
    assert found.chosen.tolist() == [0, 2]
    assert found.value == 6


def test_a_median_file_is_read_as_a_network_whose_repeated_edges_take_the_last_length(tmp_path):
    distances, count = read_pmed(_file(tmp_path, "3 3 1\n1 2 9\n2 3 4\n1 2 5\n"))
    assert count == 1
    assert distances.tolist() == [[0, 5, 9], [5, 0, 4], [9, 4, 0]]
    assert median.solve(distances, count).chosen.tolist() == [1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("3 4\n2 3", "ends within the costs"),
        ("1 2\n1 1\n2 1", "ends within row 1"),
        ("1 2\n1 1\n1 7", "not among 1 to 2"),
        ("one two", "not one of whole numbers"),
        ("", "ends within the size"),
    ],
)
def test_a_broken_covering_file_is_named(tmp_path, text, says):
    with pytest.raises(BadSitingData, match=says) as caught:
        read_scp(_file(tmp_path, text))
    assert "data.txt" in str(caught.value)


def test_a_network_in_two_parts_is_named(tmp_path):
    with pytest.raises(BadSitingData, match="not connected") as caught:
        read_pmed(_file(tmp_path, "3 1 1\n1 2 5\n"))
    assert "vertex 3" in str(caught.value)


@at_hand
def test_the_known_optima_are_found_and_proved():
    cover = covering.solve(read_scp(DATA / "scp41.txt"))
    assert (cover.value, cover.bound) == (429, 429)
    far, count = read_pmed(DATA / "pmed1.txt")
    found = median.solve(far, count)
    assert (found.value, found.bound) == (5819, 5819)
    assert np.isclose(far[:, found.chosen].min(axis=1).sum(), 5819)


@at_hand
@pytest.mark.slow
def test_a_harder_median_is_found_and_proved():
    found = median.solve(*read_pmed(DATA / "pmed6.txt"), time_limit=120)
    assert (found.value, found.bound) == (7824, 7824)
