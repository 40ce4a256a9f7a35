"""Asking: a document's life, what was sent, who there is, and whether the log only ever grew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lienthong.core.errors import LienthongError
from lienthong.exchange.client.answers import (
    SentRecord,
    TraceView,
    hashes_of,
    record,
    sent_page,
    trace,
)
from lienthong.exchange.client.errors import EvidenceMismatch, HubUnreachable
from lienthong.exchange.client.outbox import Outbox
from lienthong.exchange.client.profile import AgencyProfile
from lienthong.exchange.client.receipt import Receipt, check_receipt
from lienthong.exchange.client.session import Session
from lienthong.exchange.client.steps import Answer, Call, Steps, work
from lienthong.trust.log.checkpoints import SignedCheckpoint, open_checkpoint
from lienthong.trust.log.merkle import verify_consistency
from lienthong.trust.log.notes import NoteKey

_NEWEST = "newest-checkpoint"


@dataclass(frozen=True, slots=True)
class LogState:
    """The newest checkpoint, and the size of the one seen before it (0 when this is the first)."""

    signed: SignedCheckpoint
    note: bytes
    seen_before: int


class Inquiries:
    """The asking part of a client."""

    def __init__(self, profile: AgencyProfile, outbox: Outbox, session: Session) -> None:
        self._profile = profile
        self._outbox = outbox
        self._session = session
        self._log_key = NoteKey.parse(profile.checkpoint_key)

    def trace(self, index: int) -> Steps[TraceView]:
        """A document's whole life: where it stands with each recipient, and every record about it."""
        target = f"/v1/messages/{index}/trace"
        answer = yield from self._session.call(Call("GET", target))
        whole, after = trace(answer.json())
        while after is not None:
            answer = yield from self._session.call(Call("GET", target, query={"after": after}))
            page, further = trace(answer.json())
            whole = replace(whole, history=whole.history + page.history)
            if further is not None and further <= after:
                raise HubUnreachable("the hub's pages of a trace do not go on")
            after = further
        return whole

    def sent(self, *, before: int | None = None, limit: int = 100) -> Steps[tuple[SentRecord, ...]]:
        """What the agency sent, newest first."""
        query: dict[str, str | int] = {"limit": limit}
        if before is not None:
            query["before"] = before
        answer = yield from self._session.call(Call("GET", "/v1/sent", query=query))
        return sent_page(answer.json())[0]

    def find(self, message_id: str) -> Steps[SentRecord]:
        """An own message by its id."""
        answer = yield from self._session.call(Call("GET", "/v1/messages", query={"message_id": message_id}))
        return record(answer.json())

    def receipt(self, index: int) -> Steps[Receipt]:
        """The hub's receipt of a record that the agency sent or received, verified."""
        answer = yield from self._session.call(Call("GET", f"/v1/messages/{index}/receipt"))
        return check_receipt(answer.body, self._log_key, index=index)

    def agencies(self, text: str = "") -> Steps[list[Mapping[str, Any]]]:
        """Agencies whose name or code contains ``text``, Vietnamese marks or not."""
        answer: Answer = yield from self._session.call(
            Call("GET", "/v1/agencies", query={"q": text} if text else {})
        )
        body = answer.json()
        found = body.get("items", body.get("agencies")) if isinstance(body, dict) else body
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise HubUnreachable("the hub's list of agencies cannot be read")
        return found

    def check_log(self) -> Steps[LogState]:
        """The newest checkpoint; proved to have grown out of the one this agency saw last, which it then
        replaces. :class:`EvidenceMismatch` when the log was rewritten: both checkpoints are then the proof.
        """
        answer: Answer = yield from self._session.call(Call("GET", "/v1/log/checkpoint"))
        note = answer.body
        old_note = yield from work(lambda: self._outbox.note(_NEWEST))
        new = open_checkpoint(note, self._log_key)
        if old_note is None:
            yield from work(lambda: self._outbox.set_note(_NEWEST, note))
            return LogState(new, note, 0)
        old = open_checkpoint(old_note, self._log_key)
        if new.checkpoint.size < old.checkpoint.size:
            raise EvidenceMismatch(
                f"the log shows {new.checkpoint.size} entries; {old.checkpoint.size} were promised before",
                place="checkpoint",
                remedy="keep both checkpoints and show them to the witnesses of the log",
            )
        if new.checkpoint.size > old.checkpoint.size:
            proof = yield from self._session.call(
                Call(
                    "GET",
                    "/v1/log/consistency",
                    query={"from": old.checkpoint.size, "to": new.checkpoint.size},
                )
            )
            hashes = hashes_of(proof.json())
        else:
            hashes = []
        self._check_growth(old, new, hashes)
        yield from work(lambda: self._outbox.set_note(_NEWEST, note))
        return LogState(new, note, old.checkpoint.size)

    def _check_growth(self, old: SignedCheckpoint, new: SignedCheckpoint, proof: list[bytes]) -> None:
        try:
            verify_consistency(
                old.checkpoint.size, new.checkpoint.size, proof, old.checkpoint.root, new.checkpoint.root
            )
        except LienthongError as error:
            raise EvidenceMismatch(
                f"the log is no continuation of the one seen before: {error.detail}",
                place=f"checkpoints of sizes {old.checkpoint.size} and {new.checkpoint.size}",
                remedy="keep both checkpoints and show them to the witnesses of the log",
            ) from error
