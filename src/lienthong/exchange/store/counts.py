"""Running counts of the log, kept with each batch so that statistics never scan it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from lienthong.exchange.statuses import DeliveryState
from lienthong.exchange.store.admission import FRESH, Admission, Known, inboxes
from lienthong.exchange.store.protocol import RecordKind, SpooledPayload, Submission


@dataclass(slots=True)
class Counts:
    """``states``: deliveries of documents by :func:`state_name`."""

    documents: int = 0
    deliveries: int = 0
    statuses: int = 0
    acknowledgements: int = 0
    payload_bytes: int = 0
    states: dict[str, int] = field(default_factory=dict)

    def add(self, admission: Admission, known: Known, sizes: list[int]) -> None:
        """Count what a batch admitted; ``sizes`` are the payload bytes of each admitted record."""
        states = self.states
        fresh = admission.fresh
        self.payload_bytes += sum(sizes)
        for index, each in enumerate(admission.admitted, admission.first):
            if each.kind is RecordKind.DOCUMENT:
                deliveries = len(inboxes(each))
                self.documents += 1
                self.deliveries += deliveries
                states[""] = states.get("", 0) + deliveries
            elif each.kind is RecordKind.STATUS:
                self.statuses += 1
            else:
                self.acknowledgements += 1
            if fresh:
                for recipient in inboxes(each):
                    row = fresh.get((index, recipient))
                    if row is not None and each.kind is RecordKind.DOCUMENT:
                        self._move(FRESH.state, row.state)
        for key, row in admission.changed.items():
            self._move(known.standings[key].state, row.state)

    def _move(self, old: DeliveryState, new: DeliveryState) -> None:
        before, after = state_name(old), state_name(new)
        if before != after:
            self.states[before] = self.states.get(before, 0) - 1
            self.states[after] = self.states.get(after, 0) + 1

    def encode(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> Counts:
        fields: dict[str, Any] = json.loads(text)
        return cls(**fields)


def state_name(state: DeliveryState) -> str:
    """Under which name a delivery is counted: its last status code, or 'recalled'."""
    return "recalled" if state.recalled else state.state


def payload_size(submission: Submission) -> int:
    """Bytes of the container that came with a submission."""
    payload = submission.payload
    return payload.size if isinstance(payload, SpooledPayload) else len(payload)
