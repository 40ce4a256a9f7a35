"""What NetBox exports: its CSV with verbose names, its bulk-import names, its REST interface."""

from __future__ import annotations

import json
from pathlib import Path

from lienthong.infrastructure.survey.folder import read_wave
from lienthong.infrastructure.survey.importing import import_files


def imported(tmp_path: Path, **files: str) -> tuple[object, list[tuple[str, int, str]]]:
    paths = []
    for name, content in files.items():
        suffix = ".json" if content.lstrip()[:1] in "[{" else ".csv"
        path = tmp_path / f"{name.replace('__', ' ')}{suffix}"
        path.write_text(content)
        paths.append(path)
    result = import_files(paths, tmp_path / "plan", "2017")
    wave, problems = read_wave(tmp_path / "plan", "2017")
    assert problems == []
    errors = [problem for problem in result.problems if problem.severity == "error"]
    return wave, [(problem.file, problem.row, problem.code) for problem in errors]


CSV = {
    "netbox_regions": "ID,Name,Parent,Sites,Description\n1,Tỉnh Vĩnh Long,,3,\n"
    "2,Huyện Long Hồ,Tỉnh Vĩnh Long,2,\n3,Xã An Bình,Huyện Long Hồ,1,\n",
    "netbox_tenants": "Name,Slug,Group,Description,Tags\nSở Nội vụ,so-noi-vu,Các sở,,\n",
    "netbox_sites": "Name,Status,Facility,Region,Group,Tenant,ASNs,Latitude,Longitude,Physical address\n"
    "Trụ sở Sở Nội vụ,Active,,Huyện Long Hồ,,Sở Nội vụ,,10.25,105.97,1 Hoàng Thái Hiếu\n"
    "UBND xã An Bình,Planned,,Xã An Bình,Nhóm khác,,,10.27,106.0,\n",
    "netbox_providers": "Name,Slug\nVNPT Vĩnh Long,vnpt-vl\n",
    "netbox_circuits": "Circuit ID,Provider,Type,Status,Tenant,Side A,Side Z,Installed,Commit rate (Kbps)\n"
    "C-1,VNPT Vĩnh Long,Kênh TSLCD cáp quang,Active,Sở Nội vụ,Trụ sở Sở Nội vụ,,2016-05-01,5000\n"
    "C-2,VNPT Vĩnh Long,ADSL Internet,Offline,,UBND xã An Bình,,,400\n",
    "netbox_circuit__terminations": "Circuit,Side,Site,Port speed (Kbps),Upstream speed (Kbps)\n"
    "C-1,A,Trụ sở Sở Nội vụ,10000,\nC-1,Z,UBND xã An Bình,1000000,\nC-9,A,,1,\n",
    "netbox_devices": "Name,Status,Tenant,Site,Role,Manufacturer,Type,IP Address\n"
    "r1,Active,Sở Nội vụ,Trụ sở Sở Nội vụ,Router,Cisco,C1111,10.0.0.1/24\n"
    "ap1,Active,,UBND xã An Bình,AP,Ubiquiti,AF-5,\n",
    "netbox_wireless__links": "ID,Status,Device A,Interface A,Device B,Interface B,SSID,Distance\n"
    "1,Connected,r1,wlan0,ap1,wlan0,vb-1,4200\n",
    "netbox_virtual__machines": "Name,Status,Site,Cluster,Role,Tenant,vCPUs,Memory (MB),Disk\n"
    "vb,Active,,c1,,Sở Nội vụ,4.00,8192,100000\n",
    "netbox_clusters": "Name,Type,Group,Status,Tenant,Site\nc1,KVM,,Active,Sở Nội vụ,Trụ sở Sở Nội vụ\n",
}


