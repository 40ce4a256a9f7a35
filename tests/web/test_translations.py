"""The compiled English catalogue is that of the texts beside it, and none is missing."""

from __future__ import annotations

import ast
import gettext
import re
from pathlib import Path

import lienthong.web

FOLDER = Path(lienthong.web.__file__).parent
CATALOGUE = FOLDER / "locale" / "en" / "LC_MESSAGES"


def entries() -> dict[str, str]:
    """msgid → msgstr (the singular for a plural), from the text catalogue."""
    found: dict[str, str] = {}
    name, target = "", ""
    for line in (CATALOGUE / "django.po").read_text(encoding="utf-8").splitlines():
        part = re.fullmatch(r'(?:(msgid|msgstr|msgid_plural|msgstr\[\d\]) )?(".*")', line)
        if part is None:
            continue
        target = part[1] or target
        text = ast.literal_eval(part[2])
        if target == "msgid":
            name = text if part[1] else name + text
            found[name] = ""
        elif target in ("msgstr", "msgstr[0]"):
            found[name] += text
    return {name: text for name, text in found.items() if name}


def test_the_compiled_catalogue_is_up_to_date() -> None:
    with (CATALOGUE / "django.mo").open("rb") as stream:
        compiled = gettext.GNUTranslations(stream)
    plural = {name for name in entries() if "attention" in name}
    for name, text in entries().items():
        answer = compiled.ngettext(name, name, 1) if name in plural else compiled.gettext(name)
        assert answer == text, f"{name!r}: run django-admin compilemessages"


def test_every_text_is_translated() -> None:
    assert [name for name, text in entries().items() if not text] == []


def test_every_text_of_the_templates_is_in_the_catalogue() -> None:
    texts = {
        text
        for path in (FOLDER / "templates").rglob("*.html")
        for _, text in re.findall(r"""{% translate (["'])(.+?)\1 %}""", path.read_text(encoding="utf-8"))
    }
    assert texts
    assert texts - set(entries()) == set()
