"""Path loss is the Recommendation's, for one path as for a hundred thousand."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks._p1812_scalar import Station
from benchmarks._p1812_scalar import basic_transmission_loss_db as one_path
from hypothesis import given, settings
from hypothesis import strategies as st

from lienthong.infrastructure.radio.errors import BadProfile, OutOfRange
from lienthong.infrastructure.radio.normal import inverse_complementary_normal
from lienthong.infrastructure.radio.p1812 import basic_transmission_loss_db, field_strength_dbuv_m, predict
from lienthong.infrastructure.radio.profiles import Link, Profiles

HILL = [12.0, 14.0, 30.0, 62.0, 80.0, 55.0, 31.0, 18.0, 11.0, 9.0, 10.0]
DELTA = [2.0, 1.0, 1.5, 0.8, 1.0, 1.2, 0.5, 1.0, 1.4, 1.0, 2.0]
TREES = [0.0, 5.0, 0.0, 10.0, 0.0, 5.0, 5.0, 0.0, 15.0, 0.0, 0.0]
RIVER_MOUTH = [4, 4, 4, 3, 3, 1, 1, 1, 1, 1, 1]


def _km(length: float, points: int = 11) -> np.ndarray:
    return np.linspace(0.0, length, points)


@pytest.mark.parametrize(
    ("ground", "clutter", "length", "frequency", "percent", "expected"),
    [
        (HILL, None, 12.0, 0.9, 50.0, 142.1443),
        (HILL, TREES, 12.0, 1.8, 10.0, 149.7308),
        (DELTA, None, 8.0, 0.7, 50.0, 115.8937),
        (DELTA, TREES, 8.0, 2.6, 1.0, 135.8528),
        (DELTA, TREES, 90.0, 2.1, 1.0, 134.9231),
    ],
)
def test_known_paths_keep_their_loss(ground, clutter, length, frequency, percent, expected):
    link = Link(frequency, 42.0, 1.5, 10.2, percent)
    loss = basic_transmission_loss_db(Profiles.build(_km(length), ground, clutter), link)
    assert loss[0] == pytest.approx(expected, abs=1e-3)


@settings(deadline=None, max_examples=150)
@given(
    ground=st.lists(st.floats(-5, 900), min_size=3, max_size=40),
    clutter=st.floats(0, 30),
    length=st.floats(0.3, 400),
    frequency=st.floats(0.03, 6),
    heights=st.tuples(st.floats(1, 300), st.floats(1, 60)),
    latitude=st.floats(-85, 85),
    percent=st.floats(1, 50),
    vertical=st.booleans(),
    gradient=st.floats(20, 100),
)
def test_many_paths_at_once_give_what_one_at_a_time_gives(
    ground, clutter, length, frequency, heights, latitude, percent, vertical, gradient
):
    distance = _km(length, len(ground))
    cover = np.full(len(ground), clutter)
    cover[[0, -1]] = 0.0
    link = Link(frequency, *heights, latitude, percent, vertical, gradient)
    together = basic_transmission_loss_db(Profiles.build(distance, [ground, ground], cover), link)
    station = Station(frequency, *heights, latitude, percent, vertical, gradient)
    alone = one_path(distance.tolist(), ground, cover.tolist(), station)
    assert together == pytest.approx([alone, alone], abs=1e-6)


def test_a_path_does_not_care_which_others_are_predicted_with_it():
    random = np.random.default_rng(7)
    ground = random.uniform(0, 80, (1500, 60))
    distance = np.linspace(0, 1, 60) * random.uniform(1, 50, 1500)[:, None]
    link = Link(1.8, 30.0, 1.5, 10.0, 10.0)
    together = basic_transmission_loss_db(Profiles.build(distance, ground), link)
    for path in (0, 545, 546, 547, 1499):
        alone = basic_transmission_loss_db(Profiles.build(distance[path], ground[path]), link)
        assert alone[0] == together[path]


def test_the_loss_falls_as_the_mast_grows_over_flat_ground():
    ground = np.zeros((40, 51))
    link = Link(0.8, np.linspace(5, 200, 40), 1.5, 10.0)
    loss = basic_transmission_loss_db(Profiles.build(_km(20, 51), ground), link)
    assert (np.diff(loss) <= 1e-9).all()


def test_a_hill_never_makes_the_signal_stronger():
    heights = np.linspace(0, 300, 60)
    ground = np.zeros((60, 51))
    ground[:, 25] = heights
    loss = basic_transmission_loss_db(Profiles.build(_km(15, 51), ground), Link(1.8, 30, 2, 10))
    assert (np.diff(loss) >= -1e-6).all()
    assert loss[-1] > loss[0] + 20


@settings(deadline=None, max_examples=60)
@given(
    ground=st.lists(st.floats(0, 400), min_size=5, max_size=30),
    length=st.floats(1, 200),
    early=st.floats(1, 50),
    late=st.floats(1, 50),
)
def test_a_rarer_enhancement_is_a_smaller_loss_and_never_below_line_of_sight(ground, length, early, late):
    low, high = sorted((early, late))
    profile = Profiles.build(_km(length, len(ground)), ground)
    rare = predict(profile, Link(1.0, 30, 10, 10, low))
    usual = predict(profile, Link(1.0, 30, 10, 10, high))
    assert rare.loss_db[0] <= usual.loss_db[0] + 0.35
    assert rare.loss_db[0] >= rare.line_of_sight_db[0] - 1e-9


def test_diffraction_at_the_median_is_the_same_both_ways():
    there = predict(Profiles.build(_km(12), HILL), Link(1.8, 40, 10, 10))
    back = predict(Profiles.build(_km(12), HILL[::-1]), Link(1.8, 10, 40, 10))
    assert there.diffraction_median_db == pytest.approx(back.diffraction_median_db, abs=1e-9)


def test_the_sea_changes_the_loss_and_the_climate():
    inland = predict(Profiles.build(_km(80), DELTA), Link(0.7, 40, 10, 10, 1))
    coast = predict(Profiles.build(_km(80), DELTA, zone=RIVER_MOUTH), Link(0.7, 40, 10, 10, 1))
    assert coast.ducting_percent[0] > inland.ducting_percent[0]
    assert coast.loss_db[0] < inland.loss_db[0]


def test_more_places_ask_for_more_margin():
    profile = Profiles.build(_km(8), DELTA)
    half = basic_transmission_loss_db(profile, Link(0.7, 40, 1.5, 10))
    most = basic_transmission_loss_db(
        profile, Link(0.7, 40, 1.5, 10, location_percent=95, location_deviation_db=5.5)
    )
    assert most[0] - half[0] == pytest.approx(1.645 * 5.5, abs=0.01)


def test_field_strength_follows_from_the_loss():
    assert field_strength_dbuv_m(129.0969126, 0.0953) == pytest.approx(49.8449, abs=1e-3)


@given(st.floats(1e-5, 0.5))
def test_the_normal_deviate_is_the_recommended_approximation(fraction):
    from statistics import NormalDist

    assert inverse_complementary_normal(fraction) == pytest.approx(
        NormalDist().inv_cdf(1 - fraction), abs=6e-4
    )
    other_side = inverse_complementary_normal(1 - fraction)
    assert other_side == pytest.approx(NormalDist().inv_cdf(fraction), abs=6e-4)


@pytest.mark.parametrize(
    ("distance", "ground", "clutter", "zone", "says"),
    [
        ([0, 1], [1, 2], None, None, "2 points"),
        ([0, 2, 1], [1, 2, 3], None, None, "do not grow"),
        ([1, 2, 3], [1, 2, 3], None, None, "do not grow"),
        ([0, 1, 2], [1, float("nan"), 3], None, None, "not a number"),
        ([0, 1, 2], [1, 2, 3], [0, -1, 0], None, "clutter height"),
        ([0, 1, 2], [1, 2, 3], None, [4, 2, 4], "zone 2"),
        ([0, 1, 2, 3], [1, 2, 3], None, None, "shape"),
    ],
)
def test_a_bad_profile_is_named(distance, ground, clutter, zone, says):
    with pytest.raises(BadProfile, match=says) as caught:
        Profiles.build(distance, ground, clutter, zone)
    assert caught.value.place
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"frequency_ghz": 28.0}, "frequency_ghz is 28 GHz"),
        ({"time_percent": 0.1}, "time_percent"),
        ({"transmitter_m": 0.0}, "transmitter_m"),
        ({"receiver_m": [1.5, 1.5]}, "2 values for 1 paths"),
    ],
)
def test_a_parameter_outside_the_recommendation_is_named(change, says):
    values = {"frequency_ghz": 1.8, "transmitter_m": 30.0, "receiver_m": 1.5, "latitude_deg": 10.0} | change
    with pytest.raises(OutOfRange, match=says):
        predict(Profiles.build(_km(8), DELTA), Link(**values))


def test_a_path_longer_than_the_recommendation_is_refused():
    with pytest.raises(OutOfRange, match="3500 km"):
        Profiles.build(_km(3500), DELTA)
