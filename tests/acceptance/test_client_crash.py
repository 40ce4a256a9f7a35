"""The client killed with -9 at random moments while it sends and receives: what it called sent is in the log
once, what it acknowledged is on its disk whole, and in the end everything it ever kept has arrived once.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from tests.exchange.province import COMMUNE, PROVINCE, RunningHub, TestProvince

from lienthong.exchange.client import Client
from lienthong.exchange.client.receipt import check_receipt

SENDER = """
import os, sys
from datetime import date
from pathlib import Path
from lienthong.exchange.client import Client
from lienthong.exchange.client.build import compose
from lienthong.exchange.container import File
folder, run, to = sys.argv[1:4]
with Client(Path(folder)) as client:
    client.deliver()
    for n in range(10_000):
        name = f"{run}-{n}"
        document = compose(client.profile, to=[to], subject="Về việc thử", number=str(n), notation=f"T{run}",
                           promulgated=date.today())
        size = 1_500_000 if n % 6 == 5 else 300 * n
        row = client.send(document, [File("a.bin", "application/octet-stream", bytes(size))], message_id=name)
        print(row.message_id, row.state, flush=True)
"""
RECEIVER = """
import sys
from pathlib import Path
from lienthong.exchange.client import Client
with Client(Path(sys.argv[1])) as client:
    client.deliver()
    while True:
        for item in client.inbox(pending=True, limit=20, wait_s=20).items:
            received = client.fetch(item.index)
            client.report(received, "01", message_id=f"{item.message_id}.01")
            client.acknowledge([item.index])
            print(item.index, "taken", flush=True)
"""


class Victim:
    """A client process that is started and killed again and again. Whatever it said is kept."""

    def __init__(self, program: str) -> None:
        self._program = program
        self.said: list[str] = []

    def start(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", self._program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=_environment(),
        )

    def hear(self, lines: int) -> None:
        """Wait until it has said so many lines."""
        assert self._process.stdout is not None and self._process.stderr is not None
        for _ in range(lines):
            line = self._process.stdout.readline()
            assert line, self._process.stderr.read()[-3000:]
            self.said.append(line)

    def kill(self, after_s: float) -> None:
        threading.Event().wait(after_s)
        self._process.kill()
        rest, _ = self._process.communicate()
        self.said += rest.splitlines(keepends=True)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONWARNINGS": "ignore", "PYTHONUNBUFFERED": "1"}


def play(folder: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    province = TestProvince(folder / "data")
    with RunningHub(province) as hub:
        province.write_profiles(hub.url)
        agencies = province.data / "agencies"
        sender, receiver = Victim(SENDER), Victim(RECEIVER)
        for life in range(kills // 2):
            sender.start(str(agencies / PROVINCE), str(life), COMMUNE)
            receiver.start(str(agencies / COMMUNE))
            sender.hear(chance.randint(0, 6))
            for victim in chance.sample([sender, receiver], 2):
                victim.kill(chance.random() / 10)
        _settle(province, [line.split()[0] for line in sender.said if line.endswith("sent\n")])


def _settle(province: TestProvince, promised: list[str]) -> None:
    """Both clients come back for good; then everything must be there, once."""
    agencies = province.data / "agencies"
    with Client(agencies / PROVINCE) as sender, Client(agencies / COMMUNE) as receiver:
        for row in sender.desk.outbox.rows("queued"):
            sender.desk.outbox.retry(row.message_id, 0)
        sender.deliver()
        rows = {row.message_id: row for row in sender.desk.outbox.rows(limit=100_000)}
        assert promised and set(promised) <= set(rows)
        assert {row.state for row in rows.values()} == {"sent"}
        for row in rows.values():
            assert row.receipt is not None
            check_receipt(row.receipt, province.log_key, digest=row.digest, message_id=row.message_id)

        receiver.deliver()
        items = []
        after = -1
        while page := receiver.inbox(after=after, limit=500).items:
            items += page
            after = page[-1].index
        assert Counter(item.message_id for item in items) == Counter(list(rows))
        taken = [item for item in items if item.acknowledged_ms is not None]
        assert taken
        for item in taken:
            assert receiver.kept(item.index).receipt.digest == rows[item.message_id].digest
        for item in items:
            if item not in taken:
                receiver.report(receiver.fetch(item.index), "01", message_id=f"{item.message_id}.01")
        for item in items:
            history = [one.status for one in sender.trace(item.index).history if one.kind == "status"]
            assert history == ["01"], item


def test_killed_at_random_moments_the_client_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    play(tmp_path, kills=16, seed=20_261_122)


@pytest.mark.soak
def test_hundreds_of_kills_of_the_client(tmp_path: Path) -> None:
    play(tmp_path, kills=400, seed=random.SystemRandom().randrange(2**32))
