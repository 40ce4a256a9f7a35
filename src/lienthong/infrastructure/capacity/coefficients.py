"""The coefficients of every capacity and money figure: named, with unit, source, and a low and a high."""

from __future__ import annotations

import csv
import io
import json
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from lienthong.infrastructure.capacity.errors import BadCoefficients

_BELOW_ONE = frozenset({"max_utilisation", "storage_headroom", "backup_reduction"})
_PROBABILITY = frozenset({"meeting_blocking", "call_blocking"})
_POSITIVE = frozenset(
    {"max_utilisation", "oversubscription", "working_days", "horizon_years", "retention_years", "replicas",
     "versions_per_document", "price_level"}
)  # fmt: skip


@dataclass(frozen=True)
class Coefficient:
    """``low`` ≤ ``value`` ≤ ``high``, all in ``unit``; ``source`` says who says so."""

    key: str
    name_vi: str
    name_en: str
    value: float
    low: float
    high: float
    unit: str
    source: str

    def name(self, lang: str) -> str:
        return self.name_en if lang == "en" else self.name_vi


class Coefficients(Mapping[str, Coefficient]):
    """All coefficients by key, in the order of the built-in list. Immutable: changes give a new one."""

    def __init__(self, entries: Iterable[Coefficient]) -> None:
        self._entries: dict[str, Coefficient] = {}
        for entry in entries:
            _check(entry, place=f"coefficient {entry.key}")
            if entry.key in self._entries:
                raise BadCoefficients(
                    f"{entry.key} is given twice", place=f"coefficient {entry.key}", remedy="keep one"
                )
            self._entries[entry.key] = entry

    def __getitem__(self, key: str) -> Coefficient:
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"Coefficients({len(self)} entries)"

    def value(self, key: str) -> float:
        """The value in the coefficient's own unit."""
        return self[_known(self, key)].value

    def with_(
        self,
        key: str,
        value: float,
        *,
        low: float | None = None,
        high: float | None = None,
        source: str | None = None,
    ) -> Coefficients:
        """The same with another value; the band widens to hold it where no new band is given."""
        entry = self[_known(self, key)]
        changed = replace(
            entry,
            value=value,
            low=min(entry.low, value) if low is None else low,
            high=max(entry.high, value) if high is None else high,
            source=entry.source if source is None else source,
        )
        return Coefficients(changed if each.key == key else each for each in self.values())

    @classmethod
    def default(cls) -> Coefficients:
        """The built-in list (``coefficients.csv``)."""
        return _default()

    @classmethod
    def load(cls, path: Path) -> Coefficients:
        """The built-in list, overlaid by a TOML or CSV file (by its ending) that may hold any part of it.

        TOML: ``key = 3`` or a table with ``value`` and any of ``low``, ``high``, ``source``. CSV: columns
        ``key``, ``value`` and any of these. Raises :class:`BadCoefficients` naming file and key.
        """
        try:
            text = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise BadCoefficients(
                f"the coefficients cannot be read: {error}",
                place=str(path),
                remedy="give TOML or CSV in UTF-8",
            ) from error
        overlay = _csv(text, path) if path.suffix.lower() == ".csv" else _toml(text, path)
        result = {each.key: each for each in cls.default().values()}
        for place, key, given in overlay:
            entry = result[_known(result, key, place)]
            value = given.get("value", entry.value)
            band = {"low": min(entry.low, value), "high": max(entry.high, value)}
            changed = replace(entry, **{**band, **given})
            _check(changed, place=place)
            result[key] = changed
        return cls(result.values())

    def save(self, path: Path) -> None:
        """Write all, with names, units and sources, as CSV or TOML by the ending."""
        text = self.to_csv() if path.suffix.lower() == ".csv" else self.to_toml()
        path.write_text(text, "utf-8")

    def to_csv(self) -> str:
        out = io.StringIO()
        writer = csv.DictWriter(out, [each.name for each in fields(Coefficient)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(each) for each in self.values())
        return out.getvalue()

    def to_toml(self) -> str:
        parts = []
        for each in self.values():
            lines = [
                f"# {each.name_vi} / {each.name_en} ({each.unit})",
                f"[{each.key}]",
                f"value = {float(each.value)!r}",
                f"low = {float(each.low)!r}",
                f"high = {float(each.high)!r}",
                f"source = {json.dumps(each.source, ensure_ascii=False)}",
            ]
            parts.append("\n".join(lines))
        return "\n\n".join(parts) + "\n"


@cache
def _default() -> Coefficients:
    text = files("lienthong.infrastructure.capacity").joinpath("coefficients.csv").read_text("utf-8")
    return Coefficients(
        Coefficient(
            row["key"],
            row["name_vi"],
            row["name_en"],
            float(row["value"]),
            float(row["low"]),
            float(row["high"]),
            row["unit"],
            row["source"],
        )
        for row in csv.DictReader(io.StringIO(text))
    )


def _known(entries: Mapping[str, Coefficient], key: str, place: str | None = None) -> str:
    if key in entries:
        return key
    from difflib import get_close_matches

    near = get_close_matches(key, entries, 1)
    raise BadCoefficients(
        f"there is no coefficient {key!r}",
        place=place or "coefficients",
        remedy=f"did you mean {near[0]}?"
        if near
        else "`lienthong infrastructure capacity --save-coefficients all.toml` lists them",
    )


def _check(entry: Coefficient, *, place: str) -> None:
    for name in ("low", "value", "high"):
        number = getattr(entry, name)
        wrong = None
        if not math.isfinite(number) or number < 0:
            wrong = "must be a number of at least 0"
        elif entry.key in _POSITIVE and number == 0:
            wrong = "must be more than 0"
        elif entry.key in _PROBABILITY and not 0 < number < 1:
            wrong = "must lie between 0 and 1"
        elif (entry.key in _BELOW_ONE and number >= 1) or (entry.unit == "share" and number > 1):
            wrong = "is a share of one: 0.25 for 25 %"
        if wrong:
            raise BadCoefficients(f"{name} is {number:g}", place=place, remedy=f"{entry.key} {wrong}")
    if not entry.low <= entry.value <= entry.high:
        raise BadCoefficients(
            f"low {entry.low:g}, value {entry.value:g}, high {entry.high:g} are not in order",
            place=place,
            remedy="give low ≤ value ≤ high",
        )


_Overlay = list[tuple[str, str, dict[str, Any]]]


def _toml(text: str, path: Path) -> _Overlay:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadCoefficients(f"not TOML: {error}", place=str(path), remedy="mend the line named") from error
    overlay: _Overlay = []
    for key, given in document.items():
        place = f"{path}, {key}"
        table = given if isinstance(given, dict) else {"value": given}
        _only_known(table, place)
        overlay.append((place, key, {name: _cell(name, cell, place) for name, cell in table.items()}))
    return overlay


def _csv(text: str, path: Path) -> _Overlay:
    rows = csv.DictReader(io.StringIO(text))
    columns = list(rows.fieldnames or ())
    if not {"key", "value"} <= set(columns):
        raise BadCoefficients(
            f"the columns are {', '.join(columns) or 'none'}",
            place=f"{path}, line 1",
            remedy="give the columns key and value, and low, high, source if wanted",
        )
    overlay: _Overlay = []
    for row in rows:
        place = f"{path}, line {rows.line_num}"
        given = {name: row[name] for name in ("value", "low", "high", "source") if row.get(name)}
        overlay.append(
            (place, row["key"] or "", {name: _cell(name, cell, place) for name, cell in given.items()})
        )
    return overlay


def _only_known(table: Mapping[str, Any], place: str) -> None:
    strange = sorted(set(table) - {"value", "low", "high", "source"})
    if strange:
        raise BadCoefficients(
            f"{strange[0]!r} is not known here", place=place, remedy="give value, low, high and source only"
        )


def _cell(name: str, cell: Any, place: str) -> Any:
    if name == "source":
        return str(cell)
    try:
        if isinstance(cell, bool):
            raise ValueError
        return float(cell)
    except (TypeError, ValueError):
        raise BadCoefficients(
            f"{name} is {cell!r}", place=place, remedy="give a number with a decimal point"
        ) from None
