"""The demonstration's survey: the communes and agencies of Vĩnh Long in 2017, with made-up answers.

Names and codes of communes are public facts and their centres known to about 1 km; everything that is
counted or measured comes from a seeded generator and is labelled synthetic. Not for procurement.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from lienthong.infrastructure.survey.columns import Record
from lienthong.infrastructure.survey.messages import SYNTHETIC
from lienthong.infrastructure.survey.model import Survey, Wave
from lienthong.infrastructure.survey.tables import TABLES

PROVINCE = "86"
CORE = "VL-DC"
"""The node of the data centre, where the fibre tree begins."""
_HERE = Path(__file__).parent
_SOURCE = f"{SYNTHETIC['vi']} / {SYNTHETIC['en']}"
_WAVES = (
    ("2016", "Khảo sát hiện trạng 2016 (mô phỏng)", date(2016, 10, 3), date(2016, 11, 30), 0.0),
    ("2017", "Khảo sát hiện trạng 2017 (mô phỏng)", date(2017, 6, 1), date(2017, 7, 31), 1.0),
)
_PROVIDERS = (("ncc-a", "Nhà cung cấp A (mô phỏng)"), ("ncc-b", "Nhà cung cấp B (mô phỏng)"))


@dataclass(frozen=True)
class _Place:
    """An agency with its luck: ``luck`` are numbers in [0, 1) that stay the same from wave to wave."""

    code: str
    name: str
    kind: str
    level: str
    parent: str
    commune: str
    district: str
    lon: float
    lat: float
    users: int
    luck: tuple[float, ...]


def demo_survey(seed: int = 2017) -> Survey:
    """Two waves over 109 communes and 60 agencies; the same for the same seed."""
    communes = _read("vinhlong-2017-communes.csv")
    regions = _regions(communes, np.random.default_rng([seed, 0]))
    places = _places(communes, seed)
    return Survey([_wave(*wave, regions, places) for wave in _WAVES])


def _read(name: str) -> list[dict[str, str]]:
    with (_HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _row(table: str, **values: object) -> Record:
    row: Record = dict.fromkeys(TABLES[table].names)
    unknown = set(values) - set(row)
    assert not unknown, unknown
    row.update(values)  # type: ignore[arg-type]
    return row


def _regions(communes: list[dict[str, str]], rng: np.random.Generator) -> list[Record]:
    rows = [_row("regions", code=PROVINCE, name="Tỉnh Vĩnh Long", kind="province")]
    for code, name in sorted({(each["district"], each["district_name"]) for each in communes}):
        rows.append(_row("regions", code=code, name=name, kind="district", parent=PROVINCE))
    for each in communes:
        people = int(rng.integers(55, 145)) * 100
        rows.append(
            _row("regions", code=each["code"], name=each["name"], kind="commune", parent=each["district"],
                 longitude=float(each["approximate_lon"]), latitude=float(each["approximate_lat"]),
                 people=people)
        )  # fmt: skip
    return rows


_USERS = {"government": (45, 70), "department": (35, 90), "party": (12, 45), "council": (6, 20),
          "mass-organisation": (12, 30), "district": (65, 110), "commune": (17, 26)}  # fmt: skip


def _places(communes: list[dict[str, str]], seed: int) -> list[_Place]:
    centres = {each["code"]: each for each in communes}
    places = []
    beside: dict[str, int] = {}
    for at, each in enumerate(_read("vinhlong-2017-agencies.csv")):
        rng = np.random.default_rng([seed, 1, at])
        centre = centres[each["commune"]]
        nth = beside.get(each["commune"], 0)
        beside[each["commune"]] = nth + 1
        # A sunflower of offices around the centre, so that none stand in one place.
        metres, angle = 150 + 110 * math.sqrt(nth), nth * 2.39996 + int(each["commune"]) % 97
        lat = float(centre["approximate_lat"])
        low, high = _USERS[each["kind"]]
        places.append(
            _Place(
                each["code"], each["name"], each["kind"], each["level"], each["parent"], each["commune"],
                centre["district"],
                round(float(centre["approximate_lon"]) + metres * math.cos(angle) / 111_320 /
                      math.cos(math.radians(lat)), 5),
                round(lat + metres * math.sin(angle) / 111_320, 5),
                int(rng.integers(low, high + 1)),
                tuple(float(value) for value in rng.random(40)),
            )
        )  # fmt: skip
    return places


def _wave(
    code: str, title: str, opens: date, closes: date, progress: float, regions: list[Record],
    places: list[_Place],
) -> Wave:  # fmt: skip
    wave = Wave(code, title, opens, closes, synthetic=True, source=_SOURCE)
    rows = wave.tables = {name: [] for name in TABLES}
    rows["regions"] = [dict(row) for row in regions]
    rows["providers"] = [_row("providers", code=code, name=name) for code, name in _PROVIDERS]
    rows["tenants"].append(
        _row("tenants", code="H61", name="Ủy ban nhân dân tỉnh Vĩnh Long", kind="government",
             level="province", expected=False)
    )  # fmt: skip
    _core(rows, closes)
    for place in places:
        rows["tenants"].append(
            _row("tenants", code=place.code, name=place.name, kind=place.kind, level=place.level,
                 parent=place.parent or None, expected=True)
        )  # fmt: skip
        rows["sites"].append(
            _row("sites", code=place.code, name=place.name,
                 kind="commune" if place.kind == "commune" else "agency", status="active", tenant=place.code,
                 commune=place.commune, district=place.district, longitude=place.lon, latitude=place.lat,
                 position_source="approximate")
        )  # fmt: skip
        if place.luck[0] >= (0.12 - 0.08 * progress):
            _answer(rows, place, progress, opens, closes)
    for island, shore in (("H61.67.13", "H61.67"), ("H61.64.03", "H61.64"), ("H61.62.05", "H61.61")):
        rows["wireless_links"].append(
            _row("wireless_links", ssid=f"vb-{island.lower()}", status="connected", tenant=island, site_a=island,
                 site_b=shore, frequency=5.8, rate=50_000)
        )  # fmt: skip
    return wave


def _core(rows: dict[str, list[Record]], closes: date) -> None:
    rows["sites"].append(
        _row("sites", code=CORE, name="Trung tâm dữ liệu tỉnh (mô phỏng)", kind="node", status="active",
             tenant="H61.11", commune="29548", district="855", longitude=105.9722, latitude=10.2531,
             position_source="approximate")
    )  # fmt: skip
    rows["clusters"].append(
        _row("clusters", name="ttdl-ao-hoa", type="Ảo hóa", status="active", tenant="H61.11", site=CORE)
    )
    for name, memory, disk in (("vb-tinh", 32_768, 2_000_000), ("mot-cua", 16_384, 1_000_000),
                               ("thu-cong-vu", 24_576, 3_000_000)):  # fmt: skip
        rows["virtual_machines"].append(
            _row("virtual_machines", name=name, cluster="ttdl-ao-hoa", status="active", tenant="H61.11",
                 vcpus=8.0, memory=memory, disk=disk)
        )  # fmt: skip
    for name, role, year in (("core-sw-1", "Core switch", 2012), ("fw-1", "Firewall", closes.year - 3)):
        rows["devices"].append(
            _row("devices", name=name, role=role, status="active", tenant="H61.11", site=CORE,
                 purchase_year=year)
        )  # fmt: skip


def _answer(rows: dict[str, list[Record]], place: _Place, progress: float, opens: date, closes: date) -> None:
    luck, small = place.luck, place.kind == "commune"
    forward = 0.12 * progress
    tidy = 0.35 if small else 0.65

    def has(at: int, share: float) -> bool:
        return luck[at] < share + forward

    def part(at: int, low: float, high: float) -> float:
        return min(1.0, low + (high - low) * luck[at] + forward)

    pcs = max(2, round(place.users * part(1, 0.45 if small else 0.75, 0.9 if small else 1.1)))
    total = (round(luck[2] * 6) + 2) * (250 if small else 1000)
    used = round(total * min(0.97, 0.35 + 0.5 * luck[3] + 0.1 * progress))
    open_days = (closes - opens).days
    late = has(4, 0.06 - 0.1 * progress)
    answered = (
        closes + timedelta(3 + int(luck[5] * 20)) if late else opens + timedelta(int(luck[5] * open_days))
    )
    backup = has(6, tidy - 0.2)
    rows["answers"].append(
        _row(
            "answers", tenant=place.code, answered_on=answered, users=place.users,
            seats=place.users + round(4 * luck[7]), pcs=pcs,
            pcs_over_5_years=round(pcs * (0.15 + 0.4 * luck[8]) * (1 - 0.3 * progress)),
            servers=0 if small else 1 + round(2 * luck[9]), it_staff=int(has(10, 0.2 if small else 0.75)),
            trained_users=round(place.users * part(11, 0.3, 0.8)),
            email_users=round(place.users * part(12, 0.35 if small else 0.6, 0.85)),
            documents_users=round(place.users * part(13, 0.2 if small else 0.55, 0.85)),
            storage_total_gb=total, storage_used_gb=used,
            storage_growth_gb=round(total * 0.1 * (0.5 + luck[14])),
            grid_hours=round(23 + luck[15] * 0.9, 1), outages=round(luck[16] * 5),
            ups_minutes=(10 + round(luck[17] * 3) * 10) if has(17, tidy) else 0,
            generator_kva=float(round(10 + luck[18] * 40)) if has(18, tidy - 0.3) else 0.0,
            antivirus_pcs=round(pcs * part(19, 0.2 if small else 0.5, 0.95)),
            incidents=round(luck[20] * 3), lan=has(21, 0.75), wifi=has(22, 0.6),
            mobile_signal="4g" if has(23, 0.3) else "3g",
            firewall="appliance" if not small and has(24, 0.35) else "software" if has(25, tidy) else "none",
            system_level=("2" if not small else "1") if has(26, tidy - 0.25) else "none",
            level_approved=has(26, tidy - 0.45),
            backup=_backup(backup, often=has(27, 0.3), sometimes=has(28, 0.5)),
            backup_offsite=backup and has(29, 0.3), quality="synthetic",
            doubtful=("storage_growth_gb", "storage_used_gb") if has(30, 0.15 - 0.2 * progress) else None,
        )
    )  # fmt: skip
    _lines(rows, place, has, luck, opens)
    _equipment(rows, place, pcs, luck, opens)


def _backup(regular: bool, *, often: bool, sometimes: bool) -> str:
    if regular:
        return "daily" if often else "weekly"
    return "irregular" if sometimes else "none"


def _lines(rows: dict[str, list[Record]], place: _Place, has: object, luck: tuple[float, ...],
           opens: date) -> None:  # fmt: skip
    assert callable(has)
    installed = date(opens.year - 1 - int(luck[33] * 4), 1 + int(luck[34] * 12), 15)
    share = {"commune": 0.22, "party": 0.45, "council": 0.4, "mass-organisation": 0.3}.get(place.kind, 0.85)
    provider = _PROVIDERS[luck[31] > 0.6][0]
    if has(32, share):
        speed = 10_000 if place.kind == "commune" else 20_000
        rows["circuits"].append(
            _row("circuits", cid=f"TSLCD-{place.code}", provider="ncc-a", type="Kênh thuê riêng cáp quang",
                 medium="fibre", network="wan", status="active", tenant=place.code, site_a=place.code,
                 site_z=CORE, port_speed=speed, upstream_speed=speed, commit_rate=speed // 2,
                 install_date=installed, monthly_fee=1_100_000 if speed == 10_000 else 2_200_000)
        )  # fmt: skip
    fibre = has(35, 0.5 if place.kind == "commune" else 0.9)
    medium = "fibre" if fibre else "mobile" if luck[36] < 0.1 else "copper"
    down = {"fibre": 30_000, "mobile": 7_200, "copper": 6_144}[medium]
    rows["circuits"].append(
        _row("circuits", cid=f"INT-{place.code}", provider=provider,
             type={"fibre": "FTTH", "mobile": "Di động 3G", "copper": "ADSL"}[medium], medium=medium,
             network="internet", status="active", tenant=place.code, site_a=place.code, port_speed=down,
             upstream_speed=down if fibre else 640, commit_rate=down // 16, install_date=installed,
             monthly_fee=350_000 if fibre else 250_000)
    )  # fmt: skip


def _equipment(
    rows: dict[str, list[Record]], place: _Place, pcs: int, luck: tuple[float, ...], opens: date
) -> None:
    rows["devices"].append(
        _row("devices", name=f"sw-{place.code.lower()}", role="Access switch", status="active",
             tenant=place.code, site=place.code, purchase_year=opens.year - 2 - int(luck[37] * 6))
    )  # fmt: skip
    owned = round(pcs * (0.3 + 0.6 * luck[38]))
    rows["software"].append(
        _row("software", tenant=place.code, name="Bộ phần mềm văn phòng", kind="office", licence="commercial",
             licences_owned=owned, licences_used=pcs)
    )  # fmt: skip
    rows["software"].append(
        _row("software", tenant=place.code, name="Quản lý văn bản và điều hành", kind="documents",
             version="3.1", licence="commercial", licences_owned=place.users, licences_used=place.users)
    )  # fmt: skip
