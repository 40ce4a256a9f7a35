"""Two hub processes over one PostgreSQL log: one message store, inboxes that wake across, one token key."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from tests.exchange.province import COMMUNE, PROVINCE, RunningHub, TestProvince
from tests.exchange.server.test_inbox import wait_until_waiting
from tests.exchange.store.cluster import running_cluster

from lienthong.exchange.client.receipt import check_receipt
from lienthong.exchange.client.signature import signed_headers
from lienthong.exchange.container import File


@pytest.fixture(scope="module")
def province(
    pristine_province: TestProvince, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestProvince]:
    with running_cluster() as cluster:
        made = pristine_province.copy(tmp_path_factory.mktemp("province") / "data")
        made.configure(limits="memory_bytes = 65536")
        file = made.data / "lienthong.toml"
        engine = f'engine = "postgresql"\ndsn = "{cluster.create_database("hubs")}"'
        file.write_text(file.read_text().replace('engine = "embedded"', engine))
        yield made


@pytest.fixture(scope="module")
def hubs(province: TestProvince) -> Iterator[tuple[RunningHub, RunningHub]]:
    with RunningHub(province) as one, RunningHub(province) as two:
        yield one, two


Hubs = tuple[RunningHub, RunningHub]


def test_what_one_hub_accepts_the_other_serves_with_the_same_receipt(
    hubs: Hubs, province: TestProvince
) -> None:
    one, two = hubs
    container = province.container(province.document(PROVINCE, [COMMUNE]))
    first = one.post(PROVINCE, container)
    again = two.post(PROVINCE, container)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.content == first.content
    check_receipt(again.content, province.log_key, digest=sha256(container).digest())
    assert two.get(COMMUNE, first.headers["location"]).content == container


def test_a_long_poll_at_one_hub_wakes_for_a_message_taken_at_the_other(
    hubs: Hubs, province: TestProvince
) -> None:
    one, two = hubs
    after = one.send(province.document(PROVINCE, [COMMUNE])).json()["index"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(two.get, COMMUNE, f"/v1/inbox?after={after}&wait=50")
        wait_until_waiting(two)
        index = one.send(province.document(PROVINCE, [COMMUNE])).json()["index"]
        assert [item["index"] for item in waiting.result(40).json()["items"]] == [index]


def test_a_token_of_one_hub_is_good_at_the_other(hubs: Hubs) -> None:
    one, two = hubs
    assert two.http.get("/v1/inbox", headers=one.bearer(COMMUNE)).status_code == 200


def test_a_signed_request_counts_once_with_both(hubs: Hubs, province: TestProvince) -> None:
    one, two = hubs
    for hub in hubs:  # as behind one proxy: one name for both
        hub.app.door._authorities |= {"hub.example"}
    signed = signed_headers(
        province.tls[COMMUNE],
        method="POST",
        url="https://hub.example/v1/sessions",
        body_digest=sha256(b"").digest(),
        created=int(datetime.now(UTC).timestamp()),
    )
    headers = {**signed, "Host": "hub.example"}
    assert one.http.post("/v1/sessions", headers=headers).status_code == 201
    for hub in (two, one):
        again = hub.http.post("/v1/sessions", headers=headers)
        assert (again.status_code, again.json()["code"]) == (401, "replayed-request")


def test_both_at_once_store_each_message_once(hubs: Hubs, province: TestProvince) -> None:
    containers = [province.container(province.document(PROVINCE, [COMMUNE])) for _ in range(12)]
    for hub in hubs:
        hub.bearer(PROVINCE)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda pair: pair[0].post(PROVINCE, pair[1]),
                [(hub, container) for container in containers for hub in hubs],
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200] * 12 + [201] * 12
    assert len({answer.content for answer in answers}) == 12
    sizes = {hub.http.get("/v1/statistics").json()["tree_size"] for hub in hubs}
    assert len(sizes) == 1


def test_a_large_container_goes_into_the_database_and_comes_back(hubs: Hubs, province: TestProvince) -> None:
    one, two = hubs
    content = os.urandom(2_500_000)
    container = province.container(
        province.document(PROVINCE, [COMMUNE]), [File("a.bin", "application/octet-stream", content)]
    )
    answer = one.post(PROVINCE, container)
    assert answer.status_code == 201, answer.text
    assert two.get(COMMUNE, answer.headers["location"]).content == container
    left: list[Path] = [path for path in (province.data / "hub").glob("spool*/*") if path.is_file()]
    assert left == []


def test_each_hub_is_ready_and_the_log_is_one(hubs: Hubs) -> None:
    for hub in hubs:
        assert hub.http.get("/health/ready").status_code == 200
    one, two = (hub.http.get("/v1/log/checkpoint").text.split("\n")[:3] for hub in hubs)
    assert one == two
