"""A whole log as evidence: every entry hashed again, every checkpoint and every container compared.

Streaming: memory does not grow with the log. A source gives entries and checkpoints in the order in which
they were written; :mod:`lienthong.exchange.evidence.sources` has one for each place a log can lie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from lienthong.core.errors import LienthongError
from lienthong.exchange.errors import ExchangeError
from lienthong.exchange.evidence.checks import Report, Stopped, Trust, Words
from lienthong.exchange.evidence.receipts import read_leaf
from lienthong.exchange.store.protocol import RecordKind
from lienthong.trust.log.checkpoints import Checkpoint, open_checkpoint
from lienthong.trust.log.merkle import Frontier, leaf_hash
from lienthong.trust.log.notes import Note

READ = Words("Đọc toàn bộ nhật ký", "Reading the whole log")
ENTRIES = Words("Từng bản ghi", "Every entry")
ROOTS = Words("Mã gốc tính lại so với các bản chốt", "Roots computed again, against the checkpoints")
SIGNATURES = Words("Chữ ký của nhật ký trên các bản chốt", "The log's signature on the checkpoints")
PAYLOADS = Words("Các gói văn bản", "The containers")
COVER = Words("Bản chốt mới nhất bao trùm mọi bản ghi", "The newest checkpoint covers every entry")
AGAINST = Words("Bản chốt đã biết từ trước", "The checkpoint known from before")

HASHED_AT_ONCE = 1024
NAMED = 5
"""Damaged entries that a report names."""

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


class LogSource(Protocol):
    """Where a log is read from. ``items`` may raise :class:`LienthongError` where it is damaged."""

    @property
    def size(self) -> int:
        """Entries expected, for progress; 0 when unknown."""

    def items(self) -> Iterator[Entry | Stated]: ...


class LogDamage(ExchangeError):
    code = "log-damage"


@dataclass(slots=True)
class _Findings:
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
    damages: dict[str, list[str]] = field(default_factory=dict)

    def damaged(self, what: str, words: str) -> None:
        """Something is wrong with one entry; the walk goes on, and the first few are named."""
        self.damages.setdefault(what, []).append(words if len(self.damages.get(what, ())) < NAMED else "")

    def flush(self) -> None:
        if self.waiting:
            self.frontier = self.frontier.append(self.waiting).frontier
            self.waiting = []


def verify_log(
    source: LogSource,
    trust: Trust,
    *,
    against: Sequence[bytes] = (),
    progress: Progress | None = None,
    subject: str = "log",
) -> Report:
    """Walk a log from its first entry. ``against``: signed checkpoints kept elsewhere (an earlier backup, a
    witness, a receipt) whose trees must be found in this log as they were.
    """
    report = Report(subject, "log")
    seen = _Findings()
    with suppress(Stopped):
        known = _known(report, against, trust)
        try:
            _walk(source, trust, seen, known, progress)
        except LienthongError as error:
            code, what = _WHERE.get(error.code, ("log.read", READ))
            report.failed(
                code,
                what,
                Words(f"không đạt, sau {seen.size} bản ghi: {error}", f"after {seen.size} entries: {error}"),
            )
        else:
            _conclude_checkpoints(report, seen, trust)
            _conclude_known(report, seen, known)
        _conclude_entries(report, seen)
    report.facts.update(entries=seen.size, checkpoints=seen.checkpoints, containers=seen.payloads)
    return report


def _walk(
    source: LogSource,
    trust: Trust,
    seen: _Findings,
    known: dict[int, list[bytes]],
    progress: Progress | None,
) -> None:
    _compare_known(seen, known)
    for item in source.items():
        if isinstance(item, Stated):
            _compare(item.note, trust, seen)
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


def _take(entry: Entry, seen: _Findings) -> None:
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


def _compare(note: bytes, trust: Trust, seen: _Findings) -> None:
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
    if trust.policy.logs:
        try:
            open_checkpoint(note, trust.policy.logs)
        except LienthongError as error:
            raise LogDamage(error.detail, place=place, remedy=error.remedy, code="log-signature") from None
        seen.signed += 1


def _known(report: Report, against: Iterable[bytes], trust: Trust) -> dict[int, list[bytes]]:
    """Size → roots promised by checkpoints from elsewhere, whose signatures are checked first."""
    known: dict[int, list[bytes]] = {}
    for note in against:
        with report.attempt("log.against", AGAINST):
            if trust.policy.logs:
                stated = open_checkpoint(note, trust.policy.logs).checkpoint
            else:
                stated = Checkpoint.parse(Note.parse(note).text)
        known.setdefault(stated.size, []).append(stated.root)
    return known


def _compare_known(seen: _Findings, known: dict[int, list[bytes]]) -> None:
    for root in known.get(seen.size, ()):
        if root != seen.frontier.root:
            raise LogDamage(
                f"the tree of {seen.size} entries has the root {seen.frontier.root.hex()}, "
                f"and {root.hex()} was signed before",
                place=f"known checkpoint of {seen.size} entries",
                remedy="the log was rewritten, or this is another log; keep both and report them",
                code="log-against",
            )


_WHERE = {
    "log-root": ("log.roots", ROOTS),
    "log-signature": ("log.signatures", SIGNATURES),
    "log-against": ("log.against", AGAINST),
}


def _conclude_known(report: Report, seen: _Findings, known: dict[int, list[bytes]]) -> None:
    if not known:
        return
    newest = max(known)
    if newest > seen.size:
        report.failed(
            "log.against",
            AGAINST,
            Words(
                f"bản chốt đã biết có {newest} bản ghi, ở đây chỉ có {seen.size}: thiếu bản ghi",
                f"one of them has {newest} entries, here are {seen.size}: entries are missing",
            ),
        )
    else:
        report.passed(
            "log.against",
            AGAINST,
            Words(
                f"nhật ký tiếp nối đúng {len(known)} bản chốt đã biết (đến {newest} bản ghi)",
                f"the log continues all {len(known)} (up to {newest} entries)",
            ),
        )


def _conclude_checkpoints(report: Report, seen: _Findings, trust: Trust) -> None:
    if seen.last is None:
        report.failed("log.roots", ROOTS, Words("không có bản chốt nào", "there is no checkpoint at all"))
        return
    report.facts["checkpoint"] = {
        "origin": seen.last.origin,
        "size": seen.last.size,
        "root": seen.last.root.hex(),
    }
    report.passed(
        "log.roots",
        ROOTS,
        Words(
            f"{seen.checkpoints} bản chốt đều khớp; mã gốc mới nhất {seen.last.root.hex()}",
            f"all {seen.checkpoints} agree; the newest root is {seen.last.root.hex()}",
        ),
    )
    if trust.policy.logs:
        report.passed(
            "log.signatures",
            SIGNATURES,
            Words(
                f"{seen.signed} chữ ký đều đúng, của «{seen.last.origin}»",
                f"all {seen.signed} are right, by «{seen.last.origin}»",
            ),
        )
    else:
        report.skipped(
            "log.signatures",
            SIGNATURES,
            Words(
                "chưa kiểm tra: chưa cho biết khóa công khai của nhật ký (--log-key, --policy hoặc --data)",
                "not checked: the log's public key was not given (--log-key, --policy or --data)",
            ),
            needed=True,
        )
    beyond = seen.size - seen.covered
    if beyond:
        report.failed(
            "log.cover",
            COVER,
            Words(
                f"{beyond} bản ghi cuối không nằm trong bản chốt nào",
                f"the last {beyond} entries are covered by no checkpoint",
            ),
        )
    else:
        report.passed("log.cover", COVER, Words(f"{seen.covered} bản ghi", f"{seen.covered} entries"))


def _conclude_entries(report: Report, seen: _Findings) -> None:
    for code, what in (("log.entries", ENTRIES), ("log.payloads", PAYLOADS)):
        if found := seen.damages.get(code):
            first = "; ".join(filter(None, found))
            report.failed(
                code,
                what,
                Words(
                    f"{len(found)} bản ghi không đạt (nêu tối đa {NAMED}): {first}",
                    f"{len(found)} are damaged (at most {NAMED} are named): {first}",
                ),
            )
    if "log.entries" not in seen.damages:
        report.passed(
            "log.entries",
            ENTRIES,
            Words(
                f"{seen.size} bản ghi đều đọc được, đúng thứ tự thời gian",
                f"all {seen.size} can be read, and their times never run backwards",
            ),
        )
    if seen.payloads and "log.payloads" not in seen.damages:
        report.passed(
            "log.payloads",
            PAYLOADS,
            Words(
                f"{seen.payloads} gói còn nguyên, đúng mã băm trong nhật ký",
                f"{seen.payloads} are there, each with the digest that was logged",
            ),
        )
    if seen.absent:
        report.skipped(
            "log.payloads-absent",
            PAYLOADS,
            Words(
                f"chưa kiểm tra {seen.absent} gói: không có ở đây (đã lưu trữ nơi khác hoặc không yêu cầu)",
                f"{seen.absent} not checked: they are not here (archived elsewhere, or not asked for)",
            ),
        )
