"""``lienthong infrastructure capacity`` and ``phase`` beyond what their pages show."""

from __future__ import annotations

import json
import os
import signal
import threading
from functools import partial

import pytest
from tests.cli import in_process
from tests.infrastructure.phasing.trees import item

from lienthong.cli.phasing import _StopOnInterrupt
from lienthong.infrastructure.capacity.coefficients import Coefficients
from lienthong.infrastructure.phasing.item_files import write_items


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_items(
        tmp_path / "items.csv",
        [item("cable", 6_000), item("site", 5_000, kind="node", after=("cable",), people=90, communes=1)],
    )
    (tmp_path / "sites.csv").write_text("code,users,seats\nP1,20,18\n")

    return partial(in_process.run, capsys, monkeypatch, "infrastructure")


def test_the_first_ctrl_c_asks_for_the_best_so_far_and_the_second_ends():
    stop = threading.Event()
    with pytest.raises(KeyboardInterrupt), _StopOnInterrupt(stop):
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(10)
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_phasing_as_json_has_years_bound_and_scenarios(run, tmp_path):
    code, out, err = run(
        "phase", "items.csv", "--budget", "2017=6_000", "--budget", "2018=0.005tr", "--compare", "--json",
        "--boq", "bill.xlsx",
    )  # fmt: skip
    assert code == 0, err
    found = json.loads(out)
    assert found["year_of"] == {"cable": 2017, "site": 2018}
    assert found["bound"] == found["objective"] == 90 and found["proved"]
    assert found["funding"] == {"budget": [6_000, 5_000]}
    keys = [each["key"] for each in found["scenarios"]]
    assert keys == ["cut-2017-20", "delay-1", "aim-communes", "prices+20"]
    cut = found["scenarios"][0]
    assert sum(cut["least_budget"]["extra"]) == 1_200
    assert cut["difference"]["connected"]["people"] == -90
    assert (tmp_path / "bill.xlsx").exists()


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_phasing_speaks_both_languages(run, lang):
    code, out, err = run(
        "phase", "items.csv", "--budget", "2017=11000", "--budget", "2018=0", "--compare", "--lang", lang
    )
    assert code == 0, err
    assert ("Vốn đầu tư" if lang == "vi" else "capex") in out


def test_a_budget_that_does_not_do_is_answered_with_one_that_does(run):
    code, _, err = run("phase", "items.csv", "--budget", "2017=9000", "--lang", "vi")
    assert code == 1
    assert "không đủ" in err and "2.000" not in err and "2,000 đồng" in err
    code, _, err = run("phase", "items.csv", "--budget", "2017=9000", "--json")
    refusal = json.loads(err)
    assert refusal["code"] == "budget-too-small" and "2017=11000" in refusal["remedy"]


@pytest.mark.parametrize(
    "budgets", [["2017"], ["2017=much"], ["year=5"], ["2017=5", "2017=6"], ["2017=5", "2019=5"], ["2017=-5"]]
)
def test_a_budget_that_is_none_is_named(run, budgets):
    words = [word for each in budgets for word in ("--budget", each)]
    code, _, err = run("phase", "items.csv", *words, "--json")
    assert code == 1
    assert json.loads(err)["remedy"]


def test_weights_that_are_no_numbers_are_named(run):
    code, _, err = run("phase", "items.csv", "--budget", "2017=1", "--weights", "a,b", "--json")
    assert code == 1 and json.loads(err)["place"] == "--weights"


def test_capacity_as_json_has_links_a_trunk_and_storage(run):
    code, out, err = run("capacity", "sites.csv", "--years", "3", "--tornado", "rate", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["links"][0]["rate"] >= found["links"][0]["needed"]
    assert [each["year"] for each in found["storage"]] == [2017, 2018, 2019]
    assert found["tornado"]["bars"]


def test_one_coefficient_can_be_set_and_all_be_saved(run, tmp_path):
    code, _, err = run("capacity", "--set", "web_mbps=0.7", "--save-coefficients", "all.csv")
    assert code == 0, err
    assert Coefficients.load(tmp_path / "all.csv").value("web_mbps") == 0.7


@pytest.mark.parametrize(
    "words", [[], ["sites.csv", "--set", "web_mbps"], ["sites.csv", "--set", "web=1"], ["none.csv"]]
)
def test_what_capacity_cannot_use_is_named(run, words):
    code, _, err = run("capacity", *words, "--json")
    assert code == 1
    refusal = json.loads(err)
    assert refusal["place"] and refusal["remedy"]
