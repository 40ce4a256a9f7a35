"""What reading a container costs above the mathematics that nobody can leave out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from benchmarks.figure import Figure, cpu_microseconds
from lienthong.trust import asic
from lienthong.trust.asic.layout import MANIFEST, SIGNATURE
from lienthong.trust.asic.manifest import read_manifest
from lienthong.trust.cms import shapes, structure, verify_detached
from lienthong.trust.keys import FileSigner, generate_key
from lienthong.trust.zip import open_archive

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
EDOC = b"<edXML>" + b"x" * 2000 + b"</edXML>"


def measure(*, quick: bool = False) -> Iterator[Figure]:
    """Own containers of 4 and 100 KB from memory: signature check and SHA-256, over the whole reading."""
    seal = _signer()
    for size, name, target in ((4_000, "4k", ">= 0.60"), (100_000, "100k", ">= 0.70")):
        yield _reading(seal, size, name, target, quick=quick)


def _least(calls: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """The least CPU time of each call, in µs; taken in turns, so that a busy moment strikes all alike."""
    least = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            call()
            call()
            least[name] = min(least[name], cpu_microseconds(call, repeat=20, rounds=1))
    return least


def _reading(seal: FileSigner, size: int, name: str, target: str, *, quick: bool) -> Figure:
    entries = [
        asic.Entry("edoc.xml", "text/xml", EDOC),
        asic.Entry("files/chi-thi.pdf", "application/pdf", os.urandom(size - 4000 + 1200)),
    ]
    made = asic.write(entries, seal, signing_time=NOW)
    assert made is not None
    archive = open_archive(made)
    manifest = archive.read(archive.members[MANIFEST])
    cms = archive.read(archive.members[SIGNATURE])
    signer = structure.parse(cms).signers[0]
    key = seal.private_key.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    scheme = ec.ECDSA(hashes.SHA256())
    pieces = [*(memoryview(entry.data) for entry in entries if isinstance(entry.data, bytes)), manifest]
    without_crc = asic.Limits(check_crc=False)

    def first_sight() -> object:
        shapes.forget()
        return verify_detached(cms, manifest)

    calls: dict[str, Callable[[], object]] = {
        "verify": lambda: key.verify(signer.signature, signer.signed, scheme),
        "SHA-256": lambda: [hashlib.sha256(piece).digest() for piece in pieces],
        "read": lambda: asic.read(made, limits=without_crc),
        "read with CRC-32": lambda: asic.read(made),
        "ZIP": lambda: open_archive(made),
        "manifest": lambda: read_manifest(manifest, place=""),
        "CMS": lambda: verify_detached(cms, manifest),
        "CMS at first sight": first_sight,
    }
    cost = _least(calls, rounds=40 if quick else 200)
    verify, floor = cost["verify"], cost["verify"] + cost["SHA-256"]
    read = cost["read"]
    parts = {
        "verify": verify,
        "SHA-256": cost["SHA-256"],
        "overhead": read - floor,
        "of it ZIP": cost["ZIP"],
        "manifest": cost["manifest"],
        "CMS": cost["CMS"] - verify,
        "CMS at first sight": cost["CMS at first sight"] - verify,
        "overhead with CRC-32": cost["read with CRC-32"] - floor,
    }
    return Figure(
        f"container-reading-{name}",
        floor / read,
        target,
        unit="µs",
        measured=read,
        baseline=floor,
        baseline_name="P-256 verify + SHA-256",
        parts=parts,
    )


def _signer() -> FileSigner:
    """A seal with a certificate above it, as a province's CA issues them."""
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("Province CA", "Agency")]
    keys = [ec.generate_private_key(ec.SECP256R1()), generate_key("p256")]
    chain = []
    for name, key in zip(names, keys, strict=True):
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(names[0])
        builder = builder.not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=365))
        public = key.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        builder = builder.public_key(public).serial_number(x509.random_serial_number())
        assert isinstance(keys[0], ec.EllipticCurvePrivateKey)
        chain.append(builder.sign(keys[0], hashes.SHA256()).public_bytes(Encoding.DER))
    return FileSigner(keys[1], chain[1], chain[:1])
