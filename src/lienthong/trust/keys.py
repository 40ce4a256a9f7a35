"""Private keys and what signs with them: encrypted PKCS#8 files (RFC 5958), or a token behind the
same :class:`Signer` protocol (:mod:`lienthong.trust.pkcs11`).

Key files are PBES2 (RFC 8018): PBKDF2-HMAC-SHA256 with :data:`KDF_ROUNDS` rounds and AES-256-CBC, which
OpenSSL and every PKCS#8 reader open. The rounds cost about 0.1 s of CPU on purpose. A data folder holds
hundreds of keys under one passphrase, so one process derives once: the keys it writes under a passphrase
share a salt (each has its own random IV), and derivations are remembered while the process lives, as the
opened keys themselves are. Opening 150 keys then costs one derivation instead of 150.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

from asn1crypto import algos
from asn1crypto import keys as asn1_keys
from asn1crypto.core import Null
from asn1crypto.pem import armor, detect, unarmor
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from lienthong.trust.errors import CertificateError, KeyFileError, WrongPassphrase

KDF_ROUNDS = 600_000
MAX_KDF_ROUNDS = 2_000_000
MIN_RSA_BITS = 2048
MAX_FILE = 1 << 20

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What ``cryptography`` raises for bytes that are no certificate it can read."""

KeyKind = Literal["p256", "rsa2048", "rsa3072", "ed25519"]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

ECDSA_P256 = "ecdsa-p256-sha256"
RSA_PKCS1 = "rsa-pkcs1v15-sha256"


class Signer(Protocol):
    """A private key with its certificate, wherever the key lives."""

    @property
    def certificate(self) -> bytes:
        """The signer's certificate, DER."""

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificates above it, DER, the issuing CA first, without the root."""

    @property
    def algorithm(self) -> str:
        """``ecdsa-p256-sha256`` or ``rsa-pkcs1v15-sha256``."""

    def sign(self, message: bytes) -> bytes:
        """A DER ECDSA-Sig-Value or an RSA signature over SHA-256(``message``)."""


class FileSigner:
    """A :class:`Signer` whose key is in memory, opened from a file."""

    __slots__ = ("algorithm", "certificate", "chain", "private_key")

    def __init__(self, private_key: PrivateKey, certificate: bytes, chain: Sequence[bytes] = ()) -> None:
        """Raises :class:`KeyFileError` when the key is not that of the certificate or cannot sign here."""
        self.algorithm = signature_algorithm(private_key.public_key())
        if public_bytes(private_key.public_key()) != public_bytes(certificate_key(certificate)):
            raise KeyFileError(
                "the private key does not belong to the certificate",
                remedy="put the key and the certificate that was issued for it side by side",
            )
        self.private_key = private_key
        self.certificate = certificate
        self.chain = tuple(chain)

    def sign(self, message: bytes) -> bytes:
        key = self.private_key
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(message, ec.ECDSA(hashes.SHA256()))
        assert isinstance(key, rsa.RSAPrivateKey)
        return key.sign(message, PKCS1v15(), hashes.SHA256())


def signature_algorithm(key: object) -> str:
    """The algorithm with which a key of this kind signs here, or :class:`KeyFileError`."""
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return ECDSA_P256
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return RSA_PKCS1
    raise KeyFileError(
        "the key is neither ECDSA P-256 nor RSA of 2048 bits or more",
        remedy="make a new key: `lienthong keys new --kind p256`",
        code="weak-key",
    )


def certificate_key(certificate: bytes) -> object:
    """The public key of a DER certificate, or :class:`CertificateError`."""
    try:
        return x509.load_der_x509_certificate(certificate).public_key()
    except UNREADABLE as error:
        raise CertificateError(f"not a readable certificate: {error}") from None


def public_bytes(key: object) -> bytes:
    """SubjectPublicKeyInfo, DER."""
    assert hasattr(key, "public_bytes")
    spki: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return spki


def generate_key(kind: KeyKind = "p256") -> PrivateKey:
    """A new private key from the system's random source."""
    if kind == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    sizes = {"rsa2048": 2048, "rsa3072": 3072}
    if kind not in sizes:
        raise KeyFileError(f"{kind!r} is not a kind of key", remedy="use p256, rsa2048, rsa3072 or ed25519")
    return rsa.generate_private_key(65537, sizes[kind])


