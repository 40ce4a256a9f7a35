"""``ASiCManifest.xml`` (ETSI EN 319 162-1, annex A.4): what a signature covers, by name and digest.

What this house writes is one exact form, read back by one expression; anything else goes through lxml.
The expression accepts only bytes that lxml would read alike: no entities, comments or white space inside.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from lxml import etree

from lienthong.trust.asic.layout import SIGNATURE, SIGNATURE_TYPE
from lienthong.trust.errors import ContainerError

ASIC = "http://uri.etsi.org/02918/v1.2.1#"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
DIGESTS = {
    SHA256: ("sha256", 32),
    "http://www.w3.org/2001/04/xmldsig-more#sha384": ("sha384", 48),
    "http://www.w3.org/2001/04/xmlenc#sha512": ("sha512", 64),
}

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<asic:ASiCManifest xmlns:asic="{ASIC}" xmlns:ds="{DSIG}">\n'
    f'<asic:SigReference URI="{SIGNATURE}" MimeType="{SIGNATURE_TYPE}"/>\n'
).encode()
_TAIL = b"</asic:ASiCManifest>\n"
_REFERENCE = (
    '<asic:DataObjectReference URI="%s" MimeType="%s">'
    f'<ds:DigestMethod Algorithm="{SHA256}"/>'
    "<ds:DigestValue>%s</ds:DigestValue></asic:DataObjectReference>\n"
)
_OWN_REFERENCE = re.compile(
    re.escape(_REFERENCE.encode()).replace(b"%s", b"%s")
    % (rb"([A-Za-z0-9._~/%-]+)", rb"([A-Za-z0-9.+/-]+)", rb"([A-Za-z0-9+/]{43}=)")
)
_FIXED = len(_REFERENCE.replace("%s", "")) + 44
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9.+-]{0,126}")


class Reference(NamedTuple):
    """One covered file. ``uri``: as written; ``digest``: raw bytes."""

    uri: str
    media_type: str
    algorithm: str
    digest: bytes


class Manifest(NamedTuple):
    signature_uri: str
    signature_type: str
    references: list[Reference]


def write_manifest(files: Iterable[tuple[str, str, str]]) -> bytes:
    """The manifest of ``(entry name, media type, base64 SHA-256)`` triples, signed in ``SIGNATURE``."""
    references = []
    for name, media_type, digest in files:
        if not _MEDIA_TYPE.fullmatch(media_type):
            raise ContainerError(
                f"{media_type[:80]!r} is not a media type",
                place=name,
                remedy="write it as type/subtype, for example application/pdf",
                code="container-media-type",
            )
        references.append(_REFERENCE % (quote(name, safe="/"), media_type, digest))
    return _HEAD + "".join(references).encode() + _TAIL


def read_manifest(data: bytes, *, place: str) -> Manifest:
    """The manifest in ``data``, or :class:`ContainerError`."""
    if data.startswith(_HEAD) and data.endswith(_TAIL):
        found = _OWN_REFERENCE.findall(data, len(_HEAD))
        size = sum([len(uri) + len(media) for uri, media, _ in found])
        if size + len(found) * _FIXED == len(data) - len(_HEAD) - len(_TAIL):
            references = [
                Reference(uri.decode(), media.decode(), "sha256", a2b_base64(digest))
                for uri, media, digest in found
            ]
            return Manifest(SIGNATURE, SIGNATURE_TYPE, references)
    return _read_any(data, place)


@lru_cache(maxsize=1024)
def uri_names(uri: str) -> tuple[str, ...]:
    """The entry names that ``uri`` may mean: percent-decoded, and as written when that differs."""
    plain = uri.removeprefix("./")
    try:
        decoded = unquote_to_bytes(plain).decode()
    except UnicodeDecodeError:
        return (plain,)
    return (decoded,) if decoded == plain else (decoded, plain)


def _read_any(data: bytes, place: str) -> Manifest:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding="utf-8"
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _malformed(f"is not well-formed XML: {error.msg}", place) from None
    if b"<!" in data or any(not isinstance(node.tag, str) for node in root.iter()):
        raise _malformed("holds a DOCTYPE, CDATA, an entity, a comment or a processing instruction", place)
    if root.tag != f"{{{ASIC}}}ASiCManifest":
        raise _malformed("is not an ASiCManifest", place)
    if any(node.get("Critical") in ("true", "1") for node in root.iter(f"{{{ASIC}}}Extension")):
        raise ContainerError(
            "holds a critical extension not known here", place=place, code="container-unsupported"
        )
    signatures = root.findall(f"{{{ASIC}}}SigReference")
    if len(signatures) != 1 or not signatures[0].get("URI"):
        raise _malformed("does not name its one signature", place)
    references = [_reference(node, place) for node in root.findall(f"{{{ASIC}}}DataObjectReference")]
    return Manifest(signatures[0].get("URI", ""), signatures[0].get("MimeType", ""), references)


def _reference(node: etree._Element, place: str) -> Reference:
    uri = node.get("URI")
    methods = node.findall(f"{{{DSIG}}}DigestMethod")
    values = node.findall(f"{{{DSIG}}}DigestValue")
    if not uri or len(methods) != 1 or len(values) != 1 or len(values[0]):
        raise _malformed("holds a reference without a name or with not exactly one digest", place)
    known = DIGESTS.get(methods[0].get("Algorithm", ""))
    if known is None:
        raise ContainerError(
            f"gives a digest by {methods[0].get('Algorithm', 'no algorithm')[:100]!r}",
            place=place,
            remedy="use SHA-256, SHA-384 or SHA-512",
            code="container-unsupported",
        )
    try:
        digest = b64decode("".join((values[0].text or "").split()), validate=True)
    except (Base64Error, ValueError):
        digest = b""
    if len(digest) != known[1]:
        raise _malformed("holds a digest that is not base64 of the right length", place)
    return Reference(uri, node.get("MimeType", ""), known[0], digest)


def _malformed(detail: str, place: str) -> ContainerError:
    return ContainerError(detail, place=place, code="container-malformed")
