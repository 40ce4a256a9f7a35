"""``lienthong infrastructure coverage`` and ``site`` as docs/reference/radio.md shows them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from tests.cli.in_process import run

from lienthong.infrastructure.radio.rasters import write_geotiff
from lienthong.infrastructure.radio.synthetic import landscape

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "radio.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


def _block(language: str) -> str:
    return next(body for name, body in BLOCKS if name == language)


COMMANDS = [line for name, body in BLOCKS if name == "sh" for line in body.splitlines()]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "sites.csv").write_text(_block("csv"))
    (tmp_path / "villages.json").write_text(_block("json"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_s_commands_work(folder, capsys, monkeypatch, command):
    code, out, err = run(capsys, monkeypatch, *shlex.split(command)[1:])
    assert code == 0, err
    if "--json" in command:
        json.loads(out)


def _json(capsys, monkeypatch, *words):
    code, out, err = run(capsys, monkeypatch, "infrastructure", *words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_a_script_gets_the_siting_and_its_proof(folder, capsys, monkeypatch):
    found = _json(capsys, monkeypatch, "site", "villages.json")
    assert found["value"] == found["bound"] == 75
    assert found["proved"] is True
    assert found["sites"] == ["B"]
    assert found["points_served"] == 2
    cover = _json(capsys, monkeypatch, "site", "villages.json", "--problem", "covering")
    assert (cover["value"], sorted(cover["sites"])) == (3, ["A", "B"])


def test_a_script_gets_people_area_and_the_choice(folder, capsys, monkeypatch):
    options = ("--synthetic", "1", "--range", "5", "--points", "21", "--choose", "1", "--out", "map.tif")
    found = _json(capsys, monkeypatch, "coverage", "sites.csv", *options)
    assert found["people"]["low"] <= found["people"]["mid"] <= found["people"]["high"]
    assert found["synthetic"] is True
    assert found["choice"]["proved"] is True
    assert found["choice"]["people"] == pytest.approx(found["people"]["mid"])
    assert found["choice"]["sites"][0] in {"TB01", "VU01"}
    assert found["sites"][0]["id"] == "VL01"


def test_rasters_on_disk_give_what_the_same_land_in_memory_gives(folder, capsys, monkeypatch):
    land = landscape(1)
    for name in ("terrain", "clutter", "population"):
        write_geotiff(folder / f"{name}.tif", getattr(land, name))
    usual = ("coverage", "sites.csv", "--range", "4", "--points", "21")
    made = _json(capsys, monkeypatch, *usual, "--synthetic", "1")
    files = [part for name in ("terrain", "clutter", "population") for part in (f"--{name}", f"{name}.tif")]
    read = _json(capsys, monkeypatch, *usual, *files)
    assert read["people"] == pytest.approx(made["people"])
    assert read["synthetic"] is True


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("coverage", "sites.csv"), "no terrain"),
        (("coverage", "none.csv", "--synthetic", "1"), "cannot be read"),
        (("coverage", "sites.csv", "--synthetic", "1", "--band", "2g"), "'2g'"),
        (("site", "villages.json", "--problem", "best"), "'best'"),
        (("site", "none.json"), "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_and_what_to_do(folder, capsys, monkeypatch, words, says):
    code, _, err = run(capsys, monkeypatch, "infrastructure", *words, "--json")
    assert code == 1
    problem = json.loads(err.strip().splitlines()[-1])
    assert says in problem["detail"]
    assert problem["remedy"]
