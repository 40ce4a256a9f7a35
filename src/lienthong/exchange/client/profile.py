"""An agency's profile: who it is, where its hub is, whose certificates it trusts, where its keys are.

``agency.toml`` in the agency's own folder; paths are relative to the file. ``include`` names a TOML file
that several profiles share (the hub's address, the log's key). Example::

    code = "000.05.25.H61"
    name = "UBND xã Long Phước"
    include = "../hub.toml"          # hub, pki, checkpoint_key, passphrase_file

    [seal]
    key = "seal.key"
    certificate = "seal.pem"

A key in a security module is given as ``pkcs11 = { module = …, token = …, key = …, pin_file = … }``
in place of ``key``; keys that encryption used before are ``[[former_encryption]]`` tables of the same
form. ``client_certificate = true`` also presents the TLS certificate in the handshake.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lienthong.core.identifiers import organ_code
from lienthong.exchange.client.errors import ProfileError
from lienthong.trust.keys import Signer, load_certificates, load_key, load_signer

if TYPE_CHECKING:
    from lienthong.trust.pkcs11 import Token

DecryptionKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
FILE = "agency.toml"
Use = Literal["seal", "encryption", "tls"]
USES: tuple[Use, ...] = ("seal", "encryption", "tls")

_KNOWN = {
    "code",
    "name",
    "include",
    "hub",
    "pki",
    "checkpoint_key",
    "passphrase_file",
    "client_certificate",
    "staff",
    "former_encryption",
    *USES,
}


@dataclass(frozen=True)
class KeyPlace:
    """Where one key and its certificate are. ``key`` is None for a key in a security module."""

    certificate: Path
    key: Path | None
    pkcs11: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AgencyProfile:
    """``checkpoint_key`` is the hub's log key (a C2SP vkey); ``pki`` the folder with ``anchors/`` and
    ``crl/``; ``staff`` the default name for what is done with this profile.
    """

    folder: Path
    code: str
    name: str
    hub: str
    pki: Path
    checkpoint_key: str
    keys: Mapping[Use, KeyPlace]
    passphrase_file: Path | None = None
    client_certificate: bool = False
    staff: str = ""
    former_encryption: tuple[KeyPlace, ...] = ()

    @property
    def outbox(self) -> Path:
        return self.folder / "outbox.sqlite3"

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    @cached_property
    def passphrase(self) -> bytes | None:
        """``LIENTHONG_PASSPHRASE``, or the passphrase file's line; None when neither is there."""
        given = os.environ.get("LIENTHONG_PASSPHRASE")
        if given:
            return given.encode()
        if self.passphrase_file is None:
            return None
        try:
            return self.passphrase_file.read_bytes().strip()
        except OSError as error:
            raise ProfileError(
                f"the passphrase cannot be read: {error.strerror}",
                place=str(self.passphrase_file),
                remedy="set LIENTHONG_PASSPHRASE, or repair the file or its rights",
            ) from error

    @cached_property
    def seal(self) -> Signer:
        """The agency's seal, which signs its containers."""
        return self._signer("seal")

    @cached_property
    def tls(self) -> Signer:
        """The key that signs requests, and that TLS presents when ``client_certificate`` is set."""
        return self._signer("tls")

    @cached_property
    def encryption(self) -> tuple[tuple[DecryptionKey, bytes], ...]:
        """Keys and certificates (DER) to which others sealed files end to end: today's, then former ones."""
        return tuple(map(self._decryption_key, (self.place("encryption"), *self.former_encryption)))

    def _decryption_key(self, place: KeyPlace) -> tuple[DecryptionKey, bytes]:
        certificate = load_certificates(place.certificate)[0]
        if place.key is not None:
            key: object = load_key(place.key, passphrase=self.passphrase)
        else:
            key = self._token(place, "encryption").key(place.pkcs11["key"])
        if not isinstance(key, DecryptionKey):
            raise ProfileError(
                "the encryption key is neither P-256 nor RSA", place=f"{self.folder / FILE}: encryption"
            )
        return key, certificate

    def place(self, use: Use) -> KeyPlace:
        try:
            return self.keys[use]
        except KeyError:
            raise ProfileError(
                f"the profile names no {use} key", place=str(self.folder / FILE), remedy=f"add [{use}]"
            ) from None

    def _signer(self, use: Use) -> Signer:
        place = self.place(use)
        if place.key is not None:
            return load_signer(place.key, place.certificate, passphrase=self.passphrase)
        from lienthong.trust.pkcs11 import Pkcs11Signer

        first, *chain = load_certificates(place.certificate)
        return Pkcs11Signer(self._token(place, use), place.pkcs11["key"], first, chain)

    def _token(self, place: KeyPlace, use: Use) -> Token:
        settings = place.pkcs11
        missing = [name for name in ("module", "token", "key") if name not in settings]
        if missing:
            raise ProfileError(
                f"the security module's {missing[0]!r} is missing", place=f"{self.folder / FILE}: {use}"
            )
        pin = os.environ.get("LIENTHONG_PIN", "")
        if not pin and "pin_file" in settings:
            try:
                pin = Path(settings["pin_file"]).read_text().strip()
            except OSError as error:
                raise ProfileError(
                    f"the PIN cannot be read: {error.strerror}",
                    place=settings["pin_file"],
                    remedy="set LIENTHONG_PIN, or repair the file or its rights",
                ) from error
        return open_token(Path(settings["module"]), settings["token"], pin)


