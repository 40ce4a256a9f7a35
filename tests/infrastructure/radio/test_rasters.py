"""Rasters are read as GIS programs write them, refused with a reason, and sampled where they should be."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from lienthong.infrastructure.radio.errors import BadRaster, WrongProjection
from lienthong.infrastructure.radio.rasters import Raster, check_companions, read_geotiff, write_geotiff
from lienthong.infrastructure.radio.synthetic import landscape


def _write(path, values, *, crs="EPSG:4326", transform=None, **options):
    values = np.asarray(values)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=values.shape[0],
        width=values.shape[1],
        count=1,
        dtype=values.dtype,
        crs=crs,
        transform=transform or Affine(0.1, 0.0, 105.0, 0.0, -0.1, 10.5),
        **options,
    ) as data:
        data.write(values, 1)
    return path


def _grid(values) -> Raster:
    return Raster(np.asarray(values, dtype=np.float32), 0.0, 20.0, 10.0, 10.0, "EPSG:32648", False, "here")


@pytest.mark.parametrize("compress", ["lzw", "deflate", "packbits", None])
def test_survey_files_are_read_with_their_holes(tmp_path, compress):
    path = _write(
        tmp_path / "dem.tif",
        np.asarray([[1, 2], [-9999, 4]], dtype=np.int16),
        nodata=-9999,
        compress=compress,
    )
    raster = read_geotiff(path)
    assert np.array_equal(raster.values, [[1, 2], [np.nan, 4]], equal_nan=True)
    assert (raster.west, raster.north, raster.step_x, raster.step_y) == (105.0, 10.5, 0.1, 0.1)
    assert raster.geographic
    assert raster.crs == "EPSG:4326"


def test_what_is_written_is_read_again_and_stays_marked_as_made_up(tmp_path):
    land = landscape(4, step_deg=0.02)
    write_geotiff(tmp_path / "dem.tif", land.terrain)
    again = read_geotiff(tmp_path / "dem.tif")
    assert np.array_equal(again.values, land.terrain.values)
    assert again.synthetic
    assert "not for procurement" in again.source


def test_bilinear_meets_the_centres_and_goes_evenly_between_them():
    raster = _grid([[0, 10], [20, 30]])
    assert raster.bilinear([5, 15, 5, 10, 0, 20], [15, 15, 5, 10, 20, 0]).tolist() == [0, 10, 20, 15, 0, 30]
    assert np.isnan(raster.bilinear(-0.1, 10))
    assert np.isnan(raster.bilinear(10, 20.1))


def test_a_hole_stays_a_hole():
    raster = _grid([[0, np.nan], [20, 30]])
    assert np.isnan(raster.bilinear(9, 15))
    assert raster.bilinear(5, 5) == 20


def test_clutter_is_the_cell_s_own():
    assert _grid([[0, 10], [20, 30]]).nearest([9.9, 10.1, 20.0], [10.1, 9.9, 0.0]).tolist() == [0, 30, 30]


def test_distances_are_metres_in_degrees_and_in_projected_systems():
    assert _grid([[0, 0], [0, 0]]).distance_m(0, 0, 3, 4) == 5
    degrees = Raster(np.zeros((2, 2), np.float32), 105, 11, 1, 1, "EPSG:4326", True, "here")
    assert degrees.distance_m(105, 10, 105, 11) == pytest.approx(111_195, abs=1)


def test_wrong_rasters_are_named_with_what_would_help(tmp_path):
    flat = np.zeros((3, 3), dtype=np.float32)
    with pytest.raises(BadRaster, match="no terrain file"):
        read_geotiff(tmp_path / "none.tif")
    (tmp_path / "text.tif").write_text("not a picture")
    with pytest.raises(BadRaster, match="cannot be read as GeoTIFF"):
        read_geotiff(tmp_path / "text.tif")
    cases = {
        "nowhere": ({"crs": None}, "does not say which coordinate system"),
        "turned": ({"transform": Affine(0.1, 0.02, 105, 0.02, -0.1, 10)}, "rotated"),
        "feet": ({"crs": "EPSG:2225"}, "neither in degrees nor in metres"),
        "metres": (
            {"transform": Affine(30, 0, 500_000, 0, -30, 1_100_000)},
            "says degrees, but begins at 500000",
        ),
    }
    for name, (options, says) in cases.items():
        path = _write(tmp_path / f"{name}.tif", flat, **options)
        with pytest.raises(WrongProjection, match=says) as caught:
            read_geotiff(path)
        assert name in str(caught.value.place)
        assert caught.value.remedy
    empty = _write(tmp_path / "empty.tif", np.full((2, 2), -1, dtype=np.int16), nodata=-1)
    with pytest.raises(BadRaster, match="no value at all"):
        read_geotiff(empty)


def test_rasters_in_two_systems_or_two_places_do_not_go_together():
    here = _grid([[0, 0], [0, 0]])
    elsewhere = Raster(here.values, 1e6, 20.0, 10.0, 10.0, "EPSG:32648", False, "far.tif")
    other = Raster(here.values, 0.0, 20.0, 10.0, 10.0, "EPSG:3405", False, "vn2000.tif")
    check_companions(here, here)
    with pytest.raises(BadRaster, match="nowhere meets"):
        check_companions(here, elsewhere)
    with pytest.raises(WrongProjection, match="EPSG:3405") as caught:
        check_companions(here, other)
    assert "EPSG:32648" in str(caught.value.remedy)


def test_the_same_seed_makes_the_same_land_and_says_it_is_made_up():
    one, two, three = landscape(1, step_deg=0.02), landscape(1, step_deg=0.02), landscape(2, step_deg=0.02)
    assert np.array_equal(one.terrain.values, two.terrain.values)
    assert not np.array_equal(one.terrain.values, three.terrain.values)
    assert one.population.values.sum() == pytest.approx(1_000_000, rel=1e-4)
    assert all(each.synthetic for each in (one.terrain, one.clutter, one.population))
    assert (one.clutter.values >= 0).all()
