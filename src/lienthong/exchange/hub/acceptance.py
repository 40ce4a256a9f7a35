"""From a verified container to a submission: whose seal, who may, to whom, about what.

Order of STANDARDS §5: all of this comes before the store's transaction. Nothing here waits: what needs the
store or the network is asked beforehand by :mod:`lienthong.exchange.hub.service`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lienthong.core.identifiers import is_organ_code
from lienthong.exchange.configuration import Configuration
from lienthong.exchange.container import Opened, open_container
from lienthong.exchange.edxml.envelope import Envelope
from lienthong.exchange.errors import NotPermitted
from lienthong.exchange.hub.addressing import (
    AddressBook,
    Addressed,
    RecipientsRefused,
    RefusedRecipient,
    own_code,
    require_sender,
)
from lienthong.exchange.hub.refusals import (
    EntryTooLarge,
    ManyReplaced,
    SealRefused,
    SenderMismatch,
    SigningTimeRefused,
    UnknownSubject,
)
from lienthong.exchange.receipts import leaf_bytes
from lienthong.exchange.store.protocol import (
    Lane,
    Record,
    RecordKind,
    SpooledPayload,
    Submission,
)
from lienthong.registry.directory import Directory
from lienthong.trust.asic import Limits, Unverified, examine
from lienthong.trust.log.tiles import MAX_ENTRY
from lienthong.trust.profiles import Profile

if TYPE_CHECKING:
    from lienthong.trust.certificates import TrustStore

URGENT_PRIORITY = 3
REVOKE, REPLACE = 1, 3
TAKE_BACK = "13"
TAKE_BACK_ROOM = 4096
"""What a document's log entry leaves free, so that the request to take it back from everybody fits too."""
MAX_MATCHED = 20_000
OWN_ENTRIES = 4
"""mimetype, edoc.xml, manifest and signature stand beside the files."""
_DAY_S = 86_400
_VIETNAM_S = 7 * 3600
_EPOCH = date(1970, 1, 1).toordinal()


UNPACKED_HERE = 4
"""A container in memory may unpack to this many times ``memory_bytes`` before a worker thread takes it."""


class Acceptance(NamedTuple):
    """What will be stored. ``left_out``: locked members of a group, which get nothing."""

    submission: Submission
    left_out: tuple[str, ...] = ()


