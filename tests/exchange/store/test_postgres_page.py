"""docs/howto/postgresql.md says what to type; it is typed here, as it stands there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import psycopg
from tests.exchange.store.cluster import Cluster
from tests.exchange.store.submissions import ORIGIN, document, sign_checkpoint

from lienthong.exchange.store.postgres import open_postgres
from lienthong.exchange.store.protocol import Accepted

PAGE = Path(__file__).resolve().parents[3] / "docs" / "howto" / "postgresql.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.S)


def test_the_role_of_the_page_owns_a_log(cluster: Cluster) -> None:
    (statements,) = blocks("sql")
    with psycopg.connect(cluster.dsn, autocommit=True) as superuser:
        for statement in statements.split(";"):
            if statement.strip():
                superuser.execute(statement.encode())
    try:
        dsn = f"host={cluster.folder} port={cluster.port} user=lienthong dbname=lienthong"
        store = open_postgres(dsn, ORIGIN, sign_checkpoint)
        assert store.commit([document("m1")], 1) == [Accepted(0)]
        store.close()
    finally:
        cluster.drop_database("lienthong")
        with psycopg.connect(cluster.dsn, autocommit=True) as superuser:
            superuser.execute("DROP ROLE lienthong")


def test_the_configuration_of_the_page_is_well_formed() -> None:
    (example,) = blocks("toml")
    assert tomllib.loads(example)["store"]["engine"] == "postgresql"
