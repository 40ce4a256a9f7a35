"""Which submissions of a batch are new, which were here before, which are refused: the rule of both engines.

Pure: an engine reads what :func:`wanted` asks for inside its transaction, :func:`admit` judges the batch
in order (two statuses in one batch see each other), and the engine stores what was admitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lienthong.exchange.statuses import REQUESTS, DeliveryState, Impossible, advance, ask
from lienthong.exchange.store.protocol import Accepted, Outcome, RecordKind, Refused, Submission

_DOCUMENT, _STATUS = RecordKind.DOCUMENT, RecordKind.STATUS
_NEW = DeliveryState()


@dataclass(frozen=True, slots=True)
class Standing:
    """One row of one agency's inbox: where the delivery stands and whether it was taken.

    ``state_ms``: when the last of 01–06 was accepted. ``acknowledgement``: log index of the record
    that took it, with ``acknowledged_ms``.
    """

    state: DeliveryState = _NEW
    state_ms: int | None = None
    acknowledgement: int | None = None
    acknowledged_ms: int | None = None


FRESH = Standing()


@dataclass(slots=True)
class Wanted:
    """What must be known before a batch can be judged."""

    ids: list[tuple[str, str]]
    subjects: set[int]
    standings: set[tuple[int, str]]


@dataclass(slots=True)
class Known:
    """What the store knows of it. Absent keys do not exist.

    ``ids``: (sender, message id) → (index, digest). ``subjects``: index → (kind, sender,
    subject). ``standings``: (index, agency) → its inbox row.
    """

    ids: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)
    subjects: dict[int, tuple[RecordKind, str, int | None]] = field(default_factory=dict)
    standings: dict[tuple[int, str], Standing] = field(default_factory=dict)


@dataclass(slots=True)
class Admission:
    """``admitted`` get the indexes from ``first`` on, in order. ``changed``: inbox rows that existed
    before the batch and stand differently now. ``fresh``: rows the batch adds that already stand
    differently from :data:`FRESH`.
    """

    first: int
    outcomes: list[Outcome]
    admitted: list[Submission]
    changed: dict[tuple[int, str], Standing]
    fresh: dict[tuple[int, str], Standing]
    replay: bool = False


def wanted(batch: Sequence[Submission]) -> Wanted:
    """The keys :func:`admit` will look up for ``batch``."""
    ids = [(each.sender, each.message_id) for each in batch]
    subjects: set[int] = set()
    standings: set[tuple[int, str]] = set()
    for each in batch:
        subject = each.subject
        if subject is None:
            continue
        subjects.add(subject)
        if each.kind is not _DOCUMENT:
            standings.add((subject, each.sender))
        if each.business or each.status == "13":
            standings.update((subject, recipient) for recipient in each.recipients)
    return Wanted(ids, subjects, standings)


def admit(
    batch: Sequence[Submission], known: Known, first: int, times: Sequence[int], *, replay: bool = False
) -> Admission:
    """Judge ``batch`` in order. ``first`` is the index of the next record, ``times`` when each is accepted.

    ``replay``: the batch is read back from the log. What is in the log was admitted, whatever today's
    rules say; its effects are taken literally.
    """
    admission = Admission(first, [], [], {}, {}, replay)
    ids = known.ids
    for each, accepted_ms in zip(batch, times, strict=True):
        key = each.sender, each.message_id
        earlier = ids.get(key)
        if earlier is not None:
            admission.outcomes.append(_again(each, earlier))
            continue
        index = first + len(admission.admitted)
        if each.subject is not None or each.kind is not _DOCUMENT:
            other = _follow(each, known, admission, index, accepted_ms)
            if other is not None and not replay:
                admission.outcomes.append(other)
                continue
        ids[key] = index, each.digest
        known.subjects[index] = each.kind, each.sender, each.subject
        admission.admitted.append(each)
        admission.outcomes.append(Accepted(index))
    return admission


def above(each: Submission, known: Known) -> int | None:
    """What the record is about that an acknowledgement takes: the document of a status that was taken."""
    if each.kind is not RecordKind.ACKNOWLEDGEMENT or each.subject is None:
        return None
    subject = known.subjects.get(each.subject)
    return None if subject is None else subject[2]


def inboxes(each: Submission) -> Sequence[str]:
    """The agencies that get an inbox row, each once; an acknowledgement fills nobody's inbox."""
    if each.kind is RecordKind.ACKNOWLEDGEMENT:
        return ()
    recipients = each.recipients
    return recipients if len(recipients) < 2 else tuple(dict.fromkeys(recipients))


