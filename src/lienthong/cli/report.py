"""``lienthong report``: a signed status on a received document."""

from __future__ import annotations

from typing import Annotated

import typer

from lienthong.cli.agency import AsOption, DataOption, StaffOption, acting_again, client_of
from lienthong.cli.language import LanguageOption, Speech
from lienthong.cli.misuse import Misuse
from lienthong.cli.outcome import finish
from lienthong.cli.output import JsonOption
from lienthong.cli.vietnamese import Said


def report(
    index: Annotated[int, typer.Argument(help="The index of the received document, fetched before.", min=0)],
    status: Annotated[
        str,
        typer.Argument(
            help="01 arrived, 02 refused, 03 entered, 04 assigned, 05 being handled, 06 completed, "
            "15 agrees to a recall or update, 16 refuses it. 3 is 03."
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
    lang: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report a status on a received document; it travels back signed, with a receipt of its own."""
    code = _status(status)
    if code in ("02", "16") and not reason.strip():
        raise Misuse(
            f"status {code} refuses without giving a reason",
            place="--reason",
            remedy="give --reason TEXT",
            vietnamese=Said(f"trạng thái {code} là từ chối nên phải nêu lý do", "thêm --reason LÝ_DO"),
        )
    with client_of(agency, data) as client:
        row = client.report(index, code, description=reason, staff=staff, message_id=message_id)
        finish(client, row, Speech(lang), acting_again(agency, data), as_json=as_json)


def _status(given: str) -> str:
    """The status that was meant; 3 is 03."""
    from lienthong.exchange.statuses import MEANINGS, MEANINGS_EN

    code = given.zfill(2) if given.isascii() and given.isdigit() else given
    if code in MEANINGS and code != "13":
        return code
    if code == "13":
        raise Misuse(
            "13 is what the sender asks for, not what a recipient reports",
            remedy="to ask for a document of one's own to be given back: lienthong recall INDEX",
            vietnamese=Said(
                "13 là đề nghị của bên gửi, không phải trạng thái do bên nhận báo",
                "muốn thu hồi văn bản đã gửi: lienthong recall SỐ_NHẬT_KÝ",
            ),
        )
    listed = [name for name in MEANINGS if name != "13"]
    raise Misuse(
        f"{given!r} is not a status a recipient reports",
        remedy="use one of\n" + "\n".join(f"{name} {MEANINGS_EN[name]}" for name in listed),
        vietnamese=Said(
            f"{given!r} không phải là trạng thái do bên nhận báo",
            "dùng một trong các mã\n" + "\n".join(f"{name} {MEANINGS[name]}" for name in listed),
        ),
    )
