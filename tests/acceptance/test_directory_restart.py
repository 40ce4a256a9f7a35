"""A restart does not take the hub back to an older directory."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
from tests.exchange.province import COMMUNE, RunningHub, TestProvince

from lienthong.registry.errors import DirectoryRollback


def test_an_older_directory_is_not_taken_after_a_restart(new_province: Callable[[], TestProvince]) -> None:
    province = new_province()
    file = province.data / "directory/directory.p7m"
    older, newer = province.data / "older.p7m", province.data / "newer.p7m"
    shutil.copy(file, older)
    province.change(COMMUNE, locked=True)
    shutil.copy(file, newer)
    with RunningHub(province) as hub:
        assert hub.app.hub.version == province.version
    shutil.copy(older, file)
    with pytest.raises(DirectoryRollback) as error, RunningHub(province):
        pass
    assert error.value.remedy
    shutil.copy(newer, file)
    with RunningHub(province) as hub:
        assert hub.app.hub.version == province.version