@lru_cache(maxsize=256)
def _derive(passphrase: bytes, salt: bytes, rounds: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", passphrase, salt, rounds, 32)


@lru_cache(maxsize=256)
def _salt_of_this_process(_passphrase: bytes) -> bytes:
    return secrets.token_bytes(16)


def encrypt_key(key: PrivateKey, passphrase: bytes) -> bytes:
    """The key as PEM ``ENCRYPTED PRIVATE KEY``."""
    if not passphrase:
        raise KeyFileError("an empty passphrase protects nothing", remedy="give a passphrase")
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    salt, iv = _salt_of_this_process(passphrase), secrets.token_bytes(16)
    padder = padding.PKCS7(128).padder()
    cipher = Cipher(algorithms.AES256(_derive(passphrase, salt, KDF_ROUNDS)), modes.CBC(iv)).encryptor()
    sealed = cipher.update(padder.update(plain) + padder.finalize()) + cipher.finalize()
    info = asn1_keys.EncryptedPrivateKeyInfo(
        {
            "encryption_algorithm": {
                "algorithm": "pbes2",
                "parameters": {
                    "key_derivation_func": {
                        "algorithm": "pbkdf2",
                        "parameters": {
                            "salt": algos.Pbkdf2Salt(name="specified", value=salt),
                            "iteration_count": KDF_ROUNDS,
                            "prf": {"algorithm": "sha256", "parameters": Null()},
                        },
                    },
                    "encryption_scheme": {"algorithm": "aes256_cbc", "parameters": iv},
                },
            },
            "encrypted_data": sealed,
        }
    )
    return pem("ENCRYPTED PRIVATE KEY", info.dump())


def decrypt_key(data: bytes, *, passphrase: bytes | None, place: str = "key") -> PrivateKey:
    """The private key in PEM or DER ``data``.

    Raises :class:`WrongPassphrase`, or :class:`KeyFileError` when it is no key of a kind used here.
    """
    try:
        plain = _decrypt_own(data, passphrase) if passphrase else None
        if plain is not None:
            key: object = load_der_private_key(plain, None)
        elif data.lstrip().startswith(b"-----"):
            key = load_pem_private_key(data, passphrase)
        else:
            key = load_der_private_key(data, passphrase)
    except TypeError:
        if passphrase:
            return decrypt_key(data, passphrase=None, place=place)
        raise WrongPassphrase(
            "the key is encrypted and no passphrase was given",
            place=place,
            remedy="put secrets/passphrase back (a backup has it), or set LIENTHONG_PASSPHRASE",
        ) from None
    except (ValueError, UnsupportedAlgorithm) as error:
        if b"ENCRYPTED" in data[:200]:
            raise WrongPassphrase(
                "the passphrase does not open this key, or the file is damaged",
                place=place,
                remedy="check LIENTHONG_PASSPHRASE and secrets/passphrase",
            ) from None
        raise KeyFileError(f"not a readable private key: {error}", place=place) from None
    if not isinstance(key, PrivateKey):
        raise KeyFileError(f"{type(key).__name__} is not a kind of key used here", place=place)
    return key


def _decrypt_own(data: bytes, passphrase: bytes) -> bytes | None:
    """The PKCS#8 DER in a file of this module's own form, with the remembered derivation; None for others."""
    der = unpem("ENCRYPTED PRIVATE KEY", data)
    if der is None:
        return None
    try:
        info = asn1_keys.EncryptedPrivateKeyInfo.load(der, strict=True)
        algorithm = info["encryption_algorithm"]
        if algorithm["algorithm"].native != "pbes2":
            return None
        kdf = algorithm["parameters"]["key_derivation_func"]
        scheme = algorithm["parameters"]["encryption_scheme"]
        if kdf["algorithm"].native != "pbkdf2" or scheme["algorithm"].native != "aes256_cbc":
            return None
        parameters = kdf["parameters"]
        if parameters["prf"]["algorithm"].native != "sha256" or parameters["salt"].name != "specified":
            return None
        salt, rounds = parameters["salt"].native, parameters["iteration_count"].native
        iv, sealed = scheme["parameters"].native, info["encrypted_data"].native
    except (ValueError, TypeError, KeyError):
        return None
    if not 0 < rounds <= MAX_KDF_ROUNDS:
        raise ValueError(f"{rounds} key derivation rounds are beyond the limit")
    cipher = Cipher(algorithms.AES256(_derive(passphrase, salt, rounds)), modes.CBC(iv)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(cipher.update(sealed) + cipher.finalize()) + unpadder.finalize()


def save_key(path: Path, key: PrivateKey, passphrase: bytes) -> None:
    """Write the key as encrypted PKCS#8, mode 0600, synced to the disk, replacing the file at once."""
    write_file(path, encrypt_key(key, passphrase), mode=0o600)


def load_key(path: Path, *, passphrase: bytes | None) -> PrivateKey:
    """The private key in a PEM or DER file."""
    return decrypt_key(read_file(path), passphrase=passphrase, place=str(path))


def load_signer(key: Path, certificate: Path, *, passphrase: bytes | None) -> FileSigner:
    """The signer of a key file and a PEM file that holds its certificate and then the chain above it."""
    first, *chain = load_certificates(certificate)
    try:
        return FileSigner(load_key(key, passphrase=passphrase), first, chain)
    except KeyFileError as error:
        if error.place is None:
            error.place = str(key)
        raise


def load_certificates(path: Path) -> tuple[bytes, ...]:
    """The certificates of a PEM or DER file as DER, in the file's order; at least one."""
    return parse_certificates(read_file(path), place=str(path))


def parse_certificates(data: bytes, *, place: str = "certificate") -> tuple[bytes, ...]:
    """The certificates in PEM or DER ``data`` as DER, or :class:`CertificateError`."""
    try:
        if b"-----BEGIN" in data:
            found = x509.load_pem_x509_certificates(data)
        else:
            found = [x509.load_der_x509_certificate(data)]
        return tuple(certificate.public_bytes(Encoding.DER) for certificate in found)
    except UNREADABLE as error:
        raise CertificateError(
            f"not a readable certificate: {error}",
            place=place,
            remedy="give X.509 certificates as PEM, or one as DER",
        ) from None


def read_file(path: Path, *, limit: int = MAX_FILE) -> bytes:
    """The bytes of a small file, or :class:`KeyFileError`."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise KeyFileError(
            f"cannot be read: {error.strerror}",
            place=str(path),
            remedy="check that the file is there and that this user may read it",
        ) from None
    if len(data) > limit:
        raise KeyFileError(f"is larger than {limit} bytes", place=str(path))
    return data


def write_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace a small file at once: written beside it, synced, renamed, the folder synced."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise KeyFileError(
            f"cannot be written: {error.strerror}",
            place=str(path),
            remedy="check the folder, its permissions and the space left on the disk",
        ) from None


def pem(label: str, der: bytes) -> bytes:
    """RFC 7468 text of a DER value."""
    armoured: bytes = armor(label, der)
    return armoured


def unpem(label: str, data: bytes) -> bytes | None:
    """The DER of a PEM text with that label; None when it is not one."""
    try:
        if not detect(data):
            return None
        found, _headers, der = unarmor(data)
    except ValueError:
        return None
    return der if found == label else None
