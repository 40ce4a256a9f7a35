"""The state the plan starts from: who is connected today, by district, and what the survey found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lienthong.infrastructure.survey.model import Site


@dataclass(frozen=True)
class District:
    """Communes and agencies of a district, how many have fibre today, and the people without."""

    code: str
    name: str
    communes: int
    communes_connected: int
    agencies: int
    agencies_connected: int
    people: int
    people_connected: int


@dataclass(frozen=True)
class Remark:
    """Something the survey's assessment says, in both languages."""

    vi: str
    en: str

    def text(self, lang: str) -> str:
        return self.en if lang == "en" else self.vi


@dataclass(frozen=True)
class Change:
    """Maturity (0 to 5) of a district or the province in the wave before and in this one."""

    name_vi: str
    name_en: str
    before: float | None
    after: float | None

    def name(self, lang: str) -> str:
        return self.name_en if lang == "en" else self.name_vi


@dataclass(frozen=True)
class State:
    """``wave`` names the survey wave; ``users`` and ``seats`` are totals; ``remarks`` come from the survey's
    assessment and checks, ``changes`` are of its maturity, the province first.
    """

    wave: str
    districts: tuple[District, ...]
    users: int
    seats: int
    remarks: tuple[Remark, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def total(self) -> District:
        """All districts together, under an empty name."""
        names = (
            "communes",
            "communes_connected",
            "agencies",
            "agencies_connected",
            "people",
            "people_connected",
        )
        sums = {name: sum(getattr(each, name) for each in self.districts) for name in names}
        return District("", "", **sums)


def state_of(
    sites: Sequence[Site], names: dict[str, str], *, wave: str = "", remarks: Sequence[Remark] = ()
) -> State:
    """Count active communes and agencies by district; those of no district come last."""
    codes = sorted(
        {site.district for site in sites if site.kind in ("commune", "agency")}, key=lambda c: (not c, c)
    )
    districts = []
    for code in codes:
        inside = [site for site in sites if site.district == code]
        communes = [site for site in inside if site.kind == "commune"]
        agencies = [site for site in inside if site.kind == "agency"]
        districts.append(
            District(
                code,
                names.get(code, code),
                len(communes),
                sum(site.connected for site in communes),
                len(agencies),
                sum(site.connected for site in agencies),
                sum(site.people for site in communes),
                sum(site.people for site in communes if site.connected),
            )
        )
    offices = [site for site in sites if site.kind in ("commune", "agency")]
    return State(
        wave,
        tuple(districts),
        sum(site.users for site in offices),
        sum(site.seats for site in offices),
        tuple(remarks),
    )
