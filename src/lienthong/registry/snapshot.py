"""The directory snapshot: JSON, signed (CMS with the content inside), expiring, swapped in atomically.

The hub refuses one that is badly signed, expired, malformed, or older than the one it has.
"""

from __future__ import annotations

import json
import os
import threading
import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lienthong.core.clock import Clock
from lienthong.core.errors import LienthongError
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
from lienthong.registry.errors import (
    DirectoryExpired,
    DirectoryRollback,
    SnapshotError,
    SnapshotMissing,
    SnapshotUntrusted,
)

if TYPE_CHECKING:
    from lienthong.trust.certificates import TrustStore
    from lienthong.trust.keys import Signer

FORMAT = "lienthong-directory/1"
MAX_BYTES = 64 * 1024 * 1024
"""A directory of ten thousand agencies with three certificates each stays below 30 MB."""

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far in the future a snapshot may have been issued: the clocks of two machines differ a little."""

REPUBLISH = "publish it again with `lienthong registry publish`"
T = TypeVar("T")


# --- text ---------------------------------------------------------------------------------------------


def encode(directory: Directory) -> bytes:
    """Canonical JSON (keys sorted, no white space, UTF-8): the same directory gives the same bytes."""
    body = {
        "format": FORMAT,
        "version": directory.version,
        "province": directory.province,
        "issued_at": _instant(directory.issued_at),
        "expires_at": _instant(directory.expires_at),
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


def _instant(moment: datetime) -> str:
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
        except ValueError:
            raise self._wrong(name, "a moment such as 2025-07-01T00:00:00Z") from None
        if moment.tzinfo is None:
            raise self._wrong(name, "a moment with its time zone")
        return moment.astimezone(UTC)

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
    )


# --- signature ----------------------------------------------------------------------------------------


def sign(directory: Directory, signer: Signer) -> bytes:
    """The snapshot as CMS SignedData with the content inside (RFC 5652), signed at ``issued_at``."""
    from lienthong.trust.cms import sign_attached

    return sign_attached(encode(directory), signer, signing_time=directory.issued_at)


def verify(data: bytes, trust: TrustStore, at: datetime) -> Directory:
    """The directory in a signed snapshot. :class:`SnapshotUntrusted`, :class:`DirectoryExpired` or
    :class:`SnapshotError` when it cannot be relied upon at ``at``.
    """
    from lienthong.trust.ca import Profile
    from lienthong.trust.cms import verify_attached

    if len(data) > MAX_BYTES:
        raise SnapshotError(f"the snapshot has {len(data)} bytes, more than {MAX_BYTES}")
    try:
        content, info = verify_attached(data)
    except LienthongError as problem:
        raise SnapshotUntrusted(
            f"the signature is not right: {problem.detail}", remedy=REPUBLISH
        ) from problem
    verdict = trust.check(info.certificate, intermediates=info.certificates, purpose=Profile.DIRECTORY, at=at)
    if not verdict.ok:
        raise SnapshotUntrusted(
            f"its signer is {verdict.status}: {verdict.reason}",
            remedy="publish it again with the province's directory key",
        )
    directory = decode(content)
    if directory.issued_at > at + CLOCK_TOLERANCE:
        raise SnapshotUntrusted(
            f"it was issued at {_instant(directory.issued_at)}, after now ({_instant(at)})",
            remedy="set the clocks of the registry's and the hub's machines",
        )
    check_expiry(directory, at)
    return directory


def check_expiry(directory: Directory, at: datetime) -> None:
    if at >= directory.expires_at:
        raise DirectoryExpired(
            f"version {directory.version} expired at {_instant(directory.expires_at)}", remedy=REPUBLISH
        )


def load(path: Path, trust: TrustStore, at: datetime) -> Directory:
    """Read and verify the snapshot file."""
    return verify(_read(path)[0], trust, at)


def _read(path: Path) -> tuple[bytes, tuple[int, int, int, int]]:
    """The file's bytes and the identity of exactly the file they were read from."""
    try:
        with path.open("rb") as stream:
            identity = _identity(os.fstat(stream.fileno()))
            return stream.read(MAX_BYTES + 1), identity
    except OSError as problem:
        raise SnapshotMissing(
            f"the snapshot cannot be read: {problem.strerror or problem}", place=str(path), remedy=REPUBLISH
        ) from problem


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


class DirectoryHolder:
    """The directory in force, for any number of threads.

    :meth:`current` looks at the file at most every ``look_every_s`` seconds and swaps in a changed one
    whole; a reader sees either the old directory or the new one. A new file that is bad leaves the old
    directory in force and :attr:`problem` says why. Only expiry stops the hub.
    """

    def __init__(
        self, path: Path, trust_store: TrustStore, clock: Clock, *, look_every_s: float = 1.0
    ) -> None:
        """Raises :class:`SnapshotError` when there is no usable directory to begin with."""
        self._path = path
        self._trust = trust_store
        self._clock = clock
        self._look_every_s = look_every_s
        self._reloading = threading.Lock()
        self.problem: LienthongError | None = None
        self._next_look = time.monotonic() + look_every_s
        data, self._seen = _read(path)
        self._digest = sha256(data).digest()
        self._directory = verify(data, trust_store, clock())

    def current(self) -> Directory:
        """The directory in force; :class:`DirectoryExpired` when it has expired."""
        if time.monotonic() >= self._next_look:
            self.refresh()
        directory = self._directory
        check_expiry(directory, self._clock())
        return directory

    def refresh(self) -> None:
        """Look at the file now. When another thread is looking already, do nothing."""
        if not self._reloading.acquire(blocking=False):
            return
        try:
            self._next_look = time.monotonic() + self._look_every_s
            self._reload_if_changed()
        finally:
            self._reloading.release()

    def _reload_if_changed(self) -> None:
        try:
            identity = _identity(self._path.stat())
        except OSError as problem:
            self.problem = SnapshotMissing(
                f"the snapshot cannot be read: {problem.strerror or problem}",
                place=str(self._path),
                remedy=REPUBLISH,
            )
            return
        # A file system's clock ticks coarsely: a file changed twice within one tick looks unchanged, so
        # identity alone is believed only when the file has rested for a while.
        rested = time.time_ns() - identity[2] > 1_000_000_000
        if identity == self._seen and rested and self.problem is None:
            return
        try:
            data, self._seen = _read(self._path)
            digest = sha256(data).digest()
            if digest == self._digest:
                self.problem = None
                return
            fresh = verify(data, self._trust, self._clock())
            if fresh.version <= self._directory.version:
                raise DirectoryRollback(
                    f"version {fresh.version} does not follow version {self._directory.version} in force",
                    place=str(self._path),
                    remedy="publish a new version instead of putting an old file back",
                )
        except LienthongError as problem:
            self.problem = problem
            return
        self._digest = digest
        self._directory = fresh
        self.problem = None
