"""A large file from one agency to another: through client, hub and client, none of which holds it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.processes import ROOT, HubProcess
from tests.exchange.conftest import NewProvince
from tests.exchange.province import COMMUNE, PROVINCE

MEGABYTE = 1_000_000
MOST = 100 * MEGABYTE
"""What each process may ever have in memory (VmHWM), itself and its libraries included."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")

PEAK = """
import os
def peak():
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))) * 1024
"""
SEND = (
    PEAK
    + """
import json, sys
from datetime import date
from pathlib import Path
from lienthong.exchange.client import Client
from lienthong.exchange.client.build import compose
from lienthong.exchange.container import File
folder, file, to, seal = sys.argv[1:]
with Client(Path(folder)) as client:
    document = compose(client.profile, to=[to], subject="Ban do hien trang", number="1", notation="UBND-VX",
                       promulgated=date.today())
    row = client.send(document, [File("ban-do.tif", "image/tiff", Path(file))], seal=seal == "sealed")
    print(json.dumps({"state": row.state, "problem": row.problem, "index": row.log_index, "peak": peak()}))
"""
)
RECEIVE = (
    PEAK
    + """
import json, sys
from pathlib import Path
from lienthong.exchange.client import Client
folder, index, out = sys.argv[1:]
with Client(Path(folder)) as client:
    received = client.fetch(int(index))
    [path] = client.extract(received, Path(out))
    taken = client.acknowledge([received.index])
    print(json.dumps({"path": str(path), "taken": taken, "peak": peak()}))
"""
)


def made(path: Path, size: int) -> str:
    """A file of that size that does not pack, and its SHA-256."""
    digest, block = hashlib.sha256(), os.urandom(MEGABYTE)
    with path.open("wb") as out:
        for number in range(size // MEGABYTE):
            piece = number.to_bytes(8, "big") + block[8:]
            digest.update(piece)
            out.write(piece)
    return digest.hexdigest()


def performed(program: str, *arguments: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def travels(province_maker: NewProvince, folder: Path, size: int, *, sealed: bool) -> None:
    province = province_maker()
    file, out = folder / "ban-do.tif", folder / "out"
    digest = made(file, size)
    agencies = province.data / "agencies"
    with HubProcess(province) as hub:
        province.write_profiles(hub.url)
        how = "sealed" if sealed else "open"
        sent = performed(SEND, str(agencies / PROVINCE), str(file), COMMUNE, how)
        assert sent["state"] == "sent", sent
        file.unlink()
        received = performed(RECEIVE, str(agencies / COMMUNE), str(sent["index"]), str(out))
        assert received["taken"] == [sent["index"]]
        with Path(str(received["path"])).open("rb") as arrived:
            assert hashlib.file_digest(arrived, "sha256").hexdigest() == digest
        peaks = {"sender": sent["peak"], "hub": hub.peak_bytes(), "receiver": received["peak"]}
        megabytes = {who: int(str(one)) // MEGABYTE for who, one in peaks.items()}
        print(f"{size // MEGABYTE} MB, at most in memory: {megabytes} MB")
        assert all(one < MOST // MEGABYTE for one in megabytes.values()), megabytes
        assert list((province.data / "hub/spool").iterdir()) == []


@pytest.mark.slow
def test_three_hundred_megabytes_arrive_with_little_memory(new_province: NewProvince, tmp_path: Path) -> None:
    travels(new_province, tmp_path, 300 * MEGABYTE, sealed=False)


@pytest.mark.slow
def test_a_sealed_file_needs_no_more_memory(new_province: NewProvince, tmp_path: Path) -> None:
    travels(new_province, tmp_path, 60 * MEGABYTE, sealed=True)


@pytest.mark.soak
@pytest.mark.parametrize("sealed", [False, True], ids=["open", "sealed"])
def test_a_gigabyte_arrives_with_little_memory(
    new_province: NewProvince, tmp_path: Path, sealed: bool
) -> None:
    travels(new_province, tmp_path, 1000 * MEGABYTE, sealed=sealed)
