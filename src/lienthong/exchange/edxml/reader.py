"""Reading edXML: the whole typed tree, a report of everything wrong, or just the envelope for the hub.

All three judge a message alike. :func:`read_envelope` answers from a short path when the message is written
plainly (as ours are) and from the full reader whenever anything calls for a closer look.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from lienthong.core.clock import VIETNAM, utc_now
from lienthong.exchange.edxml import model, parsing, rules
from lienthong.exchange.edxml.decoding import decode
from lienthong.exchange.edxml.envelope import Envelope, envelope_of
from lienthong.exchange.edxml.findings import (
    AND_MORE,
    XML,
    Finding,
    InvalidMessage,
    Oversized,
    Unreadable,
    errors,
)
from lienthong.exchange.edxml.parsing import LIMITS, Limits
from lienthong.exchange.edxml.rules import OPTIONS, Options
from lienthong.exchange.edxml.shortpath import envelope_by_short_path

__all__ = ["Envelope", "Report", "examine", "read", "read_envelope"]


@dataclass(frozen=True, slots=True)
class Report:
    """``message`` is None when it cannot be accepted; ``findings`` in the order of the message."""

    message: model.Message | None
    findings: tuple[Finding, ...]

    @property
    def acceptable(self) -> bool:
        return self.message is not None


def today_in_vietnam() -> date:
    return utc_now().astimezone(VIETNAM).date()


def read(
    data: bytes, limits: Limits = LIMITS, *, options: Options = OPTIONS, today: date | None = None
) -> model.Message:
    """The message. Raises :class:`MalformedMessage` (:class:`InvalidMessage` with every finding when the
    XML is readable) or :class:`TooLarge`.
    """
    message, findings = _read(data, limits, options, today or today_in_vietnam())
    if errors(findings):
        raise InvalidMessage(findings)
    return message


def examine(
    data: bytes, limits: Limits = LIMITS, *, options: Options = OPTIONS, today: date | None = None
) -> Report:
    """Everything that is wrong or odd, without raising."""
    try:
        message, findings = _read(data, limits, options, today or today_in_vietnam())
    except (Unreadable, Oversized) as error:
        return Report(None, (_unreadable(error),))
    return Report(None if errors(findings) else message, tuple(findings))


def read_envelope(data: bytes, *, options: Options = OPTIONS, today: date | None = None) -> Envelope:
    """What the hub needs of a message, fully validated. Raises as :func:`read` does.

    Attachments inside the XML are not decoded into it but are judged; the envelope is bounded by
    ``Limits.envelope_bytes``, because in a container the files travel beside it.
    """
    if len(data) > LIMITS.envelope_bytes:
        raise Oversized(
            f"edoc.xml has {len(data):,} bytes; at most {LIMITS.envelope_bytes:,} are accepted",
            f"edoc.xml dài {len(data):,} byte; tối đa {LIMITS.envelope_bytes:,}",
            place="edoc.xml",
            remedy="send the files beside the envelope, not inside it",
        )
    day = today or today_in_vietnam()
    found = envelope_by_short_path(data, day, options)
    return found if found is not None else envelope_of(read(data, options=options, today=day))


def _read(data: bytes, limits: Limits, options: Options, today: date) -> tuple[model.Message, list[Finding]]:
    parsed = parsing.parse(data, limits)
    message, notebook = decode(parsed, limits, any_date=options.any_date)
    noted = {(finding.path, finding.rule) for finding in notebook.findings}
    judged = [
        replace(finding, line=notebook.line(finding.path))
        for finding in rules.check(message, today=today, options=options)
        if (finding.path, finding.rule) not in noted
    ]
    findings = [*notebook.findings, *judged]
    findings.sort(key=lambda finding: (finding.severity, finding.rule == AND_MORE, finding.line or 0))
    return message, findings


def _unreadable(error: Unreadable | Oversized) -> Finding:
    place = error.place or "edXML"
    line = int(place.removeprefix("line ")) if place.startswith("line ") else None
    return Finding(
        path="edXML" if line else place,
        rule=error.code,
        message=error.detail + (f"; {error.remedy}" if error.remedy else ""),
        message_vi=error.detail_vi,
        source=XML,
        line=line,
    )
