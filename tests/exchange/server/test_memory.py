"""A large container passes through a hub whose memory stays small."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest
from tests.exchange.conftest import NewProvince
from tests.exchange.province import COMMUNE, PROVINCE

from lienthong.exchange.client.signature import signed_headers
from lienthong.exchange.container import File, build
from lienthong.trust.asic import MIMETYPE

SIZE = int(os.environ.get("LIENTHONG_LARGE_BYTES", 200 * 1024**2))
GROWTH = 40 * 1024**2
"""What a hub's memory may grow by; at rest it has about 80 MB."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_memory_stays_small_whatever_the_size(new_province: NewProvince, tmp_path: Path) -> None:
    province = new_province()
    file = tmp_path / "large.bin"
    block = os.urandom(1024 * 1024)
    with file.open("wb") as out:
        for number in range(SIZE // len(block)):
            out.write(number.to_bytes(8, "big") + block[8:])
    out_path = tmp_path / "large.asice"
    document = province.document(PROVINCE, [COMMUNE])
    build(
        document,
        [File("ban-do.bin", "application/octet-stream", file)],
        province.seals[PROVINCE],
        signing_time=province.now,
        out=out_path,
    )
    file.unlink()
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "lienthong.exchange.server", str(province.data)],
        pass_fds=(write,),
        env={**os.environ, "LIENTHONG_READY_FD": str(write)},
    )
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            url = json.loads(pipe.readline())["url"]
        before = peak(process.pid)
        assert psutil.Process(process.pid).memory_info().rss < 120 * 1000**2, "at rest"
        answer = send(url, province.tls[PROVINCE], out_path)
        assert answer.status_code == 201, answer.text
        assert fetch(url, province.tls[COMMUNE], answer.headers["location"]) == digest_of(out_path)
        assert peak(process.pid) - before < GROWTH
    finally:
        process.terminate()
        process.wait(60)


def peak(pid: int) -> int:
    """The largest resident memory the process ever had, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def digest_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def send(url: str, signer: object, path: Path) -> httpx.Response:
    digest = bytes.fromhex(digest_of(path))
    headers = signed_headers(
        signer,  # type: ignore[arg-type]
        method="POST",
        url=f"{url}/v1/messages",
        body_digest=digest,
        created=_now(),
    )
    headers |= {"Content-Type": MIMETYPE, "Content-Length": str(path.stat().st_size)}
    with path.open("rb") as stream:
        return httpx.post(
            f"{url}/v1/messages",
            content=iter(lambda: stream.read(1 << 20), b""),
            headers=headers,
            timeout=600,
            trust_env=False,
        )


def fetch(url: str, signer: object, path: str) -> str:
    headers = signed_headers(
        signer,  # type: ignore[arg-type]
        method="GET",
        url=url + path,
        body_digest=hashlib.sha256(b"").digest(),
        created=_now(),
    )
    digest = hashlib.sha256()
    with httpx.stream("GET", url + path, headers=headers, timeout=600, trust_env=False) as answer:
        assert answer.status_code == 200
        for piece in answer.iter_raw(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _now() -> int:
    from datetime import UTC, datetime

    return int(datetime.now(UTC).timestamp())
