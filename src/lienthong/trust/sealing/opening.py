"""Opening a sealed file: nothing reaches its final name before the whole of it is authenticated."""

from __future__ import annotations

import filecmp
import io
import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from lienthong.trust import der
from lienthong.trust.der import DerError
from lienthong.trust.errors import SealingError
from lienthong.trust.sealing.recipients import PrivateKey, content_key
from lienthong.trust.sealing.sealing import AUTH_ENVELOPED, DATA, GCM, NONCE, TAG, content_type
from lienthong.trust.zip import Archive, Limits, open_archive
from lienthong.trust.zip.files import sync_folder, unwritable
from lienthong.trust.zip.source import CHUNK

IN_MEMORY = 8 << 20
"""Bytes of ciphertext up to which the plain archive never touches a disk."""
MAX_HEAD = 4 << 20
"""Bytes before the ciphertext: 5,000 recipients need about 2 MB."""
MAX_TAIL = 1 << 10
_BEFORE_NONCE, _AFTER_NONCE = content_type(bytes(NONCE)).split(bytes(NONCE))
_NONCE_END = len(_BEFORE_NONCE) + NONCE
_FIXED_HEAD = 128
"""More than the headers before the recipients, and those between them and the ciphertext, can take."""


def unseal(
    source: bytes | Path | BinaryIO,
    key: PrivateKey,
    certificate: bytes,
    out_folder: Path,
    *,
    limits: Limits | None = None,
) -> list[Path]:
    """Open a sealed file into ``out_folder``; the paths written, in the order of the archive.

    ``source`` may be a forward-only stream (``Container.open``). The plaintext of more than
    :data:`IN_MEMORY` goes to a temporary folder inside ``out_folder``; the files get their names after the
    authentication tag and the archive have been checked, synced, and never over another file.
    :class:`SealingError` or :class:`ContainerError` otherwise, and then nothing is left.
    """
    place = out_folder / f".unsealing-{secrets.token_hex(6)}"
    try:
        place.mkdir(parents=True, mode=0o700)
        try:
            with _stream(source) as stream:
                head = _Head(stream)
                if head.size <= IN_MEMORY:
                    packed: bytes | Path = _decrypted(head, stream, key, certificate)
                else:
                    packed = place / "archive.zip"
                    with packed.open("xb") as file:
                        _decrypt(head, stream, key, certificate, file.write)
            archive = open_archive(packed, limits)
            try:
                return _release(archive, place, out_folder)
            finally:
                archive.close()
        finally:
            shutil.rmtree(place, ignore_errors=True)
    except DerError as error:
        raise SealingError(error.detail, place=error.place, code="sealed-malformed") from None
    except OSError as error:
        raise unwritable(out_folder, error) from None


def unseal_bytes(
    source: bytes | BinaryIO,
    key: PrivateKey,
    certificate: bytes,
    *,
    most: int = IN_MEMORY,
    limits: Limits | None = None,
) -> list[tuple[str, bytes]]:
    """The same without a disk: (name, content) of every file, once the tag and the archive have been checked;
    the names are those that :func:`unseal` would give.

    :class:`SealingError` for more than ``most`` bytes, sealed or unpacked: open that into a folder.
    """
    try:
        with _stream(source) as stream:
            head = _Head(stream)
            if head.size > most:
                raise _too_large(most)
            archive = open_archive(_decrypted(head, stream, key, certificate), limits)
        if sum(member.size for member in archive.members.values()) > most:
            raise _too_large(most)
        members = list(archive.members.values())
        names = _safe_names([member.name for member in members])
        return [(name, archive.read(member)) for member, name in zip(members, names, strict=True)]
    except DerError as error:
        raise SealingError(error.detail, place=error.place, code="sealed-malformed") from None


def _too_large(most: int) -> SealingError:
    return SealingError(
        f"holds more than {most} bytes",
        remedy="open it into a folder",
        code="sealed-too-large",
    )


