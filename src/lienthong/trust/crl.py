"""Certificate revocation lists: one read and checked, and a folder of them kept up to date (RFC 5280 §5).

Refused rather than half understood: delta CRLs, indirect CRLs, CRLs for some reasons only, any other
critical extension, and a CRL without nextUpdate (nobody could tell when it goes stale).
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID

from lienthong.trust.errors import RevocationError, TrustError, reading
from lienthong.trust.keys import read_file
from lienthong.trust.paths import Certificate

MAX_CRL = 64 << 20
EXPIRED_CERTS_ON_CRL = x509.ObjectIdentifier("2.5.29.60")
"""ITU-T X.509 expiredCertsOnCRL: revoked certificates stay listed after they expire, since the date it
gives.
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A revoked certificate. ``since``: the invalidity date when the CRL gives an earlier one, else the
    revocation date.
    """

    since: datetime
    reason: str


@dataclass(slots=True, eq=False)
class Crl:
    """A CRL that was read; :meth:`signed_by` says whether it is an issuer's."""

    parsed: x509.CertificateRevocationList
    issuer: bytes
    this_update: datetime
    next_update: datetime
    point: x509.IssuingDistributionPoint | None
    keeps_expired_since: datetime | None
    entries: dict[int, Entry]
    _signers: dict[bytes, bool] = field(default_factory=dict)

    def signed_by(self, issuer: Certificate) -> bool:
        """Whether this CRL is signed by ``issuer``, and the issuer may sign CRLs. Verified once an issuer."""
        if self.issuer != issuer.subject:
            return False
        known = self._signers.get(issuer.der)
        if known is None:
            known = self._signers[issuer.der] = self._verify(issuer)
        return known

    def _verify(self, issuer: Certificate) -> bool:
        try:
            usage = issuer.x509.extensions.get_extension_for_class(x509.KeyUsage).value
            if not usage.crl_sign:
                return False
        except x509.ExtensionNotFound:
            pass
        try:
            algorithm = self.parsed.signature_hash_algorithm
            if algorithm is not None and not isinstance(
                algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512
            ):
                return False
            return self.parsed.is_signature_valid(issuer.x509.public_key())  # type: ignore[arg-type]
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return False

    def covers(self, certificate: Certificate) -> bool:
        """Whether this CRL would list ``certificate`` were it revoked."""
        if self.point is not None:
            is_authority = _is_authority(certificate)
            if self.point.only_contains_user_certs and is_authority:
                return False
            if self.point.only_contains_ca_certs and not is_authority:
                return False
            if self.point.full_name and not set(self.point.full_name) & _distribution_points(certificate):
                return False
        if certificate.ends < self.this_update:
            kept = self.keeps_expired_since
            return kept is not None and kept <= certificate.ends
        return True


def parse(data: bytes, *, place: str = "CRL") -> Crl:
    """The CRL in PEM or DER ``data``, or :class:`RevocationError`. Its signature is not verified yet."""
    if len(data) > MAX_CRL:
        raise RevocationError(f"a CRL of {len(data)} bytes is beyond the limit of {MAX_CRL}", place=place)
    with reading(RevocationError, "the CRL", place=place):
        load = x509.load_pem_x509_crl if b"-----BEGIN" in data[:200] else x509.load_der_x509_crl
        found = load(data)
        if not found.public_bytes(Encoding.DER).endswith(b"\x00" + found.signature):
            raise RevocationError("the CRL's signature has unused bits", place=place)
        if found.next_update_utc is None:
            raise RevocationError(
                "the CRL has no nextUpdate, so nobody can tell when it is stale", place=place
            )
        point, kept = _extensions(found, place)
        return Crl(
            found,
            found.issuer.public_bytes(),
            found.last_update_utc,
            found.next_update_utc,
            point,
            kept,
            {entry.serial_number: _entry(entry) for entry in found},
        )


def _extensions(
    found: x509.CertificateRevocationList, place: str
) -> tuple[x509.IssuingDistributionPoint | None, datetime | None]:
    point: x509.IssuingDistributionPoint | None = None
    kept: datetime | None = None
    for extension in found.extensions:
        value = extension.value
        if isinstance(value, x509.IssuingDistributionPoint):
            if (
                value.indirect_crl
                or value.only_some_reasons
                or value.only_contains_attribute_certs
                or value.relative_name
            ):
                raise RevocationError("the CRL is indirect or partial in a way not used here", place=place)
            point = value
        elif extension.oid == EXPIRED_CERTS_ON_CRL and isinstance(value, x509.UnrecognizedExtension):
            kept = _generalized_time(value.value)
        elif extension.oid == ExtensionOID.DELTA_CRL_INDICATOR:
            raise RevocationError("it is a delta CRL; give the complete one", place=place)
        elif extension.critical:
            raise RevocationError(
                f"the CRL carries the critical extension {extension.oid.dotted_string}, not understood here",
                place=place,
            )
    return point, kept


