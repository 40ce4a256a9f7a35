"""What a log consists of, as it is read back in order, wherever it lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

Progress = Callable[[int, int], None]
"""(entries done, entries in all; 0 when unknown)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One log entry as it is stored. ``payload``: the SHA-256 of the container as it is there now; None
    when it is not there, or was not asked for.
    """

    leaf: bytes
    payload: bytes | None = None


@dataclass(frozen=True, slots=True)
class Stated:
    """A checkpoint that stands after the entries given so far, as a signed note."""

    note: bytes


@dataclass(frozen=True, slots=True)
class Stamped:
    """An RFC 3161 token over the SHA-256 of the signed checkpoint of ``size`` entries, given before it."""

    size: int
    token: bytes


@dataclass(frozen=True, slots=True)
class Damaged:
    """A container that should be there is not; the source says which."""

    words: str


@dataclass(frozen=True, slots=True)
class Loose:
    """Bytes after the last whole batch: being written at this moment, or torn off by a crash."""

    place: str


@dataclass(frozen=True, slots=True)
class Cut:
    """The log ends at ``place``, and the store's own index has seen ``records`` records, more than that."""

    place: str
    records: int


Item = Entry | Stated | Stamped | Damaged | Loose | Cut


class LogSource(Protocol):
    """Where a log is read from. ``items`` may raise :class:`LienthongError` where it is damaged."""

    @property
    def size(self) -> int:
        """Entries expected, for progress; 0 when unknown."""

    def items(self) -> Iterator[Item]: ...