def grown_inboxes(admission: Admission) -> frozenset[str]:
    """The agencies that have new inbox rows."""
    return frozenset(agency for each in admission.admitted for agency in inboxes(each))


def _again(each: Submission, earlier: tuple[int, bytes]) -> Outcome:
    index, digest = earlier
    if digest == each.digest:
        return Accepted(index, duplicate=True)
    return Refused(
        "message-id-conflict",
        f"{each.sender} already sent another content as {each.message_id} (record {index})",
        index,
    )


def _follow(
    each: Submission, known: Known, admission: Admission, index: int, accepted_ms: int
) -> Outcome | None:
    """Apply a record about another one; the outcome when it is not admitted."""
    subject = each.subject
    about = None if subject is None else known.subjects.get(subject)
    if subject is None or about is None:
        return Refused("unknown-subject", f"record {subject} is not in the log", subject)
    kind, sender, _ = about
    rows = _Rows(known, admission, subject)
    if each.kind is RecordKind.ACKNOWLEDGEMENT:
        row = rows.get(each.sender)
        if row is None:
            return Refused(
                "unknown-subject", f"record {subject} is not in the inbox of {each.sender}", subject
            )
        if row.acknowledgement is not None:
            return Accepted(row.acknowledgement, duplicate=True)
        rows.put(each.sender, replace(row, acknowledgement=index, acknowledged_ms=accepted_ms))
        return None
    if kind is not _DOCUMENT:
        return Refused("unknown-subject", f"record {subject} is not a document", subject)
    if each.kind is _STATUS and each.status != "13":
        return _report(each, rows, sender, accepted_ms)
    if each.kind is _DOCUMENT and not each.business:
        return None
    return _ask_all(each, rows, sender)


def _report(each: Submission, rows: _Rows, sender: str, accepted_ms: int) -> Outcome | None:
    row = rows.get(each.sender)
    if row is None:
        if each.sender == sender:
            moved = advance(_NEW, each.status, by_sender=True)
            reason = moved.reason if isinstance(moved, Impossible) else "it is the sender's own document"
        else:
            reason = f"{each.sender} is neither the sender nor a recipient of record {rows.subject}"
        return Refused("impossible-status", reason, rows.subject)
    moved = advance(row.state, each.status, by_sender=False)
    if isinstance(moved, Impossible):
        if not rows.replay:
            return Refused("impossible-status", moved.reason, rows.subject)
        answers = each.status in ("15", "16")
        moved = replace(row.state, request="") if answers else replace(row.state, state=each.status)
    state_ms = row.state_ms if each.status in ("15", "16") else accepted_ms
    rows.put(each.sender, replace(row, state=moved, state_ms=state_ms))
    return None


def _ask_all(each: Submission, rows: _Rows, sender: str) -> Outcome | None:
    """A take-back (13 or business 1), update or replacement: with each recipient that still can."""
    if each.sender != sender:
        return Refused("impossible-status", f"only {sender}, who sent it, may ask that", rows.subject)
    moved: list[tuple[str, Standing]] = []
    reasons: list[str] = []
    for recipient in each.recipients:
        row = rows.get(recipient)
        if row is None:
            continue
        if each.kind is _STATUS:
            state = advance(row.state, each.status, by_sender=True)
        else:
            state = ask(row.state, REQUESTS[each.business])
        if isinstance(state, Impossible):
            reasons.append(f"{recipient}: {state.reason}")
        else:
            moved.append((recipient, replace(row, state=state)))
    if reasons and not moved:
        return Refused("impossible-status", "; ".join(reasons[:3]), rows.subject)
    if not moved and each.kind is _STATUS:
        return Refused("impossible-status", f"none of them received record {rows.subject}", rows.subject)
    for recipient, row in moved:
        rows.put(recipient, row)
    return None


class _Rows:
    """The inbox rows of one subject, through the changes that the batch has already made."""

    __slots__ = ("_admission", "_known", "replay", "subject")

    def __init__(self, known: Known, admission: Admission, subject: int) -> None:
        self._known, self._admission, self.subject = known, admission, subject
        self.replay = admission.replay

    def get(self, agency: str) -> Standing | None:
        key = self.subject, agency
        admission = self._admission
        if self.subject < admission.first:
            return admission.changed.get(key) or self._known.standings.get(key)
        row = admission.fresh.get(key)
        if row is not None:
            return row
        added = admission.admitted[self.subject - admission.first]
        return FRESH if agency in inboxes(added) else None

    def put(self, agency: str, row: Standing) -> None:
        admission = self._admission
        rows = admission.changed if self.subject < admission.first else admission.fresh
        rows[self.subject, agency] = row
