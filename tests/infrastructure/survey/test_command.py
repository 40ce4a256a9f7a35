"""``lienthong infrastructure survey`` as a script meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli import in_process
from tests.infrastructure.survey.records import answer, small_wave

from lienthong.infrastructure.survey.folder import write_wave
from lienthong.infrastructure.survey.messages import SYNTHETIC


class Shell:
    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys, self.monkeypatch = capsys, monkeypatch

    def __call__(self, *words: object) -> tuple[int, str, str]:
        return in_process.run(self.capsys, self.monkeypatch, "infrastructure", "survey", *words)

    def json(self, *words: object) -> tuple[int, Any]:
        code, out, _ = self(*words, "--json")
        return code, json.loads(out)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(capsys, monkeypatch)


def test_the_whole_way_from_template_to_export(run: Shell, tmp_path: Path) -> None:
    plan, book = tmp_path / "plan", tmp_path / "wave.xlsx"
    assert run.json("demo", plan) == (0, {"written": [f"{plan}/survey/2016", f"{plan}/survey/2017"]})
    code, found = run.json("check", plan)
    assert (code, found["errors"], found["synthetic"]) == (0, 0, True)
    assert run("export", plan, "--xlsx", book, "--wave", "2016")[0] == 0
    code, imported = run.json("import", book, "--into", tmp_path / "copy", "--wave", "2016")
    assert code == 0 and imported["problems"] == []
    for name in ("answers", "circuits", "sites", "wave"):
        same = [(root / "survey/2016" / f"{name}.csv").read_bytes() for root in (plan, tmp_path / "copy")]
        assert same[0] == same[1]
    code, assessed = run.json("assess", plan, "--compare", "2016")
    assert code == 0 and assessed["compared_with"] == "2016" and assessed["wave"] == "2017"
    assert len(assessed["agencies"]) == 169 and assessed["changes"]["groups"][0]["difference"] > 0
    code, late = run.json("late", plan, "--on", "2017-09-01")
    assert code == 0 and late["expected"] == 169
    assert late["expected"] - late["answered"] == sum(each["state"] == "missing" for each in late["late"])


@pytest.mark.parametrize("language", ["vi", "en"])
def test_synthetic_data_is_labelled_wherever_it_is_shown(run: Shell, tmp_path: Path, language: str) -> None:
    run("demo", tmp_path)
    for words in (["check"], ["late"], ["assess"]):
        _, out, err = run(*words, tmp_path, "--lang", language)
        assert SYNTHETIC[language] in err and out  # type: ignore[index]


def test_bad_rows_end_with_exit_code_1_and_are_told_in_the_language_asked_for(
    run: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "providers.csv"
    path.write_text("code,name\np,P\n,Q\n")
    code, found = run.json("import", path, "--into", tmp_path, "--wave", "w", "--lang", "en")
    assert code == 1
    assert found["tables"] == {"providers": {"added": 1, "changed": 0, "unchanged": 0}}
    assert found["problems"] == [
        {"file": "providers.csv", "row": 3, "column": "code", "code": "empty", "severity": "error",
         "what": "a required cell is empty", "remedy": "fill in “Code”"}
    ]  # fmt: skip
    code, out, _ = run("import", path, "--into", tmp_path, "--wave", "w")
    assert code == 1 and "ô bắt buộc còn trống" in " ".join(out.split())


def test_errors_in_the_answers_end_a_check_with_exit_code_1(run: Shell, tmp_path: Path) -> None:
    write_wave(tmp_path, small_wave(answers=[answer("A", pcs_over_5_years=99)]))
    code, found = run.json("check", tmp_path, "--wave", "2017")
    assert code == 1
    assert [problem["code"] for problem in found["problems"]] == ["more-than"]
    write_wave(tmp_path, small_wave())
    assert run("check", tmp_path)[0] == 0
    (tmp_path / "survey/2017/answers.csv").write_text(
        "tenant,answered_on,users,pcs,quality\nA,soon,1,1,records\n"
    )
    assert run("check", tmp_path)[0] == 1
    code, out, err = run("late", tmp_path)
    assert code == 0 and "survey check" in err and "A" in out


def test_templates_forms_and_criteria_are_written_for_people_to_fill_in(run: Shell, tmp_path: Path) -> None:
    for words in (["template", "t.xlsx"], ["template", "e.xlsx", "--lang", "en"], ["form", "f.xlsx"]):
        path = tmp_path / words[1]
        assert run.json(words[0], path, *words[2:]) == (0, {"written": [str(path)]})
    code, found = run.json("import", tmp_path / "t.xlsx", "--into", tmp_path, "--wave", "w")
    assert (code, found["problems"]) == (0, [])
    assert run("criteria", tmp_path / "c.csv")[0] == 0
    write_wave(tmp_path, small_wave())
    ours = run.json("assess", tmp_path)[1]
    assert run.json("assess", tmp_path, "--criteria", tmp_path / "c.csv")[1] == ours
    (tmp_path / "survey/criteria.csv").write_bytes(
        (tmp_path / "c.csv").read_bytes().replace(b",1,0.2", b",9,0.2")
    )
    assert run.json("assess", tmp_path)[1]["criteria"][0]["weight"] == 9


def test_names_that_look_like_markup_are_shown_as_they_are(run: Shell, tmp_path: Path) -> None:
    plan = tmp_path / "[/bold]"
    wave = small_wave()
    wave.rows("tenants")[0]["name"] = "[red]Sở [/x]"
    write_wave(plan, wave)
    write_wave(plan, small_wave("2018", answers=[answer("A", pcs=1)]))
    (plan / "survey/2018/sites.csv").write_text("code,name,kind\n,[/bold],agency\n")
    for words in (
        ["check"],
        ["late", "--wave", "2018"],
        ["assess", "--compare", "2017"],
        ["export", "--csv", plan],
    ):
        code, out, err = run(words[0], plan, *words[1:], "--lang", "en")
        assert code in (0, 1) and "fault of the program" not in err and out
    path = tmp_path / "providers.csv"
    path.write_text("code,name,[/i]\np,[/b],\n")
    code, out, _ = run("import", path, "--into", plan, "--wave", "2017", "--lang", "en")
    assert code == 0 and "[/i]" in out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["check", "nowhere"], 1, "holds no survey"),
        (["assess", "plan", "--wave", "1999"], 1, "no wave '1999'"),
        (["export", "plan"], 1, "nothing to write"),
        (["export", "plan", "--csv", "out", "--separator", "|"], 1, "the separator is"),
        (["import", "missing.csv", "--into", "plan", "--wave", "2017"], 1, "cannot be read"),
        (["import", "plan", "--into", "plan", "--wave", "2017"], 1, "cannot be read"),
        (["import", "missing.csv", "--into", "plan", "--wave", "../up"], 1, "not the code of a wave"),
        (["late", "plan", "--on", "soon"], 2, "soon"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_traceback(
    run: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_wave(Path("plan"), small_wave())
    done, out, err = run(*words)
    assert done == code and says in " ".join(err.split()) and out == ""
    assert "Traceback" not in err
