"""In which language a command speaks: ``--lang``, else ``LIENTHONG_LANG``, else that of the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

Language = Literal["vi", "en"]
VARIABLE = "LIENTHONG_LANG"

LanguageOption = Annotated[
    Language | None,
    typer.Option(
        "--lang",
        envvar=VARIABLE,
        metavar="vi|en",
        help="The language of what is said (default: the terminal's).",
    ),
]


class Speech:
    """``say = Speech(language)``; ``say("waiting", "đang chờ")`` is the one of that language."""

    def __init__(self, language: Language | None) -> None:
        self.language: Language = language or _of_the_environment()

    @property
    def vietnamese(self) -> bool:
        return self.language == "vi"

    def __call__(self, english: str, vietnamese: str) -> str:
        return vietnamese if self.vietnamese else english

    def count(self, number: int, english: str, vietnamese: str) -> str:
        """``1 file``, ``2 files``, ``2 tệp``."""
        return f"{number} {vietnamese}" if self.vietnamese else f"{number} {english}{'s'[: number != 1]}"


def of_the_command_line(arguments: Sequence[str] | None = None) -> Language:
    """The language for an error before, or instead of, a command's own words."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for at, word in enumerate(given):
        if word in ("--lang=vi", "--lang=en"):
            return "vi" if word.endswith("vi") else "en"
        if word == "--lang" and given[at + 1 : at + 2] in (["vi"], ["en"]):
            return "vi" if given[at + 1] == "vi" else "en"
    return _of_the_environment()


def _of_the_environment() -> Language:
    names = (VARIABLE, "LC_ALL", "LC_MESSAGES", "LANG")
    named = next((os.environ[name] for name in names if os.environ.get(name)), "")
    return "vi" if named.lower().startswith("vi") else "en"
