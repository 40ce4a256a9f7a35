"""A terminal that texts from outside cannot steer: a name, a subject or a receipt is shown, never obeyed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_STEERING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
"""Control characters, and those that turn the direction of writing. Line ends and tabs stay."""


def shown(text: str) -> str:
    """``text`` with U+FFFD for each character that would steer a terminal."""
    return _STEERING.sub("\ufffd", text)


def shown_json(text: str) -> str:
    """JSON with escapes for the same characters: no other JSON."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class SteadyConsole(Console):
    """Every text goes through :func:`shown`; colours and cursor movements are the program's own."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else shown(text), style, control)
