from __future__ import annotations

import io
import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.trust.container_signers import certificate, encryption
from tests.trust.test_cms import P384

from lienthong.trust.asic import Entry
from lienthong.trust.errors import ContainerError, SealingError, TrustError
from lienthong.trust.keys import generate_key
from lienthong.trust.sealing import opening, seal, unseal, unseal_bytes

FILES = [
    Entry("báo cáo.pdf", "application/pdf", b"%PDF-1.7 " * 999),
    Entry("phụ lục/số liệu.csv", "text/csv", b"a;b\n"),
]
KINDS = ["p256", "rsa2048"]


OF_THE_FOLDER = {"sealed-exists", "container-unwritable"}


@pytest.fixture(params=["in memory", "through a file"], autouse=True)
def _decrypted_both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every promise holds for a small archive and for one too large for memory."""
    if request.param == "through a file":
        monkeypatch.setattr(opening, "IN_MEMORY", 0)


def opened(source: bytes | Path | io.BytesIO, folder: Path, kind: str = "p256") -> dict[str, bytes]:
    """The files, opened into a folder; opening them without one must come to the same."""
    key, own = encryption(kind)  # type: ignore[arg-type]
    content = (
        source.read_bytes()
        if isinstance(source, Path)
        else bytes(getattr(source, "getvalue", lambda: source)())
    )
    try:
        paths = unseal(source, key, own, folder)
    except TrustError as error:
        if error.code not in OF_THE_FOLDER:
            with pytest.raises(TrustError) as other:
                unseal_bytes(content, key, own)
            assert other.value.code == error.code
        raise
    found = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
    assert dict(unseal_bytes(content, key, own)) == found
    return found


EXPECTED = {entry.name: entry.data for entry in FILES}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["bytes", "file", "stream"])
def test_every_recipient_opens_what_was_sealed(kind: str, way: str, tmp_path: Path) -> None:
    recipients = [encryption(each)[1] for each in ("p256", "rsa2048")]  # type: ignore[arg-type]
    recipients.append(encryption(name="Sở Y tế")[1])
    if way == "file":
        assert seal(FILES, recipients, tmp_path / "sealed.p7m") is None
        assert opened(tmp_path / "sealed.p7m", tmp_path / "out", kind) == EXPECTED
    else:
        sealed = seal(FILES, recipients)
        source = sealed if way == "bytes" else io.BytesIO(sealed)
        assert opened(source, tmp_path / "out", kind) == EXPECTED
    assert not list(tmp_path.glob(".*")) + list((tmp_path / "out").glob(".*"))


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_else_opens_it(kind: str, tmp_path: Path) -> None:
    sealed = seal(FILES, [encryption(name="Sở Y tế")[1]])
    with pytest.raises(SealingError) as error:
        opened(sealed, tmp_path / "out", kind)
    assert error.value.code == "sealed-not-for-us"
    assert not list((tmp_path / "out").iterdir())


def test_the_right_certificate_with_the_wrong_key_does_not_open_it(tmp_path: Path) -> None:
    for kind in KINDS:
        _, own = encryption(kind)  # type: ignore[arg-type]
        other, _ = encryption(kind, "Sở Y tế")  # type: ignore[arg-type]
        with pytest.raises(SealingError) as error:
            unseal(seal(FILES, [own]), other, own, tmp_path / "out")
        assert error.value.code == "sealed-changed"


def test_names_and_contents_do_not_show(tmp_path: Path) -> None:
    sealed = seal(FILES, [encryption()[1]])
    assert b"PDF" not in sealed
    assert "báo cáo".encode() not in sealed
    assert sealed != seal(FILES, [encryption()[1]])


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_opens_what_is_sealed_here(kind: str, tmp_path: Path) -> None:
    recipients = [encryption(name="Sở Y tế")[1], encryption(kind)[1]]  # type: ignore[arg-type]
    (tmp_path / "sealed.p7m").write_bytes(seal(FILES, recipients))
    write_keys(tmp_path, kind)
    command = (
        "openssl cms -decrypt -binary -inform DER -in sealed.p7m -inkey key.pem -recip own.pem -out out.zip"
    )
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == EXPECTED


def write_keys(folder: Path, kind: str) -> None:
    key, own = encryption(kind)  # type: ignore[arg-type]
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "own.der").write_bytes(own)
    subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-in", "own.der", "-out", "own.pem"],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def openssl_sealed(folder: Path, kind: str, *options: str, content: bytes | None = None) -> bytes:
    write_keys(folder, kind)
    if content is None:
        with zipfile.ZipFile(folder / "in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for entry in FILES:
                assert isinstance(entry.data, bytes)
                archive.writestr(entry.name, entry.data)
    else:
        (folder / "in.zip").write_bytes(content)
    command = [
        "openssl",
        "cms",
        "-encrypt",
        "-binary",
        "-in",
        "in.zip",
        "-outform",
        "DER",
        "-out",
        "sealed.p7m",
    ]
    command += [*options, "-recip", "own.pem"]
    command += (
        ["-keyopt", "ecdh_kdf_md:sha256"]
        if kind == "p256"
        else [
            "-keyopt",
            "rsa_padding_mode:oaep",
            "-keyopt",
            "rsa_oaep_md:sha256",
            "-keyopt",
            "rsa_mgf1_md:sha256",
        ]
    )
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return (folder / "sealed.p7m").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_what_openssl_seals_is_opened_here(kind: str, tmp_path: Path) -> None:
    sealed = openssl_sealed(tmp_path, kind, "-aes-256-gcm")
    assert opened(sealed, tmp_path / "out", kind) == EXPECTED


@pytest.mark.parametrize("cipher", ["-aes-256-cbc", "-aes-128-gcm"])
def test_weaker_ways_of_sealing_are_refused(cipher: str, tmp_path: Path) -> None:
    sealed = openssl_sealed(tmp_path, "p256", cipher)
    with pytest.raises(SealingError):
        opened(sealed, tmp_path / "out")


def test_a_sealed_archive_is_read_as_strictly_as_any(tmp_path: Path) -> None:
    """The sender is inside the seal, and still not trusted with names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../escaped.txt", b"x")
    for content in (out.getvalue(), b"no archive at all", b""):
        sealed = openssl_sealed(tmp_path, "p256", "-aes-256-gcm", content=content)
        with pytest.raises(TrustError):
            opened(sealed, tmp_path / "out")
        assert not list((tmp_path / "out").iterdir())
    assert not (tmp_path.parent / "escaped.txt").exists()


