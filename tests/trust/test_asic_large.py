"""Large containers are written, read and unpacked in constant memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SIZE = 300 << 20
MEMORY = 100 << 20
"""Of the whole process: interpreter, cryptography and lxml are about half of it. Read as VmHWM, because
``ru_maxrss`` of a child begins with what its parent had when it was started.
"""

CHILD = """
import re, sys
from datetime import UTC, datetime
from pathlib import Path

from lienthong.trust import asic
from lienthong.trust.sealing import seal, unseal
from tests.trust.container_signers import NOW, encryption, signer

folder, size = Path(sys.argv[1]), int(sys.argv[2])
large = folder / "ban do.tif"
with large.open("wb") as file:
    file.write(b"start")
    file.truncate(size)
entry = asic.Entry("ban do.tif", "image/tiff", large)
if sys.argv[3] == "plain":
    made = folder / "large.asice"
    asic.write([entry], signer(), signing_time=NOW, out=made)
    with asic.read(made) as opened, opened.open("ban do.tif") as stream:
        assert stream.read(5) == b"start"
        left = size - 5
        while piece := stream.read(1 << 16):
            left -= len(piece)
        assert left == 0
else:
    key, certificate = encryption()
    sealed = folder / "large.p7m"
    seal([entry], [certificate], sealed)
    [path] = unseal(sealed, key, certificate, folder / "opened")
    assert path.stat().st_size == size
print(re.search(r"VmHWM:\\s+([0-9]+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["plain", "sealed"])
def test_three_hundred_megabytes_pass_through_a_hundred(way: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path), str(SIZE), way],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * 1024 < MEMORY
