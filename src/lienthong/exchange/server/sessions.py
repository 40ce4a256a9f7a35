"""Bearer tokens that need no database: expiry and certificate fingerprint under an HMAC.

A token is base64url of ``version (1) | expires (8, big endian, Unix seconds) | fingerprint (32) |
HMAC-SHA256 (32)``. It names a certificate, not an agency: whose it is, and whether it still stands, is the
directory's answer at each use.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from pathlib import Path

from lienthong.exchange.configuration import ConfigurationError

_VERSION = b"\x01"
_BODY = 1 + 8 + 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{97}[AQgw]==")
"""The one text of 73 bytes; the decoder alone would overlook foreign characters and stray bits."""
KEY_BYTES = 32
SECRET_FILE = Path("secrets") / "session-tokens"


class Tokens:
    """Issues and reads tokens under one key. Processes that share the key read each other's tokens."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError("the key is too short")
        self._key = key

    def issue(self, fingerprint: bytes, expires_s: int) -> str:
        body = _VERSION + expires_s.to_bytes(8, "big") + fingerprint
        return urlsafe_b64encode(body + hmac.digest(self._key, body, "sha256")).decode()

    def read(self, token: str) -> tuple[bytes, int] | None:
        """(fingerprint, expires) of a token made with this key, expired or not; None for any other text."""
        if not _TOKEN.fullmatch(token):
            return None
        raw = urlsafe_b64decode(token)
        body, mac = raw[:_BODY], raw[_BODY:]
        if not hmac.compare_digest(mac, hmac.digest(self._key, body, "sha256")):
            return None
        if body[:1] != _VERSION:
            return None
        return body[9:], int.from_bytes(body[1:9], "big")


def open_key(data: Path) -> bytes:
    """The data folder's token key, made once (0600). Copy it to every machine that serves the same name."""
    path = data / SECRET_FILE
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            _make_key(path)
        key = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"the key of the session tokens cannot be kept: {error.strerror}",
            place=str(path),
            remedy="let the user that runs the hub read and write the data folder's secrets/",
        ) from None
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            "the key of the session tokens is damaged",
            place=str(path),
            remedy="delete the file; a new one is made and agencies sign in again",
        )
    return key


def _make_key(path: Path) -> None:
    """Linked into place whole: of two processes that start at once, the first one's key holds."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(KEY_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(beside)
    finally:
        beside.unlink()
