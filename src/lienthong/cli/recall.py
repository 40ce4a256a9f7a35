"""``lienthong recall``: ask to take a sent document back."""

from __future__ import annotations

from typing import Annotated

import typer

from lienthong.cli.agency import AsOption, DataOption, StaffOption, acting_again, client_of
from lienthong.cli.language import LanguageOption, Speech
from lienthong.cli.outcome import finish
from lienthong.cli.output import JsonOption


def recall(
    index: Annotated[int, typer.Argument(help="The sent document's index in the log.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it is taken back.")],
    message_id: Annotated[
        str | None,
        typer.Option("--id", help="Your id for this message; sending it again changes nothing."),
    ] = None,
    staff: StaffOption = "",
    agency: AsOption = "",
    data: DataOption = None,
    lang: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask every recipient to give a document back. Each one agrees (15) or refuses (16); until then it
    keeps its copy. `lienthong trace` shows who answered what.
    """
    with client_of(agency, data) as client:
        row = client.recall(index, reason=reason, staff=staff, message_id=message_id)
        finish(client, row, Speech(lang), acting_again(agency, data), as_json=as_json)
