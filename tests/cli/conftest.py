"""A province made by ``lienthong init`` and served by ``lienthong serve``, for tests of the commands."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cli.shell import Shell, open_shell

PROVINCE, FINANCE, AUDIT, COMMUNE = "H61", "H61.05", "H61.18", "H61.62.05"


@dataclass(frozen=True)
class Served:
    """A data folder whose hub runs, and the shell that made it."""

    data: Path
    run: Shell


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Vĩnh Long with profiles for four agencies; the exchange alone, with TLS, on a free port."""
    folder = tmp_path_factory.mktemp("served")
    data = folder / "province"
    with open_shell() as run:
        agencies = [part for code in (PROVINCE, FINANCE, AUDIT, COMMUNE) for part in ("--agency", code)]
        run("init", "--data", data, "--seed", "vinhlong-2017", *agencies, "--port", free_port())
        ready_read, ready_write = os.pipe()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LIENTHONG_")}
        with (folder / "serve.log").open("wb") as log:
            hub = subprocess.Popen(
                [sys.executable, "-m", "lienthong.exchange.server", str(data)],
                env={**clean, "LIENTHONG_READY_FD": str(ready_write)},
                pass_fds=(ready_write,),
                stdout=log,
                stderr=log,
            )
        os.close(ready_write)
        try:
            said = os.read(ready_read, 4096)
            assert said, (folder / "serve.log").read_text()[-3000:]
            yield Served(data, run)
        finally:
            os.close(ready_read)
            hub.send_signal(signal.SIGTERM)
            hub.wait(60)
