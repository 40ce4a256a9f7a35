"""The frame of the command line: quick help, completion, suggestions, errors without tracebacks."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from lienthong.cli import app as frame
from lienthong.cli import help_vietnamese
from lienthong.core.errors import LienthongError

ROOT = Path(__file__).resolve().parents[2]


def lienthong(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LIENTHONG_")}
    return subprocess.run(
        [sys.executable, "-m", "lienthong", *arguments],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


def test_help_lists_every_command_and_imports_none() -> None:
    program = (
        "import sys; sys.argv = ['lienthong', '--help']\n"
        "from lienthong.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    shown, _, modules = done.stdout.rpartition("\n" if not done.stdout.endswith("\n") else "╯\n")
    for name in frame.COMMANDS:
        assert f" {name} " in shown
    heavy = {"django", "httpx", "cryptography", "lxml", "typst", "holidays", "granian", "lienthong.cli.send"}
    assert heavy.isdisjoint(modules.split())


@pytest.mark.parametrize("name", sorted(frame.COMMANDS))
def test_every_command_has_help_of_its_own(name: str) -> None:
    command = frame.load(name)
    assert command.help
    for one in getattr(command, "commands", {}).values():
        assert one.help, f"{name} {one.name}"
        assert all(option.help for option in one.params if option.param_type_name == "option"), one.name


def _leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, one in getattr(command, "commands", {}).items():
        yield from _leaves(one, (*path, name))
    if not hasattr(command, "commands"):
        yield path, command


@pytest.mark.parametrize("name", sorted(frame.COMMANDS))
def test_help_says_what_to_write_and_loses_nothing_to_markup(name: str) -> None:
    for path, command in _leaves(frame.load(name), (name,)):
        texts = [command.help, *(one.help or "" for one in command.params)]
        assert [text for text in texts if re.search(r"(?<!\\)\[[a-z_ ]+\]", text)] == [], path
        for one in command.params:
            if one.param_type_name == "argument":
                assert one.metavar.partition(".")[0].isupper(), path
                assert not one.metavar.startswith("["), path


def test_help_shows_no_types_of_a_programming_language() -> None:
    shown = lienthong("report", "--help", COLUMNS="200").stdout
    assert "INDEX" in shown
    for word in ("<int", "<str", "<list", "<path", "%Y"):
        assert word not in shown + lienthong("send", "--help", COLUMNS="200").stdout


def test_the_reference_page_is_what_the_commands_say() -> None:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    page = ROOT / "docs" / "reference" / "cli.md"
    assert page.read_text(encoding="utf-8") == generate.command_line(), "run `make docs`"


def test_the_shell_completes_commands_and_options() -> None:
    def complete(words: str, index: int) -> list[str]:
        done = lienthong(_LIENTHONG_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(index))
        return done.stdout.split()

    assert complete("lienthong re", 1) == ["registry", "restore", "report", "recall"]
    assert "--to" in complete("lienthong send --", 2)
    assert "deliver" in complete("lienthong outbox ", 2)


def test_a_mistyped_command_gets_a_suggestion_and_2() -> None:
    done = lienthong("sned")
    assert done.returncode == 2
    assert "Did you mean 'send'?" in done.stderr


def test_the_version_is_told() -> None:
    assert lienthong("--version").stdout.startswith("lienthong 0.")


def test_a_fault_of_the_program_is_a_message_and_5_and_a_traceback_only_when_asked_for(
    tmp_path: Path,
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import lienthong.cli.agency as a\ndef broken(*_):\n    raise ZeroDivisionError('seven')\n"
        "a.client_of = broken\n"
    )
    path = f"{tmp_path}:{ROOT / 'src'}"
    plain = lienthong("inbox", PYTHONPATH=path)
    assert plain.returncode == 5
    assert "fault of the program: ZeroDivisionError: seven" in plain.stderr
    assert "Traceback" not in plain.stderr
    as_json = lienthong("inbox", "--json", PYTHONPATH=path)
    assert json.loads(as_json.stderr)["code"] == "internal-error"
    asked = lienthong("inbox", PYTHONPATH=path, LIENTHONG_TRACEBACK="1")
    assert "Traceback" in asked.stderr


@pytest.mark.parametrize(
    ("code", "status", "exit_code"),
    [
        ("bad-profile", 400, 2),
        ("bad-configuration", 500, 2),
        ("usage", 400, 2),
        ("not-permitted", 403, 4),
        ("bad-token", 401, 4),
        ("hub-unreachable", 503, 3),
        ("message-id-conflict", 409, 1),
        ("outbox-failed", 507, 5),
    ],
)
def test_each_kind_of_error_has_its_exit_code(code: str, status: int, exit_code: int) -> None:
    error = LienthongError("what", code=code)
    error.status = status
    assert frame.exit_code(error) == exit_code


IN_VIETNAMESE = (
    *("send", "inbox", "fetch", "report", "recall", "trace", "agencies", "outbox", "verify"),
    *("init", "serve", "doctor", "backup", "restore", "demo"),
)


def help_of(command: Any) -> Iterator[str]:
    yield from filter(None, (command.help, *(getattr(one, "help", None) for one in command.params)))
    for one in getattr(command, "commands", {}).values():
        yield from help_of(one)


@pytest.mark.parametrize("name", IN_VIETNAMESE)
def test_help_of_the_daily_commands_is_vietnamese_where_that_is_asked_for(name: str) -> None:
    texts = {" ".join(text.split()) for text in help_of(frame.load(name))}
    assert texts - set(help_vietnamese.TEXTS) == set()


def test_every_command_is_listed_in_vietnamese() -> None:
    assert set(help_vietnamese.COMMANDS) == set(frame.COMMANDS)
    assert set(help_vietnamese.PANELS) == {entry.panel for entry in frame.COMMANDS.values()}
    shown = lienthong("--help", LIENTHONG_LANG="vi").stdout
    for words in ("Vận hành một tỉnh", "Đề nghị thu hồi văn bản đã gửi.", "Hiển thị phiên bản.", "Tùy chọn"):
        assert words in shown
    assert "Running a province" in lienthong("--help", LIENTHONG_LANG="en").stdout
    shown = " ".join(lienthong("recall", "--help", "--lang", "vi", LIENTHONG_LANG="en").stdout.split())
    for words in (
        "Đề nghị mọi nơi nhận trả lại văn bản.",
        "Lý do thu hồi.",
        "Đối số",
        "Hiển thị hướng dẫn này.",
    ):
        assert words in shown


def test_no_vietnamese_help_is_kept_for_what_nobody_says_any_more() -> None:
    said = {" ".join(text.split()) for name in frame.COMMANDS for text in help_of(frame.load(name))}
    group = typer.main.get_command(frame.app)
    said |= {" ".join(text.split()) for text in (group.help or "", *(one.help or "" for one in group.params))}
    help_option = "Show this message and exit."
    assert set(help_vietnamese.TEXTS) - said <= {help_option}
