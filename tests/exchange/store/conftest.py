from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.exchange.store.cluster import Cluster, running_cluster
from tests.exchange.store.engines import EmbeddedEngine, Engine, PostgresEngine

from lienthong.exchange.store.protocol import Store


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL server for the session (each xdist worker has its own)."""
    with running_cluster() as running:
        yield running


@pytest.fixture(scope="session")
def _database(cluster: Cluster) -> str:
    return cluster.create_database("hub")


@pytest.fixture
def database(_database: str) -> str:
    """The DSN of a database without a log. It is the same one each time: creating one takes a second."""
    with psycopg.connect(_database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS exchange CASCADE")
    return _database


@pytest.fixture(params=["embedded", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    made: Engine
    if request.param == "embedded":
        made = EmbeddedEngine(tmp_path / "hub")
    else:
        made = PostgresEngine(request.getfixturevalue("database"), tmp_path / "spool")
    yield made
    made.close()


@pytest.fixture
def store(engine: Engine) -> Store:
    return engine.open()
