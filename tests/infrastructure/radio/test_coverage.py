"""A coverage map counts the people a site really reaches, and says how sure that is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lienthong.infrastructure.radio.bands import BANDS, band
from lienthong.infrastructure.radio.coverage import (
    Ground,
    Settings,
    coverage_map,
    profiles_to,
    receptions,
    served_cells,
)
from lienthong.infrastructure.radio.errors import BadRadioPlan, BadRaster
from lienthong.infrastructure.radio.next_sites import choose_sites
from lienthong.infrastructure.radio.p1812 import basic_transmission_loss_db
from lienthong.infrastructure.radio.profiles import Link, Profiles
from lienthong.infrastructure.radio.rasters import Raster
from lienthong.infrastructure.radio.sites import Site, place_sites, read_sites
from lienthong.infrastructure.radio.synthetic import landscape

LTE = Settings(band("4g-1800"), range_km=6.0, points=31)


def _raster(values: np.ndarray) -> Raster:
    return Raster(values.astype(np.float32), 0.0, 10_000.0, 200.0, 200.0, "EPSG:32648", False, "plain")


def _plain(people: float = 1.0, clutter: float = 0.0) -> Ground:
    ones = np.ones((50, 50))
    return Ground.of(_raster(ones), _raster(ones * clutter), _raster(ones * people))


def _reach(ground: Ground, settings: Settings, *sites: Site):
    return coverage_map(ground, list(receptions(ground, sites, settings)), settings)


MAST = Site("mast", 5000.0, 5000.0, 40.0)


def test_a_cell_gets_what_the_recommendation_says():
    ground = _plain(clutter=5.0)
    (received,) = receptions(ground, [MAST], LTE)
    cell = int(
        np.argmax(ground.terrain.distance_m(5000, 5000, ground.x[received.cells], ground.y[received.cells]))
    )
    x, y = ground.x[received.cells[[cell]]], ground.y[received.cells[[cell]]]
    distance, height, cover = profiles_to(ground, MAST, x, y, LTE.points)
    link = Link(1.84, 40.0, 1.5, 10.0, vertical=True)
    loss = basic_transmission_loss_db(Profiles.build(distance, height, cover), link)
    assert received.dbm[cell] == pytest.approx(31.0 - loss[0])
    assert 5.5 < distance[0, -1] <= 6.0


def test_the_band_of_answers_is_ordered_and_the_offset_moves_it():
    ground = _plain()
    usual = _reach(ground, LTE, MAST)
    assert 0 < usual.people["low"] <= usual.people["mid"] <= usual.people["high"] <= usual.total_people
    moved = _reach(ground, replace(LTE, calibration_db=-6.0), MAST)
    assert moved.people["high"] == usual.people["mid"]
    assert moved.people["mid"] == usual.people["low"]


def test_another_site_never_takes_anybody_away():
    ground = _plain()
    one = _reach(ground, LTE, MAST)
    two = _reach(ground, LTE, MAST, Site("second", 1000.0, 9000.0, 30.0))
    assert (two.best_dbm >= one.best_dbm).all()
    assert two.people["mid"] >= one.people["mid"]
    assert set(np.unique(two.server)) <= {-1, 0, 1}


def test_trees_and_higher_bands_shorten_the_reach():
    open_land, trees = _plain(), _plain(clutter=15.0)
    assert _reach(trees, LTE, MAST).people["mid"] < _reach(open_land, LTE, MAST).people["mid"]
    low = _reach(trees, replace(LTE, band=band("4g-900")), MAST)
    high = _reach(trees, replace(LTE, band=band("4g-2600")), MAST)
    assert high.people["mid"] < low.people["mid"]


def test_more_places_and_walls_cost_reach():
    ground = _plain(clutter=8.0)
    usual = _reach(ground, LTE, MAST).people["mid"]
    assert _reach(ground, replace(LTE, location_percent=95.0), MAST).people["mid"] < usual
    assert _reach(ground, replace(LTE, indoor_loss_db=15.0), MAST).people["mid"] < usual


def test_holes_in_the_terrain_are_counted_not_guessed():
    heights = np.ones((50, 50))
    heights[:5] = np.nan
    ground = Ground.of(_raster(heights), None, _raster(np.ones((50, 50))))
    found = _reach(ground, LTE, MAST)
    assert found.unknown_people > 0
    assert found.people["mid"] + found.unknown_people <= found.total_people
    with pytest.raises(BadRaster, match="under the site 'lost'"):
        _reach(ground, LTE, Site("lost", 5000.0, 9900.0, 30.0))


def test_the_map_is_a_raster_on_the_people_s_grid():
    land = landscape(3, step_deg=0.01)
    ground = Ground.of(land.terrain, land.clutter, land.population)
    found = _reach(ground, replace(LTE, range_km=4.0), Site("a", 105.97, 10.1, 36.0))
    drawn = found.raster()
    assert drawn.values.shape == land.population.values.shape
    assert drawn.synthetic
    assert np.isfinite(drawn.values).sum() == np.isfinite(found.best_dbm).sum() > 40


def test_the_next_towers_are_the_best_pair_of_all():
    land = landscape(5, step_deg=0.01)
    ground = Ground.of(land.terrain, land.clutter, land.population)
    random = np.random.default_rng(5)
    sites = [
        Site(f"s{at}", random.uniform(105.8, 106.2), random.uniform(9.95, 10.3), 36.0, existing=at == 0)
        for at in range(7)
    ]
    received = list(receptions(ground, sites, LTE))
    covers, inhabited = served_cells(ground, received, LTE)
    assert covers.shape == (7, inhabited.size)
    chosen = choose_sites(ground, received, LTE, 2)
    assert chosen.proved
    people = max(
        coverage_map(ground, [received[0], received[one], received[two]], LTE).people["mid"]
        for one in range(1, 7)
        for two in range(one + 1, 7)
    )
    assert chosen.value == pytest.approx(people)


def test_without_people_there_is_nothing_to_choose_by():
    ground = Ground.of(_raster(np.ones((50, 50))))
    with pytest.raises(BadRadioPlan, match="nobody lives"):
        choose_sites(ground, list(receptions(ground, [MAST], LTE)), LTE, 1)


def test_every_band_is_one_the_recommendation_covers():
    assert all(0.03 <= each.frequency_ghz <= 6 for each in BANDS.values())
    with pytest.raises(BadRadioPlan, match="6g") as caught:
        band("6g")
    assert "4g-1800" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("change", "says"),
    [({"range_km": 0.0}, "range"), ({"points": 3}, "3 points"), ({"sensitivity_db": -1.0}, "-1 dB")],
)
def test_settings_that_cannot_be_are_named(change, says):
    with pytest.raises(BadRadioPlan, match=says):
        _reach(_plain(), replace(LTE, **change), MAST)


def _sites(tmp_path, text: str, terrain: Raster | None = None):
    path = tmp_path / "sites.csv"
    path.write_text(text)
    return read_sites(path, terrain or landscape(1, step_deg=0.02).terrain)


def test_sites_are_read_from_csv(tmp_path):
    sites = _sites(
        tmp_path, "id,lon,lat,height_m,eirp_dbm,existing\nA,105.9,10.1,42,30.5,yes\nB,106,10,36,,\n"
    )
    assert sites == [Site("A", 105.9, 10.1, 42.0, 30.5, True), Site("B", 106.0, 10.0, 36.0)]


def test_degrees_are_brought_into_the_terrain_s_system():
    terrain = Raster(np.zeros((100, 100), np.float32), 6e5, 1.2e6, 1000.0, 1000.0, "EPSG:32648", False, "utm")
    (placed,) = place_sites([Site("A", 106.0, 10.2, 30.0)], terrain, degrees=True)
    assert placed.x == pytest.approx(609_500, abs=500)
    assert placed.y == pytest.approx(1_127_700, abs=500)


@pytest.mark.parametrize(
    ("text", "says", "place"),
    [
        ("id,lon\nA,1\n", "columns are id, lon", "line 1"),
        ("id,lon,lat,height_m\n", "no site", "sites.csv"),
        ("id,lon,lat,height_m\nA,105.9,x,42\n", "lat is 'x'", "line 2"),
        ("id,lon,lat,height_m\nA,105.9,10.1,0\n", "height_m is 0", "line 2"),
        ("id,lon,lat,height_m\nA,10.1,105.9,42\n", "not on the terrain", "sites.csv"),
        ("id,lon,lat,height_m\nA,105.9,10.1,42\nA,105.9,10.1,42\n", "twice", "sites.csv"),
        ("id,lon,lat,height_m\n,105.9,10.1,42\n", "no id", "line 2"),
        ("id,x,y,height_m\nA,105.9,10.1,42\n", "terrain in degrees", "sites.csv"),
        ("id,lon,lat,height_m,existing\nA,105.9,10.1,42,maybe\n", "existing is 'maybe'", "line 2"),
    ],
)
def test_a_bad_line_of_sites_is_named(tmp_path, text, says, place):
    with pytest.raises(BadRadioPlan, match=says) as caught:
        _sites(tmp_path, text)
    assert place in str(caught.value.place)
    assert caught.value.remedy
