"""Message ids are found whatever their hashes do, before and after they leave memory for the table."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.exchange.store.engines import Engine, now_and_reopened
from tests.exchange.store.submissions import ORIGIN, document, sign_checkpoint

from lienthong.exchange.store.embedded import EmbeddedOptions, index, open_embedded, rebuild_index, replay
from lienthong.exchange.store.embedded.ids import GatheredIds, Ids
from lienthong.exchange.store.postgres import reading, writing
from lienthong.exchange.store.protocol import Accepted, Refused, Store


def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE ids (key INTEGER PRIMARY KEY, idx INTEGER NOT NULL)")
    connection.execute("CREATE TABLE records (idx INTEGER PRIMARY KEY, id_key INTEGER NOT NULL)")
    return connection


@settings(max_examples=60, deadline=None)
@given(
    batches=st.lists(st.integers(1, 9), max_size=40),
    generation=st.integers(1, 30),
    restarts=st.sets(st.integers(0, 39)),
)
def test_every_id_is_found_wherever_it_lies(batches: list[int], generation: int, restarts: set[int]) -> None:
    connection = database()
    ids, since, size = Ids(connection, 0, 0), 0, 0
    ids.generation = generation
    expected: dict[int, int] = {}
    for step, count in enumerate(batches):
        rows = [((size + n) * 7919 % 10_007, size + n) for n in range(count)]
        ids.add(rows)
        connection.executemany("INSERT INTO records VALUES (?, ?)", [(idx, key) for key, idx in rows])
        expected.update(rows)
        size += count
        if step % 2:
            ids.settle()
            since = ids.since
        if step in restarts:
            ids = Ids(connection, since, size)
            ids.generation = generation
        assert ids.look_up([*expected, 20_000, 20_001]) == expected
    connection.close()


@given(keys=st.lists(st.integers(0, 20), max_size=40))
def test_ids_that_share_a_key_all_get_one_when_the_index_is_built(keys: list[int]) -> None:
    connection = database()
    ids = GatheredIds(connection)
    ids.add([(key, idx) for idx, key in enumerate(keys)])
    connection.executemany("INSERT INTO records VALUES (?, ?)", list(enumerate(keys)))
    ids.settle()
    ids.add([(key, idx) for idx, key in enumerate(keys, 1000)])
    connection.executemany("INSERT INTO records VALUES (?, ?)", list(enumerate(keys, 1000)))
    ids.settle()
    rows = dict(connection.execute("SELECT idx, key FROM ids"))
    assert rows == dict(connection.execute("SELECT idx, id_key FROM records"))
    assert len(rows) == 2 * len(keys)
    connection.close()


@pytest.fixture
def few_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash so bad that ids share keys all the time; 63 good bits would take ages to show it."""

    def bad(sender: str, message_id: str) -> int:
        return sum(message_id.encode()) % 3

    for module in (index, replay, reading, writing):
        monkeypatch.setattr(module, "id_key", bad)


@pytest.mark.usefixtures("few_hashes")
def test_ids_with_equal_hashes_are_told_apart(engine: Engine, store: Store) -> None:
    ids = ["a1", "1a", "b", "c", "aab", "aba"]
    assert store.commit([document(each) for each in ids[:4]], 1) == [Accepted(n) for n in range(4)]
    assert store.commit([document(each) for each in ids[4:]], 2) == [Accepted(4), Accepted(5)]
    for each in now_and_reopened(engine, store):
        for n, message_id in enumerate(ids):
            found = each.find("A", message_id)
            assert found is not None
            assert found.index == n
            assert each.commit([document(message_id)], 3) == [Accepted(n, duplicate=True)]
        (refused,) = each.commit([document("1a", payload=b"other")], 4)
        assert isinstance(refused, Refused)
        assert each.find("A", "bb") is None


@pytest.mark.usefixtures("few_hashes")
def test_ids_with_equal_hashes_survive_a_rebuild_and_the_move_to_the_table(tmp_path: Path) -> None:
    options = EmbeddedOptions(flush_rows=4)
    store = open_embedded(tmp_path, ORIGIN, sign_checkpoint, options=options)
    for start in range(0, 120, 3):
        store.commit([document(f"m{n}") for n in range(start, start + 3)], start)
    store.close()
    for rebuild in (False, True):
        if rebuild:
            rebuild_index(tmp_path, ORIGIN)
        store = open_embedded(tmp_path, ORIGIN, sign_checkpoint, options=options)
        again = store.commit([document(f"m{n}") for n in range(120)], 500)
        assert again == [Accepted(n, duplicate=True) for n in range(120)]
        assert store.tree_size() == 120
        store.close()
