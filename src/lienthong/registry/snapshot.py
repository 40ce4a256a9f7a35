"""The directory snapshot: JSON, signed (CMS with the content inside), expiring, swapped in atomically.

The hub refuses one that is badly signed, expired, malformed, or older than the one it has.
"""

from __future__ import annotations

import os
import re
import threading
import time
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from lienthong.core.clock import Clock
from lienthong.core.errors import LienthongError
from lienthong.registry.directory import Directory
from lienthong.registry.errors import (
    DirectoryExpired,
    DirectoryRollback,
    SnapshotError,
    SnapshotMissing,
    SnapshotUntrusted,
)
from lienthong.registry.notation import MAX_BYTES, REPUBLISH, decode, encode, instant_text
from lienthong.trust.cms import sign_attached, verify_attached
from lienthong.trust.keys import write_file
from lienthong.trust.profiles import Profile

if TYPE_CHECKING:
    from lienthong.trust.certificates import TrustStore
    from lienthong.trust.keys import Signer

__all__ = ["DirectoryHolder", "HighestVersion", "decode", "encode", "load", "sign", "verify"]

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far in the future a snapshot may have been issued: the clocks of two machines differ a little."""


def sign(directory: Directory, signer: Signer) -> bytes:
    """The snapshot as CMS SignedData with the content inside (RFC 5652), signed at ``issued_at``."""
    return sign_attached(encode(directory), signer, signing_time=directory.issued_at)


def verify(data: bytes, trust: TrustStore, at: datetime) -> Directory:
    """The directory in a signed snapshot. :class:`SnapshotUntrusted`, :class:`DirectoryExpired` or
    :class:`SnapshotError` when it cannot be relied upon at ``at``.
    """
    if len(data) > MAX_BYTES:
        raise SnapshotError(f"the snapshot has {len(data)} bytes, more than {MAX_BYTES}")
    try:
        content, info = verify_attached(data)
        verdict = trust.check(
            info.certificate, intermediates=info.certificates, purpose=Profile.DIRECTORY, at=at
        )
    except LienthongError as problem:
        raise SnapshotUntrusted(
            f"the signature is not right: {problem.detail}", remedy=REPUBLISH
        ) from problem
    if not verdict.ok:
        raise SnapshotUntrusted(
            f"its signer is {verdict.status}: {verdict.reason}",
            remedy="publish it again with the province's directory key",
        )
    directory = decode(content)
    if directory.issued_at > at + CLOCK_TOLERANCE:
        raise SnapshotUntrusted(
            f"it was issued at {instant_text(directory.issued_at)}, after now ({instant_text(at)})",
            remedy="set the clocks of the registry's and the hub's machines",
        )
    check_expiry(directory, at)
    return directory


def check_expiry(directory: Directory, at: datetime) -> None:
    if at >= directory.expires_at:
        raise DirectoryExpired(
            f"version {directory.version} expired at {instant_text(directory.expires_at)}", remedy=REPUBLISH
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


class HighestVersion:
    """The highest version of the directory ever taken, and its digest, in a small file: what a restart, or a
    copy that was lost, must not fall behind. A line ``VERSION SHA-256``.
    """

    def __init__(self, path: Path) -> None:
        """:class:`SnapshotError` when the file is there and says nothing."""
        self._path = path
        self._version, self._digest = 0, ""
        try:
            text = path.read_text("ascii", "replace")
        except FileNotFoundError:
            return
        except OSError as problem:
            raise SnapshotError(
                f"the highest version cannot be read: {problem.strerror}",
                place=str(path),
                remedy="let the service read it",
            ) from problem
        line = re.fullmatch(r"([0-9]{1,18}) ([0-9a-f]{64})\n", text)
        if line is None:
            raise SnapshotError(
                "the highest version of the directory cannot be read from this file",
                place=str(path),
                remedy="make sure that the directory snapshot is the newest published, then delete this file",
            )
        self._version, self._digest = int(line[1]), line[2]

    def require(self, directory: Directory, data: bytes) -> None:
        """:class:`DirectoryRollback` for a lower version, or for another directory under the highest one."""
        version, digest = directory.version, sha256(data).hexdigest()
        if version > self._version or (version == self._version and digest == self._digest):
            return
        what = "is lower than" if version < self._version else "is not the one taken before as"
        raise DirectoryRollback(
            f"version {version} {what} version {self._version}",
            place=str(self._path),
            remedy="publish a new version instead of putting an old file back; if an older registry was "
            "restored on purpose, delete this file",
        )

    def note(self, directory: Directory, data: bytes) -> None:
        """Keep it, durably, when it is higher."""
        if directory.version > self._version:
            digest = sha256(data).hexdigest()
            write_file(self._path, f"{directory.version} {digest}\n".encode(), mode=0o600)
            self._version, self._digest = directory.version, digest


class DirectoryHolder:
    """The directory in force, for any number of threads.

    :meth:`current` looks at the file at most every ``look_every_s`` seconds and swaps in a changed one
    whole; a reader sees either the old directory or the new one. A new file that is bad leaves the old
    directory in force and :attr:`problem` says why. Only expiry stops the hub.
    """

    def __init__(
        self,
        path: Path,
        trust_store: TrustStore,
        clock: Clock,
        *,
        look_every_s: float = 1.0,
        highest: Path | None = None,
    ) -> None:
        """``highest``: where the highest version in force is kept across restarts. Raises
        :class:`SnapshotError` when there is no usable directory to begin with, or only a lower version.
        """
        self._path = path
        self._trust = trust_store
        self._clock = clock
        self._look_every_s = look_every_s
        self._reloading = threading.Lock()
        self.problem: LienthongError | None = None
        self._next_look = time.monotonic() + look_every_s
        data, self._seen = _read(path)
        directory = verify(data, trust_store, clock())
        self._highest = HighestVersion(highest) if highest is not None else None
        if self._highest is not None:
            self._highest.require(directory, data)
            self._highest.note(directory, data)
        self._in_force = directory, data

    def current(self) -> Directory:
        """The directory in force; :class:`DirectoryExpired` when it has expired."""
        if time.monotonic() >= self._next_look:
            self.refresh()
        directory = self._in_force[0]
        check_expiry(directory, self._clock())
        return directory

    def signed(self) -> tuple[Directory, bytes]:
        """The directory in force with its snapshot as it was signed, whatever lies in the file by now."""
        return self._in_force

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
            directory, signed = self._in_force
            if data == signed:
                self.problem = None
                return
            fresh = verify(data, self._trust, self._clock())
            if fresh.version <= directory.version:
                raise DirectoryRollback(
                    f"version {fresh.version} does not follow version {directory.version} in force",
                    place=str(self._path),
                    remedy="publish a new version instead of putting an old file back",
                )
            if self._highest is not None:
                self._highest.note(fresh, data)
        except LienthongError as problem:
            self.problem = problem
            return
        self._in_force = fresh, data
        self.problem = None
