"""Which logs and witnesses are believed, and how many witnesses a checkpoint needs (C2SP tlog-policy).

A policy is a text file: ``log VKEY [URL]``, ``witness NAME VKEY [URL]``, ``group NAME all|any|K MEMBER…``,
``quorum NAME|none``; empty lines and lines that start with ``#`` are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from lienthong.trust.log.checkpoints import Cosignature
from lienthong.trust.log.errors import NoteKeyError, PolicyError
from lienthong.trust.log.notes import KeyType, NoteKey

MAX_POLICY_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Group:
    """At least ``needed`` of ``members`` (names of witnesses or earlier groups)."""

    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """``quorum`` names a witness or a group; None asks for no cosignature."""

    logs: tuple[NoteKey, ...] = ()
    witnesses: Mapping[str, NoteKey] = field(default_factory=lambda: MappingProxyType({}))
    groups: Mapping[str, Group] = field(default_factory=lambda: MappingProxyType({}))
    quorum: str | None = None

    @classmethod
    def of(cls, logs: Sequence[NoteKey], witnesses: Sequence[NoteKey] = (), needed: int = 0) -> Policy:
        """``needed`` of these witnesses, under their key names."""
        _no_duplicates(logs, "log")
        _no_duplicates(witnesses, "witness")
        if not 0 <= needed <= len(witnesses):
            raise PolicyError(f"{needed} of {len(witnesses)} witnesses cannot be asked for", place="quorum")
        named = {witness.vkey: witness for witness in witnesses}
        groups = {"quorum": Group(needed, tuple(named))} if needed else {}
        return cls(tuple(logs), named, groups, "quorum" if needed else None)

    @classmethod
    def parse(cls, data: bytes) -> Policy:
        """Read a policy file; :class:`PolicyError` names the line."""
        if len(data) > MAX_POLICY_BYTES or re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", data):
            raise PolicyError("a policy is a text file without control characters", place="policy")
        reader = _Reader()
        for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
            words = re.split(r"[ \t]+", line.strip(" \t"))
            if words[0] and not words[0].startswith("#"):
                try:
                    reader.take(words)
                except (PolicyError, NoteKeyError) as error:
                    raise PolicyError(error.detail, place=f"policy, line {number}") from None
        return reader.policy()

    @property
    def witness_keys(self) -> tuple[NoteKey, ...]:
        return tuple(self.witnesses.values())

    def met_by(self, cosignatures: Iterable[Cosignature]) -> bool:
        """Whether these (verified) cosignatures are enough."""
        if self.quorum is None:
            return True
        signed = {cosignature.witness.public for cosignature in cosignatures}
        standing: dict[str, bool] = {name: key.public in signed for name, key in self.witnesses.items()}
        for name, group in self.groups.items():
            standing[name] = sum(standing[member] for member in group.members) >= group.needed
        return standing[self.quorum]


class _Reader:
    """What the lines before have defined."""

    def __init__(self) -> None:
        self.logs: list[NoteKey] = []
        self.witnesses: dict[str, NoteKey] = {}
        self.groups: dict[str, Group] = {}
        self.members: set[str] = set()
        self.quorum: str | None = None
        self.decided = False

    def take(self, words: list[str]) -> None:
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self.logs.append(_key(vkey, KeyType.ED25519))
                _no_duplicates(self.logs, "log")
            case ["witness", name, vkey] | ["witness", name, vkey, _]:
                self._define(name)
                self.witnesses[name] = _key(vkey, KeyType.COSIGNATURE_V1)
                _no_duplicates(self.witnesses.values(), "witness")
            case ["group", name, threshold, *members] if members:
                self._define(name)
                self.groups[name] = self._group(threshold, members)
            case ["quorum", name]:
                if self.decided:
                    raise PolicyError("there is more than one quorum line")
                if name != "none" and name not in self.witnesses and name not in self.groups:
                    raise PolicyError(f"{name!r} is not defined above")
                self.quorum, self.decided = (None if name == "none" else name), True
            case _:
                raise PolicyError(
                    f"{' '.join(words)[:60]!r} is neither «log VKEY», «witness NAME VKEY», "
                    "«group NAME all|any|K MEMBER…» nor «quorum NAME»"
                )

    def _define(self, name: str) -> None:
        if name == "none" or name in self.witnesses or name in self.groups:
            raise PolicyError(f"the name {name!r} is already taken")

    def _group(self, threshold: str, members: list[str]) -> Group:
        for member in members:
            if member not in self.witnesses and member not in self.groups:
                raise PolicyError(f"{member!r} is not defined above")
            if member in self.members:
                raise PolicyError(f"{member!r} is a member twice")
            self.members.add(member)
        if threshold in ("all", "any"):
            return Group(len(members) if threshold == "all" else 1, tuple(members))
        if not re.fullmatch(r"[1-9][0-9]{0,3}", threshold, re.ASCII) or int(threshold) > len(members):
            raise PolicyError(f"{threshold[:20]!r} of {len(members)} members is not a threshold")
        return Group(int(threshold), tuple(members))

    def policy(self) -> Policy:
        if not self.decided:
            raise PolicyError("there is no quorum line", place="policy", remedy="end it with «quorum none»")
        return Policy(
            tuple(self.logs), MappingProxyType(self.witnesses), MappingProxyType(self.groups), self.quorum
        )


def _key(vkey: str, kind: KeyType) -> NoteKey:
    try:
        key = NoteKey.parse(vkey)
    except UnicodeEncodeError:
        raise PolicyError("a key name is not UTF-8") from None
    if key.type is not kind:
        raise PolicyError(f"{key.name}: the key has type 0x{key.type:02x}; 0x{kind:02x} is needed here")
    return key


def _no_duplicates(keys: Iterable[NoteKey], what: str) -> None:
    seen: set[bytes] = set()
    for key in keys:
        if key.public in seen:
            raise PolicyError(f"the {what} {key.name!r} has a public key that is already listed")
        seen.add(key.public)
