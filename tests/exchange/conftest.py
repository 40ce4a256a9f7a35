"""A province and its running hub, for the tests of the exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.exchange.province import RunningHub, TestProvince

NewProvince = Callable[[], TestProvince]


@pytest.fixture(scope="session")
def pristine_province(tmp_path_factory: pytest.TempPathFactory) -> TestProvince:
    """The province that all others are copies of. Not to be served or changed."""
    return TestProvince(tmp_path_factory.mktemp("pristine") / "data")


@pytest.fixture(scope="module")
def province(pristine_province: TestProvince, tmp_path_factory: pytest.TempPathFactory) -> TestProvince:
    """One province for the tests of a module; those that change it make their own."""
    return pristine_province.copy(tmp_path_factory.mktemp("province") / "data")


@pytest.fixture(scope="module")
def hub(province: TestProvince) -> Iterator[RunningHub]:
    """The module's province, served."""
    with RunningHub(province) as running:
        yield running


@pytest.fixture
def new_province(pristine_province: TestProvince, tmp_path: Path) -> NewProvince:
    """Makes a province of the test's own."""
    count = 0

    def make() -> TestProvince:
        nonlocal count
        count += 1
        return pristine_province.copy(tmp_path / f"province-{count}")

    return make
