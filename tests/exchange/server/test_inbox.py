"""The inbox as it is read: pages, long polls and event streams that wake at the event."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic

import httpx
import pytest
from tests.exchange.conftest import NewProvince
from tests.exchange.province import AUDITOR, COMMUNE, DEPARTMENT, PROVINCE, WITNESS, RunningHub, TestProvince


def send(hub: RunningHub, province: TestProvince, to: str, **options: object) -> int:
    answer = hub.send(province.document(PROVINCE, [to], **options))  # type: ignore[arg-type]
    assert answer.status_code == 201, answer.text
    return int(answer.json()["index"])


def wait_until_waiting(hub: RunningHub, count: int = 1) -> None:
    """Until ``count`` callers wait for something to arrive."""
    look_again = threading.Event()
    deadline = monotonic() + 60
    while hub.on_loop(lambda: hub.app.hub.notices.waiting) < count:
        assert monotonic() < deadline
        look_again.wait(0.005)


def test_pages_follow_one_another_by_their_cursor(hub: RunningHub, province: TestProvince) -> None:
    sent = [send(hub, province, DEPARTMENT) for _ in range(5)]
    seen, after = [], sent[0] - 1
    while True:
        page = hub.get(DEPARTMENT, f"/v1/inbox?after={after}&limit=2").json()
        if not page["items"]:
            assert page["next"] == after
            break
        seen += [item["index"] for item in page["items"]]
        after = page["next"]
    assert seen == sent


def test_a_long_poll_answers_the_moment_something_arrives(hub: RunningHub, province: TestProvince) -> None:
    after = max(
        (item["index"] for item in hub.get(COMMUNE, "/v1/inbox?limit=500").json()["items"]), default=-1
    )
    with ThreadPoolExecutor(1) as pool:
        began = monotonic()
        waiting: Future[httpx.Response] = pool.submit(hub.get, COMMUNE, f"/v1/inbox?after={after}&wait=50")
        wait_until_waiting(hub)
        index = send(hub, province, COMMUNE)
        answer = waiting.result(timeout=40)
    assert [item["index"] for item in answer.json()["items"]] == [index]
    assert monotonic() - began < 40


def test_a_long_poll_for_urgent_documents_sleeps_through_normal_ones(
    hub: RunningHub, province: TestProvince
) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(hub.get, AUDITOR, "/v1/inbox?lane=urgent&wait=50")
        wait_until_waiting(hub)
        send(hub, province, AUDITOR)
        wait_until_waiting(hub)
        urgent = send(hub, province, AUDITOR, priority=4)
        answer = waiting.result(timeout=40)
    assert [item["index"] for item in answer.json()["items"]] == [urgent]


def test_a_long_poll_that_sees_nothing_answers_an_empty_page(hub: RunningHub) -> None:
    answer = hub.get(WITNESS, "/v1/inbox?wait=1")
    assert answer.json() == {"items": [], "next": -1}


def test_each_agency_may_hold_so_many_waiting_calls_and_no_more(new_province: NewProvince) -> None:
    province = new_province()
    province.configure(limits="streams = 2")
    with RunningHub(province) as hub, ThreadPoolExecutor(2) as pool:
        hub.bearer(COMMUNE)
        held = [pool.submit(hub.get, COMMUNE, "/v1/inbox?wait=50") for _ in range(2)]
        wait_until_waiting(hub, 2)
        full = hub.get(COMMUNE, "/v1/inbox?wait=50")
        assert (full.status_code, full.json()["code"]) == (429, "quota-exceeded")
        assert int(full.headers["retry-after"]) >= 1
        assert hub.get(DEPARTMENT, "/v1/inbox?wait=1").status_code == 200
        assert hub.get(COMMUNE, "/v1/inbox").status_code == 200
        send(hub, province, COMMUNE)
        assert all(one.result(timeout=40).status_code == 200 for one in held)


def test_a_caller_that_hangs_up_frees_its_place(new_province: NewProvince) -> None:
    province = new_province()
    province.configure(limits="streams = 1")
    with RunningHub(province) as hub:
        with hub.http.stream("GET", "/v1/inbox/events", headers=hub.bearer(COMMUNE)) as stream:
            assert stream.status_code == 200
            wait_until_waiting(hub)
            assert hub.get(COMMUNE, "/v1/inbox?wait=1").status_code == 429
        deadline = monotonic() + 30
        while hub.on_loop(lambda: hub.app.streams.held):
            assert monotonic() < deadline
        assert hub.get(COMMUNE, "/v1/inbox?wait=1").status_code == 200


def events(stream: httpx.Response) -> Iterator[tuple[int, dict[str, object]]]:
    """(id, data) of each event."""
    fields: dict[str, str] = {}
    for line in stream.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            assert fields["event"] == "record"
            yield int(fields["id"]), json.loads(fields["data"])
            fields = {}


def test_an_event_stream_brings_what_is_there_and_then_what_comes(
    hub: RunningHub, province: TestProvince
) -> None:
    first = send(hub, province, COMMUNE)
    headers = {**hub.bearer(COMMUNE), "Last-Event-ID": str(first - 1)}
    with hub.http.stream("GET", "/v1/inbox/events", headers=headers) as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        arriving = events(stream)
        assert next(arriving)[0] == first
        wait_until_waiting(hub)
        sender = threading.Thread(target=send, args=(hub, province, COMMUNE))
        sender.start()
        index, line = next(arriving)
        sender.join()
        assert index > first
        page = hub.get(COMMUNE, f"/v1/inbox?after={index - 1}").json()
        assert line == page["items"][0]


def test_an_event_stream_ends_after_its_time_so_that_it_can_be_resumed(new_province: NewProvince) -> None:
    province = new_province()
    province.configure(limits="stream_s = 1.0")
    with RunningHub(province) as hub:
        index = send(hub, province, COMMUNE)
        with hub.http.stream("GET", "/v1/inbox/events", headers=hub.bearer(COMMUNE)) as stream:
            assert [number for number, _ in events(stream)] == [index]


@pytest.mark.parametrize(
    "query",
    ["after=x", "after=-2", "limit=0", "limit=501", "wait=61", "lane=fast", "pending=yes", "after=1&after=2"],
)
def test_a_query_that_cannot_be_meant_says_which_field(hub: RunningHub, query: str) -> None:
    answer = hub.get(COMMUNE, f"/v1/inbox?{query}")
    assert answer.status_code == 400
    assert answer.json()["place"].startswith("query")


def test_sent_messages_are_listed_newest_first(hub: RunningHub, province: TestProvince) -> None:
    mine = []
    for _ in range(3):
        answer = hub.send(province.document(DEPARTMENT, [PROVINCE]))
        mine.append(answer.json()["index"])
    page = hub.get(DEPARTMENT, "/v1/sent?limit=2").json()
    assert [record["index"] for record in page["items"]] == mine[:0:-1]
    rest = hub.get(DEPARTMENT, f"/v1/sent?limit=2&before={page['next']}").json()
    assert [record["index"] for record in rest["items"]] == mine[:1]
    assert rest["next"] is None
