"""The example of docs/reference/fibre.md runs, and its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from lienthong.infrastructure.fibre.costs import price_keys
from lienthong.infrastructure.geography.graph import KINDS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "fibre.md").read_text("utf-8")

ROADS = """from_lon,from_lat,to_lon,to_lat,length_m,kind,fibre
105.9700,10.2500,105.9750,10.2500,560,national,yes
105.9750,10.2500,105.9750,10.2550,,rural,no
105.9700,10.2500,105.9700,10.2550,,rural,no
105.9700,10.2550,105.9750,10.2550,,district,no
105.9750,10.2550,105.9800,10.2550,,rural,no
"""


def test_the_python_example_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "roads.csv").write_text(ROADS, "utf-8")
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    assert len(blocks) == 1
    names: dict[str, Any] = {"folder": tmp_path}
    exec(compile(blocks[0], "fibre.md", "exec"), names)  # noqa: S102
    assert names["plan"].proved
    assert names["ring"].cost > names["plan"].cost
    assert names["chain"].cost >= names["plan"].cost
    assert len(names["pon"].splitters) == 1
    assert "gap 0.00%" in capsys.readouterr().out


def test_the_page_names_every_kind_of_road_and_every_price() -> None:
    assert all(f"`{kind}`" in PAGE for kind in KINDS)
    assert all(f"`{key}`" in PAGE for key in price_keys() if "." not in key)
