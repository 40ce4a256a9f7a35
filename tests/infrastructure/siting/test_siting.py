"""Sitings are optimal: checked against every possible choice on small data, and by their bound on large."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from lienthong.infrastructure.siting import covering, maximal, median
from lienthong.infrastructure.siting.errors import BadSitingData, Uncoverable
from lienthong.infrastructure.siting.instance import Coverage

SETTINGS = settings(deadline=None, max_examples=60)
matrices = st.integers(1, 8).flatmap(
    lambda sites: st.lists(
        st.lists(st.booleans(), min_size=sites, max_size=sites), min_size=1, max_size=14
    ).map(lambda rows: np.asarray(rows, dtype=float).T)
)


def _some(draw_from: int, count: int, *, whole: bool) -> np.ndarray:
    random = np.random.default_rng(draw_from)
    return random.integers(0, 20, count).astype(float) if whole else random.uniform(0, 20, count)


@SETTINGS
@given(matrices, st.integers(1, 5), st.integers(0, 10_000), st.booleans())
def test_no_choice_serves_more_than_the_maximal_one(matrix, count, number, whole):
    weights = _some(number, matrix.shape[1], whole=whole)
    existing = np.random.default_rng(number).random(matrix.shape[0]) < 0.2
    data = Coverage.build(sparse.csr_matrix(matrix), weights=weights, existing=existing)
    found = maximal.solve(data, count)
    candidates = np.flatnonzero(~existing)
    best = max(
        float(weights[data.served(list(choice))].sum())
        for choice in combinations(candidates, min(count, candidates.size))
    )
    assert found.value == pytest.approx(best, abs=1e-6)
    assert found.proved
    assert found.chosen.size <= count
    assert not existing[found.chosen].any()
    assert found.value == pytest.approx(weights[found.served].sum())


@SETTINGS
@given(matrices, st.integers(0, 10_000), st.booleans())
def test_no_choice_serves_all_for_less_than_the_covering_one(matrix, number, whole):
    costs = _some(number, matrix.shape[0], whole=whole)
    data = Coverage.build(sparse.csr_matrix(matrix), costs=costs)
    reachable = matrix.any(axis=0)
    if not reachable.all():
        with pytest.raises(Uncoverable) as caught:
            covering.solve(data)
        assert data.points[int(np.argmin(reachable))] in str(caught.value)
        assert caught.value.remedy
    found = covering.solve(data, leave_unreachable=True)
    best = min(
        costs[list(choice)].sum()
        for size in range(matrix.shape[0] + 1)
        for choice in combinations(range(matrix.shape[0]), size)
        if (matrix[list(choice)].any(axis=0) | ~reachable).all()
    )
    assert found.value == pytest.approx(best, abs=1e-6)
    assert found.proved
    assert (found.served | ~reachable).all()


@SETTINGS
@given(st.integers(1, 8), st.integers(1, 9), st.integers(1, 8), st.integers(0, 10_000), st.booleans())
def test_no_choice_is_nearer_than_the_median(sites, points, count, number, whole):
    count = min(count, sites)
    random = np.random.default_rng(number)
    far = random.uniform(0, 50, (points, sites))
    far = np.floor(far) if whole else far
    found = median.solve(far, count)
    best = min(far[:, list(choice)].min(axis=1).sum() for choice in combinations(range(sites), count))
    assert found.value == pytest.approx(best, abs=1e-6)
    assert found.bound == pytest.approx(best, abs=1e-6)


def _town(seed: int, sites: int, points: int, radius: float) -> Coverage:
    random = np.random.default_rng(seed)
    return Coverage.within(
        random.uniform(0, 100, (sites, 2)),
        random.uniform(0, 100, (points, 2)),
        radius,
        weights=random.integers(1, 50, points),
    )


def test_a_province_is_sited_to_proven_optimality():
    data = _town(3, 300, 3000, 7.0)
    found = maximal.solve(data, 20, time_limit=120)
    assert found.proved
    assert found.value == data.weights[data.served(found.chosen)].sum()


def test_one_more_site_never_serves_less_and_one_standing_already_only_helps():
    data = _town(5, 60, 400, 10.0)
    values = [maximal.solve(data, count).value for count in range(1, 8)]
    assert values == sorted(values)
    standing = np.zeros(60, dtype=bool)
    standing[7] = True
    helped = Coverage.build(data.covers, weights=data.weights, existing=standing)
    assert maximal.solve(helped, 3).value >= values[2]


def test_out_of_time_the_bound_still_holds():
    data = _town(9, 400, 2500, 9.0)
    hurried = maximal.solve(data, 20, time_limit=0.01)
    patient = maximal.solve(data, 20, time_limit=20)
    assert hurried.value <= patient.value <= patient.bound <= hurried.bound + 1e-6
    assert hurried.value > 0


def test_existing_sites_cost_nothing_and_serve():
    matrix = sparse.csr_matrix(np.asarray([[1, 1, 0], [0, 0, 1], [1, 1, 1]], dtype=float))
    data = Coverage.build(matrix, costs=[5, 1, 4], existing=[True, False, False])
    found = covering.solve(data)
    assert found.chosen.tolist() == [1]
    assert found.value == 1


def test_the_radius_includes_its_edge():
    data = Coverage.within([[0, 0]], [[3, 4], [3, 4.001]], 5.0)
    assert data.served([0]).tolist() == [True, False]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"weights": [1, -2]}, "weight is -2"),
        ({"weights": [1, float("nan")]}, "weight is nan"),
        ({"weights": [1, 2, 3]}, "3 values of weight"),
        ({"costs": [-1]}, "cost is -1"),
        ({"points": ["a", "a"]}, "'a' is there twice"),
        ({"sites": ["x", "y"]}, "2 site names for 1"),
    ],
)
def test_bad_siting_data_is_named(change, says):
    with pytest.raises(BadSitingData, match=says) as caught:
        Coverage.build(sparse.csr_matrix(np.ones((1, 2))), **change)
    assert caught.value.remedy


def test_a_count_that_cannot_be_is_named():
    with pytest.raises(BadSitingData, match="0 sites"):
        maximal.solve(_town(1, 5, 5, 10.0), 0)
    with pytest.raises(BadSitingData, match="9 sites"):
        median.solve(np.ones((3, 4)), 9)
    with pytest.raises(BadSitingData, match="inf") as caught:
        median.solve([[1.0, np.inf]], 1)
    assert "site 2" in str(caught.value)
