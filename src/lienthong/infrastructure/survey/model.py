"""What the other parts of the planning room know of a survey: its waves, and the sites to plan for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from lienthong.infrastructure.survey.columns import Record
from lienthong.infrastructure.survey.messages import BadSurvey


@dataclass(frozen=True)
class Site:
    """A place to connect. ``lon`` and ``lat`` are degrees, WGS84; ``commune``, ``district`` and ``tenant``
    are codes, ``tenant`` the organ code of the agency that sits there.
    """

    code: str
    name: str
    kind: str
    """``commune`` | ``agency`` | ``node`` | ``tower``"""
    lon: float
    lat: float
    commune: str = ""
    district: str = ""
    tenant: str = ""
    people: int = 0
    """Population served (communes)."""
    users: int = 0
    """Staff who use the network."""
    seats: int = 0
    """Places with a PC."""
    connected: bool = False
    """Has fibre to the province's network today."""
    status: str = "active"


@dataclass
class Wave:
    """One round of the survey: ``tables`` maps the names of :data:`.tables.TABLES` to their records."""

    code: str
    title: str = ""
    opens: date | None = None
    closes: date | None = None
    synthetic: bool = False
    source: str = ""
    tables: dict[str, list[Record]] = field(default_factory=dict)

    def rows(self, table: str) -> list[Record]:
        return self.tables.get(table, [])


@dataclass
class Survey:
    """Waves, the earliest first."""

    waves: list[Wave] = field(default_factory=list)

    @property
    def synthetic(self) -> bool:
        return any(wave.synthetic for wave in self.waves)

    def wave(self, code: str | None = None) -> Wave:
        """The wave of that code, or the latest."""
        for wave in reversed(self.waves):
            if code is None or wave.code == code:
                return wave
        have = ", ".join(wave.code for wave in self.waves) or "none"
        raise BadSurvey(
            "the survey has no wave" + ("" if code is None else f" {code!r}"),
            place="--wave",
            remedy=f"import answers into it first; the waves are: {have}",
        )
