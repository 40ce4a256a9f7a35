"""What one document costs the hub, against the floor that no design can go below.

Floor: P-256 verification + SHA-256 of the body + the same server receiving and dropping the same body +
a batched durable append of it, each measured in this run. Measured: the hub's process from socket to
receipt: ASiC-E verified, logged, synced, receipted. CPU time of the whole process, µs a document.

A processor whose neighbour is idle, and whose caches hold nothing else, verifies a fifth faster than one at
work. So the verification and the digest are measured where the hub does them, in the server that receives:
what it costs with them, less what it costs without.

Another tenant of the same processor core can slow it by half for seconds. So everything is measured in
turn within short windows, the ratio is taken window by window, and the median over the windows counts.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks import _province
from benchmarks._load import Request, drive
from benchmarks._serve_drop import DIGESTS
from benchmarks._store import BareAppend
from benchmarks.figure import Figure, cpu_microseconds

CONNECTIONS = 64
"""A province has some 125 agencies; about half of them send at the same moment."""
PATH = b"/v1/messages"
HEAD = (
    b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
    b"Content-Type: application/vnd.etsi.asic-e+zip\r\n"
)


def requests_of(data: Path, url: str, count: int, size: int, first: int) -> list[Request]:
    """Documents of all senders in turn, each with its sender's session."""
    profiles = [_province.profile(data, code) for code in _province.SENDERS]
    each = count // len(profiles)
    by_sender = [
        (HEAD % _province.token(one, url).encode(), _province.containers(one, each, size, first=first))
        for one in profiles
    ]
    return [(head, made[number]) for number in range(each) for head, made in by_sender]


@dataclass(frozen=True)
class Window:
    """One moment's figures, µs a document."""

    verify: float
    digest: float
    receive: float
    append: float
    whole: float

    @property
    def floor(self) -> float:
        return self.verify + self.digest + self.receive + self.append


def windows(data: Path, folder: Path, size: int, *, count: int, each: int) -> Iterator[Window]:
    """``count`` windows of ``each`` documents with a file of ``size`` bytes; two more warm up."""
    bare = BareAppend(folder / "append")
    with (
        _province.process("_serve_drop", str(data)) as drop,
        _province.process("_serve_hub", str(data)) as hub,
    ):
        for number in range(count + 2):
            load = requests_of(data, hub.url, each, size, number * each + size)
            bodies = [body for _, body in load]
            batch = bodies[: max(1, round(records_in_a_batch(hub.url)))]
            appended = cpu_microseconds(lambda: bare(batch), repeat=2)  # noqa: B023
            dropped, verified, digested = (
                drive(
                    drop.pid,
                    drop.port,
                    [(head.replace(PATH, path), body) for head, body in load],
                    connections=CONNECTIONS,
                ).cpu_us
                for path in (PATH, b"/verify", b"/digest")
            )
            spent = drive(hub.pid, hub.port, load, connections=CONNECTIONS)
            if set(spent.statuses) != {201}:
                raise RuntimeError(f"the hub answered {spent.statuses}")
            if number >= 2:
                yield Window(
                    verified - dropped,
                    (digested - dropped) / DIGESTS,
                    dropped,
                    appended / len(batch),
                    spent.cpu_us,
                )
    bare.close()


def records_in_a_batch(url: str) -> float:
    """The hub's mean so far, for the floor's append to batch alike."""
    found = dict(
        line.split(" ") for line in httpx.get(f"{url}/metrics").text.splitlines() if line[:1] not in "#p"
    )
    records = sum(float(value) for name, value in found.items() if name.startswith("lienthong_records_total"))
    return records / max(1.0, float(found["lienthong_batches_total"]))


def measure(quick: bool = False) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("LIENTHONG_BENCH_DIR")) as temporary:
        data = Path(temporary) / "province"
        subprocess.run([sys.executable, "-m", "benchmarks._province", str(data)], check=True)
        for size, name, target in ((100 * 1024, "100kb", ">= 0.60"), (4 * 1024, "4kb", ">= 0.50")):
            count, each = (5, 192) if quick else (40, 384)
            found = list(windows(data, Path(temporary), size, count=count, each=each))

            def median(of: Callable[[Window], float], found: list[Window] = found) -> float:
                return statistics.median(map(of, found))

            yield Figure(
                name=f"hub_cpu_{name}_floor_over_measured",
                value=median(lambda one: one.floor / one.whole),
                target=target,
                unit="µs",
                measured=median(lambda one: one.whole),
                baseline=median(lambda one: one.floor),
                baseline_name="floor",
                parts={
                    "P-256 verify": median(lambda one: one.verify),
                    "SHA-256": median(lambda one: one.digest),
                    "receive and drop": median(lambda one: one.receive),
                    "durable append": median(lambda one: one.append),
                    "everything else": median(lambda one: one.whole - one.floor),
                },
                note=f"medians of {count} windows; the least: {min(one.whole for one in found):.0f} µs, "
                f"floor {min(one.floor for one in found):.0f}",
            )
