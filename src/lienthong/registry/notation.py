"""The directory as JSON: canonical when written, read field by field so that an error names the field."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from lienthong.registry.directory import (
    ACTIONS,
    KINDS,
    LEVELS,
    Agency,
    Alias,
    CertificateRef,
    Directory,
    Quota,
    QuotaRule,
    Right,
    Unit,
)
from lienthong.registry.errors import SnapshotError

FORMAT = "lienthong-directory/1"
MAX_BYTES = 64 * 1024 * 1024
"""A directory of ten thousand agencies with three certificates each stays below 30 MB."""

REPUBLISH = "publish it again with `lienthong registry publish`"
T = TypeVar("T")


def encode(directory: Directory) -> bytes:
    """Canonical JSON (keys sorted, no white space, UTF-8): the same directory gives the same bytes."""
    body = {
        "format": FORMAT,
        "version": directory.version,
        "province": directory.province,
        "issued_at": instant_text(directory.issued_at),
        "expires_at": instant_text(directory.expires_at),
        "agencies": [_agency(directory.agencies[code]) for code in sorted(directory.agencies)],
        "rights": [[r.subject, r.action, r.object] for r in directory.rights],
        "quotas": [
            [q.subject, q.quota.messages_per_minute, q.quota.bytes_per_day, q.quota.concurrent]
            for q in directory.quotas
        ],
        "groups": dict(directory.group_titles),
    }
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def decode(data: bytes) -> Directory:
    """The directory in ``data``; :class:`SnapshotError` names the field that is wrong."""
    if len(data) > MAX_BYTES:
        raise SnapshotError(f"the snapshot has {len(data)} bytes, more than {MAX_BYTES}")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as problem:
        raise SnapshotError(f"the snapshot is not JSON: {problem}", remedy=REPUBLISH) from problem
    root = _Fields(body, "directory")
    if root.text("format") != FORMAT:
        raise SnapshotError(
            f"the snapshot has the format {root.text('format')[:40]!r}, not {FORMAT}", remedy=REPUBLISH
        )
    agencies = root.each("agencies", _read_agency)
    codes = [agency.code for agency in agencies]
    if len(set(codes)) != len(codes):
        raise SnapshotError("two agencies have the same code", place="directory.agencies")
    groups = _Fields(root.value("groups"), "directory.groups")
    directory = Directory.build(
        agencies,
        version=root.number("version"),
        province=root.text("province"),
        issued_at=root.instant("issued_at"),
        expires_at=root.instant("expires_at"),
        rights=root.each("rights", _read_right),
        quotas=root.each("quotas", _read_quota),
        group_titles={name: groups.text(name) for name in groups.body},
    )
    if directory.expires_at <= directory.issued_at:
        raise SnapshotError("it expires before it was issued", place="directory.expires_at")
    return directory


def instant_text(moment: datetime) -> str:
    """RFC 3339, UTC, with Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _agency(agency: Agency) -> dict[str, object]:
    body: dict[str, object] = {"code": agency.code, "name": agency.name, "kind": agency.kind}
    if agency.parent:
        body["parent"] = agency.parent
    if agency.level:
        body["level"] = agency.level
    if agency.aliases:
        body["aliases"] = [[a.code, _day(a.valid_from), _day(a.valid_to)] for a in agency.aliases]
    if agency.valid_from != date.min:
        body["from"] = _day(agency.valid_from)
    if agency.valid_to:
        body["to"] = _day(agency.valid_to)
    if agency.successors:
        body["successors"] = list(agency.successors)
    if agency.locked:
        body["locked"] = True
    if agency.illustrative:
        body["illustrative"] = True
    for name, certificates in (
        ("seals", agency.seals),
        ("encryption", agency.encryption),
        ("tls", agency.tls),
    ):
        if certificates:
            body[name] = [b64encode(certificate.der).decode() for certificate in certificates]
    if agency.units:
        body["units"] = [[unit.code, unit.name] for unit in agency.units]
    if agency.groups:
        body["groups"] = list(agency.groups)
    return body


def _day(day: date | None) -> str:
    return "" if day is None or day == date.min else day.isoformat()


