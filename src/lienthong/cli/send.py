"""``lienthong send``: files, or a whole edXML message, sealed and sent as an agency."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.agency import AsOption, DataOption, StaffOption, client_of
from lienthong.cli.output import JsonOption, note, print_json, say, size_text
from lienthong.core.errors import LienthongError

if TYPE_CHECKING:
    from lienthong.exchange.client.outbox import OutboxRow
    from lienthong.exchange.client.sync import Client
    from lienthong.exchange.container import File
    from lienthong.exchange.edxml.model import Document


class Unclear(LienthongError):
    code = "usage"


def send(
    files: Annotated[list[Path] | None, typer.Argument(help="The files of the document.")] = None,
    to: Annotated[
        list[str] | None,
        typer.Option("--to", metavar="CODE", help="A recipient: code, alias or group:NAME. Repeat it."),
    ] = None,
    subject: Annotated[str, typer.Option("--subject", help="The abstract (trích yếu).")] = "",
    number: Annotated[str, typer.Option("--number", help="The document's number.")] = "",
    notation: Annotated[str, typer.Option("--notation", help="Its notation, such as CT-UBND.")] = "",
    promulgated: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d", "%d/%m/%Y"], help="Date of the document (today)."),
    ] = None,
    kind: Annotated[str, typer.Option("--type", help="Its type.")] = "Công văn",
    place: Annotated[str, typer.Option("--place", help="Place of issue.")] = "",
    priority: Annotated[
        int, typer.Option("--priority", min=0, max=4, help="0 normal … 3 hỏa tốc, 4 hỏa tốc hẹn giờ.")
    ] = 0,
    due: Annotated[
        datetime | None,
        typer.Option("--due", formats=["%Y-%m-%d", "%d/%m/%Y"], help="When an answer is due."),
    ] = None,
    answers: Annotated[
        int | None, typer.Option("--answers", metavar="INDEX", help="The received document it answers.")
    ] = None,
    update_of: Annotated[
        int | None, typer.Option("--update-of", metavar="INDEX", help="The sent document it updates.")
    ] = None,
    replaces: Annotated[
        int | None, typer.Option("--replaces", metavar="INDEX", help="The sent document it replaces.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why it is updated or replaced.")] = "",
    edxml: Annotated[
        Path | None,
        typer.Option("--edxml", help="Take metadata and embedded files from an edXML message instead."),
    ] = None,
    seal: Annotated[
        bool, typer.Option("--seal", help="Encrypt the files end to end to the recipients.")
    ] = False,
    sign_pdf: Annotated[
        bool, typer.Option("--sign-pdf", help="First sign each PDF with the agency's seal (PAdES).")
    ] = False,
    message_id: Annotated[
        str | None,
        typer.Option("--id", help="Your id for this message; sending it again changes nothing."),
    ] = None,
    staff: StaffOption = "",
    agency: AsOption = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Seal files as a document and send it. It is kept until the hub's receipt is verified.

    Exits 0 when the receipt is here, 3 when the hub could not be reached (the message waits in the outbox:
    `lienthong outbox deliver`), 1 when the hub refused it.
    """
    with client_of(agency, data) as client:
        if edxml is not None:
            document, attached = _from_edxml(edxml)
            attached += _files(files or [])
        elif update_of is not None and not to:
            document, attached = client.desk.own_document(update_of), _files(files or [])
        else:
            document = _composed(
                client, to, subject, number, notation, promulgated, kind, place, priority, due
            )
            attached = _files(files or [])
        if answers is not None:
            document = _answering(client, document, answers)
        if staff:
            document = _by(document, staff)
        if sign_pdf:
            attached = [_signed(client, file) for file in attached]
        if update_of is not None:
            row = client.update(
                update_of,
                attached,
                reason=_needed(reason, "--reason"),
                changed=document,
                seal=seal,
                message_id=message_id,
            )
        elif replaces is not None:
            row = client.replace(
                replaces,
                document,
                attached,
                reason=_needed(reason, "--reason"),
                seal=seal,
                message_id=message_id,
            )
        else:
            row = client.send(document, attached, seal=seal, message_id=message_id)
        finish(client, row, as_json=as_json)


