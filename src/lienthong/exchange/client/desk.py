"""One agency's desk: profile, outbox, session, directory and trust joined; every verb as steps."""

from __future__ import annotations

from lienthong.core.clock import Clock, utc_now
from lienthong.core.text import nfc
from lienthong.exchange.client.build import answer_to, recall, replacing, status, update
from lienthong.exchange.client.directory_copy import DirectoryCopy
from lienthong.exchange.client.errors import NotSentHere
from lienthong.exchange.client.inquiries import Inquiries
from lienthong.exchange.client.outbox import Outbox, OutboxRow
from lienthong.exchange.client.profile import AgencyProfile
from lienthong.exchange.client.receiving import Received, Receiving
from lienthong.exchange.client.sending import Sending
from lienthong.exchange.client.session import Session
from lienthong.exchange.client.steps import Steps, work
from lienthong.exchange.container import File, open_container
from lienthong.exchange.edxml.model import Document, ResponseFor, Staff, Status
from lienthong.trust.certificates import TrustStore


class Desk:
    """``trust`` and ``directory`` may be shared by the desks of one process that have one hub."""

    def __init__(
        self,
        profile: AgencyProfile,
        *,
        clock: Clock = utc_now,
        trust: TrustStore | None = None,
        directory: DirectoryCopy | None = None,
    ) -> None:
        self.profile = profile
        self.clock = clock
        self.trust = trust or TrustStore.from_folder(profile.pki)
        self.outbox = Outbox(profile.outbox)
        session = Session(profile, clock)
        self.directory = directory or DirectoryCopy(
            profile.folder / "directory.p7m", self.trust, session, clock
        )
        self.sending = Sending(profile, self.outbox, session, self.directory, clock)
        self.receiving = Receiving(profile, session, self.directory, self.trust)
        self.inquiries = Inquiries(profile, self.outbox, session)

    def report(
        self,
        about: int | Received,
        code: str,
        *,
        description: str = "",
        staff: str = "",
        message_id: str | None = None,
    ) -> Steps[OutboxRow]:
        """Report a status on a received document (its index, or what was fetched)."""
        row = yield from self.note_status(
            about, code, description=description, staff=staff, message_id=message_id
        )
        if row.state == "queued":
            yield from self.sending.deliver()
        return (yield from work(lambda: self._row(row.message_id)))

    def note_status(
        self,
        about: int | Received,
        code: str,
        *,
        description: str = "",
        staff: str = "",
        message_id: str | None = None,
    ) -> Steps[OutboxRow]:
        """The same without trying to deliver: it waits in the outbox, synced."""
        received = about if isinstance(about, Received) else (yield from self.receiving.kept(about))
        one = self.status_on(received, code, description=description, staff=staff, message_id=message_id)
        return (yield from self.sending.enqueue_statuses([one]))[0]

    def status_on(
        self,
        received: Received,
        code: str,
        *,
        description: str = "",
        staff: str = "",
        message_id: str | None = None,
    ) -> Status:
        """The status message about what was fetched, for ``Sending.enqueue_statuses``."""
        return status(
            self.profile,
            _subject(received),
            code,
            description=description,
            staff=staff or self.profile.staff,
            message_id=message_id,
            now=self.clock(),
        )

    def recall(
        self, index: int, *, reason: str, staff: str = "", message_id: str | None = None
    ) -> Steps[OutboxRow]:
        """Ask every recipient of an own document to give it back. ``staff``: who asks."""
        original = yield from work(lambda: self.own_document(index))
        who = staff or self.profile.staff
        asked = recall(original, reason=reason, staff=[Staff(name=nfc(who))] if who else [])
        return (yield from self.sending.send(asked, message_id=message_id))

    def update(
        self,
        index: int,
        files: list[File],
        *,
        reason: str,
        changed: Document | None = None,
        seal: bool = False,
        message_id: str | None = None,
    ) -> Steps[OutboxRow]:
        """Send new contents of an own document. ``changed``: its new metadata, where they change."""
        original = yield from work(lambda: self.own_document(index))
        made = update(
            original, reason=reason, changed=changed, staff=changed.business.staff if changed else ()
        )
        return (yield from self.sending.send(made, files, seal=seal, message_id=message_id))

    def replace(
        self,
        index: int,
        successor: Document,
        files: list[File],
        *,
        reason: str,
        seal: bool = False,
        message_id: str | None = None,
    ) -> Steps[OutboxRow]:
        """Send a new document in place of an own one."""
        original = yield from work(lambda: self.own_document(index))
        made = replacing(original, successor, reason=reason, staff=successor.business.staff)
        return (yield from self.sending.send(made, files, seal=seal, message_id=message_id))

    def own_document(self, index: int) -> Document:
        """A document that this agency sent, read from its outbox."""
        row = self.outbox.by_index(index)
        if row is not None:
            with open_container(self.outbox.container(row)) as opened:
                message = opened.message()
            if isinstance(message, Document):
                return message
        raise NotSentHere(
            f"record {index} is not a document that {self.profile.code} sent from here",
            place=str(self.outbox.path),
            remedy="act as the agency that sent it (--as); `lienthong outbox list` shows what this one sent",
        )

    def kept_document(self, index: int) -> Document | None:
        """The document message of a record, from the copy this agency sent or fetched; None without one."""
        row = self.outbox.by_index(index)
        copy = self.outbox.container(row) if row is not None else self.receiving.kept_copy(index)
        if copy is None:
            return None
        with open_container(copy) as opened:
            message = opened.message()
        return message if isinstance(message, Document) else None

    def _row(self, message_id: str) -> OutboxRow:
        row = self.outbox.get(message_id)
        assert row is not None
        return row

    def close(self) -> None:
        self.outbox.close()


def _subject(received: Received) -> ResponseFor:
    message = received.message
    return answer_to(message) if isinstance(message, Document) else message.response_for
