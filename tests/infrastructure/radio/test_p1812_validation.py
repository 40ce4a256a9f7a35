"""ITU-R's validation profiles, where their files are at hand (they are not ours to keep here).

Set ``LIENTHONG_P1812_DATA`` to a folder with ``validation_profiles`` and ``validation_results``.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from lienthong.infrastructure.radio.p1812 import predict
from lienthong.infrastructure.radio.profiles import Link, Profiles

DATA = Path(os.environ.get("LIENTHONG_P1812_DATA", Path(__file__).parents[4] / "shared" / "data" / "p1812"))
LOGS = sorted((DATA / "validation_results").glob("*_log.csv"))
pytestmark = pytest.mark.skipif(not LOGS, reason="ITU-R's validation profiles are not at hand")


def _profile(path: Path) -> Profiles:
    lines = path.read_text().splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("{Begin of Profile}"))
    count = int(lines[start + 1].split(",")[1])
    rows = np.array([[float(cell) for cell in line.split(",")[:5]] for line in lines[start + 2 :][:count]])
    return Profiles.build(rows[:, 0], rows[:, 1], rows[:, 3], rows[:, 4])


def _reference(path: Path) -> dict[str, float]:
    values: dict[str, float] = {}
    for line in path.read_text().splitlines()[1:]:
        cells = line.split(",")
        if len(cells) > 3 and cells[3]:
            values.setdefault(cells[0].split("(")[0].strip(), float(cells[3]))
    return values


@pytest.mark.parametrize("log", LOGS, ids=lambda path: path.stem.removesuffix("_log"))
def test_a_validation_profile_gives_the_reference_values(log):
    stem = log.stem.removesuffix("_log").rsplit("_", 1)[0]
    value = _reference(log)
    link = Link(
        value["f"],
        value["htg"],
        value["hrg"],
        value["phi"],
        value["p"],
        value["pol"] == 2,
        value["DN"],
        value["N0"],
        value["dct"],
        value["dcr"],
        value["pL"],
        value["sigmaL"],
    )
    result = predict(_profile(DATA / "validation_profiles" / f"{stem}.csv"), link)
    steps = {
        "Lbfs": result.free_space_db,
        "Lb0p": result.line_of_sight_db,
        "Lb0b": result.line_of_sight_beta_db,
        "Lbd50": result.diffraction_median_db,
        "Lbd": result.diffraction_db,
        "Lba": result.ducting_db,
        "Lbs": result.troposcatter_db,
        "Lbc": result.median_place_db,
        "Lb": result.loss_db,
        "b0": result.ducting_percent,
    }
    for name, ours in steps.items():
        assert ours[0] == pytest.approx(value[name], abs=1e-5), name
