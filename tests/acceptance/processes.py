"""The exchange as a process of its own, in a mount namespace or under a limit, for faults of its machine."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType

import httpx
from tests.exchange.province import RunningHub, TestProvince

ROOT = Path(__file__).resolve().parents[2]


@cache
def namespace() -> tuple[str, ...]:
    """The command that gives a process mounts of its own; empty where this machine does not allow it."""
    commands = (("unshare", "-m"),) if os.geteuid() == 0 else (("unshare", "-Urm"),)
    for command in commands:
        try:
            tried = subprocess.run(
                [*command, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
            )
        except OSError:
            continue
        if tried.returncode == 0:
            return command
    return ()


class HubProcess(RunningHub):
    """``python -m lienthong.exchange.server``. ``mount``: a shell command in a mount namespace of its own
    beforehand; ``limit``: called in the new process before it becomes the hub.
    """

    def __init__(
        self, province: TestProvince, *, mount: str = "", limit: Callable[[], None] | None = None
    ) -> None:
        super().__init__(province)
        self._mount, self._limit = mount, limit
        self.process: subprocess.Popen[bytes]
        self.said = province.data.parent / f"{province.data.name}.stderr"

    def start(self) -> bool:
        """Whether it came to take connections; what it said instead is in :attr:`said`."""
        hub: Sequence[str] = [sys.executable, "-m", "lienthong.exchange.server", str(self.province.data)]
        if self._mount:
            hub = [*namespace(), "sh", "-c", f"{self._mount} && exec {shlex.join(hub)}"]
        read, write = os.pipe()
        with self.said.open("wb") as stderr:
            self.process = subprocess.Popen(
                hub,
                pass_fds=(write,),
                env={**os.environ, "LIENTHONG_READY_FD": str(write)},
                stderr=stderr,
                cwd=ROOT,
                preexec_fn=self._limit,
            )
        os.close(write)
        with os.fdopen(read) as pipe:
            line = pipe.readline()
        if not line:
            self.process.wait(60)
            return False
        self.url = json.loads(line)["url"]
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        return True

    def __enter__(self) -> HubProcess:
        assert self.start(), self.said.read_text()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """SIGTERM, and wait."""
        if self.process.poll() is None:
            self.http.close()
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def inside(self, path: Path) -> Path:
        """A path as this process sees it, mounts of its own included."""
        return Path(f"/proc/{self.process.pid}/root") / path.relative_to("/")

    def peak_bytes(self) -> int:
        """The largest resident memory it ever had (VmHWM)."""
        return peak_bytes(self.process.pid)


def peak_bytes(pid: int) -> int:
    """The largest resident memory a process ever had (VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")
