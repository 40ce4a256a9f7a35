from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.exchange.store.engines import EmbeddedEngine, Engine

from lienthong.exchange.store.protocol import Store


@pytest.fixture(params=["embedded"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    made = EmbeddedEngine(tmp_path / "hub")
    yield made
    made.close()


@pytest.fixture
def store(engine: Engine) -> Store:
    return engine.open()
