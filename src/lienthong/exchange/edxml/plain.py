"""Single values on the short path: each is returned clean, or calls for the full reader."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from unicodedata import normalize

from lienthong.core.identifiers import MAX_ORGAN_CODE, NEW_ORGAN_CODE
from lienthong.exchange.edxml import rules, secrecy

Fields = Mapping[str, str | None]

_organ = NEW_ORGAN_CODE.fullmatch
_number = re.compile(r"[0-9]{1,9}").fullmatch
_day = re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2}").fullmatch
_moment = re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2} (?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}").fullmatch


class CloserLook(Exception):
    """The message needs the full reader."""


def clean(text: str | None, limit: int = 1 << 20) -> str:
    if text is None:
        return ""
    text = text.strip()
    if not text.isascii():
        text = normalize("NFC", text)
    if len(text) > limit:
        raise CloserLook
    return text


def needed(text: str | None, limit: int) -> str:
    text = clean(text, limit)
    if not text:
        raise CloserLook
    return text


def check_unmarked(text: str) -> None:
    if text and secrecy.mark_opening(text):
        raise CloserLook


def digits(text: str | None, *, optional: bool = False) -> str:
    text = (text or "").strip()
    if not _number(text) and not (optional and not text):
        raise CloserLook
    return text


def calendar(text: str) -> date:
    if not _day(text):
        raise CloserLook
    try:
        return date.fromisoformat(text.replace("/", "-"))
    except ValueError:
        raise CloserLook from None


def optional_day(text: str | None) -> str:
    if text is None:
        return ""
    text = text.strip()
    if text:
        calendar(text)
    return text


def check_timestamp(text: str) -> None:
    if not _moment(text):
        raise CloserLook
    try:
        datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        raise CloserLook from None


def sender(organ: Fields) -> tuple[str, str]:
    """Code and name."""
    code = (organ["OrganId"] or "").strip()
    if len(code) > MAX_ORGAN_CODE or not _organ(code):
        raise CloserLook
    clean(organ.get("OrganizationInCharge"), rules.MAX_NAME)
    return code, clean(organ.get("OrganName"), rules.MAX_NAME)


def recipient(organ: Fields) -> str:
    code = (organ["OrganId"] or "").strip()
    if len(code) > MAX_ORGAN_CODE or not (_organ(code) or rules.GROUP.fullmatch(code)):
        raise CloserLook
    clean(organ.get("OrganizationInCharge"), rules.MAX_NAME)
    clean(organ.get("OrganName"), rules.MAX_NAME)
    return code


def priority(other: Fields) -> int:
    text = digits(other.get("Priority"), optional=True)
    priority = int(text) if text else 0
    if priority > 4:
        raise CloserLook
    if "SphereOfPromulgation" in other and secrecy.mark_alone(
        clean(other["SphereOfPromulgation"], rules.MAX_TYPE_NAME)
    ):
        raise CloserLook
    clean(other.get("TyperNotation"), 10)
    digits(other.get("PromulgationAmount"), optional=True)
    digits(other.get("PageAmount"), optional=True)
    return priority
