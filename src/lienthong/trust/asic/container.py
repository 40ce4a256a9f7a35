"""Opening a container: the ZIP, the manifests, every digest, every signature; nothing left uncovered."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from hmac import compare_digest
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, cast

from isal.isal_zlib import crc32

from lienthong.trust.asic.layout import MANIFEST, META, MIMETYPE, MIMETYPE_NAME, SIGNATURE
from lienthong.trust.asic.manifest import Reference, read_manifest, uri_names
from lienthong.trust.cms import SignatureInfo, verify_every_detached
from lienthong.trust.errors import CmsError, ContainerError
from lienthong.trust.zip import Archive, Limits, Member, ZipError, open_archive
from lienthong.trust.zip.format import TooMuch

_MANIFEST = re.compile(r"META-INF/ASiCManifest[^/]*\.xml")
_SIGNATURE = re.compile(r"META-INF/[^/]+\.p7s")
_LEFT_ALONE = re.compile(
    r"META-INF/(?:manifest\.xml|ASiC(?:Archive|EvidenceRecord)Manifest[^/]*\.xml|[^/]+\.(?:tst|ers|xml\.ers))"
)
"""ODF manifests, archive time-stamps and evidence records: allowed, neither checked nor relied on."""
MAX_SIGNATURES = 16
MAX_URI = 2048
_MIMETYPE = MIMETYPE.encode()
_MIMETYPE_CRC = crc32(_MIMETYPE)


class SignedFile(NamedTuple):
    """One data file, as the signature that covers it describes it. ``digest``: raw bytes."""

    name: str
    media_type: str
    size: int
    digest: bytes
    algorithm: str


class Container:
    """An opened container: structure, every digest and every signature's mathematics hold.

    ``names``: the data files in the order of the archive. ``signature``: the first signature that covers
    them all; ``signatures``: every one. Close it, or use it in a ``with`` statement.
    """

    __slots__ = ("_archive", "entries", "names", "signature", "signatures")

    def __init__(
        self, archive: Archive, entries: dict[str, SignedFile], signatures: tuple[SignatureInfo, ...]
    ) -> None:
        self._archive = archive
        self.entries = entries
        self.names = tuple(entries)
        self.signature = signatures[0]
        self.signatures = signatures

    def view(self, name: str) -> memoryview | bytes:
        """A data file's bytes, without a copy when the container is in memory and the file is stored."""
        member = self._archive.members[self._entry(name).name]
        view = self._archive.view(member)
        return self.read(name) if view is None else view

    def read(self, name: str) -> bytes:
        """A data file's bytes; digested again when they come from a file."""
        member = self._archive.members[self._entry(name).name]
        view = self._archive.view(member)
        return b"".join(bytes(piece) for piece in self._verified(name)) if view is None else bytes(view)

    def open(self, name: str) -> BinaryIO:
        """A data file as a forward-only stream in constant memory.

        The last ``read`` raises :class:`ContainerError` when the bytes are no longer those that were
        verified: take nothing as read before the stream has ended.
        """
        self._entry(name)
        return cast(BinaryIO, io.BufferedReader(_Stream(self._verified(name)), 1 << 16))

    def close(self) -> None:
        self._archive.close()

    def __enter__(self) -> Container:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _entry(self, name: str) -> SignedFile:
        entry = self.entries.get(name)
        if entry is None:
            raise ContainerError("is not in the container", place=name, code="container-missing-file")
        return entry

    def _verified(self, name: str) -> Iterator[memoryview | bytes]:
        entry = self.entries[name]
        digest = hashlib.new(entry.algorithm)
        for piece in self._archive.chunks(self._archive.members[name], check_crc=False):
            digest.update(piece)
            yield piece
        if not compare_digest(digest.digest(), entry.digest):
            raise ContainerError("changed after it was verified", place=name, code="container-digest")


