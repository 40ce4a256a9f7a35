"""The hashes of the log are public; who took what, and when, is not."""

from __future__ import annotations

import time
from hashlib import sha256

from tests.exchange.province import COMMUNE, PROVINCE, RunningHub

from lienthong.trust.log.merkle import leaf_hash


def test_an_acknowledgement_cannot_be_guessed_from_its_public_hash(hub: RunningHub) -> None:
    index = hub.send(hub.province.document(PROVINCE, [COMMUNE])).json()["index"]
    began = int(time.time() * 1000)
    assert hub.acknowledge(COMMUNE, [index]).status_code == 200
    ended = int(time.time() * 1000) + 1
    store = hub.app.hub.store
    size = store.tree_size()
    [published] = store.leaf_hashes(size - 1, size)
    [entry] = store.entries(size - 1, size)
    assert leaf_hash(entry) == published
    digest = sha256(f"{COMMUNE}:{index}".encode()).hexdigest()
    guesses = (
        f'{{"digest":"{digest}","id":"acknowledgement/{index}","kind":3,"sender":"{COMMUNE}",'
        f'"subject":{index},"time":{at},"to":[],"v":1}}'.encode()
        for at in range(began - 5, ended + 5)
    )
    assert published not in {leaf_hash(guess) for guess in guesses}


def test_two_acknowledgements_share_no_secret_and_taking_again_adds_none(hub: RunningHub) -> None:
    indexes = [
        hub.send(hub.province.document(PROVINCE, [COMMUNE], number=number)).json()["index"]
        for number in ("1", "2")
    ]
    assert hub.acknowledge(COMMUNE, indexes).status_code == 200
    size = hub.app.hub.store.tree_size()
    records = [hub.app.hub.store.record(at) for at in range(size - 2, size)]
    ids = {record.message_id for record in records if record is not None}
    assert {one.rpartition("/")[0] for one in ids} == {f"acknowledgement/{index}" for index in indexes}
    assert len({one.rpartition("/")[2] for one in ids}) == 2
    assert all(len(one.rpartition("/")[2]) == 32 for one in ids)
    assert hub.acknowledge(COMMUNE, indexes).json()["acknowledged"] == indexes
    assert hub.app.hub.store.tree_size() == size
