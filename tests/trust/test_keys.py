"""Private keys in files."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from lienthong.trust import keys
from lienthong.trust.ca import ProvinceCA
from lienthong.trust.errors import CertificateError, KeyFileError, TrustError, WrongPassphrase
from lienthong.trust.keys import FileSigner, KeyKind, Signer, generate_key, load_key, load_signer, save_key

PASSPHRASE = "mật khẩu".encode()


@pytest.mark.parametrize("kind", ["p256", "rsa2048", "ed25519"])
def test_a_saved_key_is_the_same_when_loaded(kind: KeyKind, tmp_path: Path) -> None:
    key = generate_key(kind)
    save_key(tmp_path / "seal.key", key, PASSPHRASE)
    loaded = load_key(tmp_path / "seal.key", passphrase=PASSPHRASE)
    assert keys.public_bytes(loaded.public_key()) == keys.public_bytes(key.public_key())


def test_a_key_file_is_encrypted_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    save_key(tmp_path / "seal.key", generate_key(), PASSPHRASE)
    assert stat.S_IMODE((tmp_path / "seal.key").stat().st_mode) == 0o600
    assert (tmp_path / "seal.key").read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")


def test_openssl_opens_our_key_files(tmp_path: Path) -> None:
    save_key(tmp_path / "seal.key", generate_key(), b"secret")
    command = ["openssl", "pkey", "-in", tmp_path / "seal.key", "-passin", "pass:secret", "-noout", "-check"]
    assert "valid" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_we_open_the_key_files_of_openssl_whatever_their_derivation(tmp_path: Path) -> None:
    plain = generate_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for name, options in {
        "scrypt": ["-scrypt"],
        "sha1": ["-v2prf", "hmacWithSHA1"],
        "aes128": ["-v2", "aes-128-cbc"],
    }.items():
        file = tmp_path / f"{name}.key"
        command = ["openssl", "pkcs8", "-topk8", *options, "-passout", "pass:secret", "-out", file]
        subprocess.run(command, input=plain, capture_output=True, check=True)
        assert load_key(file, passphrase=b"secret")


def test_we_open_keys_that_other_libraries_wrote(tmp_path: Path) -> None:
    key = generate_key()
    file = tmp_path / "other.key"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    assert load_key(file, passphrase=b"secret")
    file.write_bytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    assert load_key(file, passphrase=None)
    assert load_key(file, passphrase=b"not needed")


def test_a_wrong_or_missing_passphrase_says_so_and_names_the_file(tmp_path: Path) -> None:
    save_key(tmp_path / "seal.key", generate_key(), PASSPHRASE)
    for passphrase in (b"wrong", None):
        with pytest.raises(WrongPassphrase) as caught:
            load_key(tmp_path / "seal.key", passphrase=passphrase)
        assert "seal.key" in str(caught.value)


def test_an_empty_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError):
        save_key(tmp_path / "seal.key", generate_key(), b"")
    assert not list(tmp_path.iterdir())


def test_opening_many_keys_of_one_passphrase_derives_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    derivations: list[int] = []
    real: Callable[..., bytes] = hashlib.pbkdf2_hmac

    def counted(name: str, passphrase: bytes, salt: bytes, rounds: int, length: int) -> bytes:
        derivations.append(rounds)
        return real(name, passphrase, salt, rounds, length)

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", counted)
    passphrase = b"of this test alone"
    for number in range(20):
        save_key(tmp_path / f"{number}.key", generate_key(), passphrase)
    for number in range(20):
        load_key(tmp_path / f"{number}.key", passphrase=passphrase)
    assert derivations == [keys.KDF_ROUNDS]


def test_no_two_key_files_share_their_initialisation_vector(tmp_path: Path) -> None:
    key = generate_key()
    files = {keys.encrypt_key(key, PASSPHRASE) for _ in range(10)}
    assert len(files) == 10


def test_a_key_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "seal.key"
    save_key(file, generate_key(), PASSPHRASE)
    before = file.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyFileError, match="No space left"):
        save_key(file, generate_key(), PASSPHRASE)
    assert file.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["seal.key"]


def test_a_missing_file_is_a_message_and_not_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"absent\.key"):
        load_key(tmp_path / "absent.key", passphrase=None)


@pytest.mark.parametrize("fixture", ["seal_signer", "rsa_seal_signer"])
def test_a_signature_verifies_with_the_certificate(fixture: str, request: pytest.FixtureRequest) -> None:
    signer: Signer = request.getfixturevalue(fixture)
    public = keys.certificate_key(signer.certificate)
    signature = signer.sign(b"a directive")
    if isinstance(public, ec.EllipticCurvePublicKey):
        assert signer.algorithm == "ecdsa-p256-sha256"
        public.verify(signature, b"a directive", ec.ECDSA(hashes.SHA256()))
    else:
        assert isinstance(public, rsa.RSAPublicKey)
        assert signer.algorithm == "rsa-pkcs1v15-sha256"
        public.verify(signature, b"a directive", padding.PKCS1v15(), hashes.SHA256())


def test_a_signer_loads_with_its_chain(
    seal_signer: FileSigner, province_ca: ProvinceCA, tmp_path: Path
) -> None:
    save_key(tmp_path / "seal.key", seal_signer.private_key, PASSPHRASE)
    chain = b"".join(keys.pem("CERTIFICATE", der) for der in (seal_signer.certificate, *seal_signer.chain))
    (tmp_path / "seal.pem").write_bytes(chain)
    loaded = load_signer(tmp_path / "seal.key", tmp_path / "seal.pem", passphrase=PASSPHRASE)
    assert loaded.certificate == seal_signer.certificate
    assert loaded.chain == (province_ca.issuing.der,)


def test_a_key_beside_another_ones_certificate_is_refused(seal_signer: FileSigner) -> None:
    with pytest.raises(KeyFileError, match="does not belong"):
        FileSigner(generate_key(), seal_signer.certificate)


def test_weak_and_unusual_keys_do_not_sign() -> None:
    for key in (
        ec.generate_private_key(ec.SECP384R1()).public_key(),
        rsa.generate_private_key(65537, 1024).public_key(),  # noqa: S505
    ):
        with pytest.raises(KeyFileError, match="neither ECDSA P-256 nor RSA"):
            keys.signature_algorithm(key)


@given(st.binary(max_size=400))
def test_garbage_is_never_a_key_and_never_a_traceback(garbage: bytes) -> None:
    for data in (garbage, keys.pem("ENCRYPTED PRIVATE KEY", garbage), keys.pem("PRIVATE KEY", garbage)):
        with pytest.raises(KeyFileError):
            keys.decrypt_key(data, passphrase=b"x")
    with pytest.raises(CertificateError):
        keys.parse_certificates(garbage)
    with pytest.raises(CertificateError):
        keys.parse_certificates(keys.pem("CERTIFICATE", garbage))


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_key_file_ends_in_a_message(data: st.DataObject) -> None:
    whole = _SAMPLE
    cut = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[cut] ^= data.draw(st.integers(1, 255))
    for damaged in (whole[:cut], bytes(flipped)):
        try:
            keys.decrypt_key(damaged, passphrase=b"secret")
        except TrustError:
            continue  # and where the damage fell on white space the key still opens


def test_a_file_that_asks_for_endless_derivation_is_refused() -> None:
    der = keys.unpem("ENCRYPTED PRIVATE KEY", _SAMPLE)
    assert der is not None
    rounds = b"\x02\x03" + keys.KDF_ROUNDS.to_bytes(3, "big")
    assert rounds in der
    hostile = der.replace(rounds, b"\x02\x03\x7f\xff\xff")
    with pytest.raises(KeyFileError):
        keys.decrypt_key(keys.pem("ENCRYPTED PRIVATE KEY", hostile), passphrase=b"secret")


_SAMPLE = keys.encrypt_key(generate_key(), b"secret")
