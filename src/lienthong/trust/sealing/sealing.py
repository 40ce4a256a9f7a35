"""Sealing files: a plain ZIP of them, encrypted as it is written (RFC 5083, AES-256-GCM of RFC 5084)."""

from __future__ import annotations

import io
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, overload

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.base import AEADEncryptionContext

from lienthong.trust import der
from lienthong.trust.asic import Entry
from lienthong.trust.errors import SealingError
from lienthong.trust.sealing.recipients import KEY_SIZE, MAX_RECIPIENTS, recipient_info
from lienthong.trust.zip import Part, archive_size, write_archive
from lienthong.trust.zip.files import write_beside

AUTH_ENVELOPED = der.oid("1.2.840.113549.1.9.16.1.23")
DATA = der.oid("1.2.840.113549.1.7.1")
GCM = der.oid("2.16.840.1.101.3.4.1.46")
NONCE, TAG = 12, 16
NO_TIME = datetime(1980, 1, 1, tzinfo=UTC)


class _Encrypting:
    """A sink that passes on what it is given, encrypted."""

    def __init__(self, out: BinaryIO, encryptor: AEADEncryptionContext) -> None:
        self._out = out
        self._encryptor = encryptor

    def write(self, data: bytes | memoryview) -> None:
        self._out.write(self._encryptor.update(data))


@overload
def seal(files: Sequence[Entry], recipients: Sequence[bytes]) -> bytes: ...
@overload
def seal(files: Sequence[Entry], recipients: Sequence[bytes], out: Path) -> None: ...
@overload
def seal(files: Sequence[Entry], recipients: Sequence[bytes], out: Path | None) -> bytes | None: ...
def seal(files: Sequence[Entry], recipients: Sequence[bytes], out: Path | None = None) -> bytes | None:
    """One DER AuthEnvelopedData of the files for the recipients' DER certificates.

    Bytes, or None when written to ``out`` (beside it first, synced, renamed), in constant memory. Names
    are kept, media types are not. :class:`SealingError` or :class:`ContainerError` when it cannot be made.
    """
    if not 0 < len(recipients) <= MAX_RECIPIENTS or len(set(recipients)) != len(recipients):
        raise SealingError(f"{len(recipients)} recipients are none, too many, or not all different")
    if not files:
        raise SealingError("there is nothing to seal", remedy="give at least one file")
    parts = [Part.of(entry.name, entry.data) for entry in files]
    key, nonce = secrets.token_bytes(KEY_SIZE), secrets.token_bytes(NONCE)
    infos = der.set_of([recipient_info(certificate, key) for certificate in recipients])

    def write(target: BinaryIO) -> None:
        target.write(_head(infos, nonce, archive_size(parts)))
        encryptor = Cipher(algorithms.AES256(key), modes.GCM(nonce)).encryptor()
        write_archive(parts, _Encrypting(target, encryptor), at=NO_TIME)
        encryptor.finalize()
        target.write(der.element(der.OCTET_STRING, encryptor.tag))

    if out is not None:
        write_beside(out, write)
        return None
    memory = io.BytesIO()
    write(memory)
    return memory.getvalue()


def content_type(nonce: bytes) -> bytes:
    """The DER of what is sealed and how: data, by AES-256-GCM with this nonce."""
    parameters = der.sequence(der.element(der.OCTET_STRING, nonce), der.encode_integer(TAG))
    return DATA + der.sequence(GCM, parameters)


def _head(infos: bytes, nonce: bytes, size: int) -> bytes:
    """Everything before the ``size`` bytes of ciphertext. What follows them is the 18 bytes of the tag."""
    before = content_type(nonce)
    content = b"\x80" + der.length(size)
    info_size = len(before) + len(content) + size
    version = der.encode_integer(0)
    fixed = version + infos
    info = bytes((der.SEQUENCE,)) + der.length(info_size) + before + content
    body_size = len(fixed) + len(info) + size + 2 + TAG
    body = bytes((der.SEQUENCE,)) + der.length(body_size) + fixed + info
    wrapper = b"\xa0" + der.length(len(body) + size + 2 + TAG)
    total = len(AUTH_ENVELOPED) + len(wrapper) + len(body) + size + 2 + TAG
    return bytes((der.SEQUENCE,)) + der.length(total) + AUTH_ENVELOPED + wrapper + body
