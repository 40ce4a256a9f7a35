"""The commands of docs/reference/container.md, run as they stand."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.trust.container_material import Item, craft, signed_items
from tests.trust.container_signers import NOW, ca_pem, encryption, signer

from lienthong.trust import asic
from lienthong.trust.sealing import seal, unseal

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "container.md"
FILES = [
    asic.Entry("edoc.xml", "text/xml", b"<edXML/>"),
    asic.Entry("files/chỉ thị số 15.pdf", "application/pdf", b"%PDF-1.7 " * 99),
    asic.Entry("files/100%.csv", "text/csv", b"a;b\n"),
]


def blocks() -> list[str]:
    marked = r"<!-- run by tests/trust/test_container_page\.py -->\n```sh\n(.*?)```"
    return re.findall(marked, PAGE.read_text(), re.S)


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", "set -euo pipefail\n" + script],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_page_is_read() -> None:
    assert len(blocks()) == 5


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_a_container_is_checked_with_openssl_alone(kind: str, tmp_path: Path) -> None:
    made = asic.write(FILES, signer(kind), signing_time=NOW)  # type: ignore[arg-type]
    assert made is not None
    (tmp_path / "message.asice").write_bytes(made)
    (tmp_path / "ca.pem").write_bytes(ca_pem())
    done = run("\n".join(blocks()[:3]), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "CMS Verification successful" in done.stderr
    assert "Mar  1 08:30:00 2026 GMT" in done.stdout
    assert [f"{entry.name}: OK" in done.stdout for entry in FILES] == [True] * 3


def bent(position: int, item: Item | None) -> bytes:
    """A good container with one item exchanged, added (at 6) or, for None, taken away."""
    items = signed_items({entry.name: bytes(entry.data) for entry in FILES})  # type: ignore[arg-type]
    return craft(*items[:position], *([item] if item else []), *items[position + 1 :])


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (bent(1, Item("edoc.xml", b"<edXML />")), "edoc.xml: CHANGED"),
        (bent(2, None), "chỉ thị số 15.pdf: CHANGED"),
        (bent(6, Item("files/them.pdf", b"x")), "> files/them.pdf"),
        (bent(4, Item("META-INF/ASiCManifest.xml", b"<a/>")), "CMS Verification failure"),
    ],
    ids=["changed", "missing", "added", "manifest"],
)
def test_the_commands_notice_every_deception(made: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "message.asice").write_bytes(made)
    (tmp_path / "ca.pem").write_bytes(ca_pem())
    done = run("\n".join(blocks()[:3]), tmp_path)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr


def test_a_recipient_opens_sealed_files_with_openssl_alone(tmp_path: Path) -> None:
    key, certificate = encryption()
    (tmp_path / "encryption.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (tmp_path / "encryption.der").write_bytes(certificate)
    seal(FILES, [certificate], tmp_path / "files.p7m")
    convert = "openssl x509 -inform DER -in encryption.der -out encryption.pem\n"
    done = run(convert + blocks()[4], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "chỉ thị số 15.pdf" in done.stdout


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_files_are_sealed_with_openssl_alone_for_recipient_and_sender(kind: str, tmp_path: Path) -> None:
    holders = {"recipient": encryption(kind), "own": encryption("p256")}  # type: ignore[arg-type]
    for name, (_, certificate) in holders.items():
        pem = x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)
        (tmp_path / f"{name}.pem").write_bytes(pem)
    (tmp_path / "cong-van.pdf").write_bytes(b"%PDF-1.7 " * 999)
    (tmp_path / "phụ lục.csv").write_bytes(b"a;b\n")
    script = blocks()[3]
    if kind == "rsa2048":
        [oaep] = re.findall(r"`(-keyopt rsa_padding_mode[^`]*)`", PAGE.read_text(), re.S)
        before, after = "recipient.pem -keyopt ecdh_kdf_md:sha256", f"recipient.pem {' '.join(oaep.split())}"
        assert before in script
        script = script.replace(before, after)
    done = run(script, tmp_path)
    assert done.returncode == 0, done.stderr
    for name, (key, certificate) in holders.items():
        opened = unseal(tmp_path / "files.p7m", key, certificate, tmp_path / name)
        assert [path.name for path in opened] == ["cong-van.pdf", "phụ lục.csv"]
        assert opened[0].read_bytes() == (tmp_path / "cong-van.pdf").read_bytes()


def test_the_manifest_on_the_page_is_the_one_that_is_written() -> None:
    shown = re.search(r"```xml\n(.*?)```", PAGE.read_text(), re.S)
    assert shown
    items = signed_items({"edoc.xml": b"<edXML/>"})
    written = items[-2].data.decode().replace("application/octet-stream", "text/xml")
    assert re.sub(r"(<ds:DigestValue>)[^<]*", r"\1…", written) == shown[1]
