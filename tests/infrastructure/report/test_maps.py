"""Maps: they stand alone, say what they show, keep names apart and label synthetic data."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.infrastructure.plan.model import Plan
from lienthong.infrastructure.report.facts import Facts
from lienthong.infrastructure.report.frame import Frame
from lienthong.infrastructure.report.labels import Label, place
from lienthong.infrastructure.report.maps import MAPS, all_maps
from lienthong.infrastructure.report.pdf import png_of
from lienthong.infrastructure.report.svg import text_width

SVG = "{http://www.w3.org/2000/svg}"
Made = tuple[Path, Plan]


def words_of(svg: str) -> str:
    root = ET.fromstring(svg)  # noqa: S314 - our own drawing
    return "\n".join(each.text or "" for each in root.iter(f"{SVG}text"))


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_map_is_labelled_synthetic_and_has_scale_and_north(district: Made, lang: str) -> None:
    maps = all_maps(Facts(district[1]).scene(), lang)
    assert set(maps) == {*MAPS, "radio-4g-1800", "radio-3g-900", "radio-5g-3700"}
    label = {"vi": "Dữ liệu mô phỏng, gần đúng, không dùng để mua sắm", "en": "Synthetic, approximate"}[lang]
    for name, svg in maps.items():
        if name == "cover":
            continue
        said = words_of(svg)
        assert label in said
        assert " km" in said
        assert {"vi": "B", "en": "N"}[lang] in said.splitlines()


def test_the_map_of_years_names_each_year_and_district(district: Made) -> None:
    said = words_of(MAPS["years"](Facts(district[1]).scene(), "vi"))
    assert "Xây dựng năm 2017" in said and "Xây dựng năm 2018" in said
    assert "Huyện Tam Bình" in said
    assert "Trung tâm dữ liệu của tỉnh" in said


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_each_band_has_a_map_of_its_own_named_as_people_write_it(district: Made, lang: str) -> None:
    maps = all_maps(Facts(district[1]).scene(), lang)
    bands = ("4G-1800", "3G-900", "5G-3700")
    for band in bands:
        said = words_of(maps[f"radio-{band.lower()}"])
        assert [each for each in bands if each in said] == [band]
    pixels = {tuple(re.findall('base64,[^"]+', maps[f"radio-{band.lower()}"])) for band in bands}
    assert len(pixels) > 1


def test_maps_ask_for_nothing_from_elsewhere(district: Made) -> None:
    for svg in all_maps(Facts(district[1]).scene()).values():
        root = ET.fromstring(svg)  # noqa: S314 - our own drawing
        links = [value for each in root.iter() for key, value in each.attrib.items() if key.endswith("href")]
        assert all(link.startswith("data:image/png;base64,") for link in links)


def test_names_that_look_like_markup_stay_names(district: Made) -> None:
    from dataclasses import replace

    scene = replace(Facts(district[1]).scene(), districts={"860": "<script>\"&'</script>"})
    assert "<script>\"&'</script>" in words_of(MAPS["design"](scene, "en"))


def test_a_map_becomes_a_picture_of_the_asked_width(district: Made) -> None:
    data = png_of(MAPS["state"](Facts(district[1]).scene(), "vi"), width_px=600)
    assert data.startswith(b"\x89PNG")
    assert int.from_bytes(data[16:20], "big") == 600


sizes = st.floats(6, 20)
somewhere = st.tuples(st.floats(0, 700), st.floats(0, 500))


@given(
    st.lists(
        st.tuples(somewhere, st.text("abcđẹỗ ", min_size=1, max_size=14), sizes, st.booleans()), max_size=25
    )
)
def test_labels_never_cover_each_other_nor_leave_the_map(
    wanted: list[tuple[tuple[float, float], str, float, bool]],
) -> None:
    labels = [Label(x, y, words, size, inside=inside) for (x, y), words, size, inside in wanted]
    boxes = [put.box for put in place(labels, (0, 0, 700, 500), [(600, 0, 700, 80)])]
    for at, one in enumerate(boxes):
        assert one[0] >= 0 and one[1] >= 0 and one[2] <= 700 and one[3] <= 500
        for other in [*boxes[:at], (600, 0, 700, 80)]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_districts_apart_are_all_named() -> None:
    labels = [Label(100 + 120 * at, 200, f"Huyện số {at}", 14, inside=True, needed=True) for at in range(5)]
    assert len(place(labels, (0, 0, 700, 500))) == 5


@given(st.text(max_size=30), st.floats(1, 40))
def test_the_width_of_words_grows_with_their_size(words: str, size: float) -> None:
    assert text_width(words, 2 * size) == pytest.approx(2 * text_width(words, size))


def test_marks_weigh_nothing_in_the_width_of_vietnamese() -> None:
    assert text_width("Vũng Liêm", 10) == text_width("Vung Liem", 10)


@given(st.lists(st.tuples(st.floats(105, 107), st.floats(9, 11)), min_size=1, max_size=12))
def test_every_place_lies_on_the_sheet(points: list[tuple[float, float]]) -> None:
    lon, lat = [p[0] for p in points], [p[1] for p in points]
    frame = Frame.around(lon, lat, "EPSG:32648")
    x, y = frame.place(lon, lat)
    assert (x >= 0).all() and (x <= frame.width).all() and (y >= 0).all() and (y <= frame.height + 1e-6).all()
