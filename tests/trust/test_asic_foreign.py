"""Containers of other producers: formatted, packed and signed in their own ways, and read all the same."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote as percent

import pytest
from lxml import etree
from tests.trust.container_material import Item, craft, deflated
from tests.trust.container_signers import NOW, signer
from tests.trust.test_cms import P256, PSS, RSA, openssl_signature

from lienthong.trust import asic
from lienthong.trust.asic.layout import MIMETYPE
from lienthong.trust.cms import sign_detached
from lienthong.trust.errors import ContainerError

FILES = {"tài liệu.xml": b"<edXML/>" * 50, "Phụ lục 1.pdf": b"%PDF-1.7 " * 500}
ALGORITHMS = {
    "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
}


def manifest(
    files: dict[str, bytes],
    signature: str = "META-INF/signature001.p7s",
    *,
    algorithm: str = "sha256",
    quote: bool = False,
    pretty: bool = True,
    kind: str = "application/x-pkcs7-signature",
) -> bytes:
    """A manifest in another producer's hand: other prefixes, attributes, white space, raw names."""
    a, d = "{http://uri.etsi.org/02918/v1.2.1#}", "{http://www.w3.org/2000/09/xmldsig#}"
    root = etree.Element(f"{a}ASiCManifest", nsmap={"ns2": a[1:-1], None: d[1:-1]})
    etree.SubElement(root, f"{a}SigReference", URI=signature, MimeType=kind)
    for name, data in files.items():
        reference = etree.SubElement(root, f"{a}DataObjectReference")
        reference.set("Rootfile", "false")
        reference.set("URI", percent(name) if quote else name)
        etree.SubElement(reference, f"{d}DigestMethod", Algorithm=ALGORITHMS[algorithm])
        value = etree.SubElement(reference, f"{d}DigestValue")
        text = b64encode(hashlib.new(algorithm, data).digest()).decode()
        value.text = f"\n      {text[:20]}\n      {text[20:]}\n    " if pretty else text
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=False, pretty_print=pretty)