class _Stream(io.RawIOBase):
    """Pieces as a raw stream."""

    def __init__(self, pieces: Iterator[memoryview | bytes]) -> None:
        self._pieces = pieces
        self._rest: memoryview | bytes = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


class Unverified:
    """A container whose structure and digests hold, and whose signatures nobody has checked yet.

    :meth:`verify` answers the container. Until then nothing of it may be used; ``close`` it instead.
    """

    __slots__ = ("_archive", "_claims", "_data", "_digested")

    def __init__(
        self, archive: Archive, data: dict[str, Member], claims: list[_Claim], digested: set[str]
    ) -> None:
        self._archive = archive
        self._data = data
        self._claims = claims
        self._digested = digested

    def verify(self) -> Container:
        """The container, every signature's mathematics checked; else it is closed and
        :class:`ContainerError` says what does not hold.
        """
        try:
            return self._verified()
        except CmsError as error:
            self._archive.close()
            raise ContainerError(
                error.detail,
                place=error.place or "signature",
                remedy=error.remedy,
                code="container-signature",
            ) from error
        except BaseException:
            self._archive.close()
            raise

    def _verified(self) -> Container:
        data = self._data
        entries: dict[str, SignedFile] | None = None
        found: list[SignatureInfo] = []
        for cms, text, covered in self._claims:
            infos = verify_every_detached(cms, text)
            if entries is None and len(covered) == len(data):
                entries = {file: covered[file] for file in data}
                found[:0] = infos
            else:
                found += infos
            if len(found) > MAX_SIGNATURES:
                raise ContainerError("holds too many signatures", code="container-limit")
        if entries is None:
            raise _uncovered(found, data, self._digested)
        return Container(self._archive, entries, tuple(found))

    def close(self) -> None:
        self._archive.close()


_Claim = tuple[bytes, bytes, dict[str, SignedFile]]
"""A signature (CMS), the manifest that it is over, the data files that the manifest covers."""


def read(source: bytes | memoryview | Path, *, limits: Limits | None = None) -> Container:
    """Open and check the container in ``source``: structure, every digest, every signature's mathematics.

    :class:`ContainerError` says what does not hold. Whether the signer is to be trusted is not decided here.
    """
    return examine(source, limits=limits).verify()


def examine(source: bytes | memoryview | Path, *, limits: Limits | None = None) -> Unverified:
    """The first half of :func:`read`, for who verifies the signatures of several containers together:
    structure and every digest, without the signatures.
    """
    archive = open_archive(source, limits or Limits())
    try:
        return _examine(archive)
    except BaseException:
        archive.close()
        raise


def _examine(archive: Archive) -> Unverified:
    members = archive.members
    _check_mimetype(archive)
    data: dict[str, Member] = {}
    manifests = []
    signatures = set()
    beside = 0
    for name, member in members.items():
        if name[:9].upper() != META:
            data[name] = member
        elif name == MANIFEST or _MANIFEST.fullmatch(name):
            manifests.append(name)
        elif name == SIGNATURE or _SIGNATURE.fullmatch(name):
            signatures.add(name)
        elif not _LEFT_ALONE.fullmatch(name):
            raise ContainerError(
                "has no place in META-INF: no signature covers it", place=name, code="container-unsigned-file"
            )
        else:
            beside += member.size
    if beside > archive.limits.beside:
        raise TooMuch(
            f"holds {beside} bytes that no signature needs, more than {archive.limits.beside}", place=META
        )
    del data[MIMETYPE_NAME]
    if len(manifests) > MAX_SIGNATURES:
        raise ContainerError("holds too many manifests", code="container-limit")
    if not data:
        raise ContainerError("holds no data file", code="container-malformed")

    claims: list[_Claim] = []
    digests: dict[tuple[str, str], bytes] = {}
    for name in manifests:
        text = archive.read(members[name], limit=archive.limits.manifest)
        manifest = read_manifest(text, place=name)
        if manifest.signature_type == "application/vnd.etsi.timestamp-token":
            continue
        covered = _check_references(archive, manifest.references, digests, name)
        signature = manifest.signature_uri
        if signature not in members:
            signature = _member_named(signature, members, name)
        if signature not in signatures:
            raise ContainerError(
                f"names {signature!r}, which is no signature or serves another manifest", place=name
            )
        signatures.remove(signature)
        claims.append((archive.read(members[signature], limit=archive.limits.signature), text, covered))
    if signatures:
        raise ContainerError("no manifest names this signature", place=min(signatures))
    return Unverified(archive, data, claims, {name for name, _ in digests})


