"""Proofs as files: inclusion as C2SP tlog-proof, consistency as a small JSON object with both checkpoints.

An inclusion proof carries its checkpoint, so that it stands alone. A consistency proof carries the old
and the new checkpoint: together with the log's key it shows that nothing was changed between them.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass

from lienthong.trust.log.checkpoints import DECIMAL, hash_from_text
from lienthong.trust.log.errors import CheckpointError, ProofError
from lienthong.trust.log.merkle import Proof

TLOG_PROOF = "c2sp.org/tlog-proof@v1"
CONSISTENCY_FORMAT = "lienthong-consistency/1"
MAX_PROOF_LINES = 63
MAX_PROOF_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Leaf ``index`` is in the tree of ``checkpoint`` (a signed note, not yet verified).

    ``extra`` is unauthenticated; we put the leaf's bytes there, which the proof then authenticates.
    """

    index: int
    hashes: Proof
    checkpoint: bytes
    extra: bytes | None = None

    def __bytes__(self) -> bytes:
        lines = [TLOG_PROOF]
        if self.extra is not None:
            lines.append(f"extra {b64encode(self.extra).decode()}")
        lines.append(f"index {self.index}")
        lines += [b64encode(each).decode() for each in self.hashes]
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> InclusionProof:
        place = "inclusion proof"
        head, note = _head(data, place)
        if not head or head.pop(0) != TLOG_PROOF:
            raise ProofError(f"the first line is not {TLOG_PROOF}", place=place)
        extra = None
        if head and head[0].startswith("extra "):
            extra = _extra(head.pop(0).removeprefix("extra "), place)
        index = _decimal(head.pop(0) if head else "", "index", place)
        return cls(index, _hashes(head, place), note, extra)


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """The log of checkpoint ``new`` only appended to that of ``old`` (both signed notes, unverified)."""

    old: bytes
    new: bytes
    hashes: Proof

    def __bytes__(self) -> bytes:
        body = {
            "format": CONSISTENCY_FORMAT,
            "old": self.old.decode(),
            "new": self.new.decode(),
            "proof": [b64encode(each).decode() for each in self.hashes],
        }
        return (json.dumps(body, ensure_ascii=False, indent=1) + "\n").encode()

    @classmethod
    def parse(cls, data: bytes) -> ConsistencyProof:
        place = "consistency proof"
        if len(data) > MAX_PROOF_BYTES:
            raise ProofError(f"it is longer than {MAX_PROOF_BYTES} bytes", place=place)
        try:
            body = json.loads(data)
        except (ValueError, RecursionError):
            raise ProofError("it is not JSON", place=place) from None
        if not isinstance(body, dict) or body.get("format") != CONSISTENCY_FORMAT:
            raise ProofError(f"its format is not {CONSISTENCY_FORMAT}", place=place)
        old, new, proof = body.get("old"), body.get("new"), body.get("proof")
        if not isinstance(old, str) or not isinstance(new, str) or not isinstance(proof, list):
            raise ProofError("it needs the fields old, new (texts) and proof (an array)", place=place)
        if not all(isinstance(each, str) for each in proof):
            raise ProofError("each hash of the proof is a text in base64", place=place)
        try:
            return cls(old.encode(), new.encode(), _hashes(proof, place))
        except UnicodeEncodeError:
            raise ProofError("a checkpoint holds characters that are not Unicode", place=place) from None


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """The body of a witness's ``add-checkpoint`` (C2SP tlog-witness)."""

    old: int
    hashes: Proof
    checkpoint: bytes

    def __bytes__(self) -> bytes:
        lines = [f"old {self.old}", *(b64encode(each).decode() for each in self.hashes)]
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> AddCheckpoint:
        place = "add-checkpoint request"
        head, note = _head(data, place)
        return cls(_decimal(head.pop(0), "old", place), _hashes(head, place), note)


def _head(data: bytes, place: str) -> tuple[list[str], bytes]:
    """The lines before the first empty line, and all that follows it."""
    if len(data) > MAX_PROOF_BYTES:
        raise ProofError(f"it is longer than {MAX_PROOF_BYTES} bytes", place=place)
    head, blank, note = data.partition(b"\n\n")
    if not blank:
        raise ProofError("no empty line stands before the checkpoint", place=place)
    try:
        return head.decode().split("\n"), note
    except UnicodeDecodeError:
        raise ProofError("it is not UTF-8 text", place=place) from None


def _decimal(line: str, word: str, place: str) -> int:
    name, _, number = line.partition(" ")
    if name != word or not DECIMAL.fullmatch(number):
        raise ProofError(f"expected a line «{word} NUMBER», found {line[:60]!r}", place=place)
    return int(number)


def _extra(text: str, place: str) -> bytes:
    """Canonical base64 only, so that one proof has one spelling."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        data = None
    if data is None or b64encode(data).decode() != text:
        raise ProofError("the extra data is not base64", place=place)
    return data


def _hashes(lines: list[str], place: str) -> Proof:
    if len(lines) > MAX_PROOF_LINES:
        raise ProofError(f"it has more than {MAX_PROOF_LINES} hashes", place=place)
    try:
        return tuple(hash_from_text(line, place) for line in lines)
    except CheckpointError as error:
        raise ProofError(error.detail, place=f"{place}, hash line") from None
