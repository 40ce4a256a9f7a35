"""The process is ended at every named crash point, and at random; no promise may be broken."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.exchange.store.crash_worker import OPTIONS
from tests.exchange.store.submissions import ORIGIN, sign_checkpoint

from lienthong.exchange.store import crashpoints
from lienthong.exchange.store.embedded import open_embedded

ROOT = Path(__file__).resolve().parents[3]
WORKER = Path(__file__).with_name("crash_worker.py")

TAIL_POINTS = [point for point in crashpoints.POINTS if point.startswith("recovery.tail")]
REBUILD_POINTS = [point for point in crashpoints.POINTS if point.startswith("rebuild.")]
OTHER_POINTS = [point for point in crashpoints.POINTS if point not in TAIL_POINTS + REBUILD_POINTS]


class Promises:
    """What clients were told, over all lives of the store."""

    def __init__(self) -> None:
        self.receipts: dict[str, tuple[int, str]] = {}
        self.cosignatures: list[tuple[int, bytes]] = []
        self.closed = False

    def hear(self, output: str) -> None:
        for line in output.splitlines():
            if not line.endswith("}"):
                continue  # The process died while it wrote this line: nobody heard it.
            told = json.loads(line)
            if "receipt" in told:
                earlier = self.receipts.setdefault(told["id"], (told["index"], told["receipt"]))
                assert earlier == (told["index"], told["receipt"]), told["id"]
            elif "cosignature" in told:
                self.cosignatures.append((told["size"], told["cosignature"].encode()))
            self.closed = "closed" in told

    def check(self, folder: Path) -> None:
        """Open the store once more and look for everything."""
        store = open_embedded(folder, ORIGIN, sign_checkpoint, options=OPTIONS)
        try:
            size = store.tree_size()
            ids = [f"{record.sender} {record.message_id}" for n in range(size) if (record := store.record(n))]
            assert len(ids) == size == len(set(ids))
            for key, (index, receipt) in self.receipts.items():
                assert ids[index] == key
                assert store.receipt(index).decode() == receipt
            for tree_size, line in self.cosignatures:
                assert line in store.cosignatures(tree_size)
            assert store.verify() == size
            counted = store.statistics()
            assert counted.documents + counted.statuses + counted.acknowledgements == size
        finally:
            store.close()


def live(folder: Path, life: int, crash_at: str, script: str = "plain") -> tuple[int, str]:
    """Run a life; answers its exit code and what it told."""
    environment = os.environ | {
        "LIENTHONG_CRASH_AT": crash_at,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
    }
    done = subprocess.run(
        [sys.executable, str(WORKER), str(folder), str(life), script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, crashpoints.EXIT_CODE), done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize("point", OTHER_POINTS)
def test_a_crash_at_any_point_breaks_no_promise(tmp_path: Path, point: str) -> None:
    folder, promises = tmp_path / "hub", Promises()
    crashes = 0
    for life, passes in enumerate((1, 1, 3)):
        code, told = live(folder, life, f"{point}:{passes}")
        crashes += code == crashpoints.EXIT_CODE
        promises.hear(told)
        promises.check(folder)
    assert crashes, f"{point} was never passed"


@pytest.mark.parametrize("point", REBUILD_POINTS)
def test_a_crash_while_the_index_is_rebuilt_breaks_no_promise(tmp_path: Path, point: str) -> None:
    folder, promises = tmp_path / "hub", Promises()
    promises.hear(live(folder, 0, "")[1])
    code, told = live(folder, 1, point, "rebuild")
    assert code == crashpoints.EXIT_CODE
    promises.hear(told)
    promises.check(folder)


@pytest.mark.parametrize("point", TAIL_POINTS)
def test_a_crash_while_a_torn_tail_is_cut_breaks_no_promise(tmp_path: Path, point: str) -> None:
    folder, promises = tmp_path / "hub", Promises()
    code, told = live(folder, 0, "append.torn:7")
    assert code == crashpoints.EXIT_CODE
    promises.hear(told)
    code, told = live(folder, 1, point)
    assert code == crashpoints.EXIT_CODE
    promises.hear(told)
    promises.check(folder)
    promises.hear(live(folder, 2, "")[1])
    promises.check(folder)
    assert promises.closed


def test_every_crash_point_of_the_code_is_listed() -> None:
    used: set[str] = set()
    for path in (ROOT / "src" / "lienthong" / "exchange" / "store").rglob("*.py"):
        used.update(re.findall(r'(?:crashpoint|due)\(\s*"([a-z.-]+)"', path.read_text()))
    assert used == {*crashpoints.POINTS, *crashpoints.POSTGRES_POINTS}


def test_kills_at_random_moments_break_no_promise(tmp_path: Path) -> None:
    """As ``kill -9`` from outside: after some bytes of output, wherever the process is by then."""
    folder, promises, luck = tmp_path / "hub", Promises(), random.Random(7)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    for life in range(12):
        process = subprocess.Popen(
            [sys.executable, str(WORKER), str(folder), str(life), "plain"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            heard = [line for _ in range(luck.randint(1, 60)) if (line := process.stdout.readline())]
            process.kill()
            heard += process.stdout.readlines()
        promises.hear("".join(heard))
    promises.check(folder)
    assert promises.receipts
