"""Who a message goes to: agencies, aliases and groups → canonical codes on a day, or why not, each named.

Pure; the directory is immutable, so the answer for one list of organs is kept for as long as it and the
day last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from lienthong.exchange.errors import ExchangeError, NotPermitted
from lienthong.registry.directory import Directory

GROUP = "group:"
MAX_KEPT = 4096
MAX_CODES = 100_000
"""Codes in the lists that are kept, all together."""


@dataclass(frozen=True, slots=True)
class RefusedRecipient:
    """One organ that cannot receive. ``status``: unknown, ended, locked, not-permitted, sender, empty."""

    organ: str
    status: str
    reason: str


class RecipientsRefused(ExchangeError):
    """At least one organ of ``To`` cannot receive; nothing was sent to anybody."""

    code = "recipients-refused"
    status = 422
    title: ClassVar[str] = "A recipient cannot receive"

    def __init__(self, refused: Sequence[RefusedRecipient]) -> None:
        who = "one recipient" if len(refused) == 1 else f"{len(refused)} of the recipients"
        listed = "".join(f"\n{one.organ}: {one.reason}" for one in refused)
        super().__init__(
            f"nothing was sent to anybody: {who} cannot receive it{listed}",
            place="MessageHeader/To",
            remedy="correct or leave out these recipients and send again; the list of agencies shows who "
            "can receive",
        )
        self.refused = tuple(refused)

    def recipients(self) -> list[dict[str, str]]:
        """The refused ones for the problem document."""
        return [{"organ": one.organ, "status": one.status, "reason": one.reason} for one in self.refused]


@dataclass(frozen=True, slots=True)
class Addressed:
    """``recipients``: canonical codes, each once, in the order addressed. ``forwarded``: (organ asked for,
    successor that gets it). ``left_out``: locked members of a group, which get nothing.
    """

    recipients: tuple[str, ...]
    forwarded: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()


class AddressBook:
    """:meth:`address` over one directory and day, remembered. Used from one thread."""

    __slots__ = ("_codes", "_day", "_directory", "_kept")

    def __init__(self) -> None:
        self._directory: Directory | None = None
        self._day = date.min
        self._kept: dict[tuple[str, tuple[str, ...]], Addressed] = {}
        self._codes = 0

    def address(self, directory: Directory, sender: str, organs: tuple[str, ...], on: date) -> Addressed:
        """See :func:`address`."""
        if directory is not self._directory or on != self._day:
            self._forget()
            self._directory, self._day = directory, on
        kept = self._kept.get((sender, organs))
        if kept is None:
            kept = address(directory, sender, organs, on)
            codes = len(organs) + len(kept.recipients) + 2 * len(kept.forwarded) + len(kept.left_out)
            if len(self._kept) >= MAX_KEPT or self._codes + codes > MAX_CODES:
                self._forget()
            self._kept[sender, organs] = kept
            self._codes += codes
        return kept

    def _forget(self) -> None:
        self._kept = {}
        self._codes = 0


def address(directory: Directory, sender: str, organs: Iterable[str], on: date) -> Addressed:
    """Resolve ``organs`` for ``sender`` (a canonical code) on a day.

    Raises :class:`RecipientsRefused` that lists every organ that is unknown, ended without successor,
    locked or out of the sender's rights.
    """
    found: dict[str, None] = {}
    forwarded: dict[tuple[str, str], None] = {}
    left_out: dict[str, None] = {}
    refused: list[RefusedRecipient] = []
    for organ in organs:
        if organ.startswith(GROUP):
            reached, locked, wrong = _group(directory, sender, organ, on)
            found.update(dict.fromkeys(reached))
            left_out.update(dict.fromkeys(locked))
            refused.extend(wrong)
            continue
        resolution = directory.resolve(organ, on)
        if resolution.status == "active" and resolution.agency is not None:
            heirs: tuple[str, ...] = (resolution.agency.code,)
        elif resolution.status == "merged":
            heirs = tuple(heir.code for heir in resolution.successors if not heir.locked)
            forwarded.update(dict.fromkeys((organ, heir) for heir in heirs))
            if not heirs:
                names = ", ".join(heir.code for heir in resolution.successors)
                refused.append(RefusedRecipient(organ, "locked", f"it merged into {names}, which is locked"))
        else:
            heirs = ()
            refused.append(RefusedRecipient(organ, resolution.status, _REASONS[resolution.status]))
        for heir in heirs:
            wrong_one = _not_allowed(directory, sender, organ, heir)
            if wrong_one is None:
                found[heir] = None
            else:
                refused.append(wrong_one)
    if refused:
        raise RecipientsRefused(refused)
    return Addressed(tuple(found), tuple(forwarded), tuple(left_out))


_REASONS = {
    "unknown": "no agency of the directory has this code",
    "ended": "the agency has ended and has no successor",
    "locked": "the agency is locked and receives nothing for now",
}


def _not_allowed(directory: Directory, sender: str, organ: str, heir: str) -> RefusedRecipient | None:
    if heir == sender:
        return RefusedRecipient(organ, "sender", "an agency does not send to itself")
    if not directory.may(sender, "send", heir):
        return RefusedRecipient(organ, "not-permitted", f"{sender} has no right to send to {heir}")
    return None


def _group(
    directory: Directory, sender: str, name: str, on: date
) -> tuple[list[str], tuple[str, ...], list[RefusedRecipient]]:
    """Members of a group less the sender itself; a group reaches only whom the sender may send to."""
    if not directory.has_group(name):
        return [], (), [RefusedRecipient(name, "unknown", "there is no such group")]
    members = [code for code in directory.group(name, on) if code != sender]
    reached = [code for code in members if directory.may(sender, "send", code)]
    if not reached:
        status = "not-permitted" if members else "empty"
        reason = f"{sender} may send to none of its members" if members else "the group has no members today"
        return [], (), [RefusedRecipient(name, status, reason)]
    return reached, directory.locked_in_group(name, on), []


def own_code(directory: Directory, organ: str, on: date) -> str | None:
    """The canonical code that an organ id means for its own messages; merged and ended agencies included,
    so that they can report on what they still hold. None when nobody has it.
    """
    resolution = directory.resolve(organ, on)
    return resolution.agency.code if resolution.agency is not None else None


def require_sender(directory: Directory, sender: str, on: date) -> None:
    """:class:`NotPermitted` unless the agency exists on that day, is not locked and may send documents."""
    agency = directory.agencies[sender]
    if agency.locked:
        raise NotPermitted(f"the agency {sender} is locked", code="agency-locked", remedy=_ASK)
    if not agency.active_on(on):
        heirs = directory.resolve(sender, on).successors
        next_one = f"; its successor is {', '.join(heir.code for heir in heirs)}" if heirs else ""
        raise NotPermitted(
            f"the agency {sender} ended on {agency.valid_to}{next_one}",
            code="agency-ended",
            remedy="send new documents from the successor; reporting on received ones is still possible",
        )


_ASK = "ask the operator of the hub"