@cache
def open_token(module: Path, label: str, pin: str) -> Token:
    """The token, opened once in a process: its sessions are few."""
    from lienthong.trust.pkcs11 import Token

    return Token(module, label, pin)


def load_profile(folder: Path) -> AgencyProfile:
    """The profile in ``folder``. Raises :class:`ProfileError` that names the file and the key."""
    file = folder / FILE
    own = _read(file)
    values = dict(own)
    bases = dict.fromkeys(own, folder)
    if "include" in own:
        shared = (folder / _text(own, "include", file)).resolve()
        for name, value in _read(shared).items():
            if name not in values:
                values[name] = value
                bases[name] = shared.parent
    unknown = sorted(set(values) - _KNOWN)
    if unknown:
        raise ProfileError(
            f"{unknown[0]!r} is not a key of a profile",
            place=str(file),
            remedy=f"use {', '.join(sorted(_KNOWN))}",
        )

    def path(name: str) -> Path:
        return (bases.get(name, folder) / _text(values, name, file)).resolve()

    return AgencyProfile(
        folder=folder,
        code=organ_code(_text(values, "code", file), place=f"{file}: code"),
        name=_text(values, "name", file),
        hub=_hub(_text(values, "hub", file), file),
        pki=path("pki"),
        checkpoint_key=_text(values, "checkpoint_key", file),
        keys={use: _place(values[use], bases[use], f"{file}: {use}") for use in USES if use in values},
        passphrase_file=path("passphrase_file") if "passphrase_file" in values else None,
        client_certificate=bool(values.get("client_certificate", False)),
        staff=str(values.get("staff", "")),
        former_encryption=tuple(
            _place(one, folder, f"{file}: former_encryption") for one in values.get("former_encryption", ())
        ),
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(
            f"the profile cannot be read: {error.strerror}",
            place=str(file),
            remedy="give the agency's folder or code with --as, or make it with `lienthong init`",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"not TOML: {error}", place=str(file)) from error


def _text(values: Mapping[str, Any], name: str, file: Path) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ProfileError(f"{name!r} is missing or not text", place=str(file), remedy=f'add {name} = "…"')
    return value.strip()


def _hub(url: str, file: Path) -> str:
    parts = urlsplit(url)
    loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if parts.hostname is None or parts.scheme not in ("https", "http") or parts.path not in ("", "/"):
        raise ProfileError(
            f"{url!r} is not a hub's address", place=f"{file}: hub", remedy="write https://host:port"
        )
    if parts.scheme == "http" and not loopback:
        raise ProfileError(
            "a hub on another machine is reached over https only",
            place=f"{file}: hub",
            remedy="write https://",
        )
    return url.rstrip("/")


def _place(table: object, base: Path, place: str) -> KeyPlace:
    if not isinstance(table, dict) or not isinstance(table.get("certificate"), str):
        raise ProfileError("a table with certificate = is expected", place=place)
    unknown = sorted(set(table) - {"key", "certificate", "pkcs11"})
    if unknown:
        raise ProfileError(
            f"{unknown[0]!r} is not known here", place=place, remedy="use key, certificate or pkcs11"
        )
    certificate = (base / table["certificate"]).resolve()
    token = table.get("pkcs11")
    if isinstance(token, dict):
        settings = {name: str(value) for name, value in token.items()}
        if "pin_file" in settings:
            settings["pin_file"] = str((base / settings["pin_file"]).resolve())
        return KeyPlace(certificate, None, settings)
    if not isinstance(table.get("key"), str):
        raise ProfileError("neither key = nor pkcs11 = is given", place=place)
    return KeyPlace(certificate, (base / table["key"]).resolve())
