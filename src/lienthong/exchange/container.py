"""The container of one message: an ASiC-E of ``edoc.xml`` and its files, each naming the other.

``edoc.xml`` (edXML) refers to the files as ``cid:`` + entry name. Sealed messages carry one file,
``files.p7m``, that only the recipients can open; the hub then sees the metadata alone. The format is
docs/reference/container.md.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from types import TracebackType

from lienthong.core.clock import VIETNAM
from lienthong.core.identifiers import message_id as checked_message_id
from lienthong.core.text import nfc
from lienthong.exchange.edxml import model
from lienthong.exchange.edxml.reader import Envelope, read, read_envelope
from lienthong.exchange.edxml.rules import OPTIONS, Options
from lienthong.exchange.edxml.writer import write
from lienthong.exchange.errors import MalformedMessage, TooLarge
from lienthong.trust import asic
from lienthong.trust.asic import Limits, SignedFile
from lienthong.trust.cms import SignatureInfo
from lienthong.trust.keys import Signer
from lienthong.trust.sealing import seal, unseal, unseal_bytes
from lienthong.trust.sealing.recipients import PrivateKey

EDOC = "edoc.xml"
EDOC_TYPE = "text/xml"
FILES = "files/"
SEALED = "files.p7m"
SEALED_TYPE = "application/pkcs7-mime"
MAX_EDOC = 1 << 20


@dataclass(frozen=True, slots=True)
class File:
    """A file to send: its name without a folder, media type, and bytes or the path where it lies."""

    name: str
    media_type: str
    data: bytes | Path
    description: str = ""


def build(
    message: model.Message,
    files: Sequence[File],
    signer: Signer,
    *,
    signing_time: datetime,
    out: Path | None = None,
    seal_for: Sequence[bytes] = (),
    timestamp: Callable[[bytes], bytes] | None = None,
    options: Options = OPTIONS,
) -> bytes | None:
    """The signed container of ``message`` with ``files``: bytes, or None when written to ``out``.

    The message's references are replaced by those of the files. ``seal_for``: DER encryption certificates
    of every recipient (and of the sender, who otherwise cannot open it again); the files' names and
    descriptions are then inside the seal only. ``timestamp``: SHA-256 digest → RFC 3161 token.
    Raises :class:`MalformedMessage` for a message that a hub would refuse (``options``: its rules) or that
    carries its attachments inside, :class:`IdentifierError` for a missing or odd message id, and the errors
    of ``trust.asic.write`` and ``trust.sealing.seal``.
    """
    checked_message_id(message.message_id or "", place="TraceHeaderList/@id")
    if isinstance(message, model.Status):
        if files:
            raise MalformedMessage("a status message carries no files", place="files")
    elif message.attachments:
        raise MalformedMessage(
            "the files are inside the message",
            place="AttachmentEncoded",
            remedy="give them as files: in a container they travel beside edoc.xml",
        )
    with ExitStack() as scratch:
        if seal_for and files:
            entries = [_seal(files, seal_for, out, scratch)]
            references = [model.Reference(SEALED, SEALED_TYPE, SEALED)]
        else:
            entries = [asic.Entry(FILES + nfc(file.name), file.media_type, file.data) for file in files]
            references = [
                model.Reference(entry.name, file.media_type, nfc(file.name), file.description)
                for entry, file in zip(entries, files, strict=True)
            ]
        if isinstance(message, model.Document):
            message = replace(message, references=tuple(references))
        edoc = write(message)
        read_envelope(edoc, options=options, today=signing_time.astimezone(VIETNAM).date())
        entries.insert(0, asic.Entry(EDOC, EDOC_TYPE, edoc))
        return asic.write(entries, signer, signing_time=signing_time, out=out, timestamp=timestamp)


def _seal(
    files: Sequence[File], recipients: Sequence[bytes], out: Path | None, scratch: ExitStack
) -> asic.Entry:
    """The sealed files: in memory, or for a container on disk in a file beside it until that is written."""
    entries = [asic.Entry(nfc(file.name), file.media_type, file.data) for file in files]
    if out is None:
        return asic.Entry(SEALED, SEALED_TYPE, seal(entries, recipients))
    folder = scratch.enter_context(tempfile.TemporaryDirectory(dir=out.parent, prefix=".sealing-"))
    sealed = Path(folder) / SEALED
    seal(entries, recipients, sealed)
    return asic.Entry(SEALED, SEALED_TYPE, sealed)


class Opened:
    """A container whose structure, digests, signature and edXML hold together. Trust is not decided here.

    ``envelope``: what the hub needs of the message; ``signature``: the seal; ``files``: every file beside
    ``edoc.xml``, in the order of the archive. Close it, or use it in a ``with`` statement.
    """

    __slots__ = ("container", "edoc", "envelope")

    def __init__(self, container: asic.Container, edoc: bytes, envelope: Envelope) -> None:
        self.container = container
        self.edoc = edoc
        self.envelope = envelope

    @property
    def signature(self) -> SignatureInfo:
        return self.container.signature

    @property
    def files(self) -> tuple[SignedFile, ...]:
        return tuple(entry for name, entry in self.container.entries.items() if name != EDOC)

    @property
    def sealed(self) -> bool:
        return SEALED in self.container.entries

    def message(self) -> model.Message:
        """The whole typed message."""
        return read(self.edoc)

    def unseal(self, key: PrivateKey, certificate: bytes, folder: Path) -> list[Path]:
        """Open the sealed files into ``folder`` with a recipient's key; the paths written."""
        with self.container.open(SEALED) as stream:
            return unseal(stream, key, certificate, folder)

    def unsealed(self, key: PrivateKey, certificate: bytes) -> list[tuple[str, bytes]]:
        """The sealed files in memory, (name, content), for a message of a few megabytes."""
        return unseal_bytes(bytes(self.container.view(SEALED)), key, certificate)

    def close(self) -> None:
        self.container.close()

    def __enter__(self) -> Opened:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_container(
    source: bytes | memoryview | Path,
    limits: Limits | None = None,
    *,
    options: Options = OPTIONS,
    today: date | None = None,
) -> Opened:
    """Open and check the container in ``source``: every byte signed, the edXML valid, references and files
    matching one to one. Raises :class:`ContainerError`, :class:`MalformedMessage`, :class:`TooLarge` or
    :class:`IdentifierError` (message id).
    """
    container = asic.read(source, limits=limits)
    try:
        return read_message(container, options=options, today=today)
    except BaseException:
        container.close()
        raise


