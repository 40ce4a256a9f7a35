"""Import keeps every good row, and says of each bad one where it is and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.infrastructure.survey.records import answer, small_wave

from lienthong.infrastructure.survey.folder import read_wave, write_wave
from lienthong.infrastructure.survey.importing import Counts, import_files
from lienthong.infrastructure.survey.messages import BadSurvey

ANSWERS = """tenant;answered_on;users;pcs;quality;storage_total_gb
A;20/06/2017;25;20;records;500
B;20/06/2017;hai mươi;20;records;500
C;2017-06-21;10;-4;records;
;2017-06-21;10;4;sổ sách;
A;2017-06-22;26;20;records;500
D;2017-06-22;26
"""


def write(tmp_path: Path, name: str, content: str) -> Path:
    path = tmp_path / name
    path.write_text(content)
    return path


def test_good_rows_are_kept_and_bad_ones_reported_with_their_place(tmp_path: Path) -> None:
    result = import_files([write(tmp_path, "answers.csv", ANSWERS)], tmp_path, "2017")
    assert sorted((each.file, each.row, each.column, each.code) for each in result.problems) == [
        ("answers.csv", 3, "users", "not-whole"),
        ("answers.csv", 4, "pcs", "out-of-range"),
        ("answers.csv", 5, "quality", "not-a-choice"),
        ("answers.csv", 5, "tenant", "empty"),
        ("answers.csv", 6, "tenant", "key-twice"),
        ("answers.csv", 7, "", "cells"),
    ]
    assert result.bad and result.tables == {"answers": Counts(added=1)}
    wave, _ = read_wave(tmp_path, "2017")
    assert [(row["tenant"], row["users"]) for row in wave.rows("answers")] == [("A", 25)]


def test_a_second_import_replaces_by_key_and_says_what_it_did(tmp_path: Path) -> None:
    write_wave(tmp_path, small_wave())
    text = "tenant,answered_on,users,seats,pcs,quality\n"
    text += "A,2017-06-20,20,22,18,records\nB,2017-06-20,20,22,19,records\n"
    result = import_files([write(tmp_path, "x.csv", text)], tmp_path, "2017")
    assert result.tables == {"answers": Counts(changed=1, unchanged=1)}
    wave, _ = read_wave(tmp_path, "2017")
    assert [row["pcs"] for row in wave.rows("answers")] == [18, 19]
    assert wave.rows("sites") == small_wave().rows("sites")


def test_a_table_is_known_by_labels_in_either_language(tmp_path: Path) -> None:
    text = "Mã nhà cung cấp *,Tên nhà cung cấp *\np,P\n"
    assert "providers" in import_files([write(tmp_path, "bảng 1.csv", text)], tmp_path, "w").tables
    text = "Agency *,Answered on *,Users (people) *,PCs (machines) *,Quality of figures *\n"
    text += "A,2017-06-20,1,1,Measured\n"
    assert "answers" in import_files([write(tmp_path, "sheet.csv", text)], tmp_path, "w").tables


def test_what_no_table_has_is_said_and_the_option_decides(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", "code,name,colour\np,P,red\n")
    result = import_files([path], tmp_path, "w")
    assert [each.code for each in result.problems] == ["unknown-table"]
    result = import_files([path], tmp_path, "w", table="providers")
    assert [(each.code, each.severity) for each in result.problems] == [("unknown-columns", "warning")]
    assert not result.bad and result.rows == 1
    with pytest.raises(BadSurvey, match="no table"):
        import_files([path], tmp_path, "w", table="racks")


def test_references_by_name_become_codes_when_the_name_is_unique(tmp_path: Path) -> None:
    write_wave(tmp_path, small_wave())
    text = "code,name,kind,tenant,commune\nX,Trụ sở X,agency,uy ban nhan dan xa an binh,Xã An Bình\n"
    import_files([write(tmp_path, "sites.csv", text)], tmp_path, "2017")
    wave, _ = read_wave(tmp_path, "2017")
    assert [wave.rows("sites")[-1][name] for name in ("tenant", "commune", "district")] == [
        "A",
        "29578",
        "857",
    ]


def test_columns_that_a_file_does_not_have_stay_as_they_were(tmp_path: Path) -> None:
    write_wave(tmp_path, small_wave())
    path = write(tmp_path, "sites.csv", "code,name,kind,physical_address\nA,Trụ sở mới,commune,Ấp 1\n")
    assert import_files([path], tmp_path, "2017").tables == {"sites": Counts(changed=1)}
    expected = dict(small_wave().rows("sites")[0], name="Trụ sở mới", physical_address="Ấp 1")
    assert read_wave(tmp_path, "2017")[0].rows("sites")[0] == expected
    path = write(tmp_path, "sites.csv", "code,name,kind,longitude,latitude\nA,Trụ sở mới,commune,,\n")
    import_files([path], tmp_path, "2017")
    assert read_wave(tmp_path, "2017")[0].rows("sites")[0] == dict(expected, longitude=None, latitude=None)


def test_a_file_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    good = write(tmp_path, "providers.csv", "code,name\np,P\n")
    with pytest.raises(BadSurvey):
        import_files([good, tmp_path / "missing.csv"], tmp_path / "plan", "2017")
    assert not (tmp_path / "plan").exists()


def test_rows_spoiled_by_hand_are_never_lost_by_an_import(tmp_path: Path) -> None:
    room = write_wave(tmp_path, small_wave())
    spoiled = (room / "answers.csv").read_text().replace("records", "guessed", 1)
    (room / "answers.csv").write_text(spoiled)
    good = write(tmp_path, "providers.csv", "code,name\nq,Q\n")
    with pytest.raises(BadSurvey) as raised:
        import_files([good], tmp_path, "2017")
    assert raised.value.place == "survey/2017/answers.csv:2"
    assert (room / "answers.csv").read_text() == spoiled


def test_synthetic_answers_label_their_wave(tmp_path: Path) -> None:
    write_wave(tmp_path, small_wave(answers=[answer("A", quality="synthetic")]))
    path = tmp_path / "survey/2017/answers.csv"
    import_files([path], tmp_path, "other")
    assert read_wave(tmp_path, "other")[0].synthetic
    import_files([path], tmp_path, "real", synthetic=False)
    assert not read_wave(tmp_path, "real")[0].synthetic
