"""The command line in the test's own process, as a script meets it: arguments in, exit code and both streams
out. For tests that change what the command finds around it; :mod:`.shell` has a process of its own.
"""

from __future__ import annotations

import sys

import pytest

from lienthong.cli.app import main


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object
) -> tuple[int, str, str]:
    """Run ``lienthong ARGUMENTS``: exit code, standard output, standard error."""
    monkeypatch.setattr(sys, "argv", ["lienthong", *map(str, arguments)])
    code: int | str | None = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    said = capsys.readouterr()
    return int(code or 0), said.out, said.err
