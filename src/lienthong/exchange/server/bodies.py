"""Reading bodies without being held up or filled up: lengths first, minimum rates, spool files.

Small bodies stay in memory; large ones stream to a synced file with their SHA-256 taken on the way.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import secrets
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from granian.rsgi import ProtocolClosed, ProtocolError

from lienthong.exchange.errors import TooLarge, Unavailable
from lienthong.exchange.server.problems import (
    BadRequest,
    CutOff,
    LengthRequired,
    TooSlow,
    WrongMediaType,
)
from lienthong.exchange.store.protocol import SpooledPayload

WRITE_BYTES = 1024 * 1024


class BodySource(Protocol):
    """What Granian hands over: the whole body, or its chunks."""

    def __call__(self) -> Coroutine[Any, Any, bytes]: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class DiskFull(Unavailable):
    """There is no room for a body of this length."""

    code = "disk-full"


class Room:
    """Whether the disk of ``folder`` has more than ``reserve`` bytes free, looked at once a second at most.

    What the reserve keeps is for what was accepted: acknowledgements, proofs, time-stamps, the index.
    """

    __slots__ = ("_folder", "_looked_s", "_reserve")

    def __init__(self, folder: Path, reserve: int) -> None:
        self._folder = folder
        self._reserve = reserve
        self._looked_s = float("-inf")

    def require(self, length: int) -> None:
        """:class:`DiskFull` while health says that the disk is too full to accept anything."""
        now_s = monotonic()
        if now_s < self._looked_s + 1:
            return
        with suppress(OSError):  # a disk that cannot be looked at: the store says what is wrong with it
            _require_room(self._folder, length, self._reserve)
        self._looked_s = now_s


class SlowBodies:
    """Cuts off bodies that come slower than ``rate`` bytes a second after ``grace_s`` seconds.

    One timer for all of them: a body costs two dictionary operations.
    """

    __slots__ = ("_deadlines", "_expired", "_grace_s", "_loop", "_rate", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, *, grace_s: float, rate: int) -> None:
        self._loop = loop
        self._grace_s = grace_s
        self._rate = rate
        self._deadlines: dict[asyncio.Task[Any], float] = {}
        self._expired: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, task: asyncio.Task[Any], deadline: float) -> None:
        """Cancel ``task`` unless it is let go before ``deadline`` (monotonic seconds)."""
        self._deadlines[task] = deadline
        if self._timer is None:
            self._timer = self._loop.call_later(min(1.0, self._grace_s), self._look)

    def deadline(self, began: float, received: int) -> float:
        """By when a body that began then must have more than ``received`` bytes."""
        return began + self._grace_s + received / self._rate

    def let_go(self, task: asyncio.Task[Any]) -> None:
        self._deadlines.pop(task, None)

    def expired(self, task: asyncio.Task[Any]) -> bool:
        """Whether it was this watch that cancelled the task (asked once)."""
        if task in self._expired:
            self._expired.discard(task)
            task.uncancel()
            return True
        return False

    def _look(self) -> None:
        now = monotonic()
        for task, deadline in list(self._deadlines.items()):
            if deadline <= now:
                del self._deadlines[task]
                self._expired.add(task)
                task.cancel()
        self._timer = self._loop.call_later(min(1.0, self._grace_s), self._look) if self._deadlines else None


def content_length(header: str | None, limit: int) -> int:
    """The length of the body to come, checked before a byte of it is read."""
    if header is None:
        raise LengthRequired(
            "the request does not say how long its body is",
            place="Content-Length",
            remedy="send Content-Length instead of a chunked body",
        )
    if not header.isascii() or not header.isdigit() or len(header) > 15:
        raise BadRequest(f"{header[:30]!r} is not a length", place="Content-Length")
    length = int(header)
    if length > limit:
        raise TooLarge(f"the body has {length} bytes; at most {limit} are taken", place="Content-Length")
    return length


def require_media_type(header: str | None, *accepted: str) -> None:
    """:class:`WrongMediaType` unless the body is said to be of one of the accepted types."""
    given = (header or "").partition(";")[0].strip().lower()
    if given not in accepted:
        raise WrongMediaType(
            f"{given[:60]!r} is not expected here",
            place="Content-Type",
            remedy=f"send {' or '.join(accepted)}",
        )


async def in_memory(
    proto: BodySource, length: int, slow: SlowBodies, *, allowed_for: int | None = None
) -> bytes:
    """The whole body. :class:`CutOff` when it breaks off, :class:`TooSlow` when it takes too long for
    ``allowed_for`` bytes (its length, unless said).
    """
    task = asyncio.current_task()
    assert task is not None
    slow.watch(task, slow.deadline(monotonic(), length if allowed_for is None else allowed_for))
    try:
        body = await proto()
    except asyncio.CancelledError:
        if slow.expired(task):
            raise _too_slow() from None
        raise
    except (ProtocolClosed, ProtocolError):
        raise _cut_off() from None
    finally:
        slow.let_go(task)
    if len(body) != length:
        raise _cut_off()
    return body


def json_object(body: bytes) -> dict[str, Any]:
    """A JSON object, or :class:`BadRequest`."""
    try:
        value = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON", place="body") from None
    if not isinstance(value, dict):
        raise BadRequest("the body is not a JSON object", place="body")
    return value


def digest_of(body: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(body).digest()


async def spooled(
    proto: BodySource, length: int, slow: SlowBodies, folder: Path, executor: Executor, reserve: int
) -> tuple[SpooledPayload, bytes]:
    """The body in a new file of ``folder``, synced, and its SHA-256. Nothing is left behind on failure."""
    promised = sum(one.promised for one in _UNDER_WAY if one.path.parent == folder)
    _require_room(folder, length, length + promised + reserve)
    loop = asyncio.get_running_loop()
    spool = _Spool(folder / f"{secrets.token_hex(12)}.part", length)
    _UNDER_WAY.add(spool)
    try:
        await loop.run_in_executor(executor, spool.open)
        _require_room(folder, length, reserve)  # another process may have let one in at the same moment
        await _stream(proto, length, slow, spool, executor)
        await loop.run_in_executor(executor, spool.finish)
    except BaseException as error:
        await asyncio.shield(loop.run_in_executor(executor, spool.discard))
        if isinstance(error, OSError):
            raise _cannot_keep(error, folder) from error
        raise
    finally:
        _UNDER_WAY.discard(spool)
    return SpooledPayload(spool.path, length), spool.digest.digest()


async def _stream(
    proto: BodySource, length: int, slow: SlowBodies, spool: _Spool, executor: Executor
) -> None:
    task = asyncio.current_task()
    assert task is not None
    write: Callable[[list[bytes]], None] = spool.write
    loop = asyncio.get_running_loop()
    began, received = monotonic(), 0
    held: list[bytes] = []
    held_bytes = 0
    slow.watch(task, slow.deadline(began, 0))
    try:
        async for chunk in proto:
            received += len(chunk)
            held_bytes += len(chunk)
            held.append(chunk)
            if received > length:
                break
            if held_bytes >= WRITE_BYTES:
                # What the disk takes is not held against the sender.
                slow.let_go(task)
                paused = monotonic()
                await loop.run_in_executor(executor, write, held)
                began += monotonic() - paused
                held, held_bytes = [], 0
            slow.watch(task, slow.deadline(began, received))
        slow.let_go(task)
        if held:
            await loop.run_in_executor(executor, write, held)
    except asyncio.CancelledError:
        if slow.expired(task):
            raise _too_slow() from None
        raise
    except (ProtocolClosed, ProtocolError):
        raise _cut_off() from None
    finally:
        slow.let_go(task)
    if received != length:
        raise _cut_off()


class _Spool:
    """A file that is being filled, in worker threads. A write that its request no longer waits for finds the
    file discarded and writes nothing: never into a descriptor that is somebody else's by then.
    """

    def __init__(self, path: Path, length: int) -> None:
        self.path = path
        self.promised = self._length = length
        """Bytes that were let in and for which no room was taken on the disk yet."""
        self.digest = hashlib.sha256()
        self._descriptor = -1
        self._over = False
        self._lock = threading.Lock()

    def open(self) -> None:
        with self._lock:
            if not self._over:
                self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                try:
                    os.posix_fallocate(self._descriptor, 0, self._length)
                except OSError as error:
                    if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                        raise
                else:
                    self.promised = 0

    def write(self, chunks: list[bytes]) -> None:
        with self._lock:
            for chunk in chunks if not self._over else ():
                self.digest.update(chunk)
                view = memoryview(chunk)
                while view:
                    view = view[os.write(self._descriptor, view) :]

    def finish(self) -> None:
        with self._lock:
            if not self._over:
                os.fsync(self._descriptor)
                self._close()

    def discard(self) -> None:
        with self._lock:
            self._over = True
            self._close()
            with suppress(FileNotFoundError):
                self.path.unlink()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


_UNDER_WAY: set[_Spool] = set()
"""Changed by the event loop's thread only."""


def _require_room(folder: Path, length: int, wanted: int) -> None:
    if shutil.disk_usage(folder).free < wanted:
        raise DiskFull(
            f"there is no room for a body of {length} bytes", remedy="send it again later; tell the operator"
        )


def _cannot_keep(error: OSError, folder: Path) -> Unavailable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull(
            "the disk became full while the body arrived; nothing of it was kept",
            place=str(folder),
            remedy="send it again later; tell the operator to free space",
        )
    return Unavailable(
        f"the body cannot be kept: {error.strerror or error}",
        place=str(folder),
        remedy="send it again later; tell the operator, who finds the cause with lienthong doctor",
        code="store-failed",
    )


def _too_slow() -> TooSlow:
    return TooSlow("the body came too slowly and was given up", remedy="send it again over a better line")


def _cut_off() -> CutOff:
    return CutOff("the body ended before the length that was announced", remedy="send it again")
