"""The life of a document with one recipient: which status may follow which, and why not (QCVN 102:2016).

Pure: values in, values out. The stores call it inside their transaction, so that two statuses in one
batch are judged in order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

MEANINGS: dict[str, str] = {
    "01": "đã đến hệ thống nhận",
    "02": "từ chối tiếp nhận",
    "03": "đã tiếp nhận, vào sổ",
    "04": "đã phân công xử lý",
    "05": "đang xử lý",
    "06": "đã hoàn thành",
    "13": "bên gửi yêu cầu lấy lại",
    "15": "đồng ý lấy lại hoặc cập nhật",
    "16": "từ chối lấy lại hoặc cập nhật",
}
"""StatusCode → its official Vietnamese meaning."""

MEANINGS_EN: dict[str, str] = {
    "01": "arrived at the receiving system",
    "02": "refused",
    "03": "accepted and registered",
    "04": "assigned",
    "05": "being handled",
    "06": "completed",
    "13": "the sender asks to take it back",
    "15": "take-back or update agreed",
    "16": "take-back or update refused",
}

_FOLLOWS: dict[str, frozenset[str]] = {
    "": frozenset({"01", "02", "03"}),
    "01": frozenset({"02", "03"}),
    "02": frozenset(),
    "03": frozenset({"04", "05", "06"}),
    "04": frozenset({"04", "05", "06"}),
    "05": frozenset({"04", "05", "06"}),
    "06": frozenset(),
}

_HANDLING = frozenset({"04", "05"})
MOST_HANDLING = 30
"""How often 04 and 05 together may be reported on one document by one recipient: a document may pass from
desk to desk, and not for ever.
"""

REQUESTS: dict[int, str] = {1: "recall", 2: "update", 3: "replace"}
"""BussinessDocType of a document message → the request that waits for the recipient's consent."""


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """``state``: the last of 01–06 ('' before any). ``request``: '' or the request awaiting consent.
    ``recalled``: the recipient agreed to a take-back; nothing more follows. ``handling``: how often 04 and 05
    were reported.
    """

    state: str = ""
    request: str = ""
    recalled: bool = False
    handling: int = 0


@dataclass(frozen=True, slots=True)
class Impossible:
    """Why a move is refused."""

    reason: str


def advance(current: DeliveryState, status: str, *, by_sender: bool) -> DeliveryState | Impossible:
    """The state after ``status``, or why it cannot follow.

    ``by_sender``: the message comes from the document's sender (only 13 may), else from the recipient.
    """
    if status not in MEANINGS:
        return Impossible(f"status {status!r} is not one of {', '.join(MEANINGS)}")
    if current.recalled:
        return Impossible("the document was taken back with the recipient's consent; nothing more follows")
    if status == "13":
        if not by_sender:
            return Impossible("only the sender may ask to take a document back (13)")
        return ask(current, "recall")
    if by_sender:
        return Impossible(f"only a recipient may report {status} ({MEANINGS_EN[status]})")
    if status in ("15", "16"):
        if not current.request:
            return Impossible(f"{status} answers a take-back or update, and none is waiting")
        agreed_recall = status == "15" and current.request == "recall"
        return replace(current, request="", recalled=agreed_recall)
    if status not in _FOLLOWS[current.state]:
        now = f"{current.state} ({MEANINGS_EN[current.state]})" if current.state else "not yet reported"
        allowed = ", ".join(sorted(_FOLLOWS[current.state])) or "nothing"
        return Impossible(f"{status} cannot follow {now}; allowed next: {allowed}")
    if status not in _HANDLING:
        return replace(current, state=status)
    if current.handling >= MOST_HANDLING:
        return Impossible(
            f"04 and 05 were reported {current.handling} times on this document already, which is the most; "
            "report 06 when it is completed"
        )
    return replace(current, state=status, handling=current.handling + 1)


def ask(current: DeliveryState, request: str) -> DeliveryState | Impossible:
    """The state after the sender asks to recall, update or replace, or why that cannot be asked."""
    if current.recalled:
        return Impossible("the document was already taken back")
    if current.state == "02":
        return Impossible("the recipient refused the document; there is nothing to take back or change")
    if current.request:
        return Impossible(f"a request to {current.request} is still waiting for the recipient's answer")
    return replace(current, request=request)
