"""``lienthong infrastructure demo``, ``plan``, ``report`` and ``export`` as people and scripts meet them.

Runs what README.md and docs/howto/plan-the-network.md show of the demonstration, on fewer roads.
"""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.cli import in_process
from tests.infrastructure.plan.district import PLAN_TOML, write_district

from lienthong.infrastructure.plan import demo, making
from lienthong.infrastructure.plan.keeping import load

Capture = pytest.CaptureFixture[str]
SYNTHETIC = "Dữ liệu mô phỏng, gần đúng, không dùng để mua sắm"


def run(capsys: Capture, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> tuple[int, str, str]:
    return in_process.run(capsys, monkeypatch, "infrastructure", *arguments)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_district(tmp_path / "district")
    return tmp_path / "district"


def test_a_folder_is_planned_reported_and_exported(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said, _ = run(capsys, monkeypatch, "plan", folder)
    assert code == 0
    assert "Kế hoạch mạng tỉnh Vĩnh Long" in said and SYNTHETIC in said
    assert f"lienthong infrastructure report {folder} --lang en" in said.replace("\n", "")
    code, said, _ = run(capsys, monkeypatch, "report", folder, "--lang", "en", "--out", folder / "r.pdf")
    assert code == 0 and "Synthetic" in said
    assert (folder / "r.pdf").read_bytes().startswith(b"%PDF-")
    code, said, _ = run(capsys, monkeypatch, "export", folder, "--format", "geojson", "--json")
    assert code == 0
    (file,) = json.loads(said)["files"]
    assert json.loads(Path(file).read_text("utf-8"))["type"] == "FeatureCollection"


def test_json_gives_cost_bound_years_and_money(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said, remarks = run(capsys, monkeypatch, "plan", folder, "--json", "--lang", "en")
    assert code == 0 and remarks == ""
    data = json.loads(said)
    assert data["synthetic"] and data["computed"]
    assert 0 < data["network"]["lower_bound"] <= data["network"]["cost"]
    assert data["network"]["gap"] <= 0.01
    assert data["phasing"]["years"] == [2017, 2018]
    assert all(s <= b for s, b in zip(data["phasing"]["capex"], data["phasing"]["budget"], strict=True))
    _, said, _ = run(capsys, monkeypatch, "plan", folder, "--json")
    assert not json.loads(said)["computed"]
    _, said, _ = run(capsys, monkeypatch, "plan", folder, "--json", "--again")
    assert json.loads(said)["computed"]


def test_ctrl_c_keeps_what_is_done_and_says_so(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    sized = making.sized

    def interrupted(*arguments: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return sized(*arguments)

    monkeypatch.setattr(making, "sized", interrupted)
    code, _, said = run(capsys, monkeypatch, "plan", folder, "--lang", "en")
    assert code == 130
    assert "kept: data, radio, fibre" in said.replace("\n", " ")
    assert "again" in said
    assert load(folder).stages == ("data", "radio", "fibre")
    code, said, _ = run(capsys, monkeypatch, "report", folder, "--json")
    assert code == 1
    monkeypatch.setattr(making, "sized", sized)
    code, said, _ = run(capsys, monkeypatch, "plan", folder, "--json")
    assert code == 0
    assert load(folder).phasing is not None


def test_a_plan_that_is_refused_leaves_the_finished_one(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(capsys, monkeypatch, "plan", folder, "--json")[0] == 0
    finished = (folder / "plan.json").read_bytes()
    settings = folder / "plan.toml"
    text = settings.read_text()
    settings.write_text(re.sub(r"(?m)^budgets = .*$", "budgets = [1, 1]", text))
    assert settings.read_text() != text
    code, _, said = run(capsys, monkeypatch, "plan", folder, "--json")
    assert code == 1 and json.loads(said)["code"] == "budget-too-small"
    assert (folder / "plan.json").read_bytes() == finished
    assert run(capsys, monkeypatch, "report", folder, "--out", folder / "r.pdf", "--json")[0] == 0
    settings.write_text(text)
    assert run(capsys, monkeypatch, "plan", folder, "--json")[0] == 0
    assert not (folder / "plan.unfinished.json").exists()


def test_a_spoiled_plan_is_made_again_and_said(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "plan.json").write_text('{"schema": "lienthong-plan/0"}')
    code, _, said = run(capsys, monkeypatch, "plan", folder, "--lang", "en")
    assert code == 0 and "lienthong-plan/0" in said


def test_mistakes_are_named_with_place_and_remedy(
    folder: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, said = run(capsys, monkeypatch, "plan", tmp_path / "nowhere", "--json")
    assert code == 1 and json.loads(said)["code"] == "bad-plan-folder"
    code, _, said = run(capsys, monkeypatch, "report", folder, "--json")
    assert code == 1 and json.loads(said)["code"] == "bad-plan-file"
    code, _, said = run(capsys, monkeypatch, "export", folder, "--format", "dwg", "--json")
    assert code == 2 and "gpkg" in json.loads(said)["remedy"]
    code, _, said = run(capsys, monkeypatch, "demo", "--data", folder, "--json")
    assert code == 1 and json.loads(said)["remedy"] == "choose another folder with --data"


def test_what_was_found_in_the_data_is_said_even_when_the_money_does_not_do(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (folder / "sites.csv").open("a", encoding="utf-8") as file:
        file.write("FAR,Xã [/xa],commune,106.45,10.35,860,5000,20,20,no\n")
    lines = [[[105.93, 9.99 + 0.015 * at], [106.04, 9.99 + 0.015 * at]] for at in range(7)]
    lines += [[[105.93 + 0.02 * at, 9.98], [105.93 + 0.02 * at, 10.09]] for at in range(6)]
    roads = [
        {
            "type": "Feature",
            "properties": {"kind": "rural"},
            "geometry": {"type": "LineString", "coordinates": line},
        }
        for line in [*lines, lines[0]]
    ]
    (folder / "roads.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": roads}), "utf-8"
    )
    settings = (folder / "plan.toml").read_text("utf-8").replace("Vĩnh Long", "a[/b]")
    made_up = settings[settings.index("[synthetic]") : settings.index("[radio]")]
    own = 'sites = "sites.csv"\nroads = "roads.geojson"\nroads_crossings = true\n'
    settings = settings.replace(made_up, "").replace('sites = "sites.csv"\n', own)
    (folder / "plan.toml").write_text(settings, "utf-8")
    code, said, _ = run(capsys, monkeypatch, "plan", folder, "--lang", "en")
    assert code == 0
    assert "FAR" in said and "[/xa]" in said and "a[/b]" in said
    assert "the same line as another" in said and SYNTHETIC not in said
    settings = settings.replace("complete = false", "complete = true").replace(
        "9_000_000_000", "2_000_000_000"
    )
    (folder / "plan.toml").write_text(settings, "utf-8")
    code, _, told = run(capsys, monkeypatch, "plan", folder, "--lang", "en")
    assert code == 1
    assert "FAR" in told and "complete = false" in told


def test_a_budget_that_cannot_be_met_says_what_would_do(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tight = PLAN_TOML.replace("9_000_000_000, 9_000_000_000", "90_000_000, 90_000_000")
    (folder / "plan.toml").write_text(tight.replace("complete = false", "complete = true"), "utf-8")
    code, _, said = run(capsys, monkeypatch, "plan", folder, "--json")
    problem = json.loads(said)
    assert code == 1 and problem["code"] == "budget-too-small"
    assert "raise the budget by" in problem["remedy"]
    assert "complete = false" in problem["remedy"] and "--partial" not in problem["remedy"]


def test_the_demonstration_plans_vinh_long_and_writes_both_reports(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = demo.PLAN_TOML.replace("nodes = 6000", "nodes = 500").replace("towers = 45", "towers = 4")
    monkeypatch.setattr(demo, "PLAN_TOML", small.replace("new_towers = 10", "new_towers = 2"))
    data = tmp_path / "planning-demo"
    code, said, _ = run(capsys, monkeypatch, "demo", "--data", data, "--json")
    assert code == 0
    found = json.loads(said)
    assert found["synthetic"] and found["connected"] == {"commune": 109, "agency": 60}
    assert found["network"]["gap"] <= 0.01 and found["phasing"]["gap"] <= 0.01
    for name in ("report-vi.pdf", "report-en.pdf", "plan.gpkg", "map-years-vi.svg"):
        assert (data / "out" / name).stat().st_size > 10_000
    code, said, _ = run(capsys, monkeypatch, "demo", "--data", data, "--json")
    assert code == 0 and not json.loads(said)["computed"]
