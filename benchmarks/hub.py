"""What one document costs the hub, against the floor that no design can go below.

Floor: P-256 verification + SHA-256 of the body + the same server receiving and dropping the same body +
a batched durable append of it, each measured in this run. Measured: the hub's process from socket to
receipt: ASiC-E verified, logged, synced, receipted. CPU time of the whole process, µs a document.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks import _province
from benchmarks._load import Request, drive
from benchmarks.figure import Figure, cpu_microseconds

BATCH = 16
CONNECTIONS = 32
HEAD = (
    b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
    b"Content-Type: application/vnd.etsi.asic-e+zip\r\n"
)


def verification() -> float:
    key = ec.generate_private_key(ec.SECP256R1())
    algorithm = ec.ECDSA(hashes.SHA256())
    signature = key.sign(b"signed attributes", algorithm)
    public = key.public_key()
    return cpu_microseconds(lambda: public.verify(signature, b"signed attributes", algorithm), repeat=1000)


def digest(size: int) -> float:
    body = os.urandom(size)
    return cpu_microseconds(lambda: hashlib.sha256(body).digest(), repeat=1000)


def durable_append(size: int, folder: Path) -> float:
    """One write and one fdatasync a batch into a preallocated file, per document."""
    batch = os.urandom(size * BATCH)
    descriptor = os.open(folder / "append", os.O_RDWR | os.O_CREAT, 0o600)
    length = 64 * 1024**2
    os.posix_fallocate(descriptor, 0, length)
    position = 0

    def append() -> None:
        nonlocal position
        os.pwrite(descriptor, batch, position)
        os.fdatasync(descriptor)
        position = (position + len(batch)) % (length - len(batch))

    try:
        return cpu_microseconds(append, repeat=60) / BATCH
    finally:
        os.close(descriptor)
        (folder / "append").unlink()


def requests_of(data: Path, url: str, count: int, size: int, first: int) -> list[Request]:
    """Documents of all senders in turn, each with its sender's session."""
    profiles = [_province.profile(data, code) for code in _province.SENDERS]
    each = count // len(profiles)
    by_sender = [
        (HEAD % _province.token(one, url).encode(), _province.containers(one, each, size, first=first))
        for one in profiles
    ]
    return [(head, made[number]) for number in range(each) for head, made in by_sender]


def measure(quick: bool = False) -> Iterator[Figure]:
    rounds, count = (2, 400) if quick else (5, 3200)
    verify = verification()
    with tempfile.TemporaryDirectory(dir=os.environ.get("LIENTHONG_BENCH_DIR")) as temporary:
        data = Path(temporary) / "province"
        subprocess.run([sys.executable, "-m", "benchmarks._province", str(data)], check=True)
        for size, name, target in ((100 * 1024, "100kb", ">= 0.60"), (4 * 1024, "4kb", ">= 0.50")):
            hashing, append = digest(size), durable_append(size, Path(temporary))
            with (
                _province.process("_serve_drop", str(data)) as drop,
                _province.process("_serve_hub", str(data)) as hub,
            ):
                received, measured = [], []
                for number in range(rounds + 1):
                    load = requests_of(data, hub.url, count, size, number * count + size)
                    dropped = drive(drop.pid, drop.port, load, connections=CONNECTIONS)
                    spent = drive(hub.pid, hub.port, load, connections=CONNECTIONS)
                    if set(spent.statuses) != {201}:
                        raise RuntimeError(f"the hub answered {spent.statuses}")
                    if number:  # the first round warms caches up
                        received.append(dropped.cpu_us)
                        measured.append(spent.cpu_us)
                receive, whole = statistics.median(received), statistics.median(measured)
            floor = verify + hashing + receive + append
            yield Figure(
                name=f"hub_cpu_{name}_floor_over_measured",
                value=floor / whole,
                target=target,
                unit="µs",
                measured=whole,
                baseline=floor,
                baseline_name="floor",
                parts={
                    "P-256 verify": verify,
                    "SHA-256": hashing,
                    "receive and drop": receive,
                    "durable append": append,
                    "everything else": whole - floor,
                },
            )
