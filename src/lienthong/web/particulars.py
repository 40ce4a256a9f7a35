"""What the hub says of itself, on a page: in Vietnamese where its form is known, its times as Vietnam's."""

from __future__ import annotations

import re

from django.utils.translation import get_language

from lienthong.exchange.health_vietnamese import in_vietnam_time, in_vietnamese


def local(text: str) -> str:
    """Its moments of universal time as Vietnam time."""
    return in_vietnam_time(text, vietnamese=get_language() != "en")


def said(text: str) -> tuple[str, str]:
    """What the hub said, for the page's language, and the language it is in now."""
    shown = local(text)
    if get_language() == "en":
        return shown, "en"
    words = in_vietnamese(text)
    if words is not None:
        return local(words), "vi"
    return shown, "vi" if re.fullmatch(r"[\d\W]*", shown) else "en"
