"""One noisy agency does not slow another: not at the door, not in the queue, not by its quota."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

from tests.exchange.conftest import NewProvince
from tests.exchange.province import COMMUNE, DEPARTMENT, OTHER_COMMUNE, PROVINCE, RunningHub

from lienthong.registry.directory import Quota, QuotaRule


def wait_for(hub: RunningHub, condition: Any) -> None:
    deadline = monotonic() + 30
    while not hub.on_loop(condition):
        assert monotonic() < deadline


def hold_up(hub: RunningHub) -> tuple[list[list[str]], threading.Event, threading.Event]:
    """Let the writer wait in its next batch. Answers the senders of each batch, the event that it waits, and
    the one that lets it go on.
    """
    store = hub.app.hub.store
    real, waits, go_on = store.commit, threading.Event(), threading.Event()
    batches: list[list[str]] = []

    def held_up(batch: Any, now_ms: int) -> Any:
        batches.append([one.sender for one in batch])
        waits.set()
        go_on.wait(60)
        return real(batch, now_ms)

    store.commit = held_up  # type: ignore[method-assign]
    return batches, waits, go_on


def test_a_quiet_agency_s_message_is_in_the_next_batch_whatever_another_has_queued(
    new_province: NewProvince,
) -> None:
    province = new_province()
    province.configure(limits="batch_records = 4\nconcurrent = 30")
    with RunningHub(province) as hub, ThreadPoolExecutor(24) as pool:
        hub.bearer(PROVINCE)
        hub.bearer(DEPARTMENT)
        noisy = [province.container(province.document(PROVINCE, [COMMUNE])) for _ in range(20)]
        quiet = province.container(province.document(DEPARTMENT, [COMMUNE]))
        batches, waits, go_on = hold_up(hub)
        try:
            answers = [pool.submit(hub.post, PROVINCE, one) for one in noisy]
            waits.wait()
            wait_for(hub, lambda: hub.app.hub.commit.backlog + len(batches[0]) == 20)
            last = pool.submit(hub.post, DEPARTMENT, quiet)
            wait_for(hub, lambda: hub.app.hub.commit.backlog + len(batches[0]) == 21)
        finally:
            go_on.set()
        assert last.result(30).status_code == 201
        assert all(one.result(30).status_code == 201 for one in answers)
    assert DEPARTMENT in batches[1]
    assert batches[1].count(PROVINCE) <= 3


def test_an_agency_s_own_line_at_the_door_is_not_another_s(new_province: NewProvince) -> None:
    province = new_province()
    province.configure(limits="concurrent = 2\nwaiting = 3")
    with RunningHub(province) as hub, ThreadPoolExecutor(24) as pool:
        hub.bearer(PROVINCE)
        hub.bearer(DEPARTMENT)
        containers = [province.container(province.document(PROVINCE, [COMMUNE])) for _ in range(12)]
        quiet = province.container(province.document(DEPARTMENT, [COMMUNE]))
        _, waits, go_on = hold_up(hub)
        try:
            noisy = [pool.submit(hub.post, PROVINCE, one) for one in containers]
            waits.wait()
            wait_for(hub, lambda: hub.app.problems.get("quota-exceeded", 0) == 7)
            assert hub.on_loop(lambda: hub.app.hub.door.of(PROVINCE)) == 2
            other = pool.submit(hub.post, DEPARTMENT, quiet)
            wait_for(hub, lambda: hub.app.hub.door.of(DEPARTMENT) == 1)
        finally:
            go_on.set()
        assert other.result(30).status_code == 201
        statuses = sorted(one.result(30).status_code for one in noisy)
    assert statuses == [201] * 5 + [429] * 7


def test_a_used_up_quota_says_when_to_come_back_and_touches_nobody_else(new_province: NewProvince) -> None:
    province = new_province()
    province.publish(quotas=[QuotaRule(PROVINCE, Quota(messages_per_minute=3))])
    with RunningHub(province) as hub:
        for _ in range(3):
            assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
        refused = hub.send(province.document(PROVINCE, [COMMUNE]))
        assert (refused.status_code, refused.json()["code"]) == (429, "quota-exceeded")
        assert 1 <= int(refused.headers["retry-after"]) <= 20
        assert refused.json()["retry_after_s"] == int(refused.headers["retry-after"])
        assert hub.send(province.document(DEPARTMENT, [COMMUNE])).status_code == 201


def test_a_day_s_bytes_survive_a_restart_and_refused_ones_do_not_count(new_province: NewProvince) -> None:
    province = new_province()
    container = province.container(province.document(PROVINCE, [COMMUNE]))
    room = len(container) * 2 + len(container) // 2
    province.publish(quotas=[QuotaRule(PROVINCE, Quota(bytes_per_day=room))])
    with RunningHub(province) as hub:
        assert hub.post(PROVINCE, container).status_code == 201
        for _ in range(5):
            assert hub.post(PROVINCE, container).status_code == 200
            assert hub.post(PROVINCE, container[:-5]).status_code == 400
    with RunningHub(province) as hub:
        assert hub.send(province.document(PROVINCE, [OTHER_COMMUNE])).status_code == 201
        full = hub.send(province.document(PROVINCE, [OTHER_COMMUNE]))
        assert (full.status_code, full.json()["code"]) == (429, "quota-exceeded")
        assert "bytes a day" in full.json()["detail"]
