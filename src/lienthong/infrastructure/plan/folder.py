"""A planning folder on disk: ``plan.toml`` with the files it names, checked key by key."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lienthong import __version__
from lienthong.infrastructure.plan.errors import BadPlanFolder
from lienthong.infrastructure.plan.serialising import encode
from lienthong.infrastructure.plan.settings import STAGES, Files, Settings
from lienthong.infrastructure.radio.bands import BANDS

SETTINGS, SURVEY, PLAN, UNFINISHED = "plan.toml", "survey", "plan.json", "plan.unfinished.json"
SEE = "see docs/reference/planning.md"


@dataclass(frozen=True)
class Folder:
    """``path`` holds ``plan.toml``; ``settings`` is what it says, checked."""

    path: Path
    settings: Settings

    def file(self, name: str) -> Path | None:
        """The path that ``[files]`` gives under ``name``; None when it gives none."""
        given = getattr(self.settings.files, name)
        return self.path / given if given else None

    @property
    def plan(self) -> Path:
        return self.path / PLAN

    @property
    def unfinished(self) -> Path:
        """Stages of a plan that is to take the finished one's place, until it has years and money itself."""
        return self.path / UNFINISHED

    def keys(self) -> dict[str, str]:
        """By stage the SHA-256 of all it is made from: settings, files, survey, and the stages before it.
        The same when nothing it depends on has changed.
        """
        made = self.settings.synthetic
        own: dict[str, list[Any]] = {
            "data": [
                __version__, self.settings.root, self.settings.crs, self.settings.districts,
                self.settings.synthetic_data, self.settings.files.wave, _of_roads(self.settings.files),
                made.roads, made.seed, made.nodes,
                *(self._digest(name) for name in ("sites", "roads", "fibre", "rivers")),
                "" if self.settings.files.sites else _digest_of(self.path / SURVEY),
            ],
            "radio": [
                self.settings.radio, made.terrain, made.towers,
                *(self._digest(name) for name in ("terrain", "clutter", "population", "towers")),
            ],
            "fibre": [self.settings.fibre, self._digest("prices")],
            "capacity": [self.settings.capacity, self.settings.money.years, self._digest("coefficients")],
            "phasing": [self.settings.money, self.settings.funding],
            "scenarios": [self.settings.scenarios],
            "sensitivity": [],
        }  # fmt: skip
        keys, chain = {}, ""
        for stage in STAGES:
            said = json.dumps(encode([chain, *own[stage]]), sort_keys=True, ensure_ascii=False)
            keys[stage] = chain = hashlib.sha256(said.encode()).hexdigest()
        return keys

    def _digest(self, name: str) -> str:
        path = self.file(name)
        return "" if path is None else _digest_of(path)


def _digest_of(path: Path) -> str:
    """SHA-256 of a file, or of the CSV files in a folder with their names."""
    taken = hashlib.sha256()
    for part in sorted(path.rglob("*.csv")) if path.is_dir() else [path]:
        if part.is_file():
            taken.update(str(part.relative_to(path.parent)).encode() + b"\0")
            with part.open("rb") as stream:
                taken.update(hashlib.file_digest(stream, "sha256").digest())
    return taken.hexdigest()


def _of_roads(files: Files) -> list[str | float | bool]:
    """How the roads are to be read."""
    return [getattr(files, each.name) for each in dataclasses.fields(files) if each.name.startswith("roads_")]


def _is_path(key: dataclasses.Field[Any]) -> bool:
    return not key.name.startswith("roads_") and key.name != "wave"


