"""The walk through a log: hash every entry again, compare, remember what was found. Memory stays constant."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from lienthong.core.errors import LienthongError
from lienthong.exchange.errors import ExchangeError
from lienthong.exchange.evidence.checks import Trust
from lienthong.exchange.evidence.items import Cut, Damaged, Entry, LogSource, Loose, Progress, Stamped, Stated
from lienthong.exchange.evidence.receipts import read_leaf
from lienthong.exchange.store.protocol import RecordKind
from lienthong.trust.log.checkpoints import Checkpoint, open_checkpoint
from lienthong.trust.log.merkle import Frontier, leaf_hash
from lienthong.trust.log.notes import Note
from lienthong.trust.timestamps import verify_timestamp

HASHED_AT_ONCE = 1024
NAMED = 5
"""Damaged entries that a report names."""
REMEMBERED = 65_536
"""Checkpoints whose time-stamp may still come: it is asked for after the fact, and rarely."""


class LogDamage(ExchangeError):
    code = "log-damage"


@dataclass(slots=True)
class Findings:
    """What the walk has seen so far."""

    frontier: Frontier = field(default_factory=Frontier)
    waiting: list[bytes] = field(default_factory=list)
    size: int = 0
    newest_ms: int = 0
    covered: int = 0
    checkpoints: int = 0
    signed: int = 0
    payloads: int = 0
    absent: int = 0
    origin: str = ""
    last: Checkpoint | None = None
    recent: OrderedDict[int, bytes] = field(default_factory=OrderedDict)
    stamps: int = 0
    stamped: tuple[datetime, int] | None = None
    loose: str = ""
    cut: Cut | None = None
    damages: dict[str, list[str]] = field(default_factory=dict)

    def damaged(self, what: str, words: str) -> None:
        """Something is wrong with one entry; the walk goes on, and the first few are named."""
        self.damages.setdefault(what, []).append(words if len(self.damages.get(what, ())) < NAMED else "")

    def flush(self) -> None:
        if self.waiting:
            self.frontier = self.frontier.append(self.waiting).frontier
            self.waiting = []


def walk(
    source: LogSource,
    trust: Trust,
    seen: Findings,
    known: dict[int, list[bytes]],
    progress: Progress | None,
) -> None:
    _compare_known(seen, known)
    for item in source.items():
        if not isinstance(item, Entry):
            _take_other(item, trust, seen)
            continue
        _take(item, seen)
        if len(seen.waiting) == HASHED_AT_ONCE or seen.size in known:
            seen.flush()
            _compare_known(seen, known)
            if progress is not None:
                progress(seen.size, source.size)
    seen.flush()
    if progress is not None:
        progress(seen.size, source.size)


def _take_other(item: Stated | Stamped | Damaged | Loose | Cut, trust: Trust, seen: Findings) -> None:
    if isinstance(item, Stated):
        _compare(item.note, trust, seen)
    elif isinstance(item, Stamped):
        _check_stamp(item, trust, seen)
    elif isinstance(item, Damaged):
        seen.damaged("log.payloads", item.words)
    elif isinstance(item, Cut):
        seen.cut = item
    else:
        seen.loose = item.place


def _check_stamp(stamp: Stamped, trust: Trust, seen: Findings) -> None:
    digest = seen.recent.get(stamp.size)
    if trust.certificates is None or digest is None:
        return
    try:
        moment = verify_timestamp(stamp.token, digest, trust.certificates)
    except LienthongError as error:
        seen.damaged("log.timestamps", f"over {stamp.size} entries: {error.detail}")
        return
    seen.stamps += 1
    if seen.stamped is None or stamp.size >= seen.stamped[1]:
        seen.stamped = moment, stamp.size


def _take(entry: Entry, seen: Findings) -> None:
    index = seen.size
    seen.waiting.append(leaf_hash(entry.leaf))
    seen.size += 1
    try:
        leaf = read_leaf(entry.leaf)[1]
    except LienthongError as error:
        seen.damaged("log.entries", f"entry {index}: {error.detail}")
        return
    if leaf["time"] < seen.newest_ms:
        seen.damaged("log.entries", f"entry {index}: its time is before that of the entry before it")
    seen.newest_ms = leaf["time"]
    if leaf["kind"] == RecordKind.ACKNOWLEDGEMENT:
        stands_for = f"{leaf['sender']}:{leaf.get('subject')}".encode()
        if sha256(stands_for).hexdigest() != leaf["digest"]:
            seen.damaged("log.entries", f"entry {index}: its digest is not that of its sender and subject")
    elif entry.payload is None:
        seen.absent += 1
    elif entry.payload.hex() != leaf["digest"]:
        seen.damaged(
            "log.payloads",
            f"entry {index}: the container there has SHA-256 {entry.payload.hex()}, "
            f"{leaf['digest']} was logged",
        )
    else:
        seen.payloads += 1


def _compare(note: bytes, trust: Trust, seen: Findings) -> None:
    seen.flush()
    stated = Checkpoint.parse(Note.parse(note).text)
    place = f"checkpoint of {stated.size} entries"
    if stated.size != seen.frontier.size or stated.root != seen.frontier.root:
        raise LogDamage(
            f"the entries before it are {seen.frontier.size} with root {seen.frontier.root.hex()}, "
            f"it states {stated.size} with root {stated.root.hex()}",
            place=place,
            remedy="an entry was changed, added or taken away since; compare with a backup or a witness",
            code="log-root",
        )
    if stated.origin != (seen.origin or stated.origin):
        raise LogDamage(f"it names another log: {stated.origin}", place=place, code="log-root")
    seen.origin = stated.origin
    seen.checkpoints += 1
    seen.covered, seen.last = stated.size, stated
    seen.recent[stated.size] = sha256(note).digest()
    if len(seen.recent) > REMEMBERED:
        seen.recent.popitem(last=False)
    if trust.policy.logs:
        try:
            open_checkpoint(note, trust.policy.logs)
        except LienthongError as error:
            raise LogDamage(error.detail, place=place, remedy=error.remedy, code="log-signature") from None
        seen.signed += 1


def _compare_known(seen: Findings, known: dict[int, list[bytes]]) -> None:
    for root in known.get(seen.size, ()):
        if root != seen.frontier.root:
            raise LogDamage(
                f"the tree of {seen.size} entries has the root {seen.frontier.root.hex()}, "
                f"and {root.hex()} was signed before",
                place=f"known checkpoint of {seen.size} entries",
                remedy="the log was rewritten, or this is another log; keep both and report them",
                code="log-against",
            )
