"""Making a container: stored files, one manifest, one signature; in memory, or streamed to a file."""

from __future__ import annotations

import hashlib
import io
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
from lienthong.trust.zip.files import write_beside


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
        digest = hashlib.sha256()
        parts.append(Part.of(entry.name, entry.data, digest))
        listed.append((entry.name, entry.media_type, b64encode(digest.digest()).decode()))
    if not listed:
        raise ContainerError("a container needs at least one file")
    manifest = write_manifest(listed)
    signature = sign_detached(manifest, signer, signing_time=signing_time, timestamp=timestamp)
    parts += [Part.of(MANIFEST, manifest), Part.of(SIGNATURE, signature)]
    if out is None:
        memory = io.BytesIO()
        write_archive(parts, memory, at=signing_time)
        return memory.getvalue()
    write_beside(out, lambda file: write_archive(parts, file, at=signing_time))
    return None
