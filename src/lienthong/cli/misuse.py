"""A command called wrongly, said in both languages."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from lienthong.cli.vietnamese import Said
from lienthong.core.errors import LienthongError


class Misuse(LienthongError):
    """``vietnamese``: what was wrong and what to do, for people who asked for Vietnamese."""

    code = "usage"

    def __init__(
        self,
        detail: str,
        *,
        place: str | None = None,
        remedy: str | None = None,
        code: str | None = None,
        vietnamese: Said | None = None,
    ) -> None:
        super().__init__(detail, place=place, remedy=remedy, code=code)
        self.vietnamese = vietnamese


def near(given: str, known: Iterable[str]) -> str | None:
    """What of ``known`` was probably meant."""
    by_case = {one.casefold(): one for one in known}
    found = get_close_matches(given.casefold(), by_case, 1, 0.7)
    return by_case[found[0]] if found else None
