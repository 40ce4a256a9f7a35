"""``lienthong send``: files, or a whole edXML message, sealed and sent as an agency."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.cli.agency import AsOption, DataOption, StaffOption, acting_again, client_of
from lienthong.cli.language import LanguageOption, Speech
from lienthong.cli.misuse import Misuse
from lienthong.cli.outcome import finish
from lienthong.cli.output import JsonOption
from lienthong.cli.vietnamese import Said

if TYPE_CHECKING:
    from lienthong.exchange.client.sync import Client
    from lienthong.exchange.container import File
    from lienthong.exchange.edxml.model import Document


def send(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="The files of the document.")
    ] = None,
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
    lang: LanguageOption = None,
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
            if not files:
                raise _nothing_to_send()
            attached = _files(files)
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
        finish(client, row, Speech(lang), acting_again(agency, data), as_json=as_json)


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
        raise Misuse(
            "nobody was named to send to",
            place="--to",
            remedy="give --to CODE or --to group:NAME; look a code up: lienthong agencies WORDS",
            vietnamese=Said(
                "chưa nêu nơi nhận", "thêm --to MÃ hoặc --to group:TÊN; tra mã: lienthong agencies TỪ_KHÓA"
            ),
        )
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
    from lienthong.exchange.client.build import answer_to
    from lienthong.exchange.edxml.model import Document as DocumentMessage

    about = client.kept(index).message
    if not isinstance(about, DocumentMessage):
        raise Misuse(
            f"record {index} is a status, not a document",
            place="--answers",
            remedy="give the index of the document that is answered",
            vietnamese=Said(f"bản ghi {index} không phải văn bản", "nêu số nhật ký của văn bản"),
        )
    return replace(document, response_for=(*document.response_for, answer_to(about)))


def _by(document: Document, staff: str) -> Document:
    from lienthong.core.text import nfc
    from lienthong.exchange.edxml.model import Staff

    business = replace(document.business, staff=(Staff(name=nfc(staff)),))
    return replace(document, trace=replace(document.trace, business=business))


def _files(paths: list[Path]) -> list[File]:
    from lienthong.exchange.client.build import file_name, media_type_of
    from lienthong.exchange.container import File

    for path in paths:
        if not path.is_file():
            raise _no_file(path)
    return [File(file_name(path), media_type_of(path.name), path) for path in paths]


def _from_edxml(path: Path) -> tuple[Document, list[File]]:
    from lienthong.exchange.client.build import file_name, media_type_of
    from lienthong.exchange.container import File
    from lienthong.exchange.edxml.model import Document as DocumentMessage
    from lienthong.exchange.edxml.reader import read

    if not path.is_file():
        raise _no_file(path)
    message = read(path.read_bytes())
    if not isinstance(message, DocumentMessage):
        raise Misuse(
            "it is a status message",
            place=str(path),
            remedy="report it with `lienthong report`",
            vietnamese=Said("đây là thông điệp trạng thái", "báo trạng thái bằng lệnh lienthong report"),
        )
    attached = [
        File(file_name(one.name), media_type_of(one.name), one.data, one.description)
        for one in message.attachments
    ]
    return replace(message, attachments=(), references=()), attached


def _signed(client: Client, file: File) -> File:
    from lienthong.trust.pades import sign_pdf as sign

    if file.media_type != "application/pdf":
        return file
    content = file.data if isinstance(file.data, bytes) else file.data.read_bytes()
    return replace(file, data=sign(content, client.profile.seal, name=client.profile.name, reason="Ban hành"))


def _needed(value: str, option: str) -> str:
    if not value.strip():
        raise Misuse(
            "it is needed",
            place=option,
            remedy=f"give {option} TEXT",
            vietnamese=Said(f"còn thiếu {option}", f"thêm {option} NỘI_DUNG"),
        )
    return value


def _nothing_to_send() -> Misuse:
    return Misuse(
        "no file was named to send",
        place="FILE",
        remedy="name at least one file to send: lienthong send FILE … --to CODE",
        vietnamese=Said(
            "chưa nêu tệp nào để gửi", "nêu ít nhất một tệp cần gửi: lienthong send TỆP … --to MÃ"
        ),
    )


def _no_file(path: Path) -> Misuse:
    return Misuse(
        "there is no such file",
        place=str(path),
        remedy="check the name",
        vietnamese=Said("không có tệp này", "kiểm tra lại tên tệp"),
    )