def open_folder(path: Path) -> Folder:
    """Read and check a planning folder. Raises :class:`BadPlanFolder` naming the key and the remedy."""
    file = path / SETTINGS
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BadPlanFolder(
            f"there is no {SETTINGS} in the folder",
            place=str(path),
            remedy=f"write one ({SEE}), or `lienthong infrastructure demo --data DIR` to have an example",
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadPlanFolder(
            f"the settings cannot be read: {error}", place=str(file), remedy="mend the line named"
        ) from error
    settings = read_settings(data, str(file))
    folder = Folder(path, settings)
    for each in dataclasses.fields(settings.files):
        named = folder.file(each.name) if _is_path(each) else None
        if named is not None and not named.is_file():
            raise BadPlanFolder(
                f"the file {named} is not there, or is no file",
                place=f"{file}, files.{each.name}",
                remedy="mend the path",
            )
    return folder


def read_settings(data: Mapping[str, Any], place: str = SETTINGS) -> Settings:
    """Settings of a parsed ``plan.toml``. Raises :class:`BadPlanFolder`."""
    settings: Settings = _table(Settings, data, place, "")
    _check(settings, place)
    return settings


def _table(kind: type, data: Any, place: str, within: str) -> Any:
    if not isinstance(data, Mapping):
        raise BadPlanFolder(
            f"{within or 'the file'} is {data!r}", place=place, remedy=f"write a table [{within}]; {SEE}"
        )
    hints = typing.get_type_hints(kind)
    known = {each.name: each for each in dataclasses.fields(kind)}
    for name in data:
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise BadPlanFolder(
                f"the key {name!r} is not known" + (f" in [{within}]" if within else ""),
                place=place,
                remedy=f"did you mean {near[0]}?" if near else f"take it out; {SEE}",
            )
    values = {}
    for name, each in known.items():
        path = f"{within}.{name}" if within else name
        if name in data:
            values[name] = _value(hints[name], data[name], place, path, each.metadata)
        elif each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING:
            raise BadPlanFolder(
                f"the key {path!r} is missing",
                place=place,
                remedy=f"give it: {each.metadata.get('meaning', name)}; {SEE}",
            )
    return kind(**values)


def _value(hint: Any, given: Any, place: str, path: str, about: Mapping[str, Any]) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    where = f"{place}, {path}"
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _table(hint, given, place, path)
    if origin is tuple:
        if not isinstance(given, list):
            _refuse(given, "a list", where)
        return tuple(
            _value(arguments[0], each, place, f"{path}[{at + 1}]", about) for at, each in enumerate(given)
        )
    if origin is Mapping or origin is typing.get_origin(Mapping[str, Any]):
        if not isinstance(given, dict):
            _refuse(given, "a table", where)
        return {
            name: _value(arguments[1], each, place, f"{path}.{name}", about) for name, each in given.items()
        }
    if origin is typing.Literal:
        return given if given in arguments else _refuse(given, f"one of {', '.join(arguments)}", where)
    if origin is types.UnionType:
        return _value(arguments[0], given, place, path, about)
    right = {
        float: isinstance(given, int | float) and not isinstance(given, bool),
        int: isinstance(given, int) and not isinstance(given, bool),
        bool: isinstance(given, bool),
        str: isinstance(given, str),
    }
    names = {float: "a number", int: "a whole number", bool: "true or false", str: "a text in quotes"}
    if not right[hint]:
        _refuse(given, names[hint], where)
    least, most = about.get("least"), about.get("most")
    if hint in (int, float) and (
        (least is not None and given < least) or (most is not None and given > most) or given != given
    ):
        bounds = f"{least:g} to {most:g}" if most is not None else f"{least:g} or more"
        _refuse(given, bounds, where)
    return hint(given)


def _refuse(given: Any, wanted: str, where: str) -> Any:
    raise BadPlanFolder(f"it is {given!r}", place=where, remedy=f"give {wanted}; {SEE}")


def _check(settings: Settings, place: str) -> None:
    """What one key alone cannot say."""
    money, files, made = settings.money, settings.files, settings.synthetic
    if not money.years or any(
        later != earlier + 1 for earlier, later in zip(money.years, money.years[1:], strict=False)
    ):
        _refuse(
            list(money.years), "years one after the other, a budget for each (0 where there is none)",
            f"{place}, money.years",
        )  # fmt: skip
    if len(money.years) != len(money.budgets):
        raise BadPlanFolder(
            f"{len(money.budgets)} budgets for {len(money.years)} years",
            place=f"{place}, money.budgets",
            remedy="give one budget for each year, VND",
        )
    _check_bands(settings, place)
    _check_wishes(settings, place)
    for at, source in enumerate(settings.funding):
        strange = sorted(set(source.cap) - {str(year) for year in money.years})
        if strange:
            _refuse(
                strange[0], f"years of the plan ({', '.join(map(str, money.years))})",
                f"{place}, funding[{at + 1}].cap",
            )  # fmt: skip
    if bool(files.roads) == made.roads:
        raise BadPlanFolder(
            "the roads come from a file and are made up" if files.roads else "there are no roads",
            place=f"{place}, files.roads",
            remedy="give files.roads, or synthetic.roads = true to try the planning out",
        )
    if files.terrain and made.terrain:
        raise BadPlanFolder(
            "the terrain comes from a file and is made up",
            place=f"{place}, synthetic.terrain",
            remedy="keep one of them",
        )
    for at, scenario in enumerate(settings.scenarios):
        if scenario.objective not in ("", "people", "agencies", "communes"):
            _refuse(
                scenario.objective, "people, agencies or communes", f"{place}, scenarios[{at + 1}].objective"
            )
        if scenario.cut_year and scenario.cut_year not in money.years:
            _refuse(
                scenario.cut_year, f"one of {', '.join(map(str, money.years))}",
                f"{place}, scenarios[{at + 1}].cut_year",
            )  # fmt: skip


def _check_bands(settings: Settings, place: str) -> None:
    wanted = settings.radio.bands
    strange = sorted(set(wanted) - set(BANDS))
    twice = [name for name in dict.fromkeys(wanted) if wanted.count(name) > 1]
    if twice:
        _refuse(list(wanted), f"{twice[0]} only once", f"{place}, radio.bands")
    if strange or not wanted:
        _refuse(strange[0] if strange else [], f"one or more of {', '.join(BANDS)}", f"{place}, radio.bands")


def _check_wishes(settings: Settings, place: str) -> None:
    """Before anything is computed: what the fibre design would refuse at its turn."""
    wish = settings.fibre
    masts = settings.radio.backhaul and bool(settings.files.terrain or settings.synthetic.terrain)
    if wish.max_hops and wish.rings:
        against = "fibre.rings = true"
    elif wish.max_hops and (wish.microwave == "all" or (wish.microwave == "masts" and masts)):
        against = f'fibre.microwave = "{wish.microwave}"'
    else:
        return
    raise BadPlanFolder(
        f"a limit on switches cannot be asked together with {against}",
        place=f"{place}, fibre.max_hops",
        remedy='leave one of them out; microwave = "none" plans fibre alone',
    )
