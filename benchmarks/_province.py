"""A small real province to measure in: registry, CA, keys, directory; and its hub as a process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import httpx

from lienthong.cli.django import use_data_folder
from lienthong.cli.province import Plan, create, renew
from lienthong.core.clock import VIETNAM
from lienthong.exchange.client import build
from lienthong.exchange.client.profile import AgencyProfile, load_profile
from lienthong.exchange.client.signature import signed_headers
from lienthong.exchange.container import File
from lienthong.exchange.container import build as container_of
from lienthong.exchange.edxml.model import Document, Trace, TraceHeader

MORE = ("H61.10",)
SENDERS = tuple(f"H61.{number:02d}" for number in range(2, 10))
RECIPIENT = "H61"


def make(data: Path) -> None:
    """The province, with quotas that do not limit the measurement."""
    from lienthong.registry.directory import Quota

    now = datetime.now(UTC)
    plan = Plan(
        "Vĩnh Long", "bench.lienthong.example", "vinhlong-2017", (RECIPIENT, *SENDERS, *MORE), tls=False
    )
    data.mkdir(parents=True, exist_ok=True)
    use_data_folder(data, create=True)
    create(data, plan, now=now)
    from lienthong.registry import actions

    actions.set_quota("*", Quota(messages_per_minute=10**7, bytes_per_day=2**50, concurrent=10_000))
    renew(data, now=datetime.now(UTC), force=True)
    configuration = data / "lienthong.toml"
    text = configuration.read_text().replace("port = 8440", "port = 0")
    configuration.write_text(text + "\n[limits]\nconcurrent = 1000\nwaiting = 1000\n")


def profile(data: Path, code: str) -> AgencyProfile:
    return load_profile(data / "agencies" / code)


def document_of(sender: AgencyProfile) -> Document:
    """An ordinary report from ``sender`` to :data:`RECIPIENT`, not yet with an id."""
    return build.compose(
        sender,
        to=[RECIPIENT],
        subject="V/v báo cáo tình hình ứng dụng công nghệ thông tin trong hoạt động của cơ quan quý III",
        number="1",
        notation="BC-STTTT",
        promulgated=date(2026, 10, 5),
    )


def containers(sender: AgencyProfile, count: int, size: int, *, first: int = 0) -> list[bytes]:
    """``count`` sealed documents to :data:`RECIPIENT` with one incompressible file of ``size`` bytes."""
    from dataclasses import replace

    now = datetime.now(UTC)
    document = document_of(sender)
    file = File("bao-cao.pdf", "application/pdf", os.urandom(size))
    stop = TraceHeader(sender.code, now.astimezone(VIETNAM).replace(microsecond=0))
    made = []
    for number in range(first, first + count):
        one = replace(document, trace=Trace(f"bench-{sender.code}-{number}", (stop,), document.business))
        whole = container_of(one, [file], sender.seal, signing_time=now)
        assert whole is not None
        made.append(whole)
    return made


def token(sender: AgencyProfile, url: str) -> str:
    """A session at the hub."""
    from hashlib import sha256

    headers = signed_headers(
        sender.tls,
        method="POST",
        url=f"{url}/v1/sessions",
        body_digest=sha256(b"").digest(),
        created=int(datetime.now(UTC).timestamp()),
    )
    answer = httpx.post(f"{url}/v1/sessions", headers=headers)
    answer.raise_for_status()
    return str(answer.json()["token"])


@dataclass(frozen=True)
class Running:
    """A server process: its id, port and base URL."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def process(module: str, *arguments: str) -> Iterator[Running]:
    """``python -m benchmarks.MODULE``, which prints its port once it listens; ended on leaving."""
    started = subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{module}", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    said: list[str] = []
    while not (said and said[-1].isdigit()):
        line = started.stdout.readline()
        if not line:
            raise RuntimeError(f"benchmarks.{module} did not start: {' '.join(said)}")
        said.append(line.strip())
    threading.Thread(target=started.stdout.read, daemon=True).start()
    try:
        yield Running(started.pid, int(said[-1]))
    finally:
        started.terminate()
        started.wait(30)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
