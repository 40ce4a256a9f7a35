"""The data stage: places to connect, what the survey says of them, and the roads between them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lienthong.infrastructure.geography.checks import VIETNAM
from lienthong.infrastructure.geography.findings import Finding
from lienthong.infrastructure.geography.graph import RoadGraph
from lienthong.infrastructure.geography.importers import read_roads
from lienthong.infrastructure.geography.overlays import read_geometries, with_fibre, with_rivers
from lienthong.infrastructure.geography.projection import check_metres
from lienthong.infrastructure.geography.synthetic import road_graph
from lienthong.infrastructure.plan.errors import BadPlanFolder
from lienthong.infrastructure.plan.folder import Folder
from lienthong.infrastructure.plan.state import Change, Remark, State, state_of
from lienthong.infrastructure.survey.assessment import Assessment, assess, compare_groups
from lienthong.infrastructure.survey.checks import check_survey
from lienthong.infrastructure.survey.folder import read_survey
from lienthong.infrastructure.survey.maturity import BUILT_IN, Criterion, read_criteria
from lienthong.infrastructure.survey.model import Site, Survey
from lienthong.infrastructure.survey.planning_sites import sites_of, unplaced

COLUMNS = ("code", "name", "kind", "lon", "lat")
OPTIONAL = ("commune", "district", "tenant", "people", "users", "seats", "connected", "status")
PLANNED = ("commune", "agency", "node")


@dataclass(frozen=True)
class Places:
    """``sites`` to plan for, the data centre first; ``storage_gb`` is what is stored today."""

    sites: tuple[Site, ...]
    state: State
    districts: dict[str, str]
    storage_gb: float
    synthetic: bool
    sources: tuple[str, ...]


def places(folder: Folder) -> Places:
    """Sites and state of a folder. Raises the survey's errors, or :class:`BadPlanFolder`."""
    settings = folder.settings
    file = folder.file("sites")
    if file is not None:
        sites = _read_sites(file)
        ordered = _root_first(sites, settings.root)
        state = state_of(ordered, dict(settings.districts))
        return Places(ordered, state, dict(settings.districts), 0.0, settings.synthetic_data, (file.name,))
    survey, spoiled = read_survey(folder.path)
    wave = survey.wave(settings.files.wave or None)
    names = {
        str(row["code"]): str(row["name"]) for row in wave.rows("regions") if row.get("kind") == "district"
    }
    names.update(settings.districts)
    ordered = _root_first(sites_of(survey, settings.files.wave or None), settings.root)
    found = assess(survey, _criteria(folder), wave.code)
    remarks = _remarks(survey, found, len(spoiled), unplaced(survey, wave.code))
    state = replace(
        state_of(ordered, names, wave=wave.title or wave.code, remarks=remarks),
        changes=_changes(survey, found, folder),
    )
    return Places(
        ordered,
        state,
        names,
        float(found.province.state.storage_used_gb),
        survey.synthetic or settings.synthetic_data,
        tuple(filter(None, [wave.title, wave.source])),
    )


def roads(folder: Folder, sites: Sequence[Site]) -> tuple[RoadGraph, tuple[Finding, ...]]:
    """The road graph of a folder, imported or made up around the sites, and what its checks found."""
    settings = folder.settings
    check_metres(settings.crs)
    if settings.synthetic.roads:
        made = road_graph(sites, seed=settings.synthetic.seed, nodes=settings.synthetic.nodes)
        return made, ()
    file = folder.file("roads")
    assert file is not None
    crs = settings.files.roads_crs or None
    imported = read_roads(
        file,
        crs=crs,
        layer=settings.files.roads_layer or None,
        latitude_first=settings.files.roads_latitude_first,
        snap_m=settings.files.roads_snap_m,
        crossings=settings.files.roads_crossings,
        metric=settings.crs,
    )
    graph = imported.graph
    fibre, rivers = folder.file("fibre"), folder.file("rivers")
    if fibre is not None:
        graph = with_fibre(graph, read_geometries(fibre, crs=crs))
    if rivers is not None:
        graph = with_rivers(graph, read_geometries(rivers, crs=crs))
    return graph, imported.findings


def _root_first(sites: Sequence[Site], root: str) -> tuple[Site, ...]:
    wanted = [site for site in sites if site.kind in PLANNED]
    if not wanted:
        raise BadPlanFolder(
            "there is no place to connect",
            place="files",
            remedy="give communes, agencies or nodes with their positions",
        )
    if root:
        first = next((site for site in wanted if site.code == root), None)
        if first is None:
            raise BadPlanFolder(
                f"there is no site {root!r}", place="plan.toml, root", remedy="give the code of a site"
            )
    else:
        first = next((site for kind in ("node", "agency") for site in wanted if site.kind == kind), wanted[0])
    return (first, *(site for site in wanted if site is not first))


def _criteria(folder: Folder) -> list[Criterion]:
    own = folder.path / "survey" / "criteria.csv"
    return read_criteria(own if own.exists() else BUILT_IN)