class _Fields:
    """A JSON object that is read field by field and says which one is wrong."""

    def __init__(self, body: object, place: str) -> None:
        self.place = place
        if not isinstance(body, dict):
            raise SnapshotError("an object is expected here", place=place)
        self.body: dict[str, Any] = body

    def _wrong(self, name: str, expected: str) -> SnapshotError:
        return SnapshotError(f"{expected} is expected here", place=f"{self.place}.{name}", remedy=REPUBLISH)

    def value(self, name: str) -> object:
        if name not in self.body:
            raise self._wrong(name, "a value")
        return self.body[name]

    def text(self, name: str, default: str | None = None) -> str:
        value = self.body.get(name, default)
        if not isinstance(value, str):
            raise self._wrong(name, "a text")
        return value

    def one_of(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise self._wrong(name, f"one of {', '.join(filter(None, allowed))}")
        return value

    def flag(self, name: str) -> bool:
        value = self.body.get(name, False)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def number(self, name: str) -> int:
        value = self.value(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self._wrong(name, "a whole number from 1")
        return value

    def day(self, name: str) -> date | None:
        return _read_day(self.text(name, ""), f"{self.place}.{name}")

    def instant(self, name: str) -> datetime:
        try:
            moment = datetime.fromisoformat(self.text(name))
            if moment.tzinfo is None:
                raise self._wrong(name, "a moment with its time zone")
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise self._wrong(name, "a moment such as 2025-07-01T00:00:00Z") from None

    def each(self, name: str, read: Callable[[object, str], T]) -> tuple[T, ...]:
        value = self.body.get(name, [])
        if not isinstance(value, list):
            raise self._wrong(name, "a list")
        return tuple(read(item, f"{self.place}.{name}[{i}]") for i, item in enumerate(value))


def _texts(value: object, count: int, place: str) -> list[str]:
    if not isinstance(value, list) or len(value) != count or not all(isinstance(v, str) for v in value):
        raise SnapshotError(f"a list of {count} texts is expected here", place=place, remedy=REPUBLISH)
    return value


def _read_day(text: str, place: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise SnapshotError("a day such as 2025-07-01 is expected here", place=place) from None


def _read_text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise SnapshotError("a text is expected here", place=place, remedy=REPUBLISH)
    return value


def _read_alias(value: object, place: str) -> Alias:
    code, start, end = _texts(value, 3, place)
    return Alias(code, _read_day(start, place) or date.min, _read_day(end, place))


def _read_certificate(value: object, place: str) -> CertificateRef:
    try:
        return CertificateRef.of(b64decode(_read_text(value, place), validate=True))
    except (Base64Error, ValueError):
        raise SnapshotError("a certificate in base64 is expected here", place=place) from None


def _read_unit(value: object, place: str) -> Unit:
    code, name = _texts(value, 2, place)
    return Unit(code, name)


def _read_right(value: object, place: str) -> Right:
    subject, action, target = _texts(value, 3, place)
    if action not in ACTIONS:
        raise SnapshotError(f"{action[:40]!r} is not one of {', '.join(ACTIONS)}", place=place)
    return Right(subject, action, target)


def _read_quota(value: object, place: str) -> QuotaRule:
    if (
        isinstance(value, list)
        and len(value) == 4
        and isinstance(value[0], str)
        and all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in value[1:])
    ):
        return QuotaRule(value[0], Quota(value[1], value[2], value[3]))
    raise SnapshotError("a selector and three positive numbers are expected here", place=place)


def _read_agency(value: object, place: str) -> Agency:
    row = _Fields(value, place)
    return Agency(
        code=row.text("code"),
        name=row.text("name"),
        kind=row.one_of("kind", KINDS),
        parent=row.text("parent", "") or None,
        level=row.one_of("level", LEVELS, ""),
        aliases=row.each("aliases", _read_alias),
        valid_from=row.day("from") or date.min,
        valid_to=row.day("to"),
        successors=row.each("successors", _read_text),
        locked=row.flag("locked"),
        seals=row.each("seals", _read_certificate),
        encryption=row.each("encryption", _read_certificate),
        tls=row.each("tls", _read_certificate),
        units=row.each("units", _read_unit),
        groups=row.each("groups", _read_text),
        illustrative=row.flag("illustrative"),
    )
