"""Why a message is not sent, as the outbox keeps it: for people in words, for scripts in parts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lienthong.core.errors import LienthongError


@dataclass(frozen=True, slots=True)
class RefusedRecipient:
    """One recipient that cannot receive; ``status`` as in the hub's problem ``recipients-refused``."""

    organ: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Problem:
    """The last refusal or failure of a message. ``status``: the HTTP status it has."""

    code: str
    detail: str
    status: int = 400
    place: str | None = None
    remedy: str | None = None
    recipients: tuple[RefusedRecipient, ...] = ()

    @classmethod
    def of(cls, error: LienthongError) -> Problem:
        return cls(
            error.code,
            error.detail,
            error.status,
            error.place,
            error.remedy,
            tuple(getattr(error, "recipients", ())),
        )

    @classmethod
    def parse(cls, text: str) -> Problem | None:
        """What :meth:`encode` wrote; None for '' and for the plain words of earlier versions."""
        if not text.startswith("{"):
            return None
        try:
            values: dict[str, Any] = json.loads(text)
            return cls(**values | {"recipients": refused_recipients(values.get("recipients"))})
        except (ValueError, TypeError):
            return None

    def encode(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    def error(self) -> LienthongError:
        """The same as an error to show."""
        error = LienthongError(self.detail, place=self.place, remedy=self.remedy, code=self.code)
        error.status = self.status
        return error

    def __str__(self) -> str:
        return f"{self.code}: {self.error()}"


def refused_recipients(listed: object) -> tuple[RefusedRecipient, ...]:
    """The ``recipients`` of a problem document; what is not one is left out."""
    found = []
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, Mapping):
            organ, status, reason = (str(one.get(name, "")) for name in ("organ", "status", "reason"))
            found.append(RefusedRecipient(organ, status, reason))
    return tuple(found)
