"""What NetBox exports without what the survey asks for: codes from names, kinds from groups and regions,
media from circuit types, sites of wireless links from their devices, port speeds from terminations.

Names are those of NetBox 3 and 4: its CSV export (verbose names), its bulk import (field names) and its
REST interface (JSON).
"""

from __future__ import annotations

import re

from lienthong.core.text import fold
from lienthong.infrastructure.survey.columns import Column, Record, Table, text

CIRCUIT_TERMINATIONS = Table(
    "circuit_terminations", "Đầu kênh", "Circuit terminations", ("circuit", "side"), (
    Column("circuit", "Kênh", "Circuit", required=True, netbox=("circuit",), length=100),
    Column("side", "Đầu", "Side", required=True, netbox=("term_side", "side", "termination_side"), length=1),
    Column("site", "Địa điểm", "Site", netbox=("site", "termination", "scope", "termination_point")),
    Column("port_speed", "Tốc độ cổng", "Port speed", "integer", "kbps", low=0, high=10**10,
           netbox=("port_speed_kbps",)),
    Column("upstream_speed", "Tốc độ chiều lên", "Upstream speed", "integer", "kbps", low=0, high=10**10,
           netbox=("upstream_speed_kbps",)),
), netbox="circuits.circuittermination")  # fmt: skip

_MEDIA = (
    ("fibre", r"quang|fib|ftt|gpon|dark|dwdm|\bmpls|metro"),
    ("copper", r"cap dong|copper|dsl|\bt1\b|\be1\b"),
    ("microwave", r"vi ba|viba|microwave|radio"),
    ("mobile", r"3g|4g|5g|lte|di dong|mobile|cellular"),
    ("satellite", r"vsat|ve tinh|satellite"),
)
_NETWORKS = (("internet", r"internet|transit|ftth"), ("wan", r"tslcd|chuyen dung|\bwan\b|mpls|metro"))
_COMMUNE = re.compile(r"(uy ban nhan dan|ubnd) (xa|phuong|thi tran)\b|(xa|phuong|thi tran)\b")
_DISTRICT = re.compile(r"(huyen|quan|thi xa|thanh pho)\b")


def slug(name: str) -> str:
    """As NetBox makes one: folded, words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", fold(name)).strip("-")[:50]


def fill(table: Table, record: Record, present: set[str]) -> None:
    """Fill in what a whole column is missing for; what a column holds is never touched."""
    names = set(table.names) - present
    if "code" in names and text(record, "name"):
        record["code"] = slug(text(record, "name")) or None
    if table.name == "sites" and "kind" in names and text(record, "name"):
        record["kind"] = "commune" if _COMMUNE.match(fold(text(record, "name"))) else "agency"
    if table.name == "regions" and "kind" in names and text(record, "name"):
        record["kind"] = _region_kind(record)
    if table.name == "circuits" and text(record, "type"):
        kind = fold(text(record, "type"))
        for column, patterns in (("medium", _MEDIA), ("network", _NETWORKS)):
            if column in names:
                record[column] = next((code for code, say in patterns if re.search(say, kind)), None)


def _region_kind(record: Record) -> str:
    if record.get("parent") is None:
        return "province"
    return "district" if _DISTRICT.match(fold(text(record, "name"))) else "commune"


def sites_of_devices(links: list[Record], devices: list[Record], sites: set[str]) -> None:
    """NetBox ends a wireless link at interfaces of devices; here it ends at their sites."""
    where = {text(device, "name"): text(device, "site") for device in devices}
    for link in links:
        for end in ("site_a", "site_b"):
            name = text(link, end)
            if name not in sites and where.get(name):
                link[end] = where[name]


def known_by_name(table: Table, rows: list[Record], existing: list[Record]) -> dict[str, str]:
    """Codes that NetBox made from names → the codes under which those names are known already. The rows are
    given the known codes.
    """
    codes = {text(row, "code") for row in existing}
    named: dict[str, list[str]] = {}
    for row in existing:
        named.setdefault(fold(text(row, "name")), []).append(text(row, "code"))
    found = {}
    for row in rows:
        code = text(row, "code")
        known = named.get(fold(text(row, "name")), [])
        if code not in codes and len(known) == 1 and code == slug(text(row, "name")):
            found[code] = row["code"] = known[0]
    return found


def join_terminations(
    circuits: list[Record], terminations: list[tuple[str, int, Record]]
) -> list[tuple[str, int, str]]:
    """Put each termination's site and speeds into its circuit. Answers (file, row, circuit ID) of those
    whose circuit is not there.
    """
    by_cid = {text(circuit, "cid"): circuit for circuit in circuits}
    missing = []
    for file, row, termination in terminations:
        circuit = by_cid.get(text(termination, "circuit"))
        if circuit is None:
            missing.append((file, row, text(termination, "circuit")))
            continue
        first = text(termination, "side").upper() == "A"
        if termination.get("site") is not None:
            circuit["site_a" if first else "site_z"] = termination["site"]
        if first or circuit.get("port_speed") is None:
            for speed in ("port_speed", "upstream_speed"):
                if termination.get(speed) is not None:
                    circuit[speed] = termination[speed]
    return missing
