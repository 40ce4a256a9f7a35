"""What can be wrong with a proof, a note, a checkpoint, a tile or a witness request."""

from __future__ import annotations

from typing import ClassVar

from lienthong.trust.errors import LogError


class ProofError(LogError):
    code = "invalid-proof"
    title: ClassVar[str] = "The Merkle proof does not prove what it should"


class NoteError(LogError):
    code = "malformed-note"
    title: ClassVar[str] = "The signed note is not well formed"


class NoteKeyError(LogError):
    code = "malformed-note-key"
    title: ClassVar[str] = "The note key is not well formed"


class SignatureRefused(LogError):
    code = "invalid-note-signature"
    title: ClassVar[str] = "No trusted key signed the note, or a signature is wrong"


class CheckpointError(LogError):
    code = "malformed-checkpoint"
    title: ClassVar[str] = "The checkpoint is not well formed"


class TileError(LogError):
    code = "invalid-tile"
    status = 404
    title: ClassVar[str] = "There is no such tile"
