"""The log of an opened store, and of a data folder whose store is PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from tests.exchange.province import TestProvince
from tests.exchange.store.cluster import running_cluster
from tests.exchange.store.submissions import document

from lienthong.exchange.configuration import load
from lienthong.exchange.evidence.checks import Report, Trust
from lienthong.exchange.evidence.logs import verify_log
from lienthong.exchange.evidence.sources import StoreEntries, log_source
from lienthong.exchange.evidence.trusting import Given, believe
from lienthong.exchange.server.process import open_store
from lienthong.exchange.store.protocol import Accepted, RecordKind, Store, Submission
from lienthong.trust.keys import load_signer
from lienthong.trust.log.checkpoints import checkpoint_signer
from lienthong.trust.timestamps import request_timestamp
from lienthong.trust.tsa import TimeStampAuthority

LARGE = b"PK large " + bytes(range(256)) * 8192
"""2 MB: both engines keep it apart from the others."""


def outcome(report: Report) -> dict[str, bool | None]:
    return {check.code: check.ok for check in report.checks}


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with running_cluster() as cluster:
        yield cluster.create_database("hub_evidence")


@pytest.fixture(scope="module")
def in_database(database: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("postgresql") / "data"
    return make(folder, f'engine = "postgresql"\ndsn = "{database}"')


@pytest.fixture(scope="module")
def in_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("embedded") / "data", 'engine = "embedded"')


@pytest.fixture(params=["in_files", "in_database"])
def data(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(request.param)
    return folder


def make(folder: Path, engine: str) -> Path:
    """A data folder with 400 records in batches of various sizes, one large, two acknowledgements."""
    made = TestProvince(folder)
    settings = folder / "lienthong.toml"
    settings.write_text(settings.read_text().replace('engine = "embedded"', engine))
    with closing(open_store(made.configuration(), checkpoint_signer(made.log))) as store:
        fill(store)
        secret = (folder / "secrets/passphrase").read_bytes().strip()
        signer = load_signer(folder / "keys/tsa.key", folder / "keys/tsa.pem", passphrase=secret)
        digest = sha256(store.checkpoint()).digest()
        store.add_timestamp(400, request_timestamp(TimeStampAuthority(signer), digest))
    return folder


def fill(store: Store) -> None:
    start, step = 0, 1
    while start < 398:
        batch = [
            document(f"m-{n}", payload=LARGE if n == 7 else None)
            for n in range(start, min(start + step, 398))
        ]
        assert all(isinstance(each, Accepted) for each in store.commit(batch, 1000 + start))
        start, step = start + step, step * 3
    taken = [
        Submission(
            RecordKind.ACKNOWLEDGEMENT, "B", f"a-{n}", sha256(b"B:%d" % n).digest(), b"", (), subject=n
        )
        for n in (0, 1)
    ]
    store.commit(taken, 5000)


def trust_of(data: Path) -> Trust:
    return believe(Given(), datetime.now(UTC), data=data).trust


def test_a_data_folder_of_either_engine_holds(data: Path) -> None:
    report = verify_log(log_source(data), trust_of(data))
    assert report.verdict == "holds", outcome(report)
    assert (report.facts["entries"], report.facts["containers"]) == (400, 398)
    assert report.facts["checkpoints"] == 8
    assert outcome(report)["log.timestamps"] is True


def test_an_opened_store_of_either_engine_holds(data: Path) -> None:
    with closing(open_store(load(data), lambda size, root: b"nothing is signed")) as store:
        whole = verify_log(StoreEntries(store), trust_of(data))
        bare = verify_log(StoreEntries(store, payloads=False), trust_of(data))
    assert whole.verdict == bare.verdict == "holds"
    assert whole.facts["checkpoints"] == bare.facts["checkpoints"] == 8
    assert bare.facts["containers"] == 0


CHANGES = {
    "log.payloads": b"UPDATE records SET payload ="
    b" convert_to(replace(convert_from(payload, 'UTF8'), %s, %s), 'UTF8') WHERE idx = 3",
    "log.roots": b"UPDATE records SET leaf ="
    b" convert_to(replace(convert_from(leaf, 'UTF8'), %s, %s), 'UTF8') WHERE idx = 3",
}


@pytest.mark.parametrize("code", list(CHANGES))
def test_what_was_changed_in_the_database_is_found(in_database: Path, database: str, code: str) -> None:
    with psycopg.connect(database, autocommit=True, options="-c search_path=exchange") as connection:
        connection.execute(CHANGES[code], ("m-3", "m-x"))
        report = verify_log(log_source(in_database), trust_of(in_database))
        assert outcome(report)[code] is False
        connection.execute(CHANGES[code], ("m-x", "m-3"))
    assert verify_log(log_source(in_database), trust_of(in_database)).verdict == "holds"


def test_a_database_that_cannot_be_reached_is_said(in_database: Path, tmp_path: Path) -> None:
    text = (in_database / "lienthong.toml").read_text()
    nowhere = 'engine = "postgresql"\ndsn = "host=127.0.0.1 port=1 dbname=none connect_timeout=2"'
    (tmp_path / "lienthong.toml").write_text(f"{text[: text.index('[store]')]}[store]\n{nowhere}\n")
    (tmp_path / "keys").symlink_to(in_database / "keys")
    report = verify_log(log_source(tmp_path), trust_of(in_database))
    assert outcome(report)["log.read"] is False
