"""CSV, XLSX and the folder on disk give back what went in."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.infrastructure.survey.records import rows, waves

from lienthong.infrastructure.survey.folder import csv_bytes, read_survey, write_wave
from lienthong.infrastructure.survey.importing import read_files
from lienthong.infrastructure.survey.model import Survey, Wave
from lienthong.infrastructure.survey.tables import TABLES
from lienthong.infrastructure.survey.workbooks import write_workbook

FEW = settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


@given(st.data(), st.sampled_from([",", ";"]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_a_csv_file_gives_back_its_rows(data: st.DataObject, separator: str) -> None:
    table = data.draw(st.sampled_from(list(TABLES.values())))
    wanted = data.draw(rows(table))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{table.name}.csv"
        path.write_bytes(csv_bytes(table, wanted, separator=separator))
        found, problems = read_files([path])
    assert problems == []
    assert [record for _, _, record in found[table.name]] == wanted


@given(waves(), st.sampled_from(["vi", "en"]))
@FEW
def test_a_workbook_gives_back_its_wave(wave: Wave, language: str) -> None:
    buffer = io.BytesIO()
    write_workbook(buffer, wave, language)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "survey.xlsx"
        path.write_bytes(buffer.getvalue())
        found, problems = read_files([path])
    assert problems == []
    assert {name: [record for _, _, record in found[name]] for name in TABLES} == wave.tables
    assert found["wave"][0][2]["synthetic"] is wave.synthetic


@given(waves())
@FEW
def test_a_folder_gives_back_its_wave(wave: Wave) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_wave(Path(folder), wave)
        assert read_survey(Path(folder)) == (Survey([wave]), [])


def test_waves_come_in_the_order_of_their_days(tmp_path: Path) -> None:
    from datetime import date

    for code, opens in (("b", date(2016, 1, 1)), ("a", date(2017, 1, 1)), ("c", None)):
        write_wave(tmp_path, Wave(code, opens=opens))
    survey, _ = read_survey(tmp_path)
    assert [wave.code for wave in survey.waves] == ["b", "a", "c"]


def test_files_are_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    from tests.infrastructure.survey.records import small_wave

    write_wave(tmp_path, small_wave())
    write_wave(tmp_path, Wave("2017"))
    assert [path.name for path in (tmp_path / "survey/2017").iterdir()] == ["wave.csv"]
