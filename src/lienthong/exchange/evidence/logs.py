"""A whole log as evidence: every entry hashed again, every checkpoint and every container compared.

A source (:mod:`lienthong.exchange.evidence.sources`) gives what was written, in the order in which it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from lienthong.core.errors import LienthongError
from lienthong.exchange.evidence.checks import Report, Stopped, Trust, Words, entries, local_time
from lienthong.exchange.evidence.items import LogSource, Progress
from lienthong.exchange.evidence.walk import NAMED, Findings, walk
from lienthong.trust.log.checkpoints import Checkpoint, open_checkpoint
from lienthong.trust.log.notes import Note

READ = Words("Đọc toàn bộ nhật ký", "Reading the whole log")
ENTRIES = Words("Từng bản ghi", "Every entry")
ROOTS = Words("Mã gốc tính lại so với các bản chốt", "Roots computed again, against the checkpoints")
SIGNATURES = Words("Chữ ký của nhật ký trên các bản chốt", "The log's signature on the checkpoints")
PAYLOADS = Words("Các gói văn bản", "The containers")
STAMPS = Words("Dấu thời gian trên các bản chốt", "Time-stamps over the checkpoints")
TAIL = Words("Phần cuối của nhật ký", "The end of the log")
COVER = Words("Bản chốt mới nhất bao trùm mọi bản ghi", "The newest checkpoint covers every entry")
AGAINST = Words("Bản chốt đã biết từ trước", "The checkpoint known from before")


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
    seen = Findings()
    with suppress(Stopped):
        known = _known(report, against, trust)
        try:
            walk(source, trust, seen, known, progress)
        except LienthongError as error:
            code, what = _WHERE.get(error.code, ("log.read", READ))
            report.failed(
                code,
                what,
                Words(f"không đạt, sau {seen.size} bản ghi: {error}", f"after {entries(seen.size)}: {error}"),
            )
        else:
            _conclude_checkpoints(report, seen, trust)
            _conclude_known(report, seen, known)
        _conclude_entries(report, seen)
    report.facts.update(entries=seen.size, checkpoints=seen.checkpoints, containers=seen.payloads)
    return report


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


_WHERE = {
    "log-root": ("log.roots", ROOTS),
    "log-signature": ("log.signatures", SIGNATURES),
    "log-against": ("log.against", AGAINST),
}


def _conclude_known(report: Report, seen: Findings, known: dict[int, list[bytes]]) -> None:
    if not known:
        return
    newest = max(known)
    if newest > seen.size:
        report.failed(
            "log.against",
            AGAINST,
            Words(
                f"bản chốt đã biết có {newest} bản ghi, ở đây chỉ có {seen.size}: thiếu bản ghi",
                f"one of them has {entries(newest)}, here are {seen.size}: entries are missing",
            ),
        )
    else:
        report.passed(
            "log.against",
            AGAINST,
            Words(
                f"nhật ký tiếp nối đúng {len(known)} bản chốt đã biết (đến {newest} bản ghi)",
                f"the log continues all {len(known)} (up to {entries(newest)})",
            ),
        )


def _conclude_checkpoints(report: Report, seen: Findings, trust: Trust) -> None:
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
                f"the last {entries(beyond)} stand in no checkpoint",
            ),
        )
    else:
        report.passed("log.cover", COVER, Words(f"{seen.covered} bản ghi", entries(seen.covered)))


def _conclude_entries(report: Report, seen: Findings) -> None:
    for code, what in (("log.entries", ENTRIES), ("log.payloads", PAYLOADS), ("log.timestamps", STAMPS)):
        if found := seen.damages.get(code):
            first = "; ".join(filter(None, found))
            report.failed(
                code,
                what,
                Words(
                    f"{len(found)} không đạt (nêu tối đa {NAMED}): {first}",
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
    if seen.stamped is not None and "log.timestamps" not in seen.damages:
        moment, size = seen.stamped
        report.passed(
            "log.timestamps",
            STAMPS,
            Words(
                f"{seen.stamps} dấu đều đúng; {size} bản ghi đầu đã có trước {local_time(moment)}",
                f"{'1 is' if seen.stamps == 1 else f'{seen.stamps} are'} right; "
                f"the first {entries(size)} existed before {local_time(moment)}",
            ),
        )
    if seen.cut is not None:
        report.failed(
            "log.tail",
            TAIL,
            Words(
                f"nhật ký bị cắt cụt tại {seen.cut.place}: chỉ mục đã có {seen.cut.records} bản ghi, ở đây "
                f"chỉ còn {seen.size}; hãy khôi phục các tệp segments từ bản sao lưu",
                f"the log was cut at {seen.cut.place}: its index has seen {seen.cut.records} records, "
                f"{seen.size} are left; restore the segments from a backup",
            ),
        )
    elif seen.loose:
        report.skipped(
            "log.tail",
            TAIL,
            Words(
                f"chưa kiểm tra: sau lô cuối cùng còn dữ liệu dở dang ({seen.loose}): hệ thống đang ghi, "
                "hoặc một lô chưa từng được xác nhận",
                f"not checked: unfinished bytes follow the last batch ({seen.loose}): a hub is writing, "
                "or a batch that was never acknowledged was cut off",
            ),
        )
