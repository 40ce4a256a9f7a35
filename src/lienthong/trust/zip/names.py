"""Names of ZIP entries: relative, clean, and the same file on every operating system."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import ClassVar

from lienthong.trust.errors import ContainerError

MAX_SEGMENT = 255
"""Bytes of UTF-8 in one step of a path: what ext4, NTFS and APFS can hold."""

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f\\:*?"<>|]')
_HIDDEN = frozenset({"Cf", "Cs", "Co", "Zl", "Zp"})
_DEVICES = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³])(?:\..*)?", re.IGNORECASE | re.DOTALL)


class BadName(ContainerError):
    """A file name that some system would read as another place or another file."""

    code = "container-name"
    title: ClassVar[str] = "A file name in the container is not allowed"


def check_name(name: str) -> str:
    """``name``, or :class:`ContainerError` when it is not a clean relative path.

    Refused: empty, absolute, ``.`` and ``..`` steps, backslashes, drive letters and other characters that
    Windows reserves, control, formatting (bidirectional overrides) and private-use characters, device
    names, steps that end in a dot or a space.
    """
    reason = _objection(name)
    if reason is None:
        return name
    raise BadName(
        f"the name {name[:80]!r} {reason}",
        place="ZIP",
        remedy="use a plain relative name such as files/chi-thi.pdf",
    )


def _objection(name: str) -> str | None:
    if not name or name.startswith("/"):
        return "is empty or absolute"
    if _FORBIDDEN.search(name):
        return "holds a control character, a backslash, a drive or another reserved character"
    if not name.isascii() and any(unicodedata.category(ch) in _HIDDEN for ch in name):
        return "holds an invisible or private-use character"
    for step in name.split("/"):
        if step in ("", ".", ".."):
            return "has an empty, '.' or '..' step"
        if step[-1] in ". " or step[0] == " ":
            return "has a step that starts with a space or ends in a dot or space"
        if len(step.encode()) > MAX_SEGMENT:
            return f"has a step longer than {MAX_SEGMENT} bytes"
        if _DEVICES.fullmatch(step):
            return "is the name of a device on Windows"
    return None


@lru_cache(maxsize=4096)
def decode_name(raw: bytes, utf8: int) -> tuple[str, str, tuple[str, ...]]:
    """``(name, key, folders)`` of the name bytes in a header.

    Two names with one key are the same file somewhere; ``folders`` are the keys of the folders above.

    Cached, because the names of containers repeat; the bound and the caller's limit on the length of
    ``raw`` bound the memory. Errors are not cached.
    """
    try:
        name = raw.decode("utf-8" if utf8 else "ascii")
    except UnicodeDecodeError:
        raise BadName(
            f"the name {raw[:80]!r} is not valid UTF-8, or not marked as UTF-8",
            place="ZIP",
            remedy="write names in UTF-8 and set the language encoding flag (bit 11)",
        ) from None
    plain = check_name(name[:-1] if name.endswith("/") else name)
    key = fold_name(plain)
    steps = key.split("/")
    return name, key, tuple("/".join(steps[:depth]) for depth in range(1, len(steps)))


def fold_name(name: str) -> str:
    """The key under which file systems that fold case or normal form would store ``name``."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
