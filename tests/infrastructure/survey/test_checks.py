"""What no single cell shows is found, at its row, and good answers are left alone."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.infrastructure.survey.records import answer, row, small_wave, waves

from lienthong.infrastructure.survey.checks import check_wave, distance_km
from lienthong.infrastructure.survey.columns import LANGUAGES
from lienthong.infrastructure.survey.demo import demo_survey
from lienthong.infrastructure.survey.model import Wave


def found(wave: Wave) -> list[tuple[str, int, str, str, str]]:
    return [(p.file.split("/")[-1], p.row, p.column, p.code, p.severity) for p in check_wave(wave)]


def test_good_answers_are_left_alone() -> None:
    assert found(small_wave()) == []


@pytest.mark.parametrize(
    ("changes", "column", "code", "severity"),
    [
        ({"pcs": 80}, "pcs", "more-pcs", "warning"),
        ({"pcs": 4}, "pcs", "few-pcs", "warning"),
        ({"pcs_over_5_years": 19}, "pcs_over_5_years", "more-than", "error"),
        ({"storage_used_gb": 501, "storage_total_gb": 500}, "storage_used_gb", "more-than", "error"),
        ({"documents_users": 21}, "documents_users", "more-than", "error"),
        ({"answered_on": date(2017, 5, 31)}, "answered_on", "outside-wave", "error"),
        ({"answered_on": date(2017, 8, 1)}, "answered_on", "outside-wave", "warning"),
        ({"level_approved": True}, "system_level", "no-level", "error"),
    ],
)
def test_answers_are_held_against_each_other(
    changes: dict[str, Any], column: str, code: str, severity: str
) -> None:
    wave = small_wave(answers=[answer("A"), answer("B", **changes)])
    assert found(wave) == [("answers.csv", 3, column, code, severity)]


@pytest.mark.parametrize(
    ("changes", "column", "code", "severity"),
    [
        ({"commit_rate": 10_001}, "commit_rate", "more-than", "error"),
        ({"medium": "copper", "port_speed": 1_000_000}, "port_speed", "beyond-medium", "error"),
        ({"port_speed": 100, "commit_rate": 50}, "port_speed", "suspicious-unit", "warning"),
        ({"site_z": "A"}, "site_z", "same-ends", "error"),
        ({"site_z": "Z"}, "site_z", "dangling", "error"),
        ({"install_date": date(2018, 1, 1)}, "install_date", "after-answer", "warning"),
    ],
)
def test_rates_fit_the_medium_and_the_port(
    changes: dict[str, Any], column: str, code: str, severity: str
) -> None:
    wave = small_wave()
    wave.rows("circuits")[0].update(changes)
    assert found(wave) == [("circuits.csv", 2, column, code, severity)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"latitude": None}, [("latitude", "half-position", "error")]),
        ({"longitude": 106.09}, [("longitude", "far-from-commune", "warning")]),
        ({"latitude": 11.0}, [("longitude", "far-from-commune", "error")]),
        ({"district": "86"}, [("district", "commune-elsewhere", "error")]),
        ({"commune": "1"}, [("commune", "dangling", "error")]),
        (
            {"longitude": 106.001, "latitude": 10.27105},
            [("longitude", "same-position", "warning")],
        ),
    ],
)
def test_positions_are_held_against_their_commune(
    changes: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    wave = small_wave()
    wave.rows("sites")[1].update({"commune": "29578", **changes})
    assert found(wave) == [("sites.csv", 3, *each) for each in expected]


def test_doubles_are_found_by_code_and_by_name_written_without_marks() -> None:
    wave = small_wave()
    wave.rows("tenants").append(row("tenants", code="a", name="Cơ quan khác"))
    wave.rows("tenants").append(row("tenants", code="C", name="uy ban nhan dan  xa An Binh"))
    assert found(wave) == [
        ("tenants.csv", 4, "code", "same-code", "error"),
        ("tenants.csv", 5, "name", "same-name", "warning"),
    ]


def test_names_that_differ_by_their_marks_are_two_names() -> None:
    wave = small_wave()
    wave.rows("tenants").append(row("tenants", code="C", name="Xã Đông Thành"))
    wave.rows("tenants").append(row("tenants", code="D", name="Xã Đông Thạnh"))
    assert found(wave) == []


def test_a_wave_that_closes_before_it_opens_is_said_to() -> None:
    assert ("wave.csv", 2, "closes", "wave-backwards", "error") in found(
        Wave("w", opens=date(2017, 2, 1), closes=date(2017, 1, 1))
    )


@given(waves(most=3))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_every_finding_about_any_rows_can_be_told_and_points_at_a_row(wave: Wave) -> None:
    for problem in check_wave(wave):
        table = problem.file.split("/")[-1].removesuffix(".csv")
        assert 2 <= problem.row < 2 + len(wave.rows(table))
        assert all(problem.what(language) and problem.remedy(language) for language in LANGUAGES)


@given(st.floats(102, 110), st.floats(8, 24), st.floats(102, 110), st.floats(8, 24))
def test_distances_are_symmetric_and_agree_with_the_ellipsoid(
    lon: float, lat: float, other_lon: float, other_lat: float
) -> None:
    from pyproj import Geod

    km = distance_km(lon, lat, other_lon, other_lat)
    assert km == pytest.approx(distance_km(other_lon, other_lat, lon, lat), abs=1e-9)
    exact = Geod(ellps="WGS84").inv(lon, lat, other_lon, other_lat)[2] / 1000
    assert km == pytest.approx(exact, rel=0.007, abs=1e-6)


def test_the_demonstration_holds_no_errors() -> None:
    assert [p for wave in demo_survey().waves for p in check_wave(wave) if p.severity == "error"] == []
