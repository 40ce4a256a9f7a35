"""A parent that forks hubs: each is a process of its own that can be killed, and starts quickly.

``python -m tests.acceptance.nursery`` reads lines ``CRASH_AT DATA`` (``-`` for no crash point) on standard
input, forks a hub for each and prints ``pid N``; the hub prints ``ready`` once it takes connections, or
``failed …``. What the hubs log goes to standard error.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]


class Nursery:
    """The parent, seen from a test. One hub lives at a time."""

    def __init__(self, data: Path, log: Path) -> None:
        self.data = data
        self._log = log.open("ab")
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=ROOT,
        )
        self.pid = 0
        self._ended = False

    def start(self, crash_at: str = "") -> bool:
        """A new hub. False when it vanished before it took connections (a crash point on the way)."""
        assert self._parent.stdin is not None
        self._parent.stdin.write(f"{crash_at or '-'} {self.data}\n")
        self._parent.stdin.flush()
        self.pid = int(self._line().split()[1])
        said = self._line()
        if said.startswith("failed"):
            raise AssertionError(said)
        self._ended = said == f"ended {self.pid}"
        return said == "ready"

    def kill(self) -> None:
        """``kill -9``, and wait until the process is gone."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def wait(self) -> None:
        """Until the hub has ended; the parent says so."""
        while not self._ended:
            self._ended = self._line() == f"ended {self.pid}"

    def _line(self) -> str:
        assert self._parent.stdout is not None
        line = self._parent.stdout.readline()
        if not line:
            raise AssertionError("the nursery ended")
        return line.strip()

    def __enter__(self) -> Nursery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        assert self._parent.stdin is not None and self._parent.stdout is not None
        self._parent.stdin.close()
        self._parent.stdout.close()
        self._parent.wait(30)
        self._log.close()


def _hub(data: Path, crash_at: str, answers: int) -> None:
    from lienthong.exchange.configuration import Configuration, load
    from lienthong.exchange.server.process import serve
    from lienthong.exchange.store import crashpoints

    crashpoints._armed, crashpoints._passes_left = crashpoints._parse("" if crash_at == "-" else crash_at)

    def ready(_: Configuration) -> None:
        os.write(answers, b"ready\n")

    try:
        serve(load(data), ready)
    except BaseException as error:
        os.write(answers, f"failed {type(error).__name__}: {error}".replace("\n", " ").encode() + b"\n")
    os._exit(0)


def main() -> None:
    import lienthong.exchange.server.process
    import lienthong.exchange.store.embedded  # noqa: F401 - imported once, before the forks

    answers = os.dup(1)
    os.dup2(2, 1)
    for line in sys.stdin:
        crash_at, data = line.rstrip("\n").split(" ", 1)
        child = os.fork()
        if child == 0:
            _hub(Path(data), crash_at, answers)
        os.write(answers, f"pid {child}\n".encode())
        os.waitpid(child, 0)
        os.write(answers, f"ended {child}\n".encode())


if __name__ == "__main__":
    main()
