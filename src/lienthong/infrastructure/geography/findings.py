"""What the checks of roads and places find: what, where, and what to do about it, in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """``code`` is stable; ``place`` names the file and feature, the site or the position in degrees.

    ``severity``: "error" (nothing can be planned with it), "warning" (left out or guessed: look at it),
    "note".
    """

    code: str
    severity: str
    place: str
    what: dict[str, str]
    remedy: dict[str, str]
    lon: float | None = None
    lat: float | None = None

    def text(self, language: str = "vi") -> str:
        """One line: where, what, remedy."""
        word = {"vi": "Cách khắc phục", "en": "Remedy"}[language]
        remedy = f" {word}: {self.remedy[language]}." if self.remedy.get(language) else ""
        return f"{self.place}: {self.what[language]}.{remedy}"


def several(places: Sequence[str], most: int = 5) -> str:
    """The first few places, and how many more."""
    more = f" … (+{len(places) - most})" if len(places) > most else ""
    return ", ".join(places[:most]) + more
