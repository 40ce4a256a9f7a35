"""``lienthong report``: a signed status on a received document."""

from __future__ import annotations

from typing import Annotated

import typer

from lienthong.cli.agency import AsOption, DataOption, StaffOption, client_of
from lienthong.cli.output import JsonOption
from lienthong.cli.send import finish
from lienthong.core.errors import LienthongError


class WrongStatus(LienthongError):
    code = "usage"


def report(
    index: Annotated[int, typer.Argument(help="The received document, fetched before.")],
    status: Annotated[
        str,
        typer.Argument(
            help="01 arrived, 02 refused, 03 entered, 04 assigned, 05 being handled, 06 completed, "
            "15 agrees to a recall or update, 16 refuses it."
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why; 02 and 16 need one.")] = "",
    staff: StaffOption = "",
    message_id: Annotated[
        str | None,
        typer.Option("--id", help="Your id for this message; sending it again changes nothing."),
    ] = None,
    agency: AsOption = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report a status on a received document; it travels back signed, with a receipt of its own."""
    from lienthong.exchange.statuses import MEANINGS

    if status not in MEANINGS or status == "13":
        known = ", ".join(code for code in MEANINGS if code != "13")
        raise WrongStatus(f"{status!r} is not a status a recipient reports", remedy=f"use one of {known}")
    if status in ("02", "16") and not reason.strip():
        raise WrongStatus(f"status {status} refuses without giving a reason", remedy="give --reason TEXT")
    with client_of(agency, data) as client:
        row = client.report(index, status, description=reason, staff=staff, message_id=message_id)
        finish(client, row, as_json=as_json)