def _uncovered(found: list[SignatureInfo], data: dict[str, Member], covered: set[str]) -> ContainerError:
    if not found:
        return ContainerError("holds no signature", code="container-signature")
    bare = [name for name in data if name not in covered]
    return ContainerError(
        "no signature covers this file" if bare else "no single signature covers every file",
        place=bare[0] if bare else None,
        remedy="sign all files together, and put nothing into the container afterwards",
        code="container-unsigned-file",
    )


def _check_mimetype(archive: Archive) -> None:
    first = next(iter(archive.members.values()), None)
    if first is None or first.name != MIMETYPE_NAME or first.offset != 38 or first.method:
        raise ZipError("the first file is not a stored `mimetype` without extra fields", place=MIMETYPE_NAME)
    same = first.size == len(_MIMETYPE) and first.crc == _MIMETYPE_CRC
    if not same or archive.source.read(38, first.size) != _MIMETYPE:
        raise ContainerError(
            f"is not {MIMETYPE}: only ASiC-E containers are accepted",
            place=MIMETYPE_NAME,
            code="container-unsupported",
        )


def _check_references(
    archive: Archive, references: list[Reference], digests: dict[tuple[str, str], bytes], place: str
) -> dict[str, SignedFile]:
    """The data files that a manifest covers, each digest checked."""
    members = archive.members
    covered: dict[str, SignedFile] = {}
    seen = set()
    for uri, media_type, algorithm, digest in references:
        name = uri if uri in members and "%" not in uri else _member_named(uri, members, place)
        member = members[name]
        if name in seen or name == MIMETYPE_NAME:
            raise ContainerError("lists a file twice, or the mimetype", place=place)
        seen.add(name)
        actual = digests.get((name, algorithm))
        if actual is None:
            actual = digests[name, algorithm] = _digest(archive, member, algorithm)
        if actual != digest:
            raise ContainerError(
                "is not the file that was signed: its digest differs from the manifest's",
                place=name,
                remedy="ask the sender for the container again",
                code="container-digest",
            )
        if not name.startswith(META):
            covered[name] = _new(SignedFile, (name, media_type, member.size, digest, algorithm))
    return covered


_new = tuple.__new__
"""Makes a named tuple at half the cost of calling its class."""


def _member_named(uri: str, members: dict[str, Member], place: str) -> str:
    """The one entry that ``uri`` means; a file that both readings of it would find is refused."""
    found = [name for name in uri_names(uri) if name in members] if len(uri) <= MAX_URI else []
    if len(found) == 1:
        return found[0]
    raise ContainerError(
        f"names {uri[:100]!r}, which is " + ("ambiguous" if found else "not in the container"),
        place=place,
        code="container-missing-file",
    )


def _digest(archive: Archive, member: Member, algorithm: str) -> bytes:
    view = archive.view(member)
    if view is None:
        digest = hashlib.new(algorithm)
        for piece in archive.chunks(member, check_crc=archive.limits.check_crc):
            digest.update(piece)
        return digest.digest()
    if archive.limits.check_crc and crc32(view) != member.crc:
        raise ZipError("the CRC-32 of the file does not match", place=member.name)
    if algorithm == "sha256":
        return hashlib.sha256(view).digest()
    return hashlib.new(algorithm, view).digest()