def today(now_s: float) -> date:
    """The day in Vietnam."""
    return date.fromordinal(_EPOCH + int(now_s + _VIETNAM_S) // _DAY_S)


class Acceptor:
    """Judges opened containers. :meth:`open` may run in any thread, the rest on the event loop's."""

    def __init__(self, configuration: Configuration, trust: TrustStore) -> None:
        limits, clock = configuration.limits, configuration.clock
        self._trust = trust
        self._limits = Limits(entries=limits.files + OWN_ENTRIES, total=limits.message_bytes)
        self._near_limits = Limits(
            entries=limits.files + OWN_ENTRIES, total=UNPACKED_HERE * limits.memory_bytes
        )
        self._ahead_s = clock.signing_ahead_s
        self._behind_s = clock.signing_behind_days * _DAY_S
        self._book = AddressBook()
        self._today = (0, date.min)
        self._matched: set[tuple[bytes, str, str]] = set()
        self._matched_in: Directory | None = None
        self._matched_on = date.min

    def today(self, now_s: float) -> date:
        """:func:`today`, remembered."""
        number = int(now_s + _VIETNAM_S) // _DAY_S
        kept = self._today
        if kept[0] != number:
            self._today = kept = number, date.fromordinal(_EPOCH + number)
        return kept[1]

    def open(self, source: bytes | Path, now_s: float) -> Opened:
        """The container with every digest and signature checked, and its edXML message read."""
        return open_container(source, self._limits, today=self.today(now_s))

    def examine(self, payload: bytes) -> Unverified:
        """The first half of opening a container that unpacks to no more than the event loop's thread may
        unpack; :class:`~lienthong.trust.zip.format.TooMuch` for another.
        """
        return examine(payload, limits=self._near_limits)

    def accept(
        self,
        opened: Opened,
        payload: bytes | SpooledPayload,
        digest: bytes,
        sender: str,
        directory: Directory,
        subject: Record | None,
        now_s: float,
    ) -> Acceptance:
        """The submission of an opened container. ``sender`` is the agency at the door, ``subject`` the
        document that the message is about. Raises the reason why it cannot be accepted.
        """
        envelope = opened.envelope
        day = self.today(now_s)
        self._check_seal(opened, envelope, sender, directory, day, now_s)
        if envelope.kind == "status":
            status = self._status(envelope, payload, digest, sender, subject, day, directory)
            _require_room(status, MAX_ENTRY)
            return Acceptance(status)
        acceptance = self._document(envelope, payload, digest, sender, subject, day, directory)
        _require_room(acceptance.submission, MAX_ENTRY - TAKE_BACK_ROOM)
        return acceptance

    def _check_seal(
        self,
        opened: Opened,
        envelope: Envelope,
        sender: str,
        directory: Directory,
        day: date,
        now_s: float,
    ) -> None:
        seal = opened.signature
        if directory is not self._matched_in or day != self._matched_on or len(self._matched) >= MAX_MATCHED:
            self._matched, self._matched_in, self._matched_on = set(), directory, day
        match = seal.fingerprint, envelope.from_organ, sender
        if match not in self._matched:
            _require_one_agency(directory, seal.fingerprint, envelope.from_organ, sender, day)
            self._matched.add(match)
        verdict = self._trust.check_cached(seal.certificate, now_s, Profile.SEAL, seal.certificates)
        if not verdict.ok:
            raise SealRefused(
                f"the seal's certificate is {verdict.status}: {verdict.reason}",
                place="META-INF/signature.p7s",
                remedy="seal with a certificate that is valid; the operator of the hub registers a new one",
                code=f"seal-{verdict.status}",
            )
        self._check_time(seal.signing_time, now_s)

    def _check_time(self, signed: datetime | None, now_s: float) -> None:
        if signed is None:
            raise SigningTimeRefused("the signature carries no signing time", place="META-INF/signature.p7s")
        ahead = signed.timestamp() - now_s
        if -self._behind_s <= ahead <= self._ahead_s:
            return
        way = "ahead of" if ahead > 0 else "behind"
        raise SigningTimeRefused(
            f"the container was signed at {signed:%Y-%m-%d %H:%M:%S} UTC, {abs(ahead):.0f} s {way} "
            f"the hub's clock ({datetime.fromtimestamp(now_s, UTC):%Y-%m-%d %H:%M:%S} UTC)",
            place="META-INF/signature.p7s",
            remedy="set the clock of the machine that seals, then seal the message again",
        )

    def _document(
        self,
        envelope: Envelope,
        payload: bytes | SpooledPayload,
        digest: bytes,
        sender: str,
        subject: Record | None,
        day: date,
        directory: Directory,
    ) -> Acceptance:
        require_sender(directory, sender, day)
        _require_own_document_id(directory, envelope.document_id, sender, day)
        if envelope.business == REVOKE:
            assert subject is not None
            addressed = _holders(directory, subject, envelope.to_organs, day)
        else:
            addressed = self._book.address(directory, sender, envelope.to_organs, day)
        submission = Submission(
            RecordKind.DOCUMENT,
            sender,
            envelope.message_id or "",
            digest,
            payload,
            addressed.recipients,
            envelope.document_id,
            None if subject is None else subject.index,
            "",
            envelope.business,
            Lane.URGENT if envelope.priority >= URGENT_PRIORITY else Lane.NORMAL,
            envelope.summary_json(),
            envelope.staff,
            addressed.forwarded,
        )
        return Acceptance(submission, addressed.left_out)

    def _status(
        self,
        envelope: Envelope,
        payload: bytes | SpooledPayload,
        digest: bytes,
        sender: str,
        subject: Record | None,
        day: date,
        directory: Directory,
    ) -> Submission:
        assert subject is not None
        if envelope.status_code == TAKE_BACK:
            if subject.sender != sender:
                raise NotPermitted(
                    "only the sender of a document may ask to take it back (13)", place="StatusCode"
                )
            require_sender(directory, sender, day)
            recipients = subject.recipients
        else:
            if sender not in subject.recipients:
                raise NotPermitted(
                    f"{sender} is not a recipient of {subject.document_id} and reports nothing on it",
                    place="MessageHeader/ResponseFor",
                )
            recipients = (subject.sender,)
        return Submission(
            RecordKind.STATUS,
            sender,
            envelope.message_id or "",
            digest,
            payload,
            recipients,
            subject.document_id,
            subject.index,
            envelope.status_code,
            0,
            subject.lane,
            envelope.summary_json(),
            envelope.staff,
        )


def _require_one_agency(
    directory: Directory, fingerprint: bytes, from_organ: str, sender: str, day: date
) -> None:
    """Seal, edXML ``From`` and the agency at the door are one and the same."""
    owner = directory.by_fingerprint(fingerprint, "seal")
    if owner is None:
        raise SealRefused(
            "no agency of the directory has this seal",
            place="META-INF/signature.p7s",
            remedy="register the seal's certificate with the operator of the hub",
            code="seal-unregistered",
        )
    if owner.code != sender:
        raise SenderMismatch(
            f"the seal belongs to {owner.code}, the agency at the door is {sender}",
            place="META-INF/signature.p7s",
            remedy="each agency sends what it sealed itself",
        )
    if own_code(directory, from_organ, day) != sender:
        raise SenderMismatch(
            f"the message says it is from {from_organ}, the seal is that of {sender}",
            place="MessageHeader/From/OrganId",
            remedy="write the sealing agency's own code, or an alias of it, into From",
        )


def _require_room(submission: Submission, room: int) -> None:
    """:class:`EntryTooLarge` unless the log's entry for the message fits ``room`` bytes."""
    texts = len(submission.staff) + len(submission.document_id) + len(submission.message_id)
    if 1024 + 6 * texts + 40 * len(submission.recipients) + 90 * len(submission.forwarded) <= room:
        return
    size = len(leaf_bytes(submission, 10**13))
    if size > room:
        raise EntryTooLarge(
            f"the log's entry for this message would have {size} bytes, at most {room} fit: it names "
            f"{len(submission.recipients)} recipients, and the person in charge with "
            f"{len(submission.staff)} characters",
            place="MessageHeader/To",
            remedy="send it to some of the recipients first and to the others in a second message",
        )


def _require_own_document_id(directory: Directory, document_id: str, sender: str, day: date) -> None:
    """A DocumentId in the official form names its sender: nobody takes a place in another organ's numbers."""
    organ = organ_in(document_id)
    if organ is not None and own_code(directory, organ, day) != sender:
        raise SenderMismatch(
            f"the DocumentId {document_id!r} is one of {organ}, the sender is {sender}",
            place="MessageHeader/DocumentId",
            remedy="begin the DocumentId with the sender's own organ code, or an alias of it",
        )


def organ_in(document_id: str) -> str | None:
    """The organ that a DocumentId names; None when it is not in the official form."""
    organ, comma, _ = document_id.partition(",")
    return organ.strip() if comma and is_organ_code(organ.strip()) else None


def subject_of(envelope: Envelope) -> tuple[str, str | None]:
    """(DocumentId, organ that sent it or None when not said) of the document that a status message, a
    revoke, an update or a replacement is about.
    """
    if envelope.kind == "status":
        return envelope.response_document_id, envelope.response_organ or None
    if envelope.business != REPLACE:
        return envelope.business_document_id, None
    if len(envelope.replaced) != 1:
        raise ManyReplaced(
            f"the message replaces {len(envelope.replaced)} documents",
            place="Bussiness/ReplacementInfoList",
            remedy="send one message for each document that is replaced",
        )
    return envelope.replaced[0], None


def unknown_subject(envelope: Envelope, document_id: str) -> UnknownSubject:
    place = "MessageHeader/ResponseFor" if envelope.kind == "status" else "TraceHeaderList/Bussiness"
    return UnknownSubject(
        f"no document {document_id!r} was exchanged here between these agencies",
        place=place,
        remedy="write the DocumentId exactly as the document carries it",
    )


def _holders(directory: Directory, subject: Record, organs: tuple[str, ...], day: date) -> Addressed:
    """Whom a take-back goes to: those addressed who got the document, even if they have ended since."""
    asked: set[str] = set()
    for organ in organs:
        if organ.startswith("group:"):
            asked.update(directory.group(organ, day))
            asked.update(directory.locked_in_group(organ, day))
        else:
            code = own_code(directory, organ, day)
            if code is not None:
                asked.add(code)
    holders = tuple(code for code in subject.recipients if code in asked)
    if not holders:
        raise RecipientsRefused(
            [RefusedRecipient(organ, "not-a-recipient", "it did not get the document") for organ in organs]
        )
    return Addressed(holders)
