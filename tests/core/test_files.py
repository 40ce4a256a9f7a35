"""A file is replaced whole or stays what it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from lienthong.core.files import write_atomically


def test_a_file_is_replaced_whole_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(b"a longer text than the next")
    write_atomically(path, b"next")
    assert path.read_bytes() == b"next"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_refusal_names_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.mkdir()
    with pytest.raises(OSError) as refused:
        write_atomically(path, b"next")
    assert refused.value.filename == str(path)
    assert list(tmp_path.iterdir()) == [path]
