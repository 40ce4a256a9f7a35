"""Rates of links and trunks, storage by year, and what each coefficient does to them."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.infrastructure.capacity.coefficients import Coefficients
from lienthong.infrastructure.capacity.erlang import channels_for
from lienthong.infrastructure.capacity.errors import BadCapacityData
from lienthong.infrastructure.capacity.links import (
    STANDARD_RATES,
    SiteLoad,
    size_link,
    size_links,
    size_trunk,
    size_trunks,
    standard_rate,
)
from lienthong.infrastructure.capacity.load_files import read_loads
from lienthong.infrastructure.capacity.storage import storage_by_year
from lienthong.infrastructure.capacity.tornado import figure, tornado, tornado_svg

DEFAULT = Coefficients.default()
FLAT = DEFAULT.with_("user_growth", 0).with_("traffic_growth", 0)
LOAD = st.builds(
    SiteLoad,
    code=st.uuids().map(str),
    users=st.integers(0, 400),
    seats=st.integers(0, 400),
    cameras=st.integers(0, 30),
    rooms=st.integers(0, 5),
)


def test_a_link_is_the_sum_of_what_people_do():
    size = size_link(SiteLoad("x", users=50, seats=40, cameras=8, rooms=1), FLAT)
    assert size.documents == pytest.approx(50 * 12 * 1.2 * 8 * 2.5 * 0.17 / 3600)
    assert size.web == pytest.approx(40 * 0.5 * 0.5)
    assert size.rooms == 4.0
    assert size.cameras == pytest.approx(8 * 0.25 * 2)
    assert size.voice_erlangs == pytest.approx(50 * 2 * 3 / 60)
    assert size.voice_channels == channels_for(5.0, 0.01) == 11
    busy = (size.documents + size.web) * 2 + size.meetings + size.rooms + size.cameras + size.voice
    assert size.needed == pytest.approx(busy * 1.12 / 0.7)
    assert size.rate == standard_rate(size.needed)


def test_growth_is_that_of_the_years_ahead():
    now = size_link(SiteLoad("x", users=50, seats=40), DEFAULT, years=0)
    then = size_link(SiteLoad("x", users=50, seats=40), DEFAULT, years=4)
    assert then.web == pytest.approx(now.web * 1.03**4 * 1.24**4)
    assert then.voice_erlangs == pytest.approx(now.voice_erlangs * 1.03**4)


def test_a_site_nobody_counted_yet_gets_the_least_rate():
    assert size_link(SiteLoad("x"), DEFAULT).rate == 20


@given(LOAD, LOAD)
def test_more_of_everything_never_needs_less(one, other):
    both = SiteLoad(
        "both",
        users=one.users + other.users,
        seats=one.seats + other.seats,
        cameras=one.cameras + other.cameras,
        rooms=one.rooms + other.rooms,
    )
    assert size_link(both, DEFAULT).needed >= size_link(one, DEFAULT).needed - 1e-9


@given(st.lists(LOAD, min_size=1, max_size=6, unique_by=lambda load: load.code))
def test_a_trunk_carries_its_largest_link_and_no_more_than_all(loads):
    links = size_links(loads, DEFAULT)
    trunk = size_trunk("t", links, DEFAULT)
    assert max(link.needed for link in links) <= trunk.needed <= sum(link.needed for link in links) + 1e-6
    assert trunk.rate >= trunk.needed


@given(st.floats(0, 1e6))
def test_a_standard_rate_is_enough_and_not_a_step_too_much(needed):
    rate = standard_rate(needed)
    assert rate >= needed
    smaller = [each for each in STANDARD_RATES if each < rate]
    if rate <= STANDARD_RATES[-1] and smaller:
        assert smaller[-1] < needed


def test_trunks_gather_what_is_behind_them():
    #  root 0 ─e0─ 1 ─e1─ 2 (a);  1 ─e2─ 3 (b);  b ~ microwave ~ 4 (c)
    links = size_links([SiteLoad(code, users=40, seats=40) for code in "abc"], DEFAULT)
    trunks = size_trunks([-1, 0, 1, 1, 3], [-1, 0, 1, 2, -1], [2, 3, 4], links, DEFAULT)
    assert set(trunks) == {0, 1, 2}
    assert trunks[1].needed == pytest.approx(links[0].needed)
    assert trunks[2].needed == pytest.approx(size_trunk("", links[1:], DEFAULT).needed)
    assert trunks[0].needed == pytest.approx(size_trunk("", links, DEFAULT).needed)


def test_a_way_in_a_circle_is_named():
    links = size_links([SiteLoad("a", users=1)], DEFAULT)
    with pytest.raises(BadCapacityData, match="site a"):
        size_trunks([1, 0], [0, 0], [0], links, DEFAULT)


def test_storage_is_what_its_formula_says():
    plain = FLAT
    for key in ("mail_gb_user", "database_gb_user"):
        plain = plain.with_(key, 0)
    first, second = storage_by_year(100, plain, [2017, 2018], existing_gb=500)
    documents = 100 * 12 * 1.2 / 1000 * 250
    assert first.documents == pytest.approx(documents)
    assert second.documents == pytest.approx(2 * documents)
    assert first.versions == pytest.approx(documents * 2 * 0.4)
    assert first.index == pytest.approx(documents * 1.8 * 0.15)
    assert first.primary == pytest.approx(500 + documents * 1.8 * 1.15)
    assert first.provisioned == pytest.approx(first.primary / 0.75)
    assert first.replicated == pytest.approx(first.provisioned * 2)
    assert first.backup == pytest.approx(first.primary * (4 + 30 * 0.01) * 0.5)
    assert first.total == pytest.approx(first.replicated + first.backup)


def test_data_leave_after_their_retention():
    short = FLAT.with_("retention_years", 2.5)
    found = storage_by_year(100, short, range(2017, 2022))
    years = [each.documents / found[0].documents for each in found]
    assert years == pytest.approx([1, 2, 2.5, 2.5, 2.5])


def test_cameras_recorded_centrally_are_kept_their_days():
    found = storage_by_year(0, DEFAULT.with_("camera_central_share", 0.5), [2017], cameras=10)
    assert found[0].cameras == pytest.approx(5 * 2 / 8 * 86_400 * 30 / 1000)
    assert found[0].backup == 0


@given(st.integers(0, 10_000), st.integers(1, 15), st.floats(0, 1e6))
def test_storage_never_shrinks_while_users_grow(users, years, existing):
    found = storage_by_year(users, DEFAULT, range(2017, 2017 + years), existing_gb=existing)
    totals = [each.total for each in found]
    assert totals == sorted(totals)
    assert all(each.total >= each.primary >= existing for each in found)


def test_the_tornado_puts_the_strongest_first_and_leaves_out_what_does_nothing():
    def last(coefficients):
        return storage_by_year(1000, coefficients, range(2017, 2022))[-1].total

    found = tornado(DEFAULT, last)
    reach = [
        max(found.base, bar.low_outcome, bar.high_outcome)
        - min(found.base, bar.low_outcome, bar.high_outcome)
        for bar in found.bars
    ]
    assert reach == sorted(reach, reverse=True)
    keys = [bar.key for bar in found.bars]
    assert keys[0] == "document_mb"
    assert "web_mbps" not in keys
    for bar in found.bars:
        assert bar.low_outcome == last(DEFAULT.with_(bar.key, bar.low))


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_tornado_is_drawn(lang):
    found = tornado(DEFAULT, lambda c: size_link(SiteLoad("x", users=50, seats=50), c).needed)
    drawn = tornado_svg(found, title="Tốc độ <x> & y", unit="Mbit/s", lang=lang, note="Dữ liệu mô phỏng")
    root = ET.fromstring(drawn)  # noqa: S314
    texts = "".join(root.itertext())
    assert "Tốc độ <x> & y" in texts and "Dữ liệu mô phỏng" in texts
    assert found.bars[0].name(lang) in texts
    bars = [each for each in root.iter("{http://www.w3.org/2000/svg}rect") if each.get("height") == "20"]
    assert len(bars) == 2 * min(12, len(found.bars))


def test_a_figure_nothing_changes_is_drawn_in_words():
    assert "Không hệ số nào" in tornado_svg(tornado(DEFAULT, lambda _: 1.0), title="t")


def test_an_outcome_that_is_no_number_is_named():
    with pytest.raises(BadCapacityData, match="all coefficients"):
        tornado(DEFAULT, lambda _: float("nan"))


def test_numbers_are_written_as_each_language_does():
    assert figure(1234567.8, "vi") == "1.234.568"
    assert figure(1234567.8, "en") == "1,234,568"
    assert figure(12.5, "vi") == "12,5"
    assert figure(0.017, "en") == "0.017"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1"),
        ("code,users\nx,1\n", "line 1"),
        ("code,users,seats\nx,1,1\nx,2,2\n", "line 3, column code"),
        ("code,users,seats\nx,-1,1\n", "line 2, column users"),
        ("code,users,seats\nx,1,many\n", "line 2, column seats"),
        ("code,users,seats\n,1,1\n", "line 2, column code"),
    ],
)
def test_a_bad_file_of_sites_is_named_by_line_and_column(tmp_path, text, place):
    path = tmp_path / "sites.csv"
    path.write_text(text)
    with pytest.raises(BadCapacityData) as caught:
        read_loads(path)
    assert place in (caught.value.place or "")
    assert caught.value.remedy


def test_bad_years_are_named():
    with pytest.raises(BadCapacityData, match="years"):
        storage_by_year(1, DEFAULT, [2018, 2017])
