"""A sending client killed with -9 hundreds of times beside a living hub: what its outbox promised to keep
arrives, each message once, and every receipt is kept.

``python -m tests.acceptance.test_client_kills FOLDER`` is the parent whose children are killed: it opens the
profile's keys once and forks a client for each line ``RUN`` on standard input. A client says ``kept ID`` when
a message is in its outbox and ``sent ID`` when its receipt is there.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from tests.exchange.province import COMMUNE, OTHER_COMMUNE, PROVINCE, RunningHub, TestProvince

from lienthong.exchange.client.build import compose
from lienthong.exchange.client.outbox import LARGE
from lienthong.exchange.client.profile import AgencyProfile, load_profile
from lienthong.exchange.client.receipt import check_receipt
from lienthong.exchange.client.sync import Client
from lienthong.exchange.container import File

ROOT = Path(__file__).resolve().parents[2]


class Clients:
    """The parent, seen from the test. One client lives at a time; what they all said is in :attr:`said`."""

    def __init__(self, folder: Path) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.test_client_kills", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.said: list[tuple[str, str]] = []
        self.kills = 0
        self._pid = 0

    def start(self, run: int) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.write(f"{run}\n")
        self._parent.stdin.flush()
        self._pid = int(self._line().split()[1])

    def hear(self, lines: int) -> None:
        """Wait until the client has said so many more lines."""
        for _ in range(lines):
            self._take(self._line())

    def kill(self) -> None:
        """``kill -9``, and hear what it had said until then."""
        os.kill(self._pid, signal.SIGKILL)
        while not (line := self._line()).startswith("ended "):
            self._take(line)
        assert line == f"ended {self._pid} {-signal.SIGKILL}", "the client had ended by itself"
        self.kills += 1

    def _take(self, line: str) -> None:
        word, _, name = line.partition(" ")
        assert word in ("kept", "sent"), line
        self.said.append((word, name))

    def _line(self) -> str:
        assert self._parent.stdout is not None
        line = self._parent.stdout.readline()
        assert line, "the parent of the clients ended"
        return line.rstrip("\n")

    def close(self) -> None:
        assert self._parent.stdin is not None and self._parent.stdout is not None
        with contextlib.suppress(OSError):
            self._parent.stdin.close()
        self._parent.stdout.close()
        self._parent.wait(30)


@contextmanager
def clients(folder: Path) -> Iterator[Clients]:
    one = Clients(folder)
    try:
        yield one
    finally:
        one.close()


def play(province: TestProvince, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    print(f"seed {seed}")
    with RunningHub(province) as hub:
        province.write_profiles(hub.url)
        folder = province.data / "agencies" / PROVINCE
        with clients(folder) as victims:
            for run in range(kills):
                victims.start(run)
                victims.hear(chance.randint(0, 12))
                threading.Event().wait(chance.choice((0.0, 0.0, chance.uniform(0, 0.03))))
                victims.kill()
        assert victims.kills == kills
        _everything_arrived_once(hub, folder, victims.said)


def _everything_arrived_once(hub: RunningHub, folder: Path, said: list[tuple[str, str]]) -> None:
    kept = {name for word, name in said if word == "kept"}
    receipted = {name for word, name in said if word == "sent"}
    assert receipted and len(kept) > len(receipted) / 2
    with Client(folder) as client:
        before = {row.message_id: row for row in client.desk.outbox.rows(limit=100_000)}
        assert kept <= set(before), "a message that the outbox had kept is gone"
        assert all(before[name].receipt is not None for name in receipted), "a receipt is gone"
        left = client.deliver()
        assert left.problem is None and left.refused == 0
        rows = {row.message_id: row for row in client.desk.outbox.rows(limit=100_000)}
        assert {row.state for row in rows.values()} == {"sent"}
        for name, row in rows.items():
            assert row.receipt is not None and row.log_index is not None
            receipt = check_receipt(row.receipt, hub.province.log_key, digest=row.digest, message_id=name)
            assert receipt.index == row.log_index
            assert hub.get(PROVINCE, f"/v1/messages/{row.log_index}/receipt").content == row.receipt
            container = client.desk.outbox.container(row)
            whole = container.read_bytes() if isinstance(container, Path) else container
            assert sha256(whole).digest() == row.digest
            if before[name].receipt is not None:
                assert before[name].receipt == row.receipt, "a receipt was exchanged for another"
    arrived: Counter[str] = Counter()
    after = -1
    while page := hub.get(COMMUNE, f"/v1/inbox?limit=500&after={after}").json()["items"]:
        arrived.update(item["message_id"] for item in page)
        after = page[-1]["index"]
    assert arrived == Counter(list(rows)), "not every message arrived exactly once"
    assert hub.http.get("/v1/statistics").json()["tree_size"] == len(rows)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_two_hundred_kills_of_a_sending_client_lose_and_double_nothing(
    pristine_province: TestProvince, tmp_path: Path, part: int
) -> None:
    play(pristine_province.copy(tmp_path / "data"), 50, random.SystemRandom().randrange(2**32))


@pytest.mark.soak
def test_two_thousand_kills_of_a_sending_client(pristine_province: TestProvince, tmp_path: Path) -> None:
    play(pristine_province.copy(tmp_path / "data"), 2000, random.SystemRandom().randrange(2**32))


# --- the parent and its children


def _client(profile: AgencyProfile, run: str, say: int) -> None:
    """Send until killed: one by one, or several kept and then delivered; now and then a large one."""
    with Client(profile) as client:
        client.deliver()
        for number in range(10_000):
            name = f"{run}-{number}"
            document = compose(
                profile,
                to=[COMMUNE, OTHER_COMMUNE],
                subject="Về việc thử",
                number=str(number),
                notation=f"T{run}",
                promulgated=date.today(),  # noqa: DTZ011 - the day of whoever writes it
            )
            size = LARGE + 10_000 if number % 9 == 4 else 200
            row = client.enqueue(
                document, [File("a.bin", "application/octet-stream", bytes(size))], message_id=name
            )
            os.write(say, f"kept {row.message_id}\n".encode())
            if number % 3:
                client.deliver()
                for sent in client.desk.outbox.rows("sent", limit=3):
                    os.write(say, f"sent {sent.message_id}\n".encode())


def main(folder: Path) -> None:
    profile = load_profile(folder)
    assert profile.seal.certificate and profile.tls.certificate  # opened once, before the forks
    say = os.dup(1)
    os.dup2(2, 1)
    for line in sys.stdin:
        begin, announced = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.read(begin, 1)
                _client(profile, line.strip(), say)
            finally:
                os._exit(1)
        os.write(say, f"pid {child}\n".encode())
        os.write(announced, b"!")
        _, status = os.waitpid(child, 0)
        os.close(begin)
        os.close(announced)
        os.write(say, f"ended {child} {os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
