"""What one agency asks stays within bounds, so that the hub keeps answering everybody else."""

from __future__ import annotations

import threading

import pytest
from tests.exchange.province import COMMUNE, DEPARTMENT, PROVINCE, RunningHub


def test_a_token_is_one_text(hub: RunningHub) -> None:
    token = hub.bearer(DEPARTMENT)["Authorization"].removeprefix("Bearer ")
    assert hub.http.get("/v1/sent", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    before = len(hub.app.door._kept)
    for other in (
        f"!{token}",
        f"{token}!",
        token[:-3] + chr(ord(token[-3]) + 1) + "==",
        token[:-2],
        f"{token}==",
    ):
        answer = hub.http.get("/v1/sent", headers={"Authorization": f"Bearer {other}"})
        assert answer.status_code == 401
    for scheme in ("bearer", "BEARER", "Bearer ", "beaRer"):
        answer = hub.http.get("/v1/sent", headers={"Authorization": f"{scheme} {token}"})
        assert answer.status_code == 200
    assert len(hub.app.door._kept) == before


def test_what_one_agency_acknowledges_does_not_shut_the_others_out(hub: RunningHub) -> None:
    over = threading.Event()
    headers = hub.bearer(COMMUNE)
    answered: set[int] = set()

    def ask() -> None:
        while not over.is_set():
            answer = hub.http.post(
                "/v1/inbox/acknowledgements",
                json={"indexes": list(range(10**6, 10**6 + 1000))},
                headers=headers,
            )
            answered.add(answer.status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        answers = [
            hub.send(hub.province.document(PROVINCE, [DEPARTMENT], number=str(n))).status_code
            for n in range(40)
        ]
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert set(answers) == {201}
    assert answered <= {404, 429}


def test_an_acknowledgement_is_recorded_once_and_names_what_is_missing(hub: RunningHub) -> None:
    indexes = [
        hub.send(hub.province.document(PROVINCE, [COMMUNE], number=f"9{n}")).json()["index"] for n in range(3)
    ]
    assert hub.acknowledge(COMMUNE, [indexes[0]]).status_code == 200
    size = hub.app.hub.store.tree_size()
    answer = hub.acknowledge(COMMUNE, [*indexes, *indexes, 10**6])
    assert answer.status_code == 404
    assert answer.json()["detail"].endswith(f": {10**6}")
    assert hub.acknowledge(COMMUNE, indexes).json() == {"acknowledged": indexes}
    assert hub.app.hub.store.tree_size() == size + 2


def test_a_trace_comes_in_pages_that_together_are_whole(
    hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = hub.province.document(DEPARTMENT, [COMMUNE])
    index = hub.send(document).json()["index"]
    expected = [index]
    for code in ("03", *["05"] * 6):
        expected.append(hub.send(hub.province.status(COMMUNE, document, code)).json()["index"])
    assert hub.acknowledge(DEPARTMENT, expected[1:3]).status_code == 200
    monkeypatch.setattr(hub.app, "inbox_page", 3)
    found: list[int] = []
    after: int | None = -1
    while after is not None:
        page = hub.get(DEPARTMENT, f"/v1/messages/{index}/trace?after={after}").json()
        assert len(page["history"]) <= 3
        found += [one["index"] for one in page["history"]]
        after = page["next"]
    assert found[:8] == expected
    assert len(found) == 10
    assert found == sorted(set(found))
