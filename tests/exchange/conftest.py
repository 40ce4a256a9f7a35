"""A province and its running hub, for the tests of the exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.exchange.province import RunningHub, TestProvince

NewProvince = Callable[[], TestProvince]


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> TestProvince:
    """One province for the tests of a module; those that change it make their own."""
    return TestProvince(tmp_path_factory.mktemp("province") / "data")


@pytest.fixture(scope="module")
def hub(province: TestProvince) -> Iterator[RunningHub]:
    """The module's province, served."""
    with RunningHub(province) as running:
        yield running


@pytest.fixture
def new_province(tmp_path: Path) -> NewProvince:
    """Makes a province of the test's own."""
    count = 0

    def make() -> TestProvince:
        nonlocal count
        count += 1
        return TestProvince(tmp_path / f"province-{count}")

    return make
