"""Making a container: stored files, one manifest, one signature; in memory, or streamed to a file."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import zlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lienthong.trust.asic.layout import MANIFEST, META, MIMETYPE, MIMETYPE_NAME, SIGNATURE
from lienthong.trust.asic.manifest import write_manifest
from lienthong.trust.cms import sign_detached
from lienthong.trust.errors import ContainerError
from lienthong.trust.keys import Signer
from lienthong.trust.zip import Part, write_archive
from lienthong.trust.zip.source import FileSource


@dataclass(frozen=True, slots=True)
class Entry:
    """A data file to put in: its name in the container, media type, and bytes or the path of a file."""

    name: str
    media_type: str
    data: bytes | Path


def write(
    entries: Sequence[Entry],
    signer: Signer,
    *,
    signing_time: datetime,
    out: Path | None = None,
    timestamp: Callable[[bytes], bytes] | None = None,
) -> bytes | None:
    """The signed container of ``entries``: bytes, or None when written to ``out``.

    A file is written beside ``out``, synced and renamed, in constant memory. The same entries, time and
    signature give the same bytes. ``timestamp`` (SHA-256 digest → RFC 3161 token) makes it CAdES-T.
    :class:`ContainerError` for names or media types that a reader would refuse, and for files that cannot
    be read or change meanwhile.
    """
    parts = [Part.of(MIMETYPE_NAME, MIMETYPE.encode())]
    listed = []
    for entry in entries:
        if entry.name == MIMETYPE_NAME or entry.name[:9].upper() == META:
            raise ContainerError("is a name that the container keeps for itself", place=entry.name)
        part, digest = _digest(entry)
        parts.append(part)
        listed.append((entry.name, entry.media_type, b64encode(digest).decode()))
    if not listed:
        raise ContainerError("a container needs at least one file")
    manifest = write_manifest(listed)
    signature = sign_detached(manifest, signer, signing_time=signing_time, timestamp=timestamp)
    parts += [Part.of(MANIFEST, manifest), Part.of(SIGNATURE, signature)]
    if out is None:
        memory = io.BytesIO()
        write_archive(parts, memory, at=signing_time)
        return memory.getvalue()
    _write_file(parts, out, signing_time)
    return None


def _digest(entry: Entry) -> tuple[Part, bytes]:
    if not isinstance(entry.data, Path):
        return Part.of(entry.name, entry.data), hashlib.sha256(entry.data).digest()
    source = FileSource(entry.data)
    try:
        digest, crc = hashlib.sha256(), 0
        for piece in source.chunks(0, source.size):
            digest.update(piece)
            crc = zlib.crc32(piece, crc)
        return Part(entry.name, entry.data, source.size, crc), digest.digest()
    finally:
        source.close()


def _write_file(parts: Sequence[Part], out: Path, at: datetime) -> None:
    beside = out.with_name(f".{out.name}.{secrets.token_hex(4)}.partial")
    try:
        with beside.open("xb") as file:
            write_archive(parts, file, at=at)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(out)
    except OSError as error:
        raise ContainerError(
            f"cannot be written: {error.strerror}",
            place=str(out),
            remedy="check the folder, its permissions and the space left on the disk",
            code="container-unwritable",
        ) from None
    finally:
        beside.unlink(missing_ok=True)