class TestChanges:
    @pytest.mark.parametrize("kind", KINDS)
    def test_every_changed_byte_is_refused_and_nothing_is_left(self, kind: str, tmp_path: Path) -> None:
        small = [Entry("a", "text/plain", b"secret " * 5)]
        sealed = seal(small, [encryption(kind)[1]])  # type: ignore[arg-type]
        for at in range(len(sealed)):
            bent = sealed[:at] + bytes((sealed[at] ^ 0x01,)) + sealed[at + 1 :]
            with pytest.raises(TrustError):
                opened(bent, tmp_path, kind)
            assert not list(tmp_path.iterdir())

    def test_every_truncation_and_addition_is_refused(self, tmp_path: Path) -> None:
        sealed = seal([Entry("a", "text/plain", b"secret")], [encryption()[1]])
        for size in range(len(sealed)):
            with pytest.raises(TrustError):
                opened(sealed[:size], tmp_path)
        for more in (b"\0", b"\x31\x00", bytes(5000)):
            with pytest.raises(TrustError):
                opened(sealed + more, tmp_path)
        assert not list(tmp_path.iterdir())

    @settings(max_examples=200, deadline=None)
    @given(data=st.data())
    def test_splices_are_refused(self, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
        sealed = seal([Entry("a", "text/plain", b"secret")], [encryption()[1]])
        at = int(data.draw(st.floats(0, 1)) * len(sealed))
        removed = data.draw(st.integers(0, 30))
        bent = sealed[:at] + data.draw(st.binary(max_size=30)) + sealed[at + removed :]
        folder = tmp_path_factory.mktemp("splice")
        try:
            assert opened(bent, folder) == {"a": b"secret"}
        except TrustError:
            assert not list(folder.iterdir())

    @settings(max_examples=200, deadline=None)
    @given(data=st.binary(max_size=300))
    def test_whatever_comes_in_is_refused(
        self, data: bytes, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        with pytest.raises(SealingError):
            opened(data, tmp_path_factory.mktemp("random"))


def test_what_is_too_large_for_memory_is_left_to_the_disk(tmp_path: Path) -> None:
    key, own = encryption()
    large = seal(FILES, [own])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", os.urandom(200) * 100)
    unpacks = openssl_sealed(tmp_path, "p256", "-aes-256-gcm", content=packed.getvalue())
    assert len(unpacks) < 5000
    for sealed in (large, unpacks):
        with pytest.raises(SealingError) as error:
            unseal_bytes(sealed, key, own, most=5000)
        assert error.value.code == "sealed-too-large"


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "báo cáo.pdf").write_bytes(b"mine")
    with pytest.raises(SealingError) as error:
        opened(seal(FILES, [encryption()[1]]), tmp_path)
    assert error.value.code == "sealed-exists"
    assert [path.name for path in tmp_path.iterdir()] == ["báo cáo.pdf"]
    assert (tmp_path / "báo cáo.pdf").read_bytes() == b"mine"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ContainerError) as error:
        opened(seal(FILES, [encryption()[1]]), tmp_path / "file")
    assert str(tmp_path / "file") in str(error.value)


