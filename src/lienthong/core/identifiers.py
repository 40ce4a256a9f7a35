"""Identifiers of organs and documents, as QCVN 102:2016 and Decision 20/2020/QĐ-TTg write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

from lienthong.core.errors import LienthongError
from lienthong.core.text import nfc

OLD_ORGAN_CODE = re.compile(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}")
"""QCVN 102:2016, 13 characters ``V1V2V3.Z1Z2.Y1Y2.MX1X2``, levels 4 to 1 from left to right."""

NEW_ORGAN_CODE = re.compile(r"[A-Z0-9]+(?:\.[A-Z0-9]+)*")
"""Decision 20/2020/QĐ-TTg: up to 35 characters of A–Z, 0–9 and dots, level 1 leftmost."""

MAX_ORGAN_CODE = 35
MESSAGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
"""What a sender may choose as the id of one message: 1–128 characters, safe in URLs and file names."""


class IdentifierError(LienthongError):
    code = "invalid-identifier"
    title = "An identifier is not well formed"


def is_organ_code(text: str) -> bool:
    """Whether ``text`` is an organ code in either form."""
    return len(text) <= MAX_ORGAN_CODE and bool(
        OLD_ORGAN_CODE.fullmatch(text) or NEW_ORGAN_CODE.fullmatch(text)
    )


def organ_code(text: str, *, place: str = "OrganId") -> str:
    """The organ code in ``text``, trimmed; either form, or :class:`IdentifierError`."""
    code = text.strip()
    if is_organ_code(code):
        return code
    raise IdentifierError(
        f"{code[:60]!r} is not an organ code",
        place=place,
        remedy="use the 13-character form 000.00.00.H61 or the form of Decision 20/2020, "
        "at most 35 characters of A-Z, 0-9 and dots, for example H37.DN.001",
    )


def nearest_code(given: str, codes: Iterable[str]) -> str | None:
    """The code that was probably meant by one that nobody has: noughts left out or too many and letters that
    look like digits come before other slips.
    """
    known = sorted(codes, reverse=True)
    alike = {_worn(code): code for code in known}
    return alike.get(_worn(given)) or next(iter(get_close_matches(given.upper(), known, 1, 0.7)), None)


_WORN = str.maketrans("IL", "11", "O0.")


def _worn(code: str) -> str:
    """A code without what is easily mistyped in it."""
    return (
        code.upper().replace("O", "0").replace("I", "1").replace("L", "1").replace("0", "").replace(".", "")
    )


def message_id(text: str, *, place: str = "message id") -> str:
    """The message id in ``text``, checked against :data:`MESSAGE_ID`."""
    if MESSAGE_ID.fullmatch(text):
        return text
    raise IdentifierError(
        f"{text[:60]!r} is not a message id",
        place=place,
        remedy="use 1 to 128 of the characters A-Z a-z 0-9 . _ : - starting with a letter or digit",
    )


@dataclass(frozen=True, slots=True)
class DocumentId:
    """``OrganId,yyyy/MM/dd,Number/Notation`` (QCVN 102:2016), e.g.
    ``000.00.00.G22,2015/09/30,7816/VPCP-TTĐT``.
    """

    organ: str
    promulgated: date
    code: str

    def __str__(self) -> str:
        return f"{self.organ},{self.promulgated:%Y/%m/%d},{self.code}"

    @classmethod
    def parse(cls, text: str, *, place: str = "DocumentId") -> DocumentId:
        parts = nfc(text.strip()).split(",", 2)
        if len(parts) != 3 or not parts[2].strip():
            raise IdentifierError(
                f"{text.strip()[:80]!r} is not a document id",
                place=place,
                remedy="write OrganId,yyyy/MM/dd,Number/Notation, "
                "for example 000.00.00.G22,2015/09/30,7816/VPCP-TTĐT",
            )
        organ = organ_code(parts[0], place=place)
        match = re.fullmatch(r"([0-9]{4})/([0-9]{2})/([0-9]{2})", parts[1].strip())
        try:
            if match is None:
                raise ValueError
            promulgated = date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            raise IdentifierError(
                f"{parts[1].strip()!r} is not a date", place=place, remedy="write the date as yyyy/MM/dd"
            ) from None
        return cls(organ, promulgated, parts[2].strip())