def java(files: dict[str, bytes], metas: dict[str, bytes], *, comment: bool = True) -> bytes:
    """As java.util.zip writes it: deflated entries with data descriptors, the standard's comment."""
    out = io.BytesIO()

    class Stream(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            return out.write(data)  # type: ignore[arg-type]

    stored = craft(Item("mimetype", MIMETYPE.encode()))
    out.write(stored[: stored.index(b"PK\x01\x02")])
    with zipfile.ZipFile(Stream(), "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        for name, data in {**files, **metas}.items():
            archive.writestr(name, data)
    made = out.getvalue()
    return _with_mimetype(made, stored, b"mimetype=" + MIMETYPE.encode() if comment else b"")


def _with_mimetype(made: bytes, stored: bytes, comment: bytes) -> bytes:
    """Join the mimetype entry and what zipfile streamed after it into one archive."""
    local = stored.index(b"PK\x01\x02")
    at = made.index(b"PK\x01\x02")
    end = made.rindex(b"PK\x05\x06")
    directory = bytearray(made[at:end])
    position = count = 0
    while position < len(directory):
        name, extra, text = struct.unpack_from("<HHH", directory, position + 28)
        offset = struct.unpack_from("<I", directory, position + 42)[0]
        struct.pack_into("<I", directory, position + 42, offset + local)
        position += 46 + name + extra + text
        count += 1
    first = stored[local : stored.index(b"PK\x05\x06")]
    whole = first + bytes(directory)
    record = struct.pack(
        "<4sHHHHIIH", b"PK\x05\x06", 0, 0, count + 1, count + 1, len(whole), at, len(comment)
    )
    return made[:at] + whole + record + comment


@pytest.fixture(params=["memory", "file"])
def opened_from(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    def open_(data: bytes) -> asic.Container:
        if request.param == "memory":
            return asic.read(data)
        path = tmp_path / "foreign.asice"
        path.write_bytes(data)
        return asic.read(path)

    return open_


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("quote", [False, True])
@pytest.mark.parametrize("pretty", [False, True])
def test_another_producers_container_is_read(
    opened_from: object, algorithm: str, quote: bool, pretty: bool, tmp_path: Path
) -> None:
    text = manifest(FILES, algorithm=algorithm, quote=quote, pretty=pretty)
    metas = {
        "META-INF/ASiCManifest001.xml": text,
        "META-INF/signature001.p7s": sign_detached(text, signer(), signing_time=NOW),
    }
    assert callable(opened_from)
    with opened_from(java(FILES, metas)) as opened:
        assert {name: opened.read(name) for name in opened.names} == FILES
        assert {name: opened.open(name).read() for name in opened.names} == FILES
        assert bytes(opened.view(opened.names[0])) == FILES[opened.names[0]]
        assert opened.entries[opened.names[0]].algorithm == algorithm
        assert opened.entries[opened.names[0]].media_type == ""


@pytest.mark.parametrize("key", [RSA, P256], ids=["RSA", "P-256"])
def test_a_container_signed_with_openssl_is_read(key: list[str], tmp_path: Path) -> None:
    text = manifest(FILES)
    options = ["-cades", "-md", "sha256", *(PSS if key is RSA else [])]
    signature = openssl_signature(tmp_path, key, options, text)
    metas = {"META-INF/ASiCManifest001.xml": text, "META-INF/signature001.p7s": signature}
    with asic.read(java(FILES, metas)) as opened:
        assert set(opened.names) == set(FILES)


def test_two_signatures_over_everything_are_both_read() -> None:
    metas = {}
    for number, kind in ((1, "p256"), (2, "rsa2048")):
        text = manifest(FILES, f"META-INF/signature{number:03}.p7s")
        metas[f"META-INF/ASiCManifest{number:03}.xml"] = text
        metas[f"META-INF/signature{number:03}.p7s"] = sign_detached(text, signer(kind), signing_time=NOW)  # type: ignore[arg-type]
    with asic.read(java(FILES, metas)) as opened:
        assert [info.algorithm for info in opened.signatures] == ["ecdsa-p256-sha256", "rsa-pkcs1v15-sha256"]


def test_a_signature_over_a_part_stands_beside_one_over_everything() -> None:
    part = dict([next(iter(FILES.items()))])
    first = manifest(part, "META-INF/a.p7s")
    second = manifest(FILES, "META-INF/b.p7s", algorithm="sha512")
    author = signer(name="Người soạn")
    metas = {
        "META-INF/ASiCManifest1.xml": first,
        "META-INF/a.p7s": sign_detached(first, author, signing_time=NOW),
        "META-INF/ASiCManifest2.xml": second,
        "META-INF/b.p7s": sign_detached(second, signer(), signing_time=NOW),
    }
    with asic.read(java(FILES, metas)) as opened:
        assert opened.signature.certificate == signer().certificate
        assert len(opened.signatures) == 2


def test_archive_time_stamps_are_left_alone() -> None:
    text = manifest(FILES)
    stamped = manifest(FILES, "META-INF/timestamp.tst", kind="application/vnd.etsi.timestamp-token")
    metas = {
        "META-INF/ASiCManifest001.xml": text,
        "META-INF/signature001.p7s": sign_detached(text, signer(), signing_time=NOW),
        "META-INF/ASiCManifest002.xml": stamped,
        "META-INF/timestamp.tst": b"token",
        "META-INF/ASiCArchiveManifest.xml": b"<a/>",
        "META-INF/manifest.xml": b"<manifest/>",
    }
    with asic.read(java(FILES, metas)) as opened:
        assert len(opened.signatures) == 1
        assert set(opened.names) == set(FILES)


def test_a_deflated_file_that_was_changed_is_refused() -> None:
    text = manifest(FILES)
    items = [
        Item("mimetype", MIMETYPE.encode()),
        *(deflated(name, data) for name, data in FILES.items()),
        Item("META-INF/ASiCManifest001.xml", text),
        Item("META-INF/signature001.p7s", sign_detached(text, signer(), signing_time=NOW)),
    ]
    asic.read(craft(*items)).close()
    items[2] = deflated("Phụ lục 1.pdf", b"%PDF-1.8 " * 500)
    with pytest.raises(ContainerError) as error:
        asic.read(craft(*items))
    assert error.value.code == "container-digest"
