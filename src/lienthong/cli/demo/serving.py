"""The demonstration's exchange and web: started on free loopback ports, and ended with it."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import httpx

from lienthong.core.errors import LienthongError
from lienthong.exchange.client.http import tls_context
from lienthong.exchange.client.profile import load_profile
from lienthong.exchange.configuration import FILE_NAME, Configuration, load
from lienthong.trust.keys import write_file
from lienthong.trust.log.checkpoints import open_checkpoint
from lienthong.trust.log.notes import NoteKey

PATIENCE_S = 60.0
STOP_S = 30.0
_PR_SET_PDEATHSIG = 1


class ServerNotReady(LienthongError):
    code = "server-not-ready"
    status = 503


class Serving:
    """``lienthong serve`` of a data folder, as a child that does not outlive this process.

    When a hub of the very same log already serves the folder's address, that one is used and left alone.
    """

    def __init__(self, data: Path, profile: str) -> None:
        self._data = data
        self._profile = profile
        self._process: subprocess.Popen[bytes] | None = None
        self.log = data / "logs" / "serve.log"

    @property
    def was_running(self) -> bool:
        return self._process is None

    def __enter__(self) -> Serving:
        if self._answers():
            return self
        self.log.parent.mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lienthong", "serve", "--data", str(self._data)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End what was started, as Ctrl-C would; what does not end in time is killed."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def wait(self) -> None:
        """Until what was started ends, or the process is told to end."""
        if self._process is not None:
            self._process.wait()
        else:
            signal.pause()

    def _wait(self) -> None:
        until = time.monotonic() + PATIENCE_S
        assert self._process is not None
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise ServerNotReady(
                    f"`lienthong serve` ended with {self._process.returncode}: {_last_line(self.log)}",
                    place=str(self.log),
                    remedy=f"read the log; `lienthong doctor --data {self._data}` says what is wrong",
                )
            if self._answers():
                return
            time.sleep(0.05)
        raise ServerNotReady(
            f"the exchange did not answer within {PATIENCE_S:.0f} s",
            place=str(self.log),
            remedy="read the log",
        )

    def _answers(self) -> bool:
        """Whether a hub that signs with this folder's log key answers, and is ready."""
        profile = load_profile(self._data / "agencies" / self._profile)
        verify = tls_context(profile) if profile.hub.startswith("https:") else False
        try:
            with httpx.Client(base_url=profile.hub, verify=verify, trust_env=False, timeout=5) as http:
                if http.get("/health/ready").status_code != 200:
                    return False
                open_checkpoint(http.get("/v1/log/checkpoint").content, NoteKey.parse(profile.checkpoint_key))
                return True
        except (httpx.HTTPError, LienthongError):
            return False


def settle_ports(data: Path, profile: str) -> Configuration:
    """Keep the configured ports when they are free or our own hub has them; else write free ones down."""
    configuration = load(data)
    if Serving(data, profile)._answers():
        return configuration
    text = (data / FILE_NAME).read_text(encoding="utf-8")
    changed = text
    for table, listener in (("exchange", configuration.exchange), ("web", configuration.web)):
        if not is_free(listener.host, listener.port):
            changed = with_port(changed, table, free_port(listener.host))
    if changed != text:
        write_file(data / FILE_NAME, changed.encode())
    return load(data)


def is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def with_port(text: str, table: str, port: int) -> str:
    """``lienthong.toml`` with another port in ``[table]``, everything else as it was."""
    pattern = re.compile(rf"(?ms)^(\[{table}\]\n(?:(?!\[).*?\n)*?port *= *)\d+")
    changed, count = pattern.subn(rf"\g<1>{port}", text, count=1)
    if not count:
        changed, count = re.subn(rf"(?m)^\[{table}\]\n", f"[{table}]\nport = {port}\n", text, count=1)
    return changed if count else f"{text.rstrip()}\n\n[{table}]\nport = {port}\n"


def _die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the demonstration is gone, however it went."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:
        os._exit(1)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"
