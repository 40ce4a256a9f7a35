from __future__ import annotations

import io
import subprocess
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from tests.trust.container_signers import NOW, ca_pem, signer

from lienthong.trust import asic
from lienthong.trust.errors import ContainerError

FILES = [
    asic.Entry("edoc.xml", "text/xml", b"<edXML/>"),
    asic.Entry("files/ch\u1ec9 th\u1ecb s\u1ed1 1.pdf", "application/pdf", b"%PDF-1.7 " * 500),
]


@pytest.fixture(params=["memory", "file"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> bytes | Path:
    data = asic.write(FILES, signer(), signing_time=NOW)
    assert data is not None
    if request.param == "memory":
        return data
    path = tmp_path / "directive.asice"
    path.write_bytes(data)
    return path


def test_what_is_written_is_read_back(source: bytes | Path) -> None:
    with asic.read(source) as container:
        assert container.names == ("edoc.xml", "files/chỉ thị số 1.pdf")
        assert container.read("files/chỉ thị số 1.pdf") == FILES[1].data
        with container.open("edoc.xml") as stream:
            assert stream.read() == b"<edXML/>"
        assert container.entries["edoc.xml"].media_type == "text/xml"
        assert container.signature.certificate == signer().certificate
        assert container.signature.signing_time == NOW
        assert container.signature.algorithm == "ecdsa-p256-sha256"


def test_a_container_is_a_plain_zip_whose_type_a_file_manager_sees() -> None:
    data = asic.write(FILES, signer(), signing_time=NOW)
    assert data is not None
    assert data[38:69] == b"application/vnd.etsi.asic-e+zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == "mimetype"


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_openssl_alone_verifies_a_container(kind: str, tmp_path: Path) -> None:
    data = asic.write(FILES, signer(kind), signing_time=NOW)
    assert data is not None
    (tmp_path / "ca.pem").write_bytes(ca_pem())
    zipfile.ZipFile(io.BytesIO(data)).extractall(tmp_path)
    command = "openssl cms -verify -binary -inform DER -in META-INF/signature.p7s"
    command += " -content META-INF/ASiCManifest.xml -CAfile ca.pem -purpose any -out manifest.xml"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verification successful" in done.stderr, done.stderr
    assert (tmp_path / "manifest.xml").read_bytes() == (tmp_path / "META-INF/ASiCManifest.xml").read_bytes()


def test_a_changed_file_is_refused() -> None:
    data = asic.write(FILES, signer(), signing_time=NOW)
    assert data is not None
    at = data.index(b"%PDF-1.7")
    with pytest.raises(ContainerError):
        asic.read(data[:at] + b"#" + data[at + 1 :])
    with pytest.raises(ContainerError) as error:
        asic.read(data[:at] + b"#" + data[at + 1 :], limits=asic.Limits(check_crc=False))
    assert error.value.code == "container-digest"


def test_the_same_inputs_give_the_same_archive_around_the_signature() -> None:
    first, second = (asic.write(FILES, signer("rsa2048"), signing_time=NOW) for _ in range(2))
    assert first == second
    assert first != asic.write(FILES, signer("rsa2048"), signing_time=NOW + timedelta(seconds=2))
