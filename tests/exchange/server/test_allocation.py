"""What the hub asks of the C library."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_BODIES = """
import resource, sys
from lienthong.exchange.server.allocation import keep_freed_memory
assert keep_freed_memory()
BODY = bytes(sys.argv[1], "ascii")
def pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    BODY * 100_000, BODY * 110_000
before = pages()
for _ in range(200):
    BODY * 100_000, BODY * 110_000
print(pages() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the advice is for glibc")
def test_a_body_that_came_and_went_leaves_its_pages_to_the_next() -> None:
    done = subprocess.run([sys.executable, "-c", _BODIES, "x"], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 200, "each of 200 bodies faulted its pages in again"
