"""The demonstration's planning folder: Vĩnh Long with made-up answers, roads, ground and money."""

from __future__ import annotations

from pathlib import Path

from lienthong.infrastructure.plan.errors import BadPlanFolder
from lienthong.infrastructure.plan.folder import SETTINGS, Folder, open_folder
from lienthong.infrastructure.survey.demo import CORE, demo_survey
from lienthong.infrastructure.survey.folder import wave_codes, write_wave

PLAN_TOML = f"""\
# The plan of the demonstration: synthetic, approximate, not for procurement.
# Every key: docs/reference/planning.md.
province = "Vĩnh Long"
root = "{CORE}"

[money]
years = [2017, 2018, 2019, 2020]
budgets = [17_000_000_000, 19_000_000_000, 20_000_000_000, 21_000_000_000]   # VND
objective = "people"

[[funding]]
key = "province"
name_vi = "Ngân sách tỉnh"
name_en = "Provincial budget"
share = 0.45

[[funding]]
key = "central"
name_vi = "Ngân sách trung ương hỗ trợ"
name_en = "Central budget"
share = 0.25

[[funding]]
key = "partner"
name_vi = "Doanh nghiệp viễn thông đầu tư"
name_en = "Telecommunications partners"
share = 0.6
pays_for = ["trunk", "drop", "node", "tower", "microwave"]

[synthetic]
roads = true
terrain = true
towers = 45
seed = 2017
nodes = 6000

[radio]
bands = ["4g-1800", "3g-900", "5g-3700"]
new_towers = 10

[time]
seconds = 200
"""


def check_free(path: Path) -> None:
    """Raises :class:`BadPlanFolder` rather than writing over somebody's own planning folder."""
    file = path / SETTINGS
    if file.exists() and not file.read_text("utf-8").startswith(PLAN_TOML.split("\n", 1)[0]):
        raise BadPlanFolder(
            "this folder is not a demonstration's",
            place=str(file),
            remedy="choose another folder with --data",
        )


def write_demo(path: Path) -> Folder:
    """Write the folder's settings and survey where they are not there yet; what was changed stays."""
    path.mkdir(parents=True, exist_ok=True)
    if not (path / SETTINGS).exists():
        (path / SETTINGS).write_text(PLAN_TOML, "utf-8")
    if not wave_codes(path):
        for wave in demo_survey().waves:
            write_wave(path, wave)
    return open_folder(path)