def test_what_cannot_be_sealed_is_refused(tmp_path: Path) -> None:
    own = encryption()[1]
    signing = certificate("Khóa khác", generate_key("ed25519").public_key()).public_bytes(Encoding.DER)
    for files, recipients in (
        ([], [own]),
        (FILES, []),
        (FILES, [own, own]),
        (FILES, [b"no certificate"]),
        (FILES, [signing]),
        ([Entry("../a", "text/plain", b"")], [own]),
        ([Entry("a", "text/plain", tmp_path / "nowhere")], [own]),
    ):
        with pytest.raises(TrustError):
            seal(files, recipients)
        with pytest.raises(TrustError):
            seal(files, recipients, tmp_path / "out.p7m")
    assert not list(tmp_path.iterdir())


def test_a_recipient_on_another_curve_is_refused(tmp_path: Path) -> None:
    request = [
        "openssl",
        "req",
        "-x509",
        *P384,
        "-noenc",
        "-keyout",
        "k.pem",
        "-outform",
        "DER",
        "-out",
        "c.der",
    ]
    subprocess.run([*request, "-subj", "/CN=P-384"], cwd=tmp_path, check=True, capture_output=True)
    with pytest.raises(SealingError) as error:
        seal(FILES, [(tmp_path / "c.der").read_bytes()])
    assert error.value.code == "sealed-unsupported"


DATA = bytes.fromhex("06092a864886f70d010701")
AES_256_GCM = bytes.fromhex("060960864801650304012e")


@pytest.mark.parametrize(
    ("there", "instead", "told"),
    [
        (DATA, DATA[:-1] + b"\x02", "seals something other than data"),
        (AES_256_GCM, AES_256_GCM[:-1] + b"\x1a", "is not encrypted with AES-256-GCM"),
        (b"\x02\x01\x10", b"\x02\x01\x0c", "has a nonce or tag of another length"),
    ],
)
def test_a_file_sealed_in_another_way_is_told_by_what_differs(
    tmp_path: Path, there: bytes, instead: bytes, told: str
) -> None:
    sealed = seal(FILES, [encryption()[1]])
    at = sealed.index(there, sealed.index(DATA))
    with pytest.raises(SealingError, match=told):
        opened(sealed[:at] + instead + sealed[at + len(there) :], tmp_path)


def test_a_province_of_recipients_fits(tmp_path: Path) -> None:
    public = generate_key().public_key()
    others = [certificate(f"Xã {n}", public).public_bytes(Encoding.DER) for n in range(150)]
    sealed = seal(FILES, [*others, encryption()[1]])
    assert opened(sealed, tmp_path / "out") == EXPECTED


def test_no_file_comes_out_hidden_and_no_two_share_a_name(tmp_path: Path) -> None:
    hidden = [
        Entry(".bashrc", "text/plain", b"1"),
        Entry("bashrc", "text/plain", b"2"),
        Entry(".ssh/.config", "text/plain", b"3"),
    ]
    key, own = encryption()
    sealed = seal(hidden, [own])
    for _ in range(2):
        unseal(sealed, key, own, tmp_path)
        found = {
            path.relative_to(tmp_path).as_posix(): path.read_bytes()
            for path in tmp_path.rglob("*")
            if path.is_file()
        }
        assert found == {"bashrc": b"1", "bashrc-2": b"2", "ssh/config": b"3"}
    assert dict(unseal_bytes(sealed, key, own)) == found


def test_nothing_is_written_through_a_linked_folder(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (out / "phụ lục").symlink_to(elsewhere, target_is_directory=True)
    key, own = encryption()
    with pytest.raises(SealingError) as error:
        unseal(seal(FILES, [own]), key, own, out)
    assert error.value.code == "sealed-exists"
    assert not list(elsewhere.iterdir())
    assert [path.name for path in out.iterdir()] == ["phụ lục"]
