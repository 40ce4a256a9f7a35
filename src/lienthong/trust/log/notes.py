"""Signed notes (C2SP signed-note): text that one or more Ed25519 keys signed.

``text ending in newline``, a blank line, then signature lines ``— name base64(key id ‖ signature)``.
Two signature types are known: 0x01, Ed25519 over the text, and 0x04, the timestamped witness
cosignature of C2SP tlog-cosignature. Key strings are those of Go's ``golang.org/x/mod/sumdb/note``:
``name+hash+base64(type ‖ public key)`` to verify, ``PRIVATE+KEY+name+hash+base64(type ‖ seed)`` to sign.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lienthong.trust.log.errors import NoteError, NoteKeyError, SignatureRefused

MAX_NOTE_BYTES: Final = 1_000_000
MAX_SIGNATURES: Final = 100
KEY_ID_SIZE: Final = 4
_CONTROL: Final = re.compile("[\x00-\x09\x0b-\x1f]")
_PREFIX: Final = "— "
_PRIVATE: Final = "PRIVATE+KEY+"


class KeyType(IntEnum):
    """The signature type byte of C2SP signed-note."""

    ED25519 = 0x01
    COSIGNATURE_V1 = 0x04


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key under a name; ``public`` is the 32-byte Ed25519 key."""

    name: str
    public: bytes
    type: KeyType = KeyType.ED25519
    id: bytes = field(init=False)
    _key: Ed25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_name(self.name)
        try:
            key = Ed25519PublicKey.from_public_bytes(self.public)
        except ValueError:
            raise NoteKeyError("an Ed25519 public key has 32 bytes", place=self.name) from None
        object.__setattr__(self, "_key", key)
        object.__setattr__(self, "id", key_id(self.name, self.type, self.public))

    @classmethod
    def parse(cls, vkey: str) -> NoteKey:
        """Read a ``vkey`` string; :class:`NoteKeyError` says what is wrong with it."""
        parts = vkey.strip().split("+", 2)
        if len(parts) != 3:
            raise NoteKeyError("a verifier key is written name+hash+base64", place="vkey")
        name, stated, data = parts
        kind, public = _key_material(data, name)
        key = cls(name, public, kind)
        _check_stated(stated, key)
        return key

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_encode(bytes([self.type]) + self.public)}"

    def verifies(self, text: str, signature: Signature) -> bool:
        """Whether ``signature`` is this key's, over the note text (its final newline included)."""
        if signature.name != self.name or signature.key_id != self.id:
            return False
        if self.type is KeyType.COSIGNATURE_V1:
            if len(signature.data) != 72:
                return False
            message = cosigned_message(text, int.from_bytes(signature.data[:8], "big"))
            mathematics = signature.data[8:]
        else:
            message, mathematics = text.encode(), signature.data
        try:
            self._key.verify(mathematics, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """A private key under a name; ``seed`` is the 32-byte Ed25519 seed."""

    key: NoteKey
    _private: Ed25519PrivateKey = field(repr=False, compare=False)
    _seed: bytes = field(repr=False, compare=False)

    @classmethod
    def from_seed(cls, name: str, seed: bytes, kind: KeyType = KeyType.ED25519) -> NoteSigner:
        try:
            private = Ed25519PrivateKey.from_private_bytes(seed)
        except ValueError:
            raise NoteKeyError("an Ed25519 seed has 32 bytes", place=name) from None
        public = private.public_key().public_bytes_raw()
        return cls(NoteKey(name, public, kind), private, seed)

    @classmethod
    def generate(cls, name: str, kind: KeyType = KeyType.ED25519) -> NoteSigner:
        return cls.from_seed(name, Ed25519PrivateKey.generate().private_bytes_raw(), kind)

    @classmethod
    def parse(cls, skey: str) -> NoteSigner:
        """Read an ``skey`` string. The message of an error never repeats the key."""
        text = skey.strip()
        parts = text.removeprefix(_PRIVATE).split("+", 2)
        if not text.startswith(_PRIVATE) or len(parts) != 3:
            raise NoteKeyError("a signer key is written PRIVATE+KEY+name+hash+base64", place="skey")
        name, stated, data = parts
        kind, seed = _key_material(data, name)
        signer = cls.from_seed(name, seed, kind)
        _check_stated(stated, signer.key)
        return signer

    @property
    def skey(self) -> str:
        """The private key string: keep it in a file that only its owner can read."""
        secret = _encode(bytes([self.key.type]) + self._seed)
        return f"{_PRIVATE}{self.key.name}+{self.key.id.hex()}+{secret}"

    def sign(self, text: str, *, time_s: int | None = None) -> Signature:
        """Sign a note text. ``time_s`` (Unix seconds) is required by cosignatures and by nothing else."""
        if self.key.type is KeyType.COSIGNATURE_V1:
            if time_s is None or not 0 <= time_s < 2**63:
                raise NoteError("a cosignature states its time in Unix seconds", place=self.key.name)
            data = time_s.to_bytes(8, "big") + self._private.sign(cosigned_message(text, time_s))
        else:
            data = self._private.sign(text.encode())
        return Signature(self.key.name, self.key.id, data)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line, verified or not."""

    name: str
    key_id: bytes
    data: bytes

    def __str__(self) -> str:
        return f"{_PREFIX}{self.name} {_encode(self.key_id + self.data)}\n"

    @property
    def line(self) -> bytes:
        """The line with its newline, as it stands in a note."""
        return str(self).encode()

    @classmethod
    def parse(cls, line: str) -> Signature:
        """Read one line, without or with its newline."""
        fields = line.removesuffix("\n").removeprefix(_PREFIX).split(" ")
        if not line.startswith(_PREFIX) or len(fields) != 2:
            raise NoteError("a signature line reads '— name base64'", place="signature line")
        name, encoded = fields
        _check_name(name, NoteError)
        data = _decode(encoded)
        if data is None or len(data) <= KEY_ID_SIZE:
            raise NoteError(
                "the signature is not base64 of a key id and a signature", place=f"signature line of {name}"
            )
        return cls(name, data[:KEY_ID_SIZE], data[KEY_ID_SIZE:])


@dataclass(frozen=True, slots=True)
class Note:
    """A note as read: nothing of it may be believed before :meth:`verified_by`."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Note:
        if len(data) > MAX_NOTE_BYTES:
            raise NoteError(f"the note is longer than {MAX_NOTE_BYTES} bytes", place="note")
        try:
            note = data.decode()
        except UnicodeDecodeError as error:
            raise NoteError(f"byte {error.start} is not UTF-8", place="note") from None
        if control := _CONTROL.search(note):
            raise NoteError(f"control character U+{ord(control[0]):04X} is not allowed", place="note")
        text, blank, lines = note.rpartition("\n\n")
        if not blank or not text:
            raise NoteError("there is no blank line between a text and its signatures", place="note")
        if not lines.endswith("\n"):
            raise NoteError("the last signature line has no newline", place="note")
        signatures = lines[:-1].split("\n")
        if len(signatures) > MAX_SIGNATURES:
            raise NoteError(f"the note has more than {MAX_SIGNATURES} signatures", place="note")
        return cls(text + "\n", tuple(Signature.parse(line) for line in signatures))

    def __bytes__(self) -> bytes:
        return f"{self.text}\n{''.join(map(str, self.signatures))}".encode()

    def verified_by(self, keys: Iterable[NoteKey]) -> tuple[Signature, ...]:
        """The signatures that known keys made, at most one a key.

        Signatures of unknown keys are ignored. A wrong one under a known name and key id refuses the
        whole note, and so does a note that no known key signed: :class:`SignatureRefused`.
        """
        known = {(key.name, key.id): key for key in keys}
        verified: dict[tuple[str, bytes], Signature] = {}
        for signature in self.signatures:
            identity = signature.name, signature.key_id
            key = known.get(identity)
            if key is None or identity in verified:
                continue
            if not key.verifies(self.text, signature):
                raise SignatureRefused(
                    f"the signature of {key.name} does not fit the text",
                    place="note",
                    remedy="the note was changed, or it was signed with another key of the same name",
                )
            verified[identity] = signature
        if not verified:
            names = ", ".join(sorted({signature.name for signature in self.signatures}))
            raise SignatureRefused(
                f"no trusted key signed it; it bears signatures of: {names}",
                place="note",
                remedy="pass the verifier key (vkey) of the log this note comes from",
            )
        return tuple(verified.values())


def sign_note(text: str, *signers: NoteSigner, time_s: int | None = None) -> Note:
    """A note over ``text`` (which must end in a newline and hold no control characters)."""
    if not text.endswith("\n") or text == "\n" or _CONTROL.search(text):
        raise NoteError("a note text ends in a newline and has no control characters", place="note text")
    return Note(text, tuple(signer.sign(text, time_s=time_s) for signer in signers))


def key_id(name: str, kind: KeyType, public: bytes) -> bytes:
    """The first 4 bytes of SHA-256(name ‖ newline ‖ type ‖ public key)."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:KEY_ID_SIZE]


def cosigned_message(text: str, time_s: int) -> bytes:
    """What a v1 cosignature signs (C2SP tlog-cosignature)."""
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def _check_name(name: str, error: type[NoteError] | type[NoteKeyError] = NoteKeyError) -> None:
    if not name or "+" in name or any(ch.isspace() for ch in name) or _CONTROL.search(name):
        raise error(
            f"{name[:80]!r} is not a key name", place="key name", remedy="no spaces, no '+', not empty"
        )


def _check_stated(stated: str, key: NoteKey) -> None:
    if stated != key.id.hex():
        raise NoteKeyError(f"the key hash is {key.id.hex()}, not {stated[:16]!r}", place=key.name)


def _key_material(data: str, name: str) -> tuple[KeyType, bytes]:
    raw = _decode(data)
    if raw is None or len(raw) != 33:
        raise NoteKeyError("the key is not base64 of a type byte and 32 bytes", place=name[:80])
    try:
        return KeyType(raw[0]), raw[1:]
    except ValueError:
        raise NoteKeyError(
            f"key type 0x{raw[0]:02x} is not supported",
            place=name[:80],
            remedy="use Ed25519 (0x01) or a v1 cosignature key (0x04)",
        ) from None


def _encode(data: bytes) -> str:
    return b64encode(data).decode()


def _decode(text: str) -> bytes | None:
    """Canonical base64 only, so that one signature has one spelling."""
    try:
        data = b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return data if _encode(data) == text else None
