"""Nonces of signed requests that were seen: a signed request counts once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import time

import structlog

log = structlog.get_logger("lienthong.server")
REWRITE_BYTES = 4 * 1024**2


class ReplayGuard:
    """Remembers a nonce until the request that carried it would be refused for its age anyway.

    ``capacity``: nonces of one signer that are remembered at once; beyond it, that signer waits. ``file``:
    where they outlive this process, which alone writes it. It is not synced: when the machine was started
    anew since it was written, ``since_s`` is the time of this start, and what was signed before is refused
    for its age. ``boot``: what tells one run of the machine from another.
    """

    __slots__ = (
        "_boot",
        "_capacity",
        "_descriptor",
        "_file",
        "_next_sweep_s",
        "_seen",
        "_written",
        "since_s",
    )

    def __init__(
        self,
        capacity: int = 20_000,
        file: Path | None = None,
        *,
        clock: Callable[[], float] = time,
        boot: str | None = None,
    ) -> None:
        self.since_s = 0
        self._boot = _boot_id() if boot is None else boot
        self._capacity = capacity
        self._seen: dict[str, dict[str, float]] = {}
        self._next_sweep_s = 0.0
        self._file = file
        self._descriptor = -1
        self._written = 0
        if file is not None:
            if not self._load(file):
                self.since_s = int(clock())
            self._rewrite(file)

    def close(self) -> None:
        """Let go of the file."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def first_time(self, keyid: str, nonce: str, forget_at_s: float, now_s: float) -> bool:
        """True once for a nonce of a signer; False when it is seen again, or memory for it is used up."""
        if now_s >= self._next_sweep_s:
            self._sweep(now_s)
        seen = self._seen.setdefault(keyid, {})
        if nonce in seen or len(seen) >= self._capacity:
            return False
        seen[nonce] = forget_at_s
        if self._descriptor >= 0:
            self._write(_line(keyid, nonce, forget_at_s))
        return True

    def _load(self, file: Path) -> bool:
        """Whether the file tells of every nonce seen before."""
        try:
            boot, *lines = file.read_bytes().splitlines()
        except FileNotFoundError:
            return True
        except ValueError:  # cut off before its first line was whole
            return False
        for line in lines:
            with suppress(
                ValueError, TypeError
            ):  # the last line, when the process was killed in the middle of it
                keyid, nonce, until = json.loads(line)
                self._seen.setdefault(keyid, {})[nonce] = float(until)
        return boot == self._boot.encode()

    def _rewrite(self, file: Path) -> None:
        """Begin the file anew with what is still remembered."""
        self.close()
        beside = file.with_name(f".{file.name}")
        self._descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._written = 0
        self._write(
            self._boot.encode()
            + b"\n"
            + b"".join(
                _line(keyid, nonce, until)
                for keyid, seen in self._seen.items()
                for nonce, until in seen.items()
            )
        )
        beside.replace(file)

    def _write(self, lines: bytes) -> None:
        try:
            self._written += os.write(self._descriptor, lines)
        except OSError as error:  # a full disk keeps nobody from reading; this process still remembers
            log.error("nonces-not-kept", reason=error.strerror)

    def _sweep(self, now_s: float) -> None:
        self._next_sweep_s = now_s + 10
        for keyid, seen in list(self._seen.items()):
            for nonce in [nonce for nonce, until in seen.items() if until < now_s]:
                del seen[nonce]
            if not seen:
                del self._seen[keyid]
        if self._file is not None and self._written > REWRITE_BYTES:
            self._written = 0
            try:
                self._rewrite(self._file)
            except OSError as error:
                log.error("nonces-not-kept", reason=error.strerror)


def _boot_id() -> str:
    """Another one each time the machine starts; always the same where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


def _line(keyid: str, nonce: str, until: float) -> bytes:
    return json.dumps([keyid, nonce, until]).encode() + b"\n"
