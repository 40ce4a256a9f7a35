"""A small planning folder for tests: twelve communes and four agencies, 300 nodes of made-up roads."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from lienthong.infrastructure.plan.folder import open_folder
from lienthong.infrastructure.plan.keeping import save
from lienthong.infrastructure.plan.making import make
from lienthong.infrastructure.plan.model import Plan
from lienthong.infrastructure.plan.progress import Clock, Run, Told, nobody
from lienthong.infrastructure.plan.settings import STAGES

NOW = datetime(2017, 8, 1, 1, 0, tzinfo=UTC)
PLAN_TOML = """\
province = "Vĩnh Long"
root = "DC"

[districts]
860 = "Huyện Tam Bình"

[money]
years = [2017, 2018]
budgets = [9_000_000_000, 9_000_000_000]
complete = false

[[funding]]
key = "province"
name_vi = "Ngân sách tỉnh"
name_en = "Provincial budget"

[files]
sites = "sites.csv"

[synthetic]
roads = true
terrain = true
towers = 3
nodes = 300

[radio]
bands = ["4g-1800", "3g-900", "5g-3700"]
new_towers = 1
range_km = 6.0

[[scenarios]]
name_vi = "Cắt nửa vốn năm đầu"
name_en = "Half the first year's money"
cut_year = 2017
cut_share = 0.5

[time]
seconds = 40
"""


def write_district(folder: Path, settings: str = PLAN_TOML) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["code,name,kind,lon,lat,district,people,users,seats,connected"]
    lines.append("DC,Trung tâm dữ liệu,node,105.995,10.045,860,0,0,0,yes")
    for at in range(12):
        lon, lat = 105.94 + 0.028 * (at % 4), 10.0 + 0.03 * (at // 4)
        connected = "yes" if at == 5 else "no"
        lines.append(
            f"X{at:02},Xã số {at},commune,{lon:.4f},{lat:.4f},860,{6000 + 500 * at},20,22,{connected}"
        )
    for at in range(4):
        lines.append(f"A{at},Cơ quan số {at},agency,{105.99 + 0.004 * at:.4f},10.05,860,0,40,44,no")
    (folder / "sites.csv").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "plan.toml").write_text(settings, "utf-8")


def made(folder: Path, *, earlier: Plan | None = None, told: Told = nobody) -> Plan:
    """Plan a folder as the command does, keeping each stage on disk."""
    opened = open_folder(folder)
    run = Run(Clock(opened.settings.time.seconds, STAGES), told)
    return make(opened, run, now=NOW, earlier=earlier, kept=lambda part: save(part, opened.plan))
