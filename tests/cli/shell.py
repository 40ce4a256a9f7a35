"""The real command line, command after command in one process, to start Python once and not forty times."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

LOOP = """
import contextlib, io, json, os, sys
from lienthong.cli.app import main
for line in sys.stdin:
    asked = json.loads(line)
    os.environ.update(asked["environment"])
    sys.argv = ["lienthong", *asked["arguments"]]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
    for name in asked["environment"]:
        os.environ.pop(name, None)
    print(json.dumps({"code": code, "out": out.getvalue(), "err": err.getvalue()}), flush=True)
"""


@dataclass(frozen=True)
class Done:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shell:
    """Runs commands in its process; ``data`` and other options come with each."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self, *arguments: object, code: int | None = 0, **environment: str) -> Done:
        """Run ``lienthong ARGUMENTS``; its exit code must be ``code``, unless that is None."""
        assert self._process.stdin is not None and self._process.stdout is not None
        asked = {"arguments": [str(each) for each in arguments], "environment": environment}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        done = Done(**json.loads(self._process.stdout.readline()))
        assert code is None or done.code == code, f"exit code {done.code}\n{done.out}\n{done.err}"
        return done


@contextmanager
def open_shell(**environment: str) -> Iterator[Shell]:
    """A shell in a clean environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LIENTHONG_")}
    clean.pop("DJANGO_SETTINGS_MODULE", None)
    with subprocess.Popen(
        [sys.executable, "-c", LOOP],
        env={**clean, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Shell(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
