"""The documents of the demonstration (``papers.toml``) and their PDF (Decree 30/2020/NĐ-CP, annex I)."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import typst

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Paper:
    """One administrative document as it is printed. ``kind`` is its type ('' for a công văn), ``organ``
    the issuing organ's name broken into lines, ``subject`` the abstract without its opening.
    """

    number: str
    notation: str
    subject: str
    organ: tuple[str, ...]
    place: str
    paragraphs: tuple[str, ...]
    places: tuple[str, ...]
    position: str
    signer: str
    kind: str = ""
    superior: str = ""
    competence: str = ""
    addressees: tuple[str, ...] = ()
    urgency: str = ""

    @property
    def abstract(self) -> str:
        """The edXML Subject: the abstract as a register shows it."""
        return f"Báo cáo {self.subject}" if self.kind == "Báo cáo" else f"Về việc {self.subject}"

    @property
    def type_name(self) -> str:
        return self.kind or "Công văn"

    def pdf(self, promulgated: date) -> bytes:
        """The document as PDF/A-2b."""
        heading = self.abstract.removeprefix("Báo cáo ")
        fields = asdict(self) | {
            "title": self.kind,
            "heading": heading[:1].upper() + heading[1:],
            # Decree 30/2020, annex I: days below 10 and months 1 and 2 get a zero in front.
            "day": f"{promulgated.day:02}",
            "month": f"{promulgated.month:02}" if promulgated.month < 3 else str(promulgated.month),
            "year": str(promulgated.year),
        }
        made = typst.compile(
            HERE / "van-ban.typ",
            sys_inputs={"document": json.dumps(fields, ensure_ascii=False)},
            ignore_system_fonts=True,
            pdf_standards="a-2b",
        )
        assert isinstance(made, bytes)
        return made


def paper(name: str, **fields: Any) -> Paper:
    """The paper ``[name]`` of papers.toml, with ``fields`` in place of what it says there."""
    return Paper(**(_lists(_texts()[name]) | fields))


def changed(name: str) -> Paper:
    """The same after the change that ``[changes.name]`` gives."""
    return paper(name, **_lists(_texts()["changes"][name]))


def report(commune: str) -> Paper:
    """A commune's report; ``commune`` is its name, such as ``UBND xã An Bình``."""
    bare = commune.removeprefix("UBND ").removeprefix("Ủy ban nhân dân ")
    place = bare
    for kind in ("xã ", "phường ", "thị trấn "):
        place = place.removeprefix(kind) if kind != "phường " else place
    return paper("report", organ=("Ủy ban nhân dân", bare), place=place)


def pump_form(districts: Sequence[str]) -> bytes:
    """The form beside the pump letter: CSV in UTF-8 with a byte order mark, for spreadsheets."""
    lines = ["STT,Đơn vị,Số máy bơm đăng ký,Công suất (m³/giờ),Ghi chú"]
    lines += [f'{at},"{name}",,,' for at, name in enumerate(districts, 1)]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def _lists(table: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads((HERE / "papers.toml").read_text(encoding="utf-8"))
