"""The demonstration's planning folder: Vĩnh Long with made-up answers, roads, ground and money."""

from __future__ import annotations

from pathlib import Path

from lienthong.infrastructure.plan.folder import SETTINGS, Folder, open_folder
from lienthong.infrastructure.survey.demo import CORE, demo_survey
from lienthong.infrastructure.survey.folder import write_wave

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
new_towers = 10

[time]
seconds = 200
"""


def write_demo(path: Path) -> Folder:
    """Write the folder's settings and survey; the same every time. Plans made before stay."""
    path.mkdir(parents=True, exist_ok=True)
    (path / SETTINGS).write_text(PLAN_TOML, "utf-8")
    for wave in demo_survey().waves:
        write_wave(path, wave)
    return open_folder(path)
