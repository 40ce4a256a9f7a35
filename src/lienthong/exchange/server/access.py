"""Who may call what: rights as bits, and the caller they belong to. Default deny."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lienthong.registry.directory import Directory

PUBLIC = 1
"""Anybody, without identification."""
LOOPBACK = 2
"""A program on the hub's own machine, not through a proxy."""
AGENCY = 4
"""Any identified agency of the directory that is not locked."""
AUDIT = 8
"""An agency with the right ``audit``."""
WITNESS = 16
"""An agency with the right ``witness``."""
OPERATE = 32
"""An agency with the right ``operate``."""

NAMES: dict[int, str] = {
    PUBLIC: "public",
    LOOPBACK: "loopback",
    AGENCY: "agency",
    AUDIT: "audit",
    WITNESS: "witness",
    OPERATE: "operate",
}

WORDS: dict[int, str] = {
    PUBLIC: "anybody",
    LOOPBACK: "a program on the hub's own machine",
    AGENCY: "an agency",
    AUDIT: "an auditor",
    WITNESS: "a witness",
    OPERATE: "the operator",
}


def names(mask: int) -> list[str]:
    """The names of the rights in a mask, in a fixed order."""
    return [name for bit, name in NAMES.items() if mask & bit]


def words(mask: int) -> str:
    """The same for people: ``the operator or a program on the hub's own machine``."""
    return " or ".join(word for bit, word in WORDS.items() if mask & bit)


class Principal:
    """An identified agency. ``rights`` is a mask; the identity holds while ``directory`` is the one in
    force and until ``good_until_s`` (Unix seconds), then it is checked again.
    """

    __slots__ = ("code", "concurrent", "directory", "fingerprint", "good_until_s", "rights")

    def __init__(
        self,
        code: str,
        fingerprint: bytes,
        rights: int,
        directory: Directory,
        good_until_s: float,
        concurrent: int,
    ) -> None:
        self.code = code
        self.fingerprint = fingerprint
        self.rights = rights
        self.directory = directory
        self.good_until_s = good_until_s
        self.concurrent = concurrent
