"""Checkpoints (C2SP tlog-checkpoint): the signed statement «the log has this size and this root».

The note text is the origin, the size in decimal, the base64 root, and any extension lines. The log
signs it under a key whose name is the origin; witnesses add cosignatures (C2SP tlog-cosignature v1).
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lienthong.trust.log.errors import CheckpointError, SignatureRefused
from lienthong.trust.log.merkle import HASH_SIZE, MAX_TREE_SIZE
from lienthong.trust.log.notes import KeyType, Note, NoteKey, NoteSigner, Signature, sign_note

DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is stated: nothing here says who signed it."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lines = (self.origin, *self.extensions)
        if not all(lines) or any("\n" in line for line in lines):
            raise CheckpointError("the origin and each extension is one line, not empty", place="checkpoint")
        if not 0 <= self.size <= MAX_TREE_SIZE:
            raise CheckpointError(f"{self.size} is not a tree size", place="checkpoint, line 2")
        if len(self.root) != HASH_SIZE:
            raise CheckpointError(
                f"a root has {HASH_SIZE} bytes, not {len(self.root)}", place="checkpoint, line 3"
            )

    @property
    def text(self) -> str:
        """The note text that is signed."""
        lines = (self.origin, str(self.size), b64encode(self.root).decode(), *self.extensions)
        return "\n".join(lines) + "\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a note text; :class:`CheckpointError` names the line."""
        lines = text.removesuffix("\n").split("\n")
        if not text.endswith("\n") or len(lines) < 3:
            raise CheckpointError(
                "a checkpoint has at least three lines: origin, size, root", place="checkpoint"
            )
        origin, size, root = lines[:3]
        if not DECIMAL.fullmatch(size):
            raise CheckpointError(f"{size[:30]!r} is not a size in decimal", place="checkpoint, line 2")
        return cls(origin, int(size), hash_from_text(root, "checkpoint, line 3"), tuple(lines[3:]))


def hash_from_text(text: str, place: str) -> bytes:
    """The 32 bytes of one line of base64, or :class:`CheckpointError`."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        data = b""
    if len(data) != HASH_SIZE or b64encode(data).decode() != text:
        raise CheckpointError(f"{text[:60]!r} is not base64 of {HASH_SIZE} bytes", place=place)
    return data


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's verified statement: at ``time_s`` (Unix seconds) this was the newest tree it knew."""

    witness: NoteKey
    time_s: int
    signature: Signature


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint whose log signature was verified with ``key``, and the cosignatures that hold."""

    checkpoint: Checkpoint
    note: Note
    key: NoteKey
    cosignatures: tuple[Cosignature, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names on signatures that nobody here can check."""
        known = {(self.key.name, self.key.id)} | {(c.witness.name, c.witness.id) for c in self.cosignatures}
        return tuple(s.name for s in self.note.signatures if (s.name, s.key_id) not in known)


def sign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> bytes:
    """The signed note of a checkpoint. The signer's name must be the origin."""
    if signer.key.name != checkpoint.origin:
        raise CheckpointError(
            f"the key is named {signer.key.name!r} and the origin is {checkpoint.origin!r}",
            place="checkpoint",
            remedy="sign with the key that bears the log's origin",
        )
    return bytes(sign_note(checkpoint.text, signer))


def checkpoint_signer(signer: NoteSigner) -> Callable[[int, bytes], bytes]:
    """The store's ``SignCheckpoint``: (size, root) → note, under the signer's name as origin."""
    origin = signer.key.name

    def sign(size: int, root: bytes) -> bytes:
        return sign_checkpoint(Checkpoint(origin, size, root), signer)

    return sign


def open_checkpoint(
    data: bytes,
    logs: NoteKey | Iterable[NoteKey],
    witnesses: Sequence[NoteKey] = (),
) -> SignedCheckpoint:
    """Parse and verify. One of ``logs`` must have signed under the checkpoint's own origin.

    Raises :class:`NoteError`, :class:`CheckpointError` or :class:`SignatureRefused`; a wrong
    cosignature of a known witness refuses the whole note.
    """
    known = (logs,) if isinstance(logs, NoteKey) else tuple(logs)
    note = Note.parse(data)
    checkpoint = Checkpoint.parse(note.text)
    verified = note.verified_by([*known, *witnesses])
    for key in known:
        if key.name == checkpoint.origin and any(s.key_id == key.id and s.name == key.name for s in verified):
            return SignedCheckpoint(checkpoint, note, key, _cosignatures(verified, witnesses))
    raise SignatureRefused(
        f"the log {checkpoint.origin!r} did not sign it with a key you trust "
        f"(you trust: {', '.join(sorted({key.name for key in known})) or 'none'})",
        place="checkpoint",
        remedy="pass the verifier key (vkey) of the log that this checkpoint names in its first line",
    )


def check_cosignature(line: bytes, checkpoint: Checkpoint, witnesses: Iterable[NoteKey]) -> Cosignature:
    """Verify one cosignature line over a checkpoint's text, as a hub does before keeping it."""
    try:
        signature = Signature.parse(line.decode())
    except UnicodeDecodeError:
        raise CheckpointError("a cosignature is one line of UTF-8", place="cosignature") from None
    verified = Note(checkpoint.text, (signature,)).verified_by(witnesses)
    found = _cosignatures(verified, witnesses)
    if not found:
        raise SignatureRefused("this is no timestamped cosignature (type 0x04)", place="cosignature")
    return found[0]


def with_cosignatures(note: bytes, lines: Iterable[bytes]) -> bytes:
    """The note with more signature lines; a line that is already there is not repeated."""
    present = set(note.rpartition(b"\n\n")[2].splitlines(keepends=True))
    return note + b"".join(line for line in dict.fromkeys(lines) if line not in present)


def _cosignatures(verified: Iterable[Signature], witnesses: Iterable[NoteKey]) -> tuple[Cosignature, ...]:
    known = {(key.name, key.id): key for key in witnesses if key.type is KeyType.COSIGNATURE_V1}
    return tuple(
        Cosignature(known[s.name, s.key_id], int.from_bytes(s.data[:8], "big"), s)
        for s in verified
        if (s.name, s.key_id) in known
    )
