"""The places of the demonstration agree with the registry's seed."""

from __future__ import annotations

import csv
from pathlib import Path

from lienthong.infrastructure import survey

HERE = Path(survey.__file__).parent
REGISTRY = HERE.parents[1] / "registry" / "seeds" / "vinhlong-2017-agencies.csv"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_agency_of_the_seed_is_surveyed_under_its_code_and_name() -> None:
    """All but the province itself, whose work its office does, and the one outside the province."""
    seed = {
        each["code"]: each for each in read(REGISTRY) if each["kind"] != "external" and each["code"] != "H61"
    }
    places = {each["code"]: each for each in read(HERE / "vinhlong-2017-agencies.csv")}
    assert set(places) == set(seed) and len(places) == 169
    assert all(places[code]["name"] == seed[code]["name"] for code in seed)


def test_each_commune_office_stands_in_the_commune_of_its_statistical_code() -> None:
    communes = {each["code"] for each in read(HERE / "vinhlong-2017-communes.csv")}
    seed = {each["code"]: each["aliases"].split("|") for each in read(REGISTRY)}
    offices = [each for each in read(HERE / "vinhlong-2017-agencies.csv") if each["kind"] == "commune"]
    assert {each["commune"] for each in offices} == communes and len(communes) == 109
    assert all(each["commune"] in seed[each["code"]] for each in offices)
