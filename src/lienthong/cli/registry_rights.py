"""``lienthong registry grant``, ``quota``, ``certificate``: what agencies may do, and with which keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lienthong.cli.agency import DataOption
from lienthong.cli.output import JsonOption, print_json, say
from lienthong.cli.registry_options import (
    CodeArgument,
    actor,
    open_registry,
    remind,
)


def grant(
    subject: Annotated[str, typer.Argument(metavar="WHO", help="A code, kind:…, group:… or *.")],
    action: Annotated[str, typer.Argument(help="send, witness, audit or operate.")],
    target: Annotated[str, typer.Argument(metavar="TOWARDS", help="A code, kind:…, group:… or *.")] = "*",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the right away again.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let agencies do something. Without a right, nobody may do anything."""
    open_registry(data)
    from lienthong.registry import actions
    from lienthong.registry.directory import Right

    right = Right(subject, action, target)
    (actions.withdraw_right if withdraw else actions.grant_right)(right, actor=actor())
    if as_json:
        print_json({"subject": subject, "action": action, "object": target, "granted": not withdraw})
    else:
        say(f"[green]✓[/] {subject} {'no longer may' if withdraw else 'may'} {action} {target}")
    remind(as_json)


def rights(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List who may do what, and the quotas."""
    open_registry(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import queries

    view.show_rights(queries.state(), as_json=as_json)


def quota(
    subject: Annotated[str, typer.Argument(metavar="WHO", help="A code, kind:…, group:… or *.")],
    messages: Annotated[int, typer.Option("--messages-per-minute", min=1, help="Messages a minute.")],
    size: Annotated[int, typer.Option("--bytes-per-day", min=1, help="Bytes a day.")],
    concurrent: Annotated[int, typer.Option("--concurrent", min=1, help="Requests at the same time.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set how much agencies may send; the most specific rule counts."""
    open_registry(data)
    from lienthong.registry import actions
    from lienthong.registry.directory import Quota

    actions.set_quota(subject, Quota(messages, size, concurrent), actor=actor())
    if as_json:
        print_json({"subject": subject, "messages_per_minute": messages, "bytes_per_day": size,
                    "concurrent": concurrent})  # fmt: skip
    else:
        say(f"[green]✓[/] {subject}: {messages} messages a minute, {size} bytes a day, {concurrent} at once")
    remind(as_json)


def certificate_add(
    code: CodeArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The certificate, PEM or DER.")],
    use: Annotated[str, typer.Option("--use", help="seal, encryption or tls.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note that an agency acts with this certificate (of the province's CA or another that is trusted)."""
    from lienthong.trust.keys import read_file

    open_registry(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import actions

    view.show_certificate(actions.add_certificate(code, use, read_file(file), actor=actor()), as_json=as_json)
    remind(as_json)


def certificate_withdraw(
    fingerprint: Annotated[
        str, typer.Argument(help="Its SHA-256 fingerprint, or the first 8 digits or more.")
    ],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a certificate out of the directory. When its key is compromised, use `lienthong keys revoke`."""
    open_registry(data)
    from lienthong.cli import registry_view as view
    from lienthong.registry import actions

    for row in actions.withdraw_certificate(fingerprint, actor=actor()):
        view.show_certificate(row, as_json=as_json)
    remind(as_json)
