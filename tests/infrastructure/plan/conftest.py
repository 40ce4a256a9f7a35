"""One district as a planning folder, planned once for all tests that only look at the plan."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.infrastructure.plan.district import made, write_district

from lienthong.infrastructure.plan.model import Plan


@pytest.fixture(scope="session")
def district(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Plan]:
    folder = tmp_path_factory.mktemp("district")
    write_district(folder)
    return folder, made(folder)
