"""How an assessment is shown: tables for people, JSON for scripts."""

from __future__ import annotations

from typing import Any

from rich.markup import escape

from lienthong.cli.output import note, say, table
from lienthong.infrastructure.survey.assessment import (
    Assessed,
    Assessment,
    Change,
    Gap,
    Group,
    compare,
    compare_groups,
    state_json,
)
from lienthong.infrastructure.survey.columns import Language

_LEAST = 10
"""Agencies shown at the terminal; ``--json`` gives all."""
_HEADS: dict[str, tuple[str, ...]] = {
    "vi": (
        "nhóm",
        "trả lời",
        "người dùng",
        "máy tính",
        "quang",
        "mạng riêng",
        "Mbit/s",
        "còn trống GB",
        "điểm",
    ),
    "en": ("group", "answered", "users", "PCs", "fibre", "network", "Mbit/s", "free GB", "score"),
}


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _group_row(group: Group, lang: Language) -> tuple[object, ...]:
    state = group.state
    return (
        group.name[lang],
        f"{state.answered}/{state.agencies}",
        state.users,
        state.pcs,
        state.on_fibre,
        state.on_network,
        round(state.commit_kbps / 1000),
        state.storage_free_gb,
        _score(group.score),
    )


def show_assessment(found: Assessment, before: Assessment | None, lang: Language) -> None:
    title = {"vi": f"Đợt {found.wave}: hiện trạng và mức trưởng thành (0–5)",
             "en": f"Wave {found.wave}: state and maturity (0–5)"}  # fmt: skip
    table(title[lang], _HEADS[lang], [_group_row(each, lang) for each in (found.province, *found.districts)])
    _show_criteria(found, lang)
    least = sorted(
        (each for each in found.agencies if each.maturity.score is not None),
        key=lambda each: (each.maturity.score or 0.0, each.agency.code),
    )[:_LEAST]
    gaps: dict[str, list[Gap]] = {}
    for gap in found.gaps:
        gaps.setdefault(gap.agency, []).append(gap)
    names = {criterion.key: criterion.name(lang).partition(" (")[0] for criterion in found.criteria}
    heads: dict[str, tuple[str, ...]] = {
        "vi": ("mã", "cơ quan thấp nhất", "điểm", "thiếu nhất"),
        "en": ("code", "lowest agencies", "score", "what is missing most"),
    }
    table(
        "",
        heads[lang],
        [
            (each.agency.code, each.agency.name, _score(each.maturity.score),
             "; ".join(names[gap.criterion] for gap in gaps.get(each.agency.code, [])[:3]))
            for each in least
        ],
    )  # fmt: skip
    if before is not None:
        _show_changes(before, found, lang)


def _show_criteria(found: Assessment, lang: Language) -> None:
    heads: dict[str, tuple[str, ...]] = {
        "vi": ("tiêu chí", "trọng số", "đích", "dưới đích", "mức trung bình", "nguồn"),
        "en": ("criterion", "weight", "target", "below target", "mean level", "source"),
    }
    rows = []
    for criterion in found.criteria:
        levels = [
            e.maturity.levels[criterion.key] for e in found.agencies if criterion.key in e.maturity.levels
        ]
        below = sum(gap.criterion == criterion.key for gap in found.gaps)
        mean = f"{sum(levels) / len(levels):.2f}" if levels else "–"
        rows.append(
            (
                criterion.name(lang),
                f"{criterion.weight:g}",
                criterion.target,
                below,
                mean,
                criterion.sources[lang],
            )
        )
    table("", heads[lang], rows)


def _show_changes(before: Assessment, after: Assessment, lang: Language) -> None:
    heads: dict[str, tuple[str, ...]] = {
        "vi": ("nhóm", before.wave, after.wave, "thay đổi"),
        "en": ("group", before.wave, after.wave, "change"),
    }
    table(
        {"vi": f"So với đợt {before.wave}", "en": f"Against wave {before.wave}"}[lang],
        heads[lang],
        [
            (each.name, _score(each.before), _score(each.after),
             "–" if each.difference is None else f"{each.difference:+.2f}")
            for each in compare_groups(before, after, lang)
        ],
    )  # fmt: skip
    changes = compare(before, after)
    fell = [each for each in changes if (each.difference or 0.0) < 0]
    said = {
        "vi": "{} cơ quan tăng, {} giảm, {} không so được",
        "en": "{} agencies rose, {} fell, {} not comparable",
    }
    say(
        said[lang].format(
            sum((each.difference or 0.0) > 0 for each in changes),
            len(fell),
            sum(each.difference is None for each in changes),
        )
    )
    for each in fell[:5]:
        note(escape(f"{each.code} {each.name}: {_score(each.before)} → {_score(each.after)}"))


# --- JSON ---------------------------------------------------------------------------------------------


def assessment_json(found: Assessment, before: Assessment | None, lang: Language) -> dict[str, Any]:
    value: dict[str, Any] = {
        "wave": found.wave,
        "synthetic": found.synthetic,
        "criteria": [
            {
                "key": each.key,
                "name": each.name(lang),
                "dimension": each.dimension,
                "unit": each.units[lang],
                "weight": each.weight,
                "thresholds": each.thresholds,
                "target": each.target,
                "source": each.sources[lang],
            }
            for each in found.criteria
        ],
        "province": _group_json(found.province, lang),
        "districts": [_group_json(each, lang) for each in found.districts],
        "agencies": [_agency_json(each) for each in found.agencies],
        "gaps": [
            {"agency": gap.agency, "criterion": gap.criterion, "level": gap.level, "target": gap.target,
             "have": _rounded(gap.have), "need": gap.need}
            for gap in found.gaps
        ],
    }  # fmt: skip
    if before is not None:
        value["compared_with"] = before.wave
        value["changes"] = {
            "groups": [_change_json(each) for each in compare_groups(before, found, lang)],
            "agencies": [_change_json(each) for each in compare(before, found)],
        }
    return value


def _group_json(group: Group, lang: Language) -> dict[str, Any]:
    return {
        "code": group.code,
        "name": group.name[lang],
        "score": _rounded(group.score),
        "dimensions": {name: _rounded(value) for name, value in group.dimensions.items()},
        "state": state_json(group.state),
    }


def _agency_json(each: Assessed) -> dict[str, Any]:
    return {
        "code": each.agency.code,
        "name": each.agency.name,
        "level": each.agency.level,
        "district": each.agency.district,
        "answered": each.agency.answer is not None,
        "score": _rounded(each.maturity.score),
        "levels": each.maturity.levels,
        "values": {name: _rounded(value) for name, value in each.maturity.values.items()},
        "state": state_json(each.state),
    }


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "code": change.code,
        "name": change.name,
        "before": _rounded(change.before),
        "after": _rounded(change.after),
        "difference": _rounded(change.difference),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