def test_netboxs_csv_export_becomes_a_wave(tmp_path: Path) -> None:
    wave, problems = imported(tmp_path, **CSV)
    assert problems == [("netbox_circuit terminations.csv", 4, "unknown-circuit")]
    regions = {row["name"]: (row["code"], row["kind"], row["parent"]) for row in wave.rows("regions")}
    assert regions["Xã An Bình"] == ("xa-an-binh", "commune", "huyen-long-ho")
    office, commune = wave.rows("sites")
    assert (office["kind"], office["commune"], office["district"]) == ("agency", None, "huyen-long-ho")
    assert (commune["kind"], commune["commune"], commune["district"]) == (
        "commune",
        "xa-an-binh",
        "huyen-long-ho",
    )
    assert (office["tenant"], office["longitude"], commune["status"]) == ("so-noi-vu", 105.97, "planned")
    first, second = wave.rows("circuits")
    assert (first["provider"], first["medium"], first["network"]) == ("vnpt-vl", "fibre", "wan")
    assert (first["site_a"], first["site_z"]) == (office["code"], commune["code"])
    assert (first["port_speed"], first["commit_rate"]) == (10_000, 5_000)
    assert (second["medium"], second["network"], second["status"]) == ("copper", "internet", "offline")
    link = wave.rows("wireless_links")[0]
    assert (link["site_a"], link["site_b"], link["distance"]) == (office["code"], commune["code"], 4200.0)
    assert wave.rows("virtual_machines")[0]["memory"] == 8192
    assert wave.rows("devices")[0]["site"] == office["code"]


def test_netboxs_interface_becomes_a_wave(tmp_path: Path) -> None:
    sites = {
        "count": 1,
        "results": [
            {
                "url": "https://netbox.example/api/dcim/sites/7/",
                "name": "Sở Y tế",
                "slug": "so-y-te",
                "status": {"value": "active", "label": "Active"},
                "region": {"id": 1, "slug": "huyen-long-ho", "name": "Huyện Long Hồ"},
                "tenant": None,
                "latitude": 10.25,
                "longitude": 105.97,
                "tags": [{"slug": "a"}],
                "custom_fields": {"people": 120, "colour": None},
            }
        ],
    }
    circuits = [
        {
            "url": "/api/circuits/circuits/1/",
            "cid": "C-1",
            "provider": {"name": "Viettel", "slug": "viettel"},
            "type": {"name": "FTTH", "slug": "ftth"},
            "status": {"value": "active", "label": "Active"},
            "commit_rate": 2000,
            "termination_a": {"site": {"slug": "so-y-te"}, "port_speed": 30000, "upstream_speed": None},
            "termination_z": None,
        }
    ]
    wave, problems = imported(tmp_path, a=json.dumps(sites), b=json.dumps(circuits))
    assert problems == []
    site = wave.rows("sites")[0]
    assert (site["code"], site["kind"], site["status"], site["people"]) == (
        "so-y-te",
        "agency",
        "active",
        120,
    )
    circuit = wave.rows("circuits")[0]
    assert (circuit["site_a"], circuit["port_speed"], circuit["provider"]) == ("so-y-te", 30_000, "viettel")
    assert (circuit["medium"], circuit["network"]) == ("fibre", "internet")


def test_netboxs_agencies_are_known_by_name_under_the_codes_they_have(tmp_path: Path) -> None:
    first = "code,name,level,expected\nH61.02,Sở Nội vụ,province,yes\n"
    imported(tmp_path, tenants=first)
    wave, problems = imported(
        tmp_path,
        netbox_tenants=CSV["netbox_tenants"],
        netbox_sites="Name,Slug,Status,Tenant\nTrụ sở,tru-so,Active,so-noi-vu\nKho,kho,Active,Sở Nội vụ\n",
    )
    assert problems == []
    tenant = wave.rows("tenants")
    assert [(row["code"], row["level"], row["expected"]) for row in tenant] == [("H61.02", "province", True)]
    assert [row["tenant"] for row in wave.rows("sites")] == ["H61.02", "H61.02"]


def test_what_is_derived_never_replaces_what_is_known(tmp_path: Path) -> None:
    imported(tmp_path, sites="code,name,kind\nnut-1,Nút 1,node\n")
    wave, _ = imported(tmp_path, netbox_sites="Name,Status\nNút 1,Planned\n")
    assert [(row["code"], row["kind"], row["status"]) for row in wave.rows("sites")] == [
        ("nut-1", "node", "planned")
    ]


def test_terminations_may_come_after_their_circuits(tmp_path: Path) -> None:
    imported(
        tmp_path, **{name: CSV[name] for name in ("netbox_sites", "netbox_providers", "netbox_circuits")}
    )
    wave, _ = imported(
        tmp_path, netbox_circuit__terminations="circuit,term_side,site,port_speed\nC-2,A,,6144\n"
    )
    assert [row["port_speed"] for row in wave.rows("circuits")] == [None, 6144]
    assert wave.rows("circuits")[1]["site_a"] == "ubnd-xa-an-binh"