def _remarks(survey: Survey, found: Assessment, spoiled: int, lost: list[str]) -> tuple[Remark, ...]:
    total = found.province.state
    remarks = [
        Remark(
            f"{total.answered} trong {total.agencies} cơ quan, đơn vị đã trả lời đợt khảo sát.",
            f"{total.answered} of {total.agencies} agencies answered the wave.",
        )
    ]
    if total.answered:
        remarks.append(
            Remark(
                f"{total.on_network} có cáp quang trong mạng của tỉnh, {total.with_ups} có bộ lưu điện, "
                f"{total.with_firewall} có tường lửa, {total.with_backup} có sao lưu dữ liệu.",
                f"{total.on_network} have fibre in the province's network, {total.with_ups} a UPS, "
                f"{total.with_firewall} a firewall, {total.with_backup} backups.",
            )
        )
    problems = check_survey(survey)
    errors = sum(problem.severity == "error" for problem in problems)
    if problems or spoiled:
        remarks.append(
            Remark(
                f"Kiểm tra chéo: {errors} lỗi, {len(problems) - errors} cảnh báo, {spoiled} dòng không đọc "
                "được (xem `lienthong infrastructure survey check`).",
                f"Cross-checks: {errors} errors, {len(problems) - errors} warnings, {spoiled} rows that "
                "cannot be read (see `lienthong infrastructure survey check`).",
            )
        )
    if lost:
        remarks.append(
            Remark(
                f"{len(lost)} điểm chưa có tọa độ nên chưa đưa vào kế hoạch: {', '.join(lost[:6])}.",
                f"{len(lost)} sites have no position and are not planned for: {', '.join(lost[:6])}.",
            )
        )
    return tuple(remarks)


def _changes(survey: Survey, found: Assessment, folder: Folder) -> tuple[Change, ...]:
    """Maturity by district beside the wave before."""
    codes = [wave.code for wave in survey.waves]
    at = codes.index(found.wave)
    groups = (found.province, *found.districts)
    if at == 0:
        return tuple(Change(group.name["vi"], group.name["en"], None, group.score) for group in groups)
    before = assess(survey, _criteria(folder), codes[at - 1])
    vi, en = compare_groups(before, found, "vi"), compare_groups(before, found, "en")
    return tuple(
        Change(one.name, other.name, one.before, one.after) for one, other in zip(vi, en, strict=True)
    )


def _read_sites(path: Path) -> list[Site]:
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadPlanFolder(
            f"the sites cannot be read: {error}", place=str(path), remedy="give a CSV in UTF-8"
        ) from error
    rows = csv.DictReader(lines)
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise BadPlanFolder(
            f"the column {missing[0]!r} is missing",
            place=f"{path}, line 1",
            remedy=f"give {', '.join(COLUMNS)}; and if wanted {', '.join(OPTIONAL)}",
        )
    sites: dict[str, Site] = {}
    for row in rows:
        site = _site(row, f"{path}, line {rows.line_num}")
        if site.code in sites:
            raise BadPlanFolder(
                f"the code {site.code!r} is there twice",
                place=f"{path}, line {rows.line_num}",
                remedy="give each place its own code",
            )
        sites[site.code] = site
    return list(sites.values())


def _site(row: dict[str, str | None], place: str) -> Site:
    def words(name: str) -> str:
        return (row.get(name) or "").strip()

    def amount(name: str) -> float:
        try:
            return float(words(name).replace(",", "."))
        except ValueError as error:
            raise BadPlanFolder(f"{name} is {words(name)!r}", place=place, remedy="give a number") from error

    def count(name: str) -> int:
        if not words(name):
            return 0
        if not words(name).isdecimal():
            raise BadPlanFolder(
                f"{name} is {words(name)!r}", place=place, remedy="give a whole number, 0 or more"
            )
        return int(words(name))

    kind, connected = words("kind"), words("connected").lower()
    if not words("code"):
        raise BadPlanFolder("a place has no code", place=place, remedy="give each place a code")
    if kind not in PLANNED:
        raise BadPlanFolder(
            f"the kind is {kind!r}",
            place=place,
            remedy=f"write {', '.join(PLANNED)}" + ("; masts go into files.towers" * (kind == "tower")),
        )
    if connected not in ("", "yes", "no", "true", "false", "1", "0"):
        raise BadPlanFolder(f"connected is {connected!r}", place=place, remedy="write yes or no")
    lon, lat = amount("lon"), amount("lat")
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise BadPlanFolder(
            f"the position is {lon:g}, {lat:g}",
            place=place,
            remedy="give longitude and latitude in degrees (WGS 84)",
        )
    west, south, east, north = VIETNAM
    if not (west <= lon <= east and south <= lat <= north):
        raise BadPlanFolder(
            f"the position {lon:g}, {lat:g} is outside Vietnam",
            place=place,
            remedy="check it: longitude comes before latitude, both in degrees (WGS 84)",
        )
    return Site(
        words("code"),
        words("name") or words("code"),
        kind,
        lon,
        lat,
        commune=words("commune"),
        district=words("district"),
        tenant=words("tenant"),
        people=count("people"),
        users=count("users"),
        seats=count("seats"),
        connected=connected in ("yes", "true", "1"),
        status=words("status") or "active",
    )
