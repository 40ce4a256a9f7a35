"""Several hubs on one database, lost connections, crashes: what only the PostgreSQL engine promises."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.exchange.store.cluster import Cluster
from tests.exchange.store.submissions import ORIGIN, document, sign_checkpoint, spooled, status
from tests.exchange.store.test_commit import check_receipt

from lienthong.core.errors import LienthongError
from lienthong.exchange.store import crashpoints
from lienthong.exchange.store.errors import StoreCorrupt, StoreFailed, StoreMismatch
from lienthong.exchange.store.postgres import PostgresStore, SharedNonces, open_postgres
from lienthong.exchange.store.postgres import store as engine
from lienthong.exchange.store.protocol import Accepted

ROOT = Path(__file__).resolve().parents[3]
WORKER = Path(__file__).with_name("postgres_worker.py")


@contextmanager
def hub(dsn: str) -> Iterator[PostgresStore]:
    store = open_postgres(dsn, ORIGIN, sign_checkpoint)
    try:
        yield store
    finally:
        store.close()


def start(dsn: str, first: int, last: int, crash_at: str = "") -> subprocess.Popen[str]:
    environment = os.environ | {
        "LIENTHONG_CRASH_AT": crash_at,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
    }
    return subprocess.Popen(
        [sys.executable, str(WORKER), dsn, str(first), str(last)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def told_by(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    with process:
        output, _ = process.communicate(timeout=120)
    return [json.loads(line) for line in output.splitlines() if line.endswith("}")]


def test_two_hub_processes_make_one_log(database: str) -> None:
    """Half of the messages reach both hubs, as from a client that retries elsewhere."""
    one, two = start(database, 0, 90), start(database, 45, 135)
    told = told_by(one) + told_by(two)
    assert (one.returncode, two.returncode) == (0, 0)
    with hub(database) as store:
        assert store.tree_size() == 135
        assert store.verify() == 135
        indexes: dict[str, int] = {}
        for each in told:
            assert indexes.setdefault(each["id"], each["index"]) == each["index"]
            assert store.receipt(each["index"]).decode() == each["receipt"]
            assert check_receipt(each["receipt"].encode())["id"] == each["id"]
        assert sorted(indexes.values()) == list(range(135))
        assert sum(each["duplicate"] for each in told) == 45
        assert [item.index for item in store.inbox("B", limit=1000)] == list(range(135))


def test_two_hubs_in_turn_see_each_others_tree(database: str) -> None:
    with hub(database) as one, hub(database) as two:
        for n in range(0, 300, 2):
            assert one.commit([document(f"m{n}")], n) == [Accepted(n)]
            assert two.commit([document(f"m{n + 1}")], n) == [Accepted(n + 1)]
        assert one.checkpoint() == two.checkpoint()
        assert [one.receipt(n) for n in range(300)] == [two.receipt(n) for n in range(300)]
        assert one.leaf_hashes(0, 300) == two.leaf_hashes(0, 300)
        assert one.node(8, 0) == two.node(8, 0)
        assert two.verify() == 300


def test_a_status_is_judged_by_what_another_hub_committed(database: str) -> None:
    with hub(database) as one, hub(database) as two:
        one.commit([document("m1")], 1)
        assert two.commit([status("s1", 0, "03")], 2) == [Accepted(1)]
        (refused,) = one.commit([status("s2", 0, "01")], 3)
        assert getattr(refused, "code", "") == "impossible-status"
        assert one.commit([status("s1", 0, "03")], 4) == [Accepted(1, duplicate=True)]


def test_a_hub_hears_of_commits_in_another(database: str) -> None:
    with hub(database) as one, hub(database) as two:
        heard: list[str] = []
        woken = threading.Event()

        def grown(agencies: frozenset[str]) -> None:
            heard.extend(agencies)
            if {"B", "C", "D"} <= set(heard):
                woken.set()

        two.subscribe(grown)
        one.commit([document("m1", ("B", "C"))], 1)
        one.commit([document("m2", ("D",))], 2)
        assert woken.wait(30)
        assert [item.index for item in two.inbox("D")] == [1]


def test_a_hub_that_was_cut_off_hears_of_what_it_missed(database: str) -> None:
    with hub(database) as one, hub(database) as two:
        woken = threading.Event()
        two.subscribe(lambda agencies: woken.set() if "E" in agencies else None)
        one.commit([document("m1")], 1)
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'lienthong' AND query LIKE 'SELECT size FROM head%'"
            )
        one.commit([document("m2", ("E",))], 2)
        assert woken.wait(30)


def test_a_connection_that_dies_is_replaced_and_the_batch_put_again(database: str) -> None:
    with hub(database) as store:
        store.commit([document("m1")], 1)
        terminate_all(database)
        assert store.commit([document("m2")], 2) == [Accepted(1)]
        assert store.record(0) is not None
        assert store.verify() == 2


def terminate_all(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'lienthong' AND pid <> pg_backend_pid()"
        )


def test_the_outcome_of_a_commit_whose_connection_died_is_found_by_its_ids(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server commits, and the answer never arrives."""
    write_batch = engine.write_batch
    answers: list[object] = []

    def cut_once(connection: Any, *arguments: Any) -> Any:
        answers.append(write_batch(connection, *arguments))
        if len(answers) == 2:
            connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return answers[-1]

    monkeypatch.setattr(engine, "write_batch", cut_once)
    with hub(database) as store:
        store.commit([document("m1")], 1)
        assert store.commit([document("m2")], 2) == [Accepted(1, duplicate=True)]
        assert store.tree_size() == 2
        assert check_receipt(store.receipt(1))["id"] == "m2"