def finish(client: Client, row: OutboxRow, *, as_json: bool) -> None:
    """Say what became of a message, and exit 0, 1 or 3."""
    answer: dict[str, Any] = {
        "message_id": row.message_id,
        "state": row.state,
        "index": row.log_index,
        "problem": row.problem,
        "size": row.size,
    }
    if row.receipt is not None:
        from lienthong.exchange.client.receipt import check_receipt
        from lienthong.trust.log.notes import NoteKey

        receipt = check_receipt(row.receipt, NoteKey.parse(client.profile.checkpoint_key))
        answer |= {"recipients": list(receipt.recipients), "forwarded": [list(p) for p in receipt.forwarded]}
        answer["log_size"] = receipt.checkpoint.size
    if as_json:
        print_json(answer)
    elif row.state == "sent":
        reached = len(answer["recipients"])
        say(
            f"[green]✓[/] Sent: record [bold]{row.log_index}[/] of the log, {size_text(row.size)}, "
            f"{reached} recipient{'s' if reached != 1 else ''}; the receipt is verified and kept."
        )
        for asked, heir in answer["forwarded"]:
            note(f"  {asked} has merged: {heir} received it.")
    elif row.state == "queued":
        note(f"[yellow]…[/] Kept as {row.message_id}, not delivered yet: {row.problem or 'not tried'}")
        note("  Nothing is lost. Try again: lienthong outbox deliver")
    else:
        note(f"[red]✗[/] Refused, kept as {row.message_id}: {row.problem}")
    raise typer.Exit({"sent": 0, "queued": 3, "refused": 1}[row.state])


def _composed(
    client: Client,
    to: list[str] | None,
    subject: str,
    number: str,
    notation: str,
    promulgated: datetime | None,
    kind: str,
    place: str,
    priority: int,
    due: datetime | None,
) -> Document:
    from lienthong.core.clock import VIETNAM, utc_now
    from lienthong.exchange.client.build import compose

    if not to:
        raise Unclear("nobody was named to send to", place="--to", remedy="give --to CODE or --to group:NAME")
    day: date = promulgated.date() if promulgated else utc_now().astimezone(VIETNAM).date()
    return compose(
        client.profile,
        to=to,
        subject=_needed(subject, "--subject"),
        number=_needed(number, "--number"),
        notation=_needed(notation, "--notation"),
        promulgated=day,
        type_name=kind,
        place=place,
        priority=priority,
        due=due.date() if due else None,
    )


def _answering(client: Client, document: Document, index: int) -> Document:
    from dataclasses import replace

    from lienthong.exchange.client.build import answer_to
    from lienthong.exchange.edxml.model import Document as DocumentMessage

    about = client.kept(index).message
    if not isinstance(about, DocumentMessage):
        raise Unclear(f"record {index} is a status, not a document", place="--answers")
    return replace(document, response_for=(*document.response_for, answer_to(about)))


def _by(document: Document, staff: str) -> Document:
    from dataclasses import replace

    from lienthong.core.text import nfc
    from lienthong.exchange.edxml.model import Staff

    business = replace(document.business, staff=(Staff(name=nfc(staff)),))
    return replace(document, trace=replace(document.trace, business=business))


def _files(paths: list[Path]) -> list[File]:
    from lienthong.exchange.client.build import file_name, media_type_of
    from lienthong.exchange.container import File

    for path in paths:
        if not path.is_file():
            raise Unclear("there is no such file", place=str(path), remedy="check the name")
    return [File(file_name(path), media_type_of(path.name), path) for path in paths]


def _from_edxml(path: Path) -> tuple[Document, list[File]]:
    from dataclasses import replace

    from lienthong.exchange.client.build import file_name, media_type_of
    from lienthong.exchange.container import File
    from lienthong.exchange.edxml.model import Document as DocumentMessage
    from lienthong.exchange.edxml.reader import read

    if not path.is_file():
        raise Unclear("there is no such file", place=str(path), remedy="check the name")
    message = read(path.read_bytes())
    if not isinstance(message, DocumentMessage):
        raise Unclear("it is a status message", place=str(path), remedy="report it with `lienthong report`")
    attached = [
        File(file_name(one.name), media_type_of(one.name), one.data, one.description)
        for one in message.attachments
    ]
    return replace(message, attachments=(), references=()), attached


def _signed(client: Client, file: File) -> File:
    from dataclasses import replace

    from lienthong.trust.pades import sign_pdf as sign

    if file.media_type != "application/pdf":
        return file
    content = file.data if isinstance(file.data, bytes) else file.data.read_bytes()
    return replace(file, data=sign(content, client.profile.seal, name=client.profile.name, reason="Ban hành"))


def _needed(value: str, option: str) -> str:
    if not value.strip():
        raise Unclear("it is needed", place=option, remedy=f"give {option} TEXT")
    return value
