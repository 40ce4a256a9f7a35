"""The registry's exception tree. Codes are stable: scripts and the hub's problems switch on them."""

from __future__ import annotations

from typing import ClassVar

from lienthong.core.errors import LienthongError


class RegistryError(LienthongError):
    code = "registry-error"
    title: ClassVar[str] = "The registry could not do this"


class SnapshotError(RegistryError):
    code = "directory-malformed"
    status = 503
    title: ClassVar[str] = "The directory snapshot cannot be used"


class SnapshotMissing(SnapshotError):
    code = "directory-missing"


class SnapshotUntrusted(SnapshotError):
    """The signature is wrong, or not made by a certificate that may sign directories."""

    code = "directory-untrusted"


class DirectoryExpired(SnapshotError):
    code = "directory-expired"
    title: ClassVar[str] = "The directory snapshot has expired"


class DirectoryRollback(SnapshotError):
    """A snapshot older than the one in use, or another one under the same version."""

    code = "directory-rollback"


class UnknownAgency(RegistryError):
    code = "unknown-agency"
    status = 404
    title: ClassVar[str] = "There is no such agency in the registry"


class RuleBroken(RegistryError):
    """The change would leave the registry contradicting itself; nothing was written."""

    code = "registry-rule-broken"
    status = 409


class RegistryUnreachable(RegistryError):
    """The registry's database does not answer, is damaged, or is held by somebody else."""

    code = "registry-unreachable"
    status = 503


class FileRefused(RegistryError):
    """A whole file cannot be read: it is missing, not UTF-8, or not of a known layout."""

    code = "import-file-refused"


class CertificateRefused(RegistryError):
    code = "certificate-refused"