def test_a_server_that_crashes_keeps_every_receipt(cluster: Cluster, database: str) -> None:
    with hub(database) as store:
        receipts: dict[str, bytes] = {}
        for n in range(10):
            store.commit([document(f"m{n}")], n)
            receipts[f"m{n}"] = store.receipt(n)
        cluster.stop()
        with pytest.raises(StoreFailed, match="does not answer") as failed:
            store.commit([document("m10")], 10)
        assert failed.value.remedy
        assert not store.health().writable
        with pytest.raises(StoreFailed):
            store.record(0)
        cluster.start()
        assert store.commit([document("m10")], 11) == [Accepted(10)]
        assert store.health().writable
        assert {f"m{n}": store.receipt(n) for n in range(10)} == receipts
        assert store.verify() == 11


@pytest.mark.parametrize("point", crashpoints.POSTGRES_POINTS)
def test_a_hub_that_dies_anywhere_leaves_the_log_whole(database: str, point: str) -> None:
    dying = start(database, 0, 60, f"{point}:5")
    told = told_by(dying)
    assert dying.returncode == crashpoints.EXIT_CODE
    assert told
    with hub(database) as store:
        for each in told:
            assert store.receipt(each["index"]).decode() == each["receipt"]
        size = store.tree_size()
        assert store.verify() == size
        ids = [record.message_id for n in range(size) if (record := store.record(n))]
        assert len(set(ids)) == size
    again = start(database, 0, 60)
    assert len(told_by(again)) == 60
    with hub(database) as store:
        assert store.tree_size() == 60
        assert store.verify() == 60


def test_a_server_that_does_not_sync_its_commits_is_refused(database: str) -> None:
    with pytest.raises(StoreMismatch, match="synchronous_commit is off") as refused:
        open_postgres(f"{database} options='-c synchronous_commit=off'", ORIGIN, sign_checkpoint)
    assert refused.value.remedy


def test_a_read_only_database_says_so(database: str) -> None:
    with hub(database):
        pass
    with pytest.raises(LienthongError, match="read-only"):
        open_postgres(f"{database} options='-c default_transaction_read_only=on'", ORIGIN, sign_checkpoint)


def test_the_log_of_another_hub_is_refused(database: str) -> None:
    with hub(database):
        pass
    with pytest.raises(StoreMismatch, match="configured as"):
        open_postgres(database, "other.example", sign_checkpoint)


def test_a_database_of_a_newer_version_is_refused(database: str) -> None:
    with hub(database):
        pass
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("INSERT INTO exchange.migrations (version, name) VALUES (9999, 'from the future')")
    with pytest.raises(StoreMismatch, match="schema version 9999"):
        open_postgres(database, ORIGIN, sign_checkpoint)


def test_hubs_that_start_together_migrate_once(database: str) -> None:
    barrier = threading.Barrier(4)
    failures: list[BaseException] = []

    def begin() -> None:
        try:
            barrier.wait()
            with hub(database) as store:
                assert store.tree_size() == 0
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failures


def test_a_changed_leaf_is_found_by_verification(database: str) -> None:
    with hub(database) as store:
        store.commit([document(f"m{n}") for n in range(5)], 1)
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute("UPDATE exchange.records SET leaf = leaf || '\\x20'::bytea WHERE idx = 3")
        with pytest.raises(StoreCorrupt, match="root that was signed"):
            store.verify()


def test_a_changed_container_is_found_by_verification(database: str) -> None:
    with hub(database) as store:
        store.commit([document("m1")], 1)
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute("UPDATE exchange.records SET payload = 'another'")
        with pytest.raises(StoreCorrupt, match="container of record 0"):
            store.verify()


def test_a_batch_that_cannot_be_signed_is_rolled_back(database: str) -> None:
    fails = False

    def sign(size: int, root: bytes) -> bytes:
        if fails:
            raise RuntimeError("the token was pulled out")
        return sign_checkpoint(size, root)

    store = open_postgres(database, ORIGIN, sign)
    try:
        store.commit([document("m1")], 1)
        fails = True
        with pytest.raises(RuntimeError):
            store.commit([document("m2")], 2)
        fails = False
        assert store.commit([document("m3")], 3) == [Accepted(1)]
        assert store.verify() == 2
    finally:
        store.close()


def test_large_payloads_go_in_parts_and_are_stored_once(database: str, tmp_path: Path) -> None:
    content = os.urandom(3_500_000)
    with hub(database) as one, hub(database) as two:
        for name, store in (("m1", one), ("m2", two)):
            path = tmp_path / name
            path.write_bytes(content)
            store.commit([spooled(name, path)], 1)
            assert not path.exists()
        for index in (0, 1):
            found = one.payload(index)
            assert isinstance(found, Path)
            assert found.read_bytes() == content
        with psycopg.connect(database) as admin:
            assert admin.execute("SELECT count(*) FROM exchange.blob_parts").fetchone() == (4,)


def test_a_nonce_counts_once_whichever_hub_it_reaches(database: str) -> None:
    open_postgres(database, ORIGIN, sign_checkpoint).close()
    hubs = [SharedNonces(database) for _ in range(2)]
    try:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: hubs[n % 2].first_time("ab", str(n // 8), 60.0), range(64)))
        assert [sum(answers[n : n + 8]) for n in range(0, 64, 8)] == [1] * 8
        assert hubs[0].first_time("cd", "0", 60.0)
        assert hubs[1].first_time("ab", "long ago", -3600.0)
        hubs[0]._swept = float("-inf")
        assert hubs[0].first_time("ab", "long ago", 60.0)
        assert not hubs[1].first_time("cd", "0", 60.0)
    finally:
        for hub in hubs:
            hub.close()
