"""What an authority has issued and revoked: one append-only file of JSON lines, synced line by line.

A line is complete when it ends in a newline; a tail cut by a crash was never acted on (the certificate
leaves the CA only after its line is on the disk) and is dropped by the next writer.

``{"event":"issued","serial":"<hex>","subject":…,"profile":…,"not_after":"<UTC>","fingerprint":"<hex>"}``
``{"event":"revoked","serial":"<hex>","reason":"key-compromise","at":"<UTC>"}``
``{"event":"crl","number":7,"at":"<UTC>"}``
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lienthong.trust.errors import AuthorityError


@dataclass(frozen=True, slots=True)
class Revoked:
    reason: str
    at: datetime


class Ledger:
    """The ledger of one authority. Several processes may read and write it; writers take turns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.issued: dict[int, str] = {}
        self.revoked: dict[int, Revoked] = {}
        self.crl_number = 0
        self._read_to = 0

    def refresh(self) -> Ledger:
        """Take in what has been appended since the last look."""
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_size == self._read_to:
                    return self
                file.seek(self._read_to)
                self._take(file.read())
        except FileNotFoundError:
            pass
        except OSError as error:
            raise AuthorityError(f"cannot be read: {error.strerror}", place=str(self.path)) from None
        return self

    def _take(self, data: bytes) -> None:
        whole = data.rfind(b"\n") + 1
        for line in data[:whole].splitlines():
            try:
                event = json.loads(line)
                kind = event["event"]
                if kind == "issued":
                    self.issued[int(event["serial"], 16)] = str(event["fingerprint"])
                elif kind == "revoked":
                    at = datetime.fromisoformat(event["at"])
                    self.revoked.setdefault(int(event["serial"], 16), Revoked(str(event["reason"]), at))
                elif kind == "crl":
                    self.crl_number = max(self.crl_number, int(event["number"]))
            except (ValueError, KeyError, TypeError):
                raise AuthorityError(
                    f"line {line[:80]!r} cannot be read",
                    place=str(self.path),
                    remedy="restore the ledger from a backup; do not edit it",
                    code="damaged-ledger",
                ) from None
        self._read_to += whole

    @contextmanager
    def writing(self) -> Iterator[Appender]:
        """Hold the ledger for writing: up to date, alone. Events are on the disk when the block ends."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise AuthorityError(f"cannot be written: {error.strerror}", place=str(self.path)) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self.refresh()
            appender = Appender()
            yield appender
            if appender.lines:
                data = b"".join(appender.lines)
                try:
                    os.ftruncate(descriptor, self._read_to)
                    os.pwrite(descriptor, data, self._read_to)
                    os.fsync(descriptor)
                except OSError as error:
                    raise AuthorityError(
                        f"cannot be written: {error.strerror}", place=str(self.path)
                    ) from None
                self._take(data)
        finally:
            os.close(descriptor)


class Appender:
    """Collects the events of one turn at the ledger."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def add(self, event: str, **fields: str | int) -> None:
        line = {"event": event, **fields}
        self.lines.append(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def stamp(moment: datetime) -> str:
    """A moment as the ledger writes it: UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
