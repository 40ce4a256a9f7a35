"""What can go wrong at an agency, each told apart by what the agency can do about it."""

from __future__ import annotations

from typing import ClassVar

from lienthong.exchange.client.problems import RefusedRecipient
from lienthong.exchange.errors import ExchangeError


class ProfileError(ExchangeError):
    code = "bad-profile"
    title: ClassVar[str] = "The agency's profile cannot be used"


class OutboxError(ExchangeError):
    code = "outbox-failed"
    status = 507
    title: ClassVar[str] = "The outbox cannot be used"


class NotSentHere(ExchangeError):
    """The document is not one that this profile's outbox sent."""

    code = "not-sent-here"
    status = 404
    title: ClassVar[str] = "This agency did not send the document"


class HubUnreachable(ExchangeError):
    """No answer, or one that a hub does not give. Trying again later may help."""

    code = "hub-unreachable"
    status = 503
    title: ClassVar[str] = "The hub cannot be reached"


class HubRefused(ExchangeError):
    """The hub answered with a problem (RFC 9457). ``status`` and ``code`` are the hub's; ``recipients``: who
    cannot receive, with ``recipients-refused``.
    """

    code = "hub-refused"
    title: ClassVar[str] = "The hub refused"

    def __init__(
        self,
        detail: str,
        *,
        status: int,
        code: str,
        place: str | None = None,
        remedy: str | None = None,
        retry_after_s: int | None = None,
        recipients: tuple[RefusedRecipient, ...] = (),
    ) -> None:
        super().__init__(detail, place=place, remedy=remedy, code=code)
        self.status = status
        self.retry_after_s = retry_after_s
        self.recipients = recipients

    @property
    def for_good(self) -> bool:
        """True when the same message would be refused again, whenever it came."""
        return 400 <= self.status < 500 and self.status not in (401, 408, 425, 429)


class EvidenceMismatch(ExchangeError):
    """What the hub handed over does not prove what it should. Never accepted; never retried blindly."""

    code = "evidence-mismatch"
    status = 422
    title: ClassVar[str] = "The hub's evidence does not hold"


class FileInTheWay(ExchangeError):
    """A file of a message cannot get its place on the disk; the message itself is kept."""

    code = "file-exists"
    title: ClassVar[str] = "The file cannot be written"
