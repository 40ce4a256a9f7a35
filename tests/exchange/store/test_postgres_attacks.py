"""A database under attack, or under an operator's hand: what arrives is data, what is lost is put again."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors
from tests.acceptance.processes import namespace
from tests.exchange.store.cluster import Cluster, running_cluster
from tests.exchange.store.submissions import ORIGIN, acknowledgement, document, sign_checkpoint, status
from tests.exchange.store.test_commit import check_receipt
from tests.exchange.store.test_postgres import hub, terminate_all

from lienthong.exchange.store.errors import DiskFull, StoreFailed
from lienthong.exchange.store.postgres import PostgresStore, open_postgres, writing
from lienthong.exchange.store.postgres import store as engine
from lienthong.exchange.store.protocol import Accepted, Outcome, Submission

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = (
    "'; DROP TABLE exchange.records; --",
    '"; DELETE FROM head',
    "%s %(key)s %b {0} $1 :name",
    "\\'; \\x00 \\N \\.",
    "$$ || pg_terminate_backend(1) || $$",
    "null\0byte",
    "\ufeff\u202e\U0001f4a3",
    "x" * 10_000,
)


def tables(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        return {
            name
            for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'exchange'")
        }


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_stored_and_asked_for_as_they_are(database: str, text: str) -> None:
    with hub(database) as store:
        before = tables(database)
        hostile = document("m1", staff=text, forwarded=((text, "B"),))._replace(
            document_id=text,
            summary=text.encode(),
        )
        assert store.commit([hostile, document("m2")], 1) == [Accepted(0), Accepted(1)]
        assert store.commit([status("s1", 0, "03"), acknowledgement(0)], 2) == [Accepted(2), Accepted(3)]
        found = store.find_document(text, "A", "B")
        assert found is not None
        assert (found.document_id, found.staff, found.summary) == (text, text, text.encode())
        assert found.forwarded == ((text, "B"),)
        assert check_receipt(store.receipt(0))["document"] == text
        for ask in (
            store.inbox,
            store.sent,
            lambda who: store.find("A", who),
            lambda who: store.find(who, "m1"),
        ):
            with_null = "\0" in text
            if with_null:
                with pytest.raises(StoreFailed):
                    ask(text)
            else:
                assert not ask(text)
        assert tables(database) == before
        assert store.verify() == 4


def test_no_statement_of_the_store_is_put_together_from_values() -> None:
    """f-strings make statements only of names and numbers that stand in the source."""
    allowed = {
        "SCHEMA", "CHANNEL", "_COLUMNS", "SAME_ID", "CANDIDATES",
        "source", "waiting", "lanes", "order", "column", "table", "1 - lane.value",
    }  # fmt: skip
    statement = re.compile(
        r'f"((?:[^"\\\\]|\\\\.)*\b(?:SELECT|INSERT|UPDATE|DELETE|COPY|CREATE|LISTEN|WHERE|AND|JOIN)\b(?:[^"\\\\]|\\\\.)*)"'
    )
    for path in (ROOT / "src/lienthong/exchange/store/postgres").glob("*.py"):
        for text in statement.findall(path.read_text()):
            assert set(re.findall(r"\{([^}]*)\}", text)) <= allowed, (path.name, text)


class Killer:
    """Ends every connection of the hubs, again and again, as an operator or a failing network would."""

    def __init__(self, dsn: str) -> None:
        self._over = threading.Event()
        self.rounds = 0
        self._thread = threading.Thread(target=self._kill, args=(dsn,))

    def _kill(self, dsn: str) -> None:
        while not self._over.wait(0.02):
            terminate_all(dsn)
            self.rounds += 1

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def insist(store: PostgresStore, batch: list[Submission]) -> list[Outcome]:
    """Send again until there is an answer, as clients do."""
    for _ in range(1000):
        try:
            return store.commit(batch, 1)
        except StoreFailed:
            continue
    raise AssertionError("the store never answered")


def test_two_hubs_whose_connections_keep_being_killed_make_one_log(database: str) -> None:
    told: list[dict[str, int]] = [{}, {}]
    with hub(database) as one, hub(database) as two, Killer(database) as killer:

        def send(which: int, store: PostgresStore) -> None:
            for n in range(40):
                # Every second message goes to both hubs, as from a client that tries elsewhere.
                batch = [document(f"m{n}"), document(f"own-{which}-{n}")]
                for submission, outcome in zip(batch, insist(store, batch), strict=True):
                    assert isinstance(outcome, Accepted)
                    told[which][submission.message_id] = outcome.index

        threads = [threading.Thread(target=send, args=pair) for pair in enumerate((one, two))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert killer.rounds
    common = {f"m{n}" for n in range(40)}
    assert {each: told[0][each] for each in common} == {each: told[1][each] for each in common}
    with hub(database) as store:
        assert store.tree_size() == 120
        assert store.verify() == 120
        for indexes in told:
            for message_id, index in indexes.items():
                assert check_receipt(store.receipt(index))["id"] == message_id


@pytest.mark.parametrize("error", [errors.SerializationFailure, errors.DeadlockDetected])
def test_what_the_server_undid_is_put_again(
    database: str, monkeypatch: pytest.MonkeyPatch, error: type[psycopg.Error]
) -> None:
    write_batch = engine.write_batch
    calls: list[int] = []

    def undone_once(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise error("undone")
        return write_batch(*arguments)

    monkeypatch.setattr(engine, "write_batch", undone_once)
    with hub(database) as store:
        assert store.commit([document("m1")], 1) == [Accepted(0)]
    assert len(calls) == 2


def test_a_database_whose_default_is_serializable_serves_two_hubs(database: str) -> None:
    strict = f"{database} options='-c default_transaction_isolation=serializable'"
    with hub(strict) as one, hub(strict) as two:
        payload = bytes(1 << 20)
        same = document("a", payload=payload)

        def send(store: PostgresStore, name: str) -> None:
            for n in range(10):
                outcomes = insist(
                    store,
                    [document(f"{name}{n}", sender=name), same._replace(sender=name, message_id=f"l{n}")],
                )
                assert all(isinstance(outcome, Accepted) for outcome in outcomes)

        threads = [
            threading.Thread(target=send, args=(one, "A")),
            threading.Thread(target=send, args=(two, "C")),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert one.verify() == two.verify() == 40


def test_a_hub_that_stalls_in_the_middle_of_a_batch_holds_nobody_up_for_ever(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "STALLED", "300ms")
    stalled, go_on = threading.Event(), threading.Event()

    def hanging(size: int, root: bytes) -> bytes:
        if size == 1 and not stalled.is_set():
            stalled.set()
            assert go_on.wait(60)
        return sign_checkpoint(size, root)

    with hub(database) as other:
        slow = open_postgres(database, ORIGIN, hanging)
        outcomes: list[list[Outcome]] = []
        thread = threading.Thread(target=lambda: outcomes.append(insist(slow, [document("slow")])))
        thread.start()
        try:
            assert stalled.wait(60)
            assert insist(other, [document("quick")]) == [Accepted(0)]
        finally:
            go_on.set()
            thread.join()
        assert outcomes == [[Accepted(1)]]
        assert other.verify() == 2
        slow.close()


def test_a_notification_of_nothing_deafens_no_hub(database: str) -> None:
    with hub(database) as store, hub(database) as other:
        heard = threading.Event()
        store.subscribe(lambda agencies: heard.set() if "B" in agencies else None)
        with psycopg.connect(database, autocommit=True) as anybody:
            anybody.execute("NOTIFY exchange_inbox")
            anybody.execute("NOTIFY exchange_inbox, ' '")
            anybody.execute("SELECT pg_notify('exchange_inbox', %s)", ("\u202e " * 1900,))
        other.commit([document("m1")], 1)
        assert heard.wait(60)


@pytest.fixture
def small_disk() -> Iterator[tuple[Cluster, str]]:
    """A server whose tablespace ``small`` lies on a disk of 48 MiB, and a database there."""
    if not namespace():
        pytest.skip("this machine allows no mounts of its own")
    with running_cluster() as cluster, mounted(cluster):
        with psycopg.connect(cluster.dsn, autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{cluster.folder}/space'".encode())
            connection.execute("CREATE DATABASE full TABLESPACE small".replace(" full ", ' "full" ').encode())
        with psycopg.connect(cluster.dsn_of("full"), autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE public.ballast AS SELECT md5(n::text) FROM generate_series(1, 100000) AS n"
            )
        yield cluster, cluster.dsn_of("full")


@contextmanager
def mounted(cluster: Cluster) -> Iterator[None]:
    """Start the server anew with a small disk mounted where the tablespace will be."""
    cluster.stop()
    space = cluster.folder / "space"
    space.mkdir()
    owner = cluster.folder.stat()
    mount = f"mount -t tmpfs -o size=48m,uid={owner.st_uid},gid={owner.st_gid},mode=700 none {space}"
    cluster.start([*namespace(), "sh", "-c", f'{mount} && exec "$@"', "sh"])
    yield


def test_a_full_disk_of_the_server_refuses_cleanly_and_forgets_nothing(
    small_disk: tuple[Cluster, str],
) -> None:
    _, dsn = small_disk
    with hub(dsn) as store:
        taken = 0
        with pytest.raises(DiskFull) as full:
            for n in range(200):
                store.commit([document(f"m{n}", payload=n.to_bytes(4, "big") * 200_000)], n)
                taken += 1
        assert 5 < taken < 60
        assert "accepts again by itself" in (full.value.remedy or "")
        assert store.tree_size() == taken
        assert store.verify() == taken
        assert store.find("A", f"m{taken}") is None
        assert check_receipt(store.receipt(taken - 1))["id"] == f"m{taken - 1}"
        assert store.commit(
            [document(f"m{taken - 1}", payload=(taken - 1).to_bytes(4, "big") * 200_000)], 999
        ) == [Accepted(taken - 1, duplicate=True)]
        with psycopg.connect(dsn, autocommit=True) as operator:  # makes room
            operator.execute("DROP TABLE public.ballast")
        assert store.commit([document("after")], 1000) == [Accepted(taken)]