def _stream(source: bytes | Path | BinaryIO) -> AbstractContextManager[BinaryIO]:
    if isinstance(source, Path):
        return source.open("rb")
    return nullcontext(io.BytesIO(source) if isinstance(source, bytes) else source)


def _decrypted(head: _Head, stream: BinaryIO, key: PrivateKey, certificate: bytes) -> bytes:
    pieces: list[bytes] = []
    _decrypt(head, stream, key, certificate, pieces.append)
    return b"".join(pieces)


def _decrypt(
    head: _Head,
    stream: BinaryIO,
    key: PrivateKey,
    certificate: bytes,
    write: Callable[[bytes], object],
) -> None:
    """Give the plain archive to ``write`` piece by piece, then check the tag: :class:`SealingError` when it
    does not hold, and then nothing of what was written may be used.
    """
    secret = content_key(head.infos, key, certificate)
    decryptor = Cipher(algorithms.AES256(secret), modes.GCM(head.nonce)).decryptor()
    left = head.size
    piece = head.first[:left]
    while left:
        if not piece:
            raise SealingError("is cut short", code="sealed-changed")
        write(decryptor.update(piece))
        left -= len(piece)
        piece = stream.read(min(left, CHUNK))
    tail = head.first[head.size :] + stream.read(MAX_TAIL)
    if stream.read(1):
        raise SealingError("bytes are left over after the sealed content")
    try:
        decryptor.finalize_with_tag(_tag(tail, head.bytes_after))
    except InvalidTag:
        raise SealingError(
            "was changed after it was sealed",
            remedy="ask the sender for it again",
            code="sealed-changed",
        ) from None


class _Head:
    """What stands before the ciphertext. ``first``: bytes already taken beyond it."""

    def __init__(self, stream: BinaryIO) -> None:
        data = stream.read(_FIXED_HEAD)
        at, end = _header(data, 0, 1 << 62, der.SEQUENCE)
        outer_end = end
        _, kind_end = _header(data, at, end, der.OID)
        if data[at:kind_end] != AUTH_ENVELOPED:
            raise SealingError("is not a CMS AuthEnvelopedData", remedy="give the sealed file itself")
        at, end = _last(*_header(data, kind_end, end, 0xA0), end)
        at, end = _last(*_header(data, at, end, der.SEQUENCE), end)
        start, at = _header(data, at, end, der.INTEGER)
        if der.integer(data, start, at) != 0:
            raise SealingError("has a version other than 0", code="sealed-unsupported")
        start, stop = _header(data, at, end, der.SET)
        if stop > MAX_HEAD:
            raise SealingError("has too many recipients", code="sealed-unsupported")
        data += stream.read(max(stop - len(data), 0) + _FIXED_HEAD)
        if stop > len(data):
            raise SealingError("is cut short", code="sealed-changed")
        self.infos = data[start:stop]

        at, info_end = _header(data, stop, end, der.SEQUENCE)
        if data.startswith(_BEFORE_NONCE, at) and data.startswith(_AFTER_NONCE, at + _NONCE_END):
            self.nonce = data[at + len(_BEFORE_NONCE) : at + _NONCE_END]
            stop = at + _NONCE_END + len(_AFTER_NONCE)
        else:
            stop = self._read_parameters(data, at, info_end)
        at, content_end = _last(*_header(data, stop, info_end, 0x80), info_end)
        self.size = content_end - at
        self.bytes_after = outer_end - content_end
        self.first = data[at:]

    def _read_parameters(self, data: bytes, at: int, info_end: int) -> int:
        """What the content is and how it is encrypted, step by step; answers where that ends."""
        _, kind_end = _header(data, at, info_end, der.OID)
        if data[at:kind_end] != DATA:
            raise SealingError("seals something other than data", code="sealed-unsupported")
        at, stop = _header(data, kind_end, info_end, der.SEQUENCE)
        _, kind_end = _header(data, at, stop, der.OID)
        if data[at:kind_end] != GCM:
            raise SealingError("is not encrypted with AES-256-GCM", code="sealed-unsupported")
        at, parameters_end = _last(*_header(data, kind_end, stop, der.SEQUENCE), stop)
        start, at = _header(data, at, parameters_end, der.OCTET_STRING)
        self.nonce = data[start:at]
        if len(self.nonce) != NONCE or data[at:parameters_end] != der.encode_integer(TAG):
            raise SealingError("has a nonce or tag of another length", code="sealed-unsupported")
        return stop


