"""Places and walls."""

from __future__ import annotations

import pytest

from lienthong.infrastructure.radio.locations import building_entry_db, indoor_loss_db, location_deviation_db


def test_variability_is_full_in_the_clutter_and_gone_ten_metres_above_it():
    deviations = location_deviation_db(1.8, [1.5, 10.0, 15.0, 20.0, 30.0], 10.0, 100.0)
    full = (0.52 + 0.024 * 1.8) * 100**0.28
    assert deviations == pytest.approx([full, full, full / 2, 0.0, 0.0])


def test_new_buildings_keep_more_out_than_old_ones_and_high_bands_more_than_low():
    assert building_entry_db(0.7, 0.5, "thermally-efficient") > building_entry_db(0.7, 0.5) + 10
    assert building_entry_db(3.5, 0.5) > building_entry_db(0.7, 0.5)


def test_the_median_entry_loss_at_one_gigahertz_is_that_of_the_recommendation():
    median, deviation = indoor_loss_db(1.0)
    assert median == pytest.approx(14.3, abs=0.1)
    assert 5 < deviation < 12
