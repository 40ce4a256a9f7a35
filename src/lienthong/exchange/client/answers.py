"""What the hub answers, as values: inbox lines, records, deliveries, traces."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from lienthong.exchange.client.errors import HubUnreachable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class InboxLine:
    """One line of the inbox. ``kind``: document or status; ``subject``: the index of the document that a
    status is about; ``business``: 0 new, 1 revoke, 2 update, 3 replace; ``lane``: normal or urgent.
    """

    index: int
    kind: str
    sender: str
    message_id: str
    document_id: str
    subject: int | None
    status: str
    business: int
    lane: str
    accepted_ms: int
    size: int
    digest: str
    acknowledged_ms: int | None
    summary: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class InboxPage:
    """``next``: what ``after`` should be in the next call."""

    items: tuple[InboxLine, ...]
    next: int


@dataclass(frozen=True, slots=True)
class SentRecord:
    """One record of the log, as its sender or a recipient sees it."""

    index: int
    kind: str
    sender: str
    message_id: str
    recipients: tuple[str, ...]
    document_id: str
    subject: int | None
    status: str
    business: int
    lane: str
    accepted_ms: int
    size: int
    digest: str
    summary: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """Where a document stands with one recipient; ``state`` is the last of 01–06, '' before any."""

    index: int
    recipient: str
    state: str
    state_ms: int | None
    request: str
    acknowledged_ms: int | None
    recalled: bool


@dataclass(frozen=True, slots=True)
class TraceView:
    """A document's life: its record, where it stands with each recipient, and every record about it."""

    record: SentRecord
    deliveries: tuple[DeliveryLine, ...]
    history: tuple[SentRecord, ...]


def inbox_page(body: object) -> InboxPage:
    table = _table(body)
    return InboxPage(
        tuple(_read(InboxLine, item) for item in _list(table, "items")), _value(table, "next", int)
    )


def sent_page(body: object) -> tuple[tuple[SentRecord, ...], int | None]:
    """Records and what ``before`` should be in the next call."""
    table = _table(body)
    after = table.get("next")
    return tuple(record(item) for item in _list(table, "items")), after if isinstance(after, int) else None


def record(body: object) -> SentRecord:
    recipients = [_of(str, one, "recipients") for one in _list(_table(body), "recipients")]
    return _read(SentRecord, _table(body) | {"recipients": tuple(recipients)})


def trace(body: object) -> tuple[TraceView, int | None]:
    """A page of a document's life and what ``after`` should be in the next call."""
    table = _table(body)
    after = table.get("next")
    view = TraceView(
        record(table.get("record")),
        tuple(_read(DeliveryLine, item) for item in _list(table, "deliveries")),
        tuple(record(item) for item in _list(table, "history")),
    )
    return view, after if isinstance(after, int) else None


def acknowledged(body: object) -> list[int]:
    """The indexes that the hub now has as taken."""
    return [_of(int, index, "acknowledged") for index in _list(_table(body), "acknowledged")]


def hashes_of(body: object) -> list[bytes]:
    """The hashes of a consistency proof; whether they prove anything is not looked at."""
    try:
        return [b64decode(_of(str, each, "proof"), validate=True) for each in _list(_table(body), "proof")]
    except ValueError:
        raise _unexpected("the proof is not base64") from None


def _read(kind: type[T], body: object) -> T:
    table = _table(body)
    types = _types(kind)  # type: ignore[arg-type]
    missing = [name for name in types if name not in table]
    if missing:
        raise _unexpected(f"the field {missing[0]!r} is missing")
    return kind(**{name: _of(wanted, table[name], name) for name, wanted in types.items()})


@cache
def _types(kind: type[Any]) -> dict[str, type[Any] | tuple[type[Any], ...]]:
    """Field → what ``isinstance`` takes, of a dataclass whose fields are plain or optional."""
    types: dict[str, type[Any] | tuple[type[Any], ...]] = {}
    for name, hint in get_type_hints(kind).items():
        types[name] = get_args(hint) if isinstance(hint, UnionType) else get_origin(hint) or hint
    return types


def _of(wanted: Any, value: Any, name: str) -> Any:
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise _unexpected(f"the field {name!r} is missing or of another kind")
    return value


def _table(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise _unexpected("an object is expected")
    return body


def _list(table: Mapping[str, Any], name: str) -> list[Any]:
    return _value(table, name, list)


def _value(table: Mapping[str, Any], name: str, kind: type[T]) -> T:
    found: T = _of(kind, table.get(name), name)
    return found


def _unexpected(what: str) -> HubUnreachable:
    return HubUnreachable(
        f"the hub's answer cannot be read: {what}",
        remedy="check that hub and client are of versions that fit each other",
    )
