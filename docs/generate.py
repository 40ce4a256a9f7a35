"""Write the reference pages that the program itself knows best: the command line.

``python docs/generate.py`` writes them; with ``--check`` it says which are out of date and exits 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

HEAD = """# Command line

<!-- Written by docs/generate.py from the commands themselves; change it there. -->

`lienthong COMMAND --help` shows the same at the terminal; `lienthong --install-completion` makes the shell
complete commands and options. `python -m lienthong` is the same program.

## What every command keeps to

**Who acts.** Commands that act for an agency take `--as`: the folder of its profile (with `agency.toml`), or
its code in the data folder of `--data`. `LIENTHONG_AS` and `LIENTHONG_DATA` set them once; without `--data`
the demonstration's `./var/demo` is meant.

**In which language.** `--lang vi` or `--lang en` where a command has it; `LIENTHONG_LANG` says it once for all
of them, for `--help` and for errors; else the terminal's (`LC_ALL`, `LC_MESSAGES`, `LANG`). Times are Vietnam's.

**For scripts.** `--json` prints one JSON document on standard output, the same in every language. Progress and
remarks go to standard error. With `--json` an error is a JSON object there too (RFC 9457: `code`, `detail`,
`place`, `remedy`), a wrong call included (`"code": "usage"`); otherwise it says what was wrong, where, and what
to do. A message that was kept but not delivered (`send`, `report`, `recall`, `outbox retry`) is told on standard
output with its `state`, and with the same `code`, `detail`, `place` and `remedy`. There are no tracebacks;
`LIENTHONG_TRACEBACK=1` asks for one.

**Exit codes.**

| code | meaning |
|---|---|
| 0 | done; the thing checked is good |
| 1 | refused, or not there: the hub does not take the message, the record is not this agency's, nobody has the code; or the thing checked is bad |
| 2 | called or configured wrongly: options, `lienthong.toml`, a profile, a passphrase that does not open the keys, a file to check that cannot be read |
| 3 | the hub (or database, or authority) cannot be reached, or `serve` could not keep its processes alive; what was sent waits in the outbox |
| 4 | not permitted: no session, or no right |
| 5 | a fault of the program or of the disk |
| 130 | ended by Ctrl-C |

**Secrets.** `LIENTHONG_PASSPHRASE` opens encrypted key files in place of the data folder's
`secrets/passphrase`; `LIENTHONG_PIN` is the PIN of a security module. Neither is ever taken from the command
line.
"""  # noqa: E501


def command_line() -> str:
    """docs/reference/cli.md."""
    from lienthong.cli.app import COMMANDS, load

    parts = [HEAD]
    panel = ""
    for name, entry in COMMANDS.items():
        if entry.panel != panel:
            panel = entry.panel
            parts.append(f"## {panel}\n")
        parts.extend(_command(load(name), f"lienthong {name}", 3))
    return "\n".join(parts).rstrip() + "\n"


PAGES: dict[str, Callable[[], str]] = {"reference/cli.md": command_line}


def _command(command: Any, path: str, level: int) -> Iterator[str]:
    yield f"{'#' * level} {path}\n"
    if command.help:
        yield _prose(command.help) + "\n"
    subcommands = getattr(command, "commands", None)
    if subcommands:
        for name, one in subcommands.items():
            if not one.hidden:
                yield from _command(one, f"{path} {name}", level + 1)
        return
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    usage = " ".join([path, *(["[OPTIONS]"] if options else []), *map(_placeholder, arguments)])
    yield f"```text\n{usage}\n```\n"
    rows = [(f"`{_cell(_placeholder(one))}`", _text(one)) for one in arguments]
    rows += [(_flags(one), _text(one)) for one in options if one.name != "help"]
    if rows:
        lines = ["| | |", "|---|---|", *(f"| {left} | {right} |" for left, right in rows)]
        yield "\n".join(lines) + "\n"


def _placeholder(argument: Any) -> str:
    name = argument.metavar or (argument.name or "").upper()
    if argument.nargs == -1:
        name = f"{name}..."
    return name if argument.required else f"[{name}]"


def _flags(option: Any) -> str:
    shown = ", ".join(f"`{flag}`" for flag in [*option.opts, *option.secondary_opts])
    annotation = option.type_descriptor.annotation
    if annotation is bool:
        return shown
    return f"{shown} {_cell(option.metavar or _kind(annotation))}"


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is list:
        return _kind(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return "|".join(map(str, get_args(annotation)))
    return {int: "NUMBER", float: "NUMBER", Path: "FILE", datetime: "DATE"}.get(annotation, "TEXT")


def _text(parameter: Any) -> str:
    text = _cell(_prose(parameter.help or ""))
    default = parameter.default
    if (
        default not in (None, "", False, ())
        and not callable(default)
        and not getattr(parameter, "is_flag", False)
    ):
        text += f" Default: `{default}`."
    if getattr(parameter, "required", False) and parameter.param_type_name == "option":
        text += " Required."
    if parameter.envvar:
        text += f" Environment: `{parameter.envvar}`."
    return text.strip()


def _prose(help_text: str) -> str:
    """Help as Markdown: paragraphs joined, the terminal's own marks left out."""
    plain = re.sub(r"\[/?(?:bold|dim|red|green|yellow)?\]", "", help_text.replace("\f", ""))
    paragraphs = [" ".join(part.split()) for part in plain.split("\n\n")]
    return "\n\n".join(part for part in paragraphs if part)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def main(arguments: list[str]) -> int:
    stale = []
    for name, write in PAGES.items():
        page = ROOT / "docs" / name
        text = write()
        if page.exists() and page.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in arguments:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(text, encoding="utf-8")
    if stale and "--check" in arguments:
        print("out of date, run `make docs`:", ", ".join(stale), file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