def read_message(
    container: asic.Container, *, options: Options = OPTIONS, today: date | None = None
) -> Opened:
    """The message of a container whose signature was checked already; raises as :func:`open_container`."""
    entry = container.entries.get(EDOC)
    if entry is None:
        raise MalformedMessage("the container holds no edoc.xml", place=EDOC)
    if entry.size > MAX_EDOC:
        raise TooLarge(f"is larger than {MAX_EDOC} bytes", place=EDOC)
    edoc = container.read(EDOC)
    envelope = read_envelope(edoc, options=options, today=today)
    checked_message_id(envelope.message_id or "", place="TraceHeaderList/@id")
    _check_references(envelope, container)
    return Opened(container, edoc, envelope)


def _check_references(envelope: Envelope, container: asic.Container) -> None:
    referred = envelope.references
    files = container.names
    if len(referred) == len(files) - 1 and set(referred) | {EDOC} == set(files):
        return
    missing = [name for name in referred if name not in files or name == EDOC]
    unnamed = [name for name in files if name != EDOC and name not in referred]
    if missing:
        detail, place = "edoc.xml refers to a file that is not in the container", missing[0]
    elif unnamed:
        detail, place = "edoc.xml does not refer to this file", unnamed[0]
    else:
        detail, place = "edoc.xml refers to a file twice", EDOC
    raise MalformedMessage(detail, place=place, remedy="make the container anew from the message")
