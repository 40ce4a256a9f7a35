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


class PolicyError(LogError):
    code = "malformed-policy"
    title: ClassVar[str] = "The trust policy cannot be read"


class WitnessError(LogError):
    """Why a witness does not cosign; ``answer`` is the HTTP status that C2SP tlog-witness prescribes."""

    code = "witness-refused"
    status = 422
    answer: ClassVar[int] = 400
    title: ClassVar[str] = "The witness does not cosign this checkpoint"


class UnknownLog(WitnessError):
    code = "unknown-log"
    answer: ClassVar[int] = 404


class UntrustedLogSignature(WitnessError):
    code = "untrusted-log-signature"
    answer: ClassVar[int] = 403


class StaleOldSize(WitnessError):
    """The old size is not the witness's; ``recorded`` is."""

    code = "stale-old-size"
    answer: ClassVar[int] = 409
    recorded: int = 0


class SplitView(WitnessError):
    """Two signed checkpoints that cannot belong to one history."""

    code = "split-view"
    answer: ClassVar[int] = 409


class Inconsistent(WitnessError):
    code = "inconsistent-checkpoint"
    answer: ClassVar[int] = 422


class WitnessStateError(WitnessError):
    code = "witness-state"
    status = 500
    answer: ClassVar[int] = 500
    title: ClassVar[str] = "The witness's memory cannot be used"
