"""``lienthong``: the commands, imported only when they are called, and what an error looks like.

Exit codes: 0 done; 1 refused, or the thing checked is bad; 2 called or configured wrongly; 3 cannot be
reached; 4 not permitted; 5 a fault of the program.
"""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup

from lienthong.core.errors import LienthongError

DOCUMENTS = "Documents"
CHECKING = "Checking"
PLANNING = "Planning the network"
RUNNING = "Running a province"

REFUSED, USAGE, UNREACHABLE, NOT_PERMITTED, INTERNAL = 1, 2, 3, 4, 5

_USAGE_CODES = frozenset(
    {
        "bad-configuration",
        "bad-profile",
        "port-taken",
        "serve-misconfigured",
        "unreadable-file",
        "usage",
        "wrong-passphrase",
    }
)

REMEDIES = {"not-found": "check the log index and the agency (--as)"}
"""What to do at the command line about what a hub, which knows of no options, refused without a remedy."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command lives: ``attribute`` of ``cli.module`` is a function or a ``typer.Typer``."""

    module: str
    attribute: str
    panel: str
    help: str


COMMANDS: dict[str, Entry] = {
    "demo": Entry("demo.command", "demo", RUNNING, "A whole province at work on this machine."),
    "init": Entry("init", "init", RUNNING, "Create a province: CA, registry, keys, configuration, profiles."),
    "serve": Entry("serve", "serve", RUNNING, "Serve a data folder: exchange and web."),
    "registry": Entry("registry", "app", RUNNING, "Agencies, their codes, seals and rights."),
    "keys": Entry("keys", "app", RUNNING, "Keys and certificates: make, issue, renew, revoke, trust."),
    "doctor": Entry("doctor", "doctor", RUNNING, "Say whether everything is well, and what to do if not."),
    "backup": Entry("backup", "backup", RUNNING, "Copy a data folder consistently, while it serves."),
    "restore": Entry("restore", "restore", RUNNING, "Put a backup into a new data folder and check it."),
    "send": Entry("send", "send", DOCUMENTS, "Seal files as a document and send it."),
    "inbox": Entry("inbox", "inbox", DOCUMENTS, "List what has arrived."),
    "fetch": Entry("fetch", "fetch", DOCUMENTS, "Fetch, verify and keep what has arrived."),
    "report": Entry("report", "report", DOCUMENTS, "Report a status (01 … 06, 15, 16) on a document."),
    "recall": Entry("recall", "recall", DOCUMENTS, "Ask to take a sent document back."),
    "trace": Entry("trace", "trace", DOCUMENTS, "Show a document's whole life, by whom and when."),
    "agencies": Entry("agencies", "agencies", DOCUMENTS, "Look up whom one can write to."),
    "outbox": Entry("outbox", "app", DOCUMENTS, "What is waiting to be sent, and its receipts."),
    "verify": Entry("verify", "verify", CHECKING, "Check a container, receipt, proof or log, offline."),
    "log": Entry("log", "app", CHECKING, "The transparency log: checkpoints, proofs, witnesses, archives."),
    "edxml": Entry("edxml", "app", CHECKING, "Check and show edXML messages."),
    "infrastructure": Entry(
        "infrastructure", "app", PLANNING, "Plan the network: fibre trees with a proven bound."
    ),
}


