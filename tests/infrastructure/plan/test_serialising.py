"""Keeping: what is written comes back the same; what is spoiled is named, never a fault."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon

from lienthong.infrastructure.plan.errors import BadPlanFile
from lienthong.infrastructure.plan.keeping import load
from lienthong.infrastructure.plan.model import SCHEMA
from lienthong.infrastructure.plan.serialising import decode, encode


@dataclass(frozen=True)
class Part:
    name: str
    numbers: NDArray[np.float64]
    flags: NDArray[np.bool_]
    cells: NDArray[np.uint8]
    by_year: Mapping[str, tuple[int, ...]]
    maybe: float | None = None
    shapes: Any = None


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(encode(value), allow_nan=False))


finite = st.floats(allow_nan=True, allow_infinity=False, width=64)


@given(
    st.text(),
    arrays.arrays(np.float64, st.integers(0, 20), elements=finite),
    arrays.arrays(np.bool_, st.integers(0, 20)),
    arrays.arrays(np.uint8, st.tuples(st.integers(0, 9), st.integers(0, 9))),
    st.dictionaries(st.text(), st.lists(st.integers(), max_size=4).map(tuple), max_size=4),
    st.none() | st.floats(allow_nan=False),
)
def test_any_part_comes_back_as_it_was(
    name: str, numbers: Any, flags: Any, cells: Any, by_year: Any, maybe: Any
) -> None:
    part = Part(name, numbers, flags, cells, by_year, maybe)
    again = decode(Part, through_json(part), "plan")
    assert again.name == name and again.by_year == by_year and again.maybe == maybe
    for one, other in ((again.numbers, numbers), (again.flags, flags), (again.cells, cells)):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def test_shapes_come_back_within_a_centimetre() -> None:
    land = Polygon([(0, 0), (1, 0), (1, 1)])
    shapes = {"river": LineString([(105.123456789, 10.0), (106, 11)]), "land": land}
    part = Part("", np.empty(0), np.empty(0, np.bool_), np.empty((0, 0), np.uint8), {}, None, shapes)
    again = decode(Part, through_json(part), "plan")
    assert again.shapes["land"].equals(land)
    assert again.shapes["river"].hausdorff_distance(shapes["river"]) < 1e-7


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["dtype", "shape", "values", "deflated", "pairs", "type"]), inner)
    ),
    max_leaves=8,
)


@given(st.sampled_from(["name", "numbers", "flags", "cells", "by_year", "maybe"]), junk)
def test_a_spoiled_part_is_named_by_its_place(field: str, value: Any) -> None:
    good = through_json(Part("", np.zeros(2), np.zeros(2, np.bool_), np.zeros((1, 1), np.uint8), {}))
    try:
        decode(Part, {**good, field: value}, "plan")
    except BadPlanFile as refused:
        assert refused.place is not None and refused.place.startswith("plan")


def test_an_array_that_inflates_beyond_its_shape_is_refused() -> None:
    import base64
    import zlib

    bomb = base64.b64encode(zlib.compress(bytes(10_000_000))).decode()
    with pytest.raises(BadPlanFile):
        decode(NDArray[np.uint8], {"dtype": "uint8", "shape": [2, 2], "deflated": bomb}, "plan.grid")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": "other/9"}', "null", '"x"'])
def test_a_file_that_is_no_plan_is_refused_with_the_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(BadPlanFile) as refused:
        load(tmp_path)
    assert "lienthong infrastructure plan" in str(refused.value.remedy)


def test_a_plan_of_this_schema_with_parts_missing_says_which(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps({"schema": SCHEMA}))
    with pytest.raises(BadPlanFile, match="settings"):
        load(tmp_path)


def test_an_empty_folder_has_no_plan_yet(tmp_path: Path) -> None:
    with pytest.raises(BadPlanFile, match="no plan here yet"):
        load(tmp_path)
