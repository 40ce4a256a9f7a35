"""An agency's copy of the directory never goes back, even when the copy itself is lost."""

from __future__ import annotations

import pytest
from tests.exchange.client.conftest import NewClient
from tests.exchange.province import COMMUNE

from lienthong.registry.errors import DirectoryRollback


@pytest.mark.parametrize("damaged", [True, False], ids=["damaged", "missing"])
def test_an_older_directory_is_not_taken_when_the_copy_is_lost(clients: NewClient, damaged: bool) -> None:
    client = clients(COMMUNE)
    taken = client.directory().version
    kept = client.profile.folder / "directory.version"
    copy = client.profile.folder / "directory.p7m"
    version, digest = kept.read_text().split()
    assert int(version) == taken
    kept.write_text(f"{taken + 1} {digest}\n")
    try:
        copy.write_bytes(b"") if damaged else copy.unlink()
        with pytest.raises(DirectoryRollback):
            clients(COMMUNE).directory()
    finally:
        kept.write_text(f"{taken} {digest}\n")
    assert clients(COMMUNE).directory().version == taken
