"""One command, several processes: starts them, says where they listen, restarts what fell, ends them all.

The supervisor holds no lock and no data. When it is killed, the kernel tells its children to stop
(Linux), so that nothing is left behind holding the store.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import structlog

from lienthong.exchange.errors import ExchangeError

START_S = 120.0
"""How long a process may take until it listens: a large log's index may have to be rebuilt."""
STOP_S = 30.0
STEADY_S = 10.0
"""A process that lived this long is restarted at once; one that did not, with growing pauses."""
MAX_QUICK_DEATHS = 5
NOT_AGAIN = 2
"""Exit code of a process whose configuration is wrong: restarting it would not help."""

_PR_SET_PDEATHSIG = 1
log = structlog.get_logger("lienthong.supervisor")


class ServeFailed(ExchangeError):
    """A process did not start, or keeps falling."""

    code = "serve-failed"
    status = 503
    title: ClassVar[str] = "The data folder cannot be served"


class ServeMisconfigured(ServeFailed):
    """A process says that its configuration is wrong; starting it again would not help."""

    code = "serve-misconfigured"
    status = 400


@dataclass(frozen=True)
class Part:
    """One process. ``url``: where it will listen, if that is known before; otherwise it writes a JSON line
    with ``url`` to the descriptor in ``LIENTHONG_READY_FD``.
    """

    name: str
    arguments: tuple[str, ...]
    url: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Chore:
    """A short command now and then, beside the parts. Its failure is a warning."""

    name: str
    arguments: tuple[str, ...]
    every_s: float