def _header(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    if at + 10 > len(data):
        raise SealingError("is cut short", code="sealed-changed")
    return der.expect(data, at, end, tag)


def _last(start: int, stop: int, end: int) -> tuple[int, int]:
    if stop != end:
        raise SealingError("bytes are left over inside the structure")
    return start, stop


def _tag(tail: bytes, announced: int) -> bytes:
    """The authentication tag, which must end the structure: unauthenticated attributes are not read."""
    if len(tail) < announced:
        raise SealingError("is cut short", code="sealed-changed")
    if len(tail) != announced:
        raise SealingError("bytes are left over after the sealed content")
    start, stop = der.expect(tail, 0, len(tail), der.OCTET_STRING)
    if stop - start != TAG or stop != len(tail):
        raise SealingError("has attributes or a tag not read here", code="sealed-unsupported")
    return tail[start:stop]


def _release(archive: Archive, place: Path, out_folder: Path) -> list[Path]:
    """Unpack the authenticated archive beside its destination, then give every file its name; one that is
    there already with the same content stays.
    """
    staged = []
    members = list(archive.members.values())
    names = _safe_names([member.name for member in members])
    for number, (member, name) in enumerate(zip(members, names, strict=True)):
        target = out_folder / name
        _require_plain_parents(target, out_folder)
        piece = place / str(number)
        with piece.open("xb") as file:
            for plain in archive.chunks(member):
                file.write(plain)
            file.flush()
            os.fsync(file.fileno())
        there = os.path.lexists(target)
        if there and not _same(piece, target):
            raise SealingError(
                "is already there; nothing was opened",
                place=str(target),
                remedy="open into an empty folder",
                code="sealed-exists",
            )
        staged.append((piece, target, there))
    folders = {out_folder}
    for piece, target, there in staged:
        if there:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        folders.add(target.parent)
        piece.rename(target)
    for folder in folders:
        sync_folder(folder)
    return [target for _, target, _ in staged]


def _safe_names(inside: list[str]) -> list[str]:
    """No step hidden or odd to a disk (dots and spaces at its ends), no two names the same in any case."""
    names: list[str] = []
    files: set[str] = set()
    folders: set[str] = set()
    for one in inside:
        *above, last = [step.strip(" .") or "file" for step in one.split("/")]
        wanted, number = last, 1
        while (name := "/".join([*above, last])).casefold() in files or name.casefold() in folders:
            number += 1
            last = f"{Path(wanted).stem}-{number}{Path(wanted).suffix}"
        parents = {"/".join(above[:depth]).casefold() for depth in range(1, len(above) + 1)}
        if parents & files:
            raise SealingError("a name is that of a file and of a folder", place=one)
        folders |= parents
        files.add(name.casefold())
        names.append(name)
    return names


def _require_plain_parents(target: Path, out_folder: Path) -> None:
    """:class:`SealingError` when a folder inside ``out_folder`` leads elsewhere."""
    parent = target.parent
    while parent != out_folder:
        if parent.is_symlink():
            raise SealingError(
                "is a link; nothing was opened",
                place=str(parent),
                remedy="open into an empty folder",
                code="sealed-exists",
            )
        parent = parent.parent


def _same(piece: Path, target: Path) -> bool:
    if target.is_symlink() or not target.is_file():
        return False
    return filecmp.cmp(piece, target, shallow=False)
