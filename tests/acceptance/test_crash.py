"""A hub killed at any moment, at random and at every named crash point, loses and doubles nothing.

Clients keep sending while the hub is killed; an unanswered message is sent again with its id, as the
outbox does. After each restart every receipt given so far must still be the hub's word.
"""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from tests.acceptance.nursery import Nursery
from tests.exchange.province import COMMUNE, DEPARTMENT, OTHER_COMMUNE, PROVINCE, TestProvince

from lienthong.exchange.client.signature import signed_headers
from lienthong.exchange.evidence.checks import Trust
from lienthong.exchange.evidence.receipts import verify_receipt
from lienthong.exchange.store.crashpoints import POINTS
from lienthong.trust.log.policy import Policy

SENDERS = (PROVINCE, DEPARTMENT, COMMUNE)
REACHED = tuple(
    point
    for point in POINTS
    if point.split(".")[0] in {"append", "index", "recovery", "rebuild"}
    or point in {"commit.judged", "commit.signed"}
    if point not in {"index.flush", "index.flushed", "index.checkpointed"}
)
"""The points that a hub passes in a short life. The others (full segments, large payloads, archives, a
clean stop) are visited by tests/exchange/store, which can make segments small.
"""


@dataclass
class Sent:
    """One message: its container, and the receipt once the hub has given it."""

    sender: str
    message_id: str
    container: bytes
    receipt: bytes | None = None


@dataclass
class Campaign:
    """Clients against a hub that keeps dying."""

    province: TestProvince
    nursery: Nursery
    http: httpx.Client
    rng: random.Random
    sent: list[Sent] = field(default_factory=list)
    settled: dict[int, str] = field(default_factory=dict)
    """Message ids by index: every message whose receipt was verified."""
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    """The sessions, and until when they are used (monotonic seconds): a long run outlives them."""
    kills: int = 0
    crashed: set[str] = field(default_factory=set)

    def prepare(self, count: int) -> list[Sent]:
        made = []
        for _ in range(count):
            sender = self.rng.choice(SENDERS)
            document = self.province.document(sender, [OTHER_COMMUNE])
            container = self.province.container(document)
            assert document.message_id is not None
            made.append(Sent(sender, document.message_id, container))
        self.sent.extend(made)
        return made

    def token(self, agency: str) -> str:
        token, until = self.tokens.get(agency, ("", 0.0))
        if time.monotonic() >= until:
            headers = signed_headers(
                self.province.tls[agency],
                method="POST",
                url=f"{self.http.base_url}/v1/sessions",
                body_digest=sha256(b"").digest(),
                created=int(datetime.now(UTC).timestamp()),
            )
            answer = self.http.post("/v1/sessions", headers=headers)
            assert answer.status_code == 201, answer.text
            token = answer.json()["token"]
            self.tokens[agency] = token, time.monotonic() + 600
        return token

    def offer(self, message: Sent) -> None:
        """One attempt; no answer leaves the message as it was."""
        try:
            answer = self.http.post(
                "/v1/messages",
                content=message.container,
                headers={
                    "Authorization": f"Bearer {self.token(message.sender)}",
                    "Content-Type": "application/vnd.etsi.asic-e+zip",
                },
            )
        except httpx.TransportError:
            return
        assert answer.status_code in {200, 201}, answer.text
        if message.receipt is not None:
            assert answer.content == message.receipt, "a retry got another receipt"
        message.receipt = answer.content

    def life(self, crash_at: str = "") -> None:
        """Start, send until the hub dies (killed here when no crash point ends it), check after restart."""
        alive = self.nursery.start(crash_at)
        if alive:
            unanswered = [one for one in self.sent if one.receipt is None][:8]
            work = unanswered + self.prepare(self.rng.randint(2, 8))
            with ThreadPoolExecutor(4) as clients:
                attempts = [clients.submit(self.offer, one) for one in work]
                if not crash_at:
                    threading.Event().wait(self.rng.uniform(0.0, 0.05))
                    self.nursery.kill()
                for attempt in attempts:
                    attempt.result()
            if crash_at:
                self._end_unless_crashed(crash_at.partition(":")[0])
        else:
            self.crashed.add(crash_at.partition(":")[0])
            self.nursery.wait()
        self.kills += 1

    def _end_unless_crashed(self, point: str) -> None:
        try:
            self.http.get("/health/live")
        except httpx.TransportError:
            self.crashed.add(point)
            self.nursery.wait()
        else:
            self.nursery.kill()

    def settle(self) -> None:
        """A last, quiet life: everything is answered, and everything answered before still holds."""
        assert self.nursery.start()
        for message in self.sent:
            self.offer(message)
        indexes: dict[int, str] = {}
        trust = Trust(Policy.of([self.province.log_key]), datetime.now(UTC))
        for message in self.sent:
            assert message.receipt is not None, "a message got no receipt from a hub in good health"
            receipt = json.loads(message.receipt)
            assert receipt["leaf"]["id"] == message.message_id
            digest = sha256(message.container).digest()
            report = verify_receipt(message.receipt, trust, containers={digest: "container"})
            assert report.verdict == "holds", report
            assert receipt["index"] not in indexes, "one index for two messages"
            indexes[receipt["index"]] = message.message_id
        assert all(self.settled.get(index, id_) == id_ for index, id_ in indexes.items())
        self.settled |= indexes
        self._inbox_holds_each_once()
        self.nursery.kill()

    def _inbox_holds_each_once(self) -> None:
        seen: dict[int, str] = {}
        after = -1
        headers = {"Authorization": f"Bearer {self.token(OTHER_COMMUNE)}"}
        while True:
            page = self.http.get("/v1/inbox", params={"after": after, "limit": 200}, headers=headers).json()
            if not page["items"]:
                break
            for item in page["items"]:
                assert item["index"] not in seen
                seen[item["index"]] = item["message_id"]
            after = page["next"]
        assert seen == self.settled, "the inbox is not exactly what was receipted"


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Campaign]:
    province = TestProvince(tmp_path / "province")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = province.data / "lienthong.toml"
    configuration.write_text(configuration.read_text().replace("port = 0", f"port = {port}", 1))
    nursery = Nursery(province.data, tmp_path / "hub.log")
    seed = time.time_ns()
    print(f"seed {seed}")
    with nursery, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as http:
        yield Campaign(province, nursery, http, random.Random(seed))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_two_hundred_kills_at_random_lose_and_double_nothing(campaign: Campaign, part: int) -> None:
    for _ in range(50):
        campaign.life()
    campaign.settle()
    assert campaign.kills == 50


@pytest.mark.slow
def test_a_kill_at_every_named_point_of_serving_loses_and_doubles_nothing(campaign: Campaign) -> None:
    for point in REACHED:
        if point.startswith("recovery.tail"):
            campaign.life("append.torn")
        if point.startswith("rebuild."):
            for file in (campaign.province.data / "hub").glob("index.sqlite3*"):
                file.unlink()
        campaign.life(point)
    campaign.settle()
    assert campaign.crashed == set(REACHED)


@pytest.mark.soak
def test_two_thousand_kills_lose_and_double_nothing(campaign: Campaign) -> None:
    for number in range(2000):
        campaign.life("" if number % 2 else f"{campaign.rng.choice(REACHED)}:{campaign.rng.randint(1, 4)}")
        if number % 100 == 99:
            campaign.settle()
            campaign.sent = campaign.sent[-200:]
    assert campaign.kills == 2000
