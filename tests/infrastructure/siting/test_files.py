"""Siting problems come from JSON, and mistakes in it are named."""

from __future__ import annotations

import json

import pytest

from lienthong.infrastructure.siting.errors import BadSitingData
from lienthong.infrastructure.siting.files import read_problem, solve

VILLAGES = {
    "problem": "maximal",
    "count": 1,
    "radius": 1200,
    "sites": [{"id": "A", "lon": 106.0, "lat": 10.0}, {"id": "B", "lon": 106.05, "lat": 10.0}],
    "points": [
        {"id": "p", "lon": 106.0, "lat": 10.01, "weight": 70},
        {"id": "q", "lon": 106.05, "lat": 10.01, "weight": 60},
        {"id": "r", "lon": 106.05, "lat": 10.012, "weight": 5},
    ],
}


def _read(tmp_path, data, **options):
    path = tmp_path / "villages.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return read_problem(path, **options)


def test_degrees_and_metres_make_a_problem(tmp_path):
    found = solve(_read(tmp_path, VILLAGES))
    assert (found.value, found.bound, found.chosen.tolist()) == (70, 70, [0])
    wider = solve(_read(tmp_path, VILLAGES | {"radius": 1400}))
    assert wider.value == 70
    assert solve(_read(tmp_path, VILLAGES | {"radius": 1400}, count=2)).value == 135


def test_the_same_file_asks_for_covering_or_the_median(tmp_path):
    cover = solve(_read(tmp_path, VILLAGES | {"radius": 1400}, kind="covering"))
    assert cover.value == 2
    near = solve(_read(tmp_path, VILLAGES, kind="median"))
    assert near.chosen.tolist() == [0]


def test_coverage_may_be_listed(tmp_path):
    listed = VILLAGES | {"covers": {"A": ["p", "q"], "B": ["q", "r"]}}
    assert solve(_read(tmp_path, listed)).value == 130


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sites": []}, "sites is no list"),
        ({"problem": "best"}, "'best'"),
        ({"count": None}, "how many sites"),
        ({"count": 1.5}, "count is 1.5"),
        ({"radius": "far"}, "radius is 'far'"),
        ({"radius": -1}, "radius is -1"),
        ({"points": [{"id": "p", "lon": 106.0}]}, "lat is None"),
        ({"points": [{"id": "p", "lon": 106.0, "lat": 10, "weight": "many"}]}, "weight is 'many'"),
        ({"covers": {"A": ["zz"]}}, "'zz' is no point"),
        ({"covers": {"C": ["p"]}}, "'C' is no site"),
        ({"covers": []}, "covers is no object"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path, change, says):
    with pytest.raises(BadSitingData, match=says) as caught:
        _read(tmp_path, VILLAGES | change)
    assert caught.value.place
    assert caught.value.remedy


def test_a_file_that_is_no_json_is_named(tmp_path):
    with pytest.raises(BadSitingData, match="JSON"):
        _read(tmp_path, "{")
    with pytest.raises(BadSitingData, match="JSON object"):
        _read(tmp_path, "[]")
