"""The directory is signed and put where the hub reads it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509

from lienthong.core.errors import LienthongError
from lienthong.registry import models, queries
from lienthong.registry.actions.agencies import refuse
from lienthong.registry.actions.writing import SYSTEM, in_turn, record
from lienthong.registry.errors import CertificateRefused, RegistryError
from lienthong.registry.rules import problems
from lienthong.registry.snapshot import decode, sign
from lienthong.trust.cms import verify_attached
from lienthong.trust.keys import Signer, write_file

VALID_FOR = timedelta(days=30)


def publish(
    path: Path, signer: Signer, now: datetime, valid_for: timedelta = VALID_FOR, *, actor: str = SYSTEM
) -> models.Publication:
    """Sign the directory as it stands, under the next version, and replace the file at ``path`` at once
    (written beside, synced, renamed). It expires ``valid_for`` after ``now``.

    The version is taken before the file is written: a crash in between skips a number, and never gives one
    number to two directories. Publishers on one machine take turns.
    """
    if valid_for <= timedelta(0):
        raise RegistryError("the directory would expire before it is published", remedy="give a longer time")
    not_after = x509.load_der_x509_certificate(signer.certificate).not_valid_after_utc
    if not_after <= now:
        raise CertificateRefused(
            f"the directory key's certificate expired on {not_after:%Y-%m-%d}",
            remedy="have a new one issued: `lienthong keys issue`",
        )
    with _alone(path):
        publication, data = _next(
            signer, now, min(now + valid_for, not_after), after=_version_in(path), actor=actor
        )
        try:
            write_file(path, data)
        except LienthongError as problem:
            raise RegistryError(
                f"version {publication.version} could not be put in place: {problem.detail}",
                place=str(path),
                remedy=problem.remedy,
                code="directory-not-written",
            ) from problem
    return publication


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One publisher at a time: an older version must not overwrite a newer one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = (path.parent / ".publishing").open("w")
    except OSError as problem:
        raise RegistryError(
            f"the folder cannot be written: {problem.strerror}",
            place=str(path.parent),
            remedy="check its permissions and the space left on the disk",
            code="directory-not-written",
        ) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left_by_a_killed_publisher in path.parent.glob(f".{path.name}.*"):
            left_by_a_killed_publisher.unlink(missing_ok=True)
        yield


def _version_in(path: Path) -> int:
    """The version of the snapshot in place, 0 without a readable one. A registry restored from a backup
    may know fewer versions than the hub has seen.
    """
    try:
        return decode(verify_attached(path.read_bytes())[0]).version
    except (OSError, LienthongError):
        return 0


@in_turn
def _next(
    signer: Signer, now: datetime, expires_at: datetime, *, after: int, actor: str
) -> tuple[models.Publication, bytes]:
    latest = queries.latest_publication()
    version = max(latest.version if latest else 0, after) + 1
    directory = queries.directory(version=version, issued_at=now, expires_at=expires_at)
    refuse(problems(directory.agencies))
    data = sign(directory, signer)
    publication = models.Publication.objects.create(
        version=version,
        issued_at=now,
        expires_at=expires_at,
        agencies=len(directory.agencies),
        digest=sha256(data).hexdigest(),
        signer=sha256(signer.certificate).hexdigest(),
    )
    record(actor, "publish", f"directory {version}", {"digest": publication.digest})
    return publication, data
