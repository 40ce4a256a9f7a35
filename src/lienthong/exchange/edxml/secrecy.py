"""State secrets never travel here: find the mark (mật, tối mật, tuyệt mật) where metadata carries one.

A precise rule, because *mật* is also an everyday syllable (mật ong, mật độ, bảo mật): a secrecy field that
says anything but "none", a field of fixed values that holds a mark, or a text that *opens* with a mark set
apart as marks are (in brackets, before a dash or colon, alone, or in capitals before ordinary text).
"""

from __future__ import annotations

import re

MARKS = ("tuyệt mật", "tối mật", "mật")
FIELDS = frozenset({"Secret", "SecretLevel", "Security", "SecurityLevel", "Confidentiality"})
"""Elements in which older clients send the level of secrecy."""

_NOT_SECRET = frozenset(
    {"", "0", "thường", "bình thường", "không", "không mật", "none", "normal", "false", "public"}
)
_MARK = r"(?:tuyệt\s+mật|tối\s+mật|mật)"
_ALONE = re.compile(rf"[\s\W]*(?:độ\s+mật\s*[:=]?\s*)?({_MARK})[\s\W]*", re.IGNORECASE)
_OPENING = re.compile(
    rf"""\s*(?:
        [\[({{<«“"'*]+\s*(?:độ\s+mật\s*[:=]\s*)?(?P<bracketed>{_MARK})\s*[\])}}>»”"'*]
      | độ\s+mật\s*[:=]\s*(?P<named>{_MARK})(?!\w)
      | (?P<apart>{_MARK})(?:\s*$|\s*[-–—:|]|[./]\s)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_CAPITALS = re.compile(r"\s*(TUYỆT\s+MẬT|TỐI\s+MẬT|MẬT)\s+(\S+)")


def mark_in_field(value: str) -> str | None:
    """The mark in a field made for it; any value that is not known to mean "none" counts as one."""
    folded = " ".join(value.casefold().split())
    return None if folded in _NOT_SECRET else folded


def mark_alone(value: str) -> str | None:
    """The mark when a field with fixed values holds nothing else."""
    found = _ALONE.fullmatch(_single_spaced(value))
    return _normal(found[1]) if found else None


def mark_opening(text: str) -> str | None:
    """The mark that a text opens with. ``text`` is NFC.

    >>> mark_opening("[Tối mật] Báo cáo tình hình"), mark_opening("Mật độ dân số các xã")
    ('tối mật', None)
    """
    if "ậ" not in text and "Ậ" not in text:
        return None
    text = _single_spaced(text)
    found = _OPENING.match(text)
    if found:
        return _normal(found["bracketed"] or found["named"] or found["apart"])
    found = _CAPITALS.match(text)
    if found is None:
        return None
    mark, following = _normal(found[1]), found[2]
    ordinary = following[0].isalpha() and not following.isupper()
    return mark if mark != "mật" or ordinary or following.startswith("V/") else None


def _single_spaced(text: str) -> str:
    """Runs of white space would make the expressions above retry every part of them."""
    return " ".join(text.split())


def _normal(mark: str) -> str:
    return " ".join(mark.casefold().split())