class LazyGroup(TyperGroup):
    """Lists commands from :data:`COMMANDS` and imports one only when it is to run."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {
            name: TyperCommand(name, help=entry.help, rich_help_panel=entry.panel)
            for name, entry in COMMANDS.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, found, rest = super().resolve_command(ctx, args)
        if found is None or name is None:
            return name, None, rest
        command = load(name)
        if _in_vietnamese():
            from lienthong.cli.help_vietnamese import translate

            translate(command)
        return name, command, rest

    def format_help(self, ctx: Any, formatter: Any) -> None:
        if _in_vietnamese():
            from lienthong.cli.help_vietnamese import translate, translate_list

            commands, self.commands = self.commands, {}
            translate(self)
            translate_list(commands)
            self.commands = commands
        super().format_help(ctx, formatter)


def _in_vietnamese() -> bool:
    from lienthong.cli.language import of_the_command_line

    return of_the_command_line() == "vi"


def load(name: str) -> Any:
    """The real command of that name, imported now."""
    entry = COMMANDS[name]
    target = getattr(importlib.import_module(f"lienthong.cli.{entry.module}"), entry.attribute)
    if isinstance(target, typer.Typer):
        group = typer.main.get_group(target)
        group.name = name
        _in_plain_words(group)
        return group
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
    alone.command(name)(target)
    command = typer.main.get_command(alone)
    _in_plain_words(command)
    return command


def _in_plain_words(command: Any) -> None:
    """Help shows what to write (FILE, NUMBER, DATE), not the types of a programming language."""
    for one in getattr(command, "commands", {}).values():
        _in_plain_words(one)
    for parameter in command.params:
        annotation = parameter.type_descriptor.annotation
        if parameter.param_type_name == "argument":
            parameter.metavar = parameter.metavar or (parameter.name or "").upper()
            parameter.display_type_rich = lambda ctx=None: None
        elif annotation is bool:
            parameter.display_type_rich = lambda ctx=None: None
        elif not parameter.metavar and not parameter.type_descriptor.is_choice:
            parameter.metavar = _placeholder(annotation)


def _placeholder(annotation: Any) -> str:
    if get_origin(annotation) is list:
        return _placeholder(get_args(annotation)[0])
    return {int: "NUMBER", float: "NUMBER", Path: "FILE", datetime: "DATE"}.get(annotation, "TEXT")


app = typer.Typer(
    cls=LazyGroup,
    name="lienthong",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from lienthong import __version__

        typer.echo(f"lienthong {__version__}")
        raise typer.Exit


@app.callback()
def lienthong(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Liên Thông: the official channel of a province, from the command line."""


def exit_code(error: LienthongError) -> int:
    """What a script is told about an error."""
    if error.code in _USAGE_CODES:
        return USAGE
    if error.status in (401, 403):
        return NOT_PERMITTED
    if error.status in (502, 503, 504):
        return UNREACHABLE
    return INTERNAL if error.status >= 500 else REFUSED


class CalledWrongly(LienthongError):
    """Options or arguments that the command does not take."""

    code = "usage"


def _for_a_script() -> int:
    """Run the command with ``--json``; a wrong call is :class:`CalledWrongly` and not words on a terminal."""
    try:
        ended = app(prog_name="lienthong", standalone_mode=False)
    except Exception as wrong:
        if not hasattr(wrong, "format_message"):  # of Typer's own, for calls that cannot be understood
            raise
        raise _called_wrongly(wrong) from None
    return ended if isinstance(ended, int) else 0


def _called_wrongly(wrong: Any) -> CalledWrongly:
    hint = getattr(wrong, "param_hint", None) or getattr(wrong, "option_name", None)
    parameter = getattr(wrong, "param", None)
    if hint is None and parameter is not None:
        hint = parameter.get_error_hint()
    place = hint if isinstance(hint, str) or hint is None else " / ".join(hint)
    context = getattr(wrong, "ctx", None)
    command = context.command_path if context is not None else "lienthong"
    return CalledWrongly(
        wrong.format_message() or "the command is not complete",
        place=place.strip("'") if place else None,
        remedy=f"see {command} --help",
    )


def _disk_trouble(trouble: OSError) -> LienthongError:
    """A file that cannot be read or written is no fault of the program."""
    return LienthongError(
        trouble.strerror or str(trouble),
        place=str(trouble.filename) if trouble.filename else None,
        remedy="check the path, this user's rights there, and the room on the disk",
        code="disk-trouble",
    )


def main() -> None:
    """Run the command line. An error is shown as what, where, what to do; never as a traceback, unless
    ``LIENTHONG_TRACEBACK=1`` asks for one.
    """
    from lienthong.cli.output import show_error, show_fault

    as_json = "--json" in sys.argv
    try:
        if as_json:
            sys.exit(_for_a_script())
        app(prog_name="lienthong")
    except LienthongError as error:
        if os.environ.get("LIENTHONG_TRACEBACK") == "1":
            raise
        error.remedy = error.remedy or REMEDIES.get(error.code)
        show_error(error, as_json=as_json)
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as trouble:
        if os.environ.get("LIENTHONG_TRACEBACK") == "1":
            raise
        show_error(_disk_trouble(trouble), as_json=as_json)
        sys.exit(INTERNAL)
    except Exception as fault:
        if os.environ.get("LIENTHONG_TRACEBACK") == "1":
            raise
        show_fault(fault, as_json=as_json)
        sys.exit(INTERNAL)