class _Child:
    """A part's process as it runs now."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.url = part.url
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.quick_deaths = 0
        self.start_at: float | None = None

    def start(self, signals: _Signals) -> None:
        """Start it and wait until it listens or the supervisor is told to stop; :class:`ServeFailed` when it
        ends before.
        """
        read, write = os.pipe()
        try:
            self.process = subprocess.Popen(
                self.part.arguments,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **self.part.environment, "LIENTHONG_READY_FD": str(write)},
                pass_fds=(write,),
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        finally:
            os.close(write)
        self.started, self.start_at = time.monotonic(), None
        try:
            self._wait_until_it_listens(read, signals)
        finally:
            os.close(read)
        log.info("started", part=self.part.name, pid=self.process.pid, url=self.url)

    def _wait_until_it_listens(self, ready: int, signals: _Signals) -> None:
        assert self.process is not None
        until = self.started + START_S
        with selectors.DefaultSelector() as selector:
            if not self.part.url:
                selector.register(ready, selectors.EVENT_READ)
            while time.monotonic() < until:
                if signals.stop:
                    return
                if self.process.poll() is not None:
                    raise _ended(self.part, self.process.returncode, "before it listened")
                if self.part.url:
                    if _listens(self.part.url):
                        return
                    time.sleep(0.02)
                elif selector.select(0.2):
                    line = os.read(ready, 4096)
                    if line:
                        self.url = str(json.loads(line)["url"])
                        return
                    selector.unregister(ready)  # it closed the pipe: it is about to end
                    self.process.wait()
        raise ServeFailed(f"{self.part.name} does not listen after {START_S:.0f} s")

    def tell(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    def end(self, until: float) -> None:
        """Wait for its end; kill it when the time is up."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("killed", part=self.part.name, pid=self.process.pid, after_s=STOP_S)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Supervisor:
    """Serves ``parts`` until SIGTERM or SIGINT. ``ready`` is called once, when all of them listen, with
    the address and the process id of each. ``ready_file`` then holds the same as JSON, until the end.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        chores: Sequence[Chore] = (),
        ready: Callable[[Mapping[str, str]], None] | None = None,
        ready_file: Path | None = None,
    ) -> None:
        self._children = [_Child(part) for part in parts]
        self._chores = dict.fromkeys(chores, 0.0)
        self._running: dict[Chore, subprocess.Popen[bytes]] = {}
        self._ready = ready
        self._ready_file = ready_file
        self._stopping = False

    def run(self) -> None:
        """Start, watch, stop. Raises :class:`ServeFailed` when a part cannot be kept alive."""
        if self._ready_file is not None:  # one left by a supervisor that was killed says nothing
            self._ready_file.unlink(missing_ok=True)
        with _Signals() as signals:
            try:
                for child in self._children:
                    child.start(signals)
                    if signals.stop:
                        return
                self._tell_ready()
                while not signals.stop:
                    self._look(signals)
                    self._do_chores()
                    signals.wait(self._pause())
            finally:
                self._stop()

    def _tell_ready(self) -> None:
        addresses = {child.part.name: child.url for child in self._children}
        if self._ready_file is not None:
            pids = {child.part.name: child.process.pid for child in self._children if child.process}
            beside = self._ready_file.with_name(f".{self._ready_file.name}.{os.getpid()}")
            beside.write_text(json.dumps({**addresses, "pid": os.getpid(), "pids": pids}) + "\n")
            beside.replace(self._ready_file)
        if self._ready is not None:
            self._ready(addresses)

    def _look(self, signals: _Signals) -> None:
        now = time.monotonic()
        for child in self._children:
            process = child.process
            if process is None or process.poll() is None:
                continue
            if child.start_at is None:
                lived = now - child.started
                child.quick_deaths = 0 if lived >= STEADY_S else child.quick_deaths + 1
                log.error("ended", part=child.part.name, code=process.returncode, lived_s=round(lived, 1))
                if process.returncode == NOT_AGAIN or child.quick_deaths >= MAX_QUICK_DEATHS:
                    raise _ended(child.part, process.returncode, "and is not started again")
                pause = 0.0 if child.quick_deaths == 0 else min(8.0, 0.25 * 2**child.quick_deaths)
                child.start_at = now + pause
            if now >= child.start_at:
                try:
                    child.start(signals)
                except ServeFailed:
                    continue  # it ended again: the next look counts it

    def _do_chores(self) -> None:
        for chore, process in list(self._running.items()):
            if process.poll() is not None:
                del self._running[chore]
                if process.returncode:
                    log.warning("chore failed", chore=chore.name, code=process.returncode)
        now = time.monotonic()
        for chore, due in self._chores.items():
            if now >= due and chore not in self._running:
                self._chores[chore] = now + chore.every_s
                self._running[chore] = subprocess.Popen(
                    chore.arguments,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                    preexec_fn=_die_with_parent if sys.platform == "linux" else None,
                )

    def _pause(self) -> float:
        """Until the next thing that no signal announces."""
        now = time.monotonic()
        moments = [child.start_at for child in self._children if child.start_at is not None]
        moments += list(self._chores.values())
        return max(0.0, min([now + 60.0, *moments]) - now)

    def _stop(self) -> None:
        """Everybody is told at once, and then waited for."""
        if self._ready_file is not None:
            self._ready_file.unlink(missing_ok=True)
        for child in self._children:
            child.tell(signal.SIGTERM)
        for process in self._running.values():
            process.terminate()
        until = time.monotonic() + STOP_S
        for child in self._children:
            child.end(until)
        for process in self._running.values():
            process.wait()
        log.info("stopped")


class _Signals:
    """SIGTERM and SIGINT as a flag; any signal, a child's end included, ends a wait."""

    def __init__(self) -> None:
        self.stop = False

    def __enter__(self) -> _Signals:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._read, selectors.EVENT_READ)
        self._wakeup = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        self._before = {
            signal.SIGTERM: signal.signal(signal.SIGTERM, self._told),
            signal.SIGINT: signal.signal(signal.SIGINT, self._told),
            signal.SIGCHLD: signal.signal(signal.SIGCHLD, lambda number, frame: None),
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._selector.close()
        self._read.close()
        self._write.close()

    def wait(self, seconds: float) -> None:
        if self._selector.select(seconds):
            with contextlib.suppress(BlockingIOError):
                self._read.recv(4096)

    def _told(self, number: int, frame: object) -> None:
        self.stop = True


def _ended(part: Part, code: int, then: str) -> ServeFailed:
    kind = ServeMisconfigured if code == NOT_AGAIN else ServeFailed
    return kind(
        f"{part.name} ended with {code} {then}",
        remedy="its own message stands above; lienthong doctor checks everything it needs",
    )


def _listens(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=1):
            return True
    except OSError:
        return False


def _die_with_parent() -> None:
    """In the child: SIGTERM when the parent has gone, however it went."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:
        os._exit(1)