def _entry(entry: x509.RevokedCertificate) -> Entry:
    since, reason = entry.revocation_date_utc, "unspecified"
    for extension in entry.extensions:
        value = extension.value
        if isinstance(value, x509.CRLReason):
            reason = reason_name(value.reason)
        elif isinstance(value, x509.InvalidityDate):
            since = min(since, value.invalidity_date_utc)
    return Entry(since, reason)


def reason_name(reason: x509.ReasonFlags) -> str:
    """``keyCompromise`` → ``key-compromise``."""
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in reason.value)


def _generalized_time(value: bytes) -> datetime | None:
    try:
        return datetime.strptime(value[2:].decode("ascii"), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _is_authority(certificate: Certificate) -> bool:
    try:
        return certificate.x509.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _distribution_points(certificate: Certificate) -> set[x509.GeneralName]:
    try:
        points = certificate.x509.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return set()
    return {name for point in points for name in point.full_name or ()}


class CrlShelf:
    """The CRLs at hand: those given, and those of a folder (``*.crl``, PEM or DER), read anew when it
    changes.

    A file that cannot be read is logged and named in :attr:`problems`; what it held before serves on, and so
    do the others.
    """

    def __init__(self, crls: tuple[Crl, ...] = (), folder: Path | None = None) -> None:
        self._given = crls
        self._folder = folder
        self._files: dict[str, tuple[tuple[int, int, int], Crl | None]] = {}
        self._by_issuer: dict[bytes, tuple[Crl, ...]] = {}
        self._lock = threading.Lock()
        self._unread: set[str] = set()
        self.problems: tuple[str, ...] = ()
        self._index()
        self.refresh()

    def refresh(self) -> bool:
        """Read what changed in the folder; whether anything did. A few microseconds when nothing has."""
        if self._folder is None:
            return False
        with self._lock:
            seen = self._look()
            if seen == {name: stamp for name, (stamp, _) in self._files.items()}:
                return False
            problems = []
            unread: set[str] = set()
            files: dict[str, tuple[tuple[int, int, int], Crl | None]] = {}
            for name, stamp in sorted(seen.items()):
                before = self._files.get(name)
                if before is not None and before[0] == stamp and name not in self._unread:
                    files[name] = before
                    continue
                try:
                    path = self._folder / name
                    files[name] = (stamp, parse(read_file(path, limit=MAX_CRL), place=str(path)))
                except TrustError as error:
                    log.warning("a CRL was left out: %s", error)
                    problems.append(str(error))
                    files[name] = (stamp, before[1] if before else None)
                    unread.add(name)
            self._files = files
            self.problems = tuple(problems)
            self._unread = unread
            self._index()
            return True

    def _look(self) -> dict[str, tuple[int, int, int]]:
        assert self._folder is not None
        found = {}
        try:
            for path in self._folder.iterdir():
                if path.suffix == ".crl" and not path.name.startswith("."):
                    status = path.stat()
                    found[path.name] = (status.st_mtime_ns, status.st_size, status.st_ino)
        except FileNotFoundError:
            pass
        except OSError as error:
            log.warning("the CRL folder %s cannot be read: %s", self._folder, error)
            return {name: stamp for name, (stamp, _) in self._files.items()}
        return found

    def _index(self) -> None:
        by_issuer: dict[bytes, list[Crl]] = {}
        for crl in (*self._given, *(crl for _, crl in self._files.values() if crl is not None)):
            by_issuer.setdefault(crl.issuer, []).append(crl)
        self._by_issuer = {
            issuer: tuple(sorted(crls, key=lambda crl: crl.this_update, reverse=True))
            for issuer, crls in by_issuer.items()
        }

    def of(self, issuer: Certificate) -> tuple[Crl, ...]:
        """The CRLs that ``issuer`` signed, the newest first."""
        return tuple(crl for crl in self._by_issuer.get(issuer.subject, ()) if crl.signed_by(issuer))
