"""The trust room's exception tree. Codes are stable: clients and scripts switch on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from lienthong.core.errors import LienthongError


class TrustError(LienthongError):
    """Root of everything that can go wrong with keys, certificates, signatures and logs."""

    code = "trust-error"
    title: ClassVar[str] = "This could not be trusted"


class KeyFileError(TrustError):
    """A key or certificate file that cannot be read, written or opened."""

    code = "key-unusable"
    title: ClassVar[str] = "The key cannot be used"


class WrongPassphrase(KeyFileError):
    code = "wrong-passphrase"
    title: ClassVar[str] = "The passphrase does not open the key"


class TokenError(TrustError):
    """A PKCS#11 token that is absent, locked or has not got the key."""

    code = "token-unusable"
    title: ClassVar[str] = "The security module cannot be used"


class CertificateError(TrustError):
    """Bytes that are not a certificate, or a certificate that cannot serve."""

    code = "malformed-certificate"
    title: ClassVar[str] = "The certificate cannot be used"


class AnchorError(CertificateError):
    """A certificate that may not become a trust anchor."""

    code = "unfit-anchor"
    title: ClassVar[str] = "The certificate cannot be a trust anchor"


class UntrustedCertificate(CertificateError):
    """A well-formed certificate that the trust store does not accept for this purpose."""

    code = "untrusted-certificate"
    status = 403
    title: ClassVar[str] = "The certificate is not trusted here"


class AuthorityError(TrustError):
    """The province CA cannot be created, opened or asked for this."""

    code = "authority-error"
    title: ClassVar[str] = "The certificate authority could not do this"


class RevocationError(TrustError):
    """A CRL or an OCSP message that cannot be read or is not signed by whom it should be."""

    code = "malformed-revocation"
    title: ClassVar[str] = "The revocation information cannot be used"


class TimestampError(TrustError):
    """A time-stamp that is malformed, refused, over something else or not signed by a trusted TSA."""

    code = "bad-timestamp"
    title: ClassVar[str] = "The time-stamp cannot be used"


class TimestampUnavailable(TimestampError):
    """The time-stamping authority did not answer within its budget."""

    code = "timestamp-unavailable"
    status = 503
    title: ClassVar[str] = "The time-stamping authority did not answer"


class PdfSignatureError(TrustError):
    """A PDF that cannot be signed or whose signatures cannot be read."""

    code = "bad-pdf"
    title: ClassVar[str] = "The PDF cannot be signed or checked"


class CmsError(TrustError):
    """A CMS structure that is malformed or whose signature does not verify."""

    code = "bad-signature"
    title: ClassVar[str] = "The signature cannot be accepted"


class ContainerError(TrustError):
    """A container that breaks the ASiC-E profile or was altered."""

    code = "bad-container"
    title: ClassVar[str] = "The container cannot be accepted"


class SealingError(TrustError):
    """Sealed files that cannot be made or opened."""

    code = "bad-sealing"
    title: ClassVar[str] = "The sealed files cannot be opened"


class LogError(TrustError):
    """A proof, checkpoint or tile that does not hold."""

    code = "bad-proof"
    title: ClassVar[str] = "The log proof does not hold"


@contextmanager
def reading(kind: type[TrustError], what: str, *, place: str | None = None) -> Iterator[None]:
    """Turn whatever a parser raises over foreign bytes into ``kind``.

    ASN.1 libraries parse lazily and raise errors of many sorts, at the first look at a field, for input that
    is merely hostile; a caller must meet one tree of errors.
    """
    try:
        yield
    except LienthongError:
        raise
    except (MemoryError, RecursionError):
        raise kind(f"{what} is nested or sized beyond reason", place=place) from None
    except Exception as error:
        why = str(error).strip().splitlines()
        raise kind(
            f"{what} cannot be read: {why[0][:200] if why else type(error).__name__}", place=place
        ) from None
