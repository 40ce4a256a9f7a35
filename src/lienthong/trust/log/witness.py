"""A witness (C2SP tlog-witness): remembers the newest checkpoint of each log it saw, and cosigns only
what continues it. Whoever holds cosignatures of enough witnesses knows that everybody is shown the
same history.

Two ways to be asked: :meth:`Witness.add_checkpoint` answers the standard HTTP request; :func:`pull` is
for a witness that cannot be reached from outside and goes to the log itself.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from lienthong.trust.errors import KeyFileError
from lienthong.trust.keys import write_file
from lienthong.trust.log.checkpoints import Checkpoint, SignedCheckpoint, hash_from_text, open_checkpoint
from lienthong.trust.log.errors import (
    CheckpointError,
    Inconsistent,
    NoteError,
    ProofError,
    SignatureRefused,
    SplitView,
    StaleOldSize,
    UnknownLog,
    UntrustedLogSignature,
    WitnessError,
    WitnessStateError,
)
from lienthong.trust.log.merkle import EMPTY_ROOT, verify_consistency
from lienthong.trust.log.notes import KeyType, Note, NoteKey, NoteSigner, Signature
from lienthong.trust.log.proofs import AddCheckpoint

STATE_FORMAT: Final = "lienthong-witness/1"
SIZE_TYPE: Final = "text/x.tlog.size"
TEXT_TYPE: Final = "text/plain; charset=utf-8"

ClockS = Callable[[], int]
"""Unix seconds."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest tree of a log that this witness cosigned; size 0 when it never did."""

    size: int = 0
    root: bytes = EMPTY_ROOT
    note: bytes = b""


class WitnessState:
    """One file per log in a folder, replaced atomically and synced before any cosignature leaves.

    A lock file makes «compare with the recorded size, then record» one step, for every process that
    uses the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WitnessStateError(
                f"the folder cannot be made: {error.strerror}",
                place=str(folder),
                remedy="check its permissions",
            ) from error

    def read(self, origin: str) -> Seen:
        path = self._path(origin)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return Seen()
        except OSError as error:
            raise WitnessStateError(f"cannot be read: {error.strerror}", place=str(path)) from error
        try:
            body = json.loads(data)
            size, root, note = body["size"], hash_from_text(body["root"], str(path)), body["note"]
            sound = body["format"] == STATE_FORMAT and body["origin"] == origin
            if not (sound and isinstance(size, int) and size >= 0 and isinstance(note, str)):
                raise ValueError
            return Seen(size, root, note.encode())
        except (ValueError, KeyError, TypeError, RecursionError, CheckpointError):
            raise WitnessStateError(
                "the witness's memory of this log is damaged",
                place=str(path),
                remedy="restore it from a backup; starting over would let the log rewrite its past unseen",
            ) from None

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the folder's lock: wait for others, and let nobody in between."""
        path = self._folder / "lock"
        try:
            lock = path.open("w")
        except OSError as error:
            raise WitnessStateError(f"cannot be locked: {error.strerror}", place=str(path)) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def write(self, origin: str, seen: Seen) -> None:
        """Durable on return."""
        body = {
            "format": STATE_FORMAT,
            "origin": origin,
            "size": seen.size,
            "root": Checkpoint(origin, seen.size, seen.root).text.split("\n")[2],
            "note": seen.note.decode(),
        }
        self._replace(self._path(origin), json.dumps(body, ensure_ascii=False, indent=1).encode())

    def keep_evidence(self, origin: str, seen: Seen, note: bytes) -> Path:
        """Keep two signed checkpoints that contradict each other: proof against the log's operator."""
        body = {"origin": origin, "recorded": seen.note.decode(), "presented": note.decode()}
        name = f"evidence-{_name(origin)}-{sha256(note).hexdigest()[:16]}.json"
        path = self._folder / name
        self._replace(path, json.dumps(body, ensure_ascii=False, indent=1).encode())
        return path

    def _path(self, origin: str) -> Path:
        return self._folder / f"log-{_name(origin)}.json"

    def _replace(self, path: Path, data: bytes) -> None:
        try:
            write_file(path, data)
        except KeyFileError as error:
            raise WitnessStateError(error.detail, place=error.place, remedy=error.remedy) from error


def _name(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP server sends back to ``add-checkpoint``."""

    status: int
    body: bytes
    content_type: str = TEXT_TYPE


class Witness:
    """Cosigns checkpoints of ``logs`` (their keys; a key's name is the log's origin)."""

    def __init__(
        self, signer: NoteSigner, logs: Sequence[NoteKey], state: WitnessState, clock: ClockS
    ) -> None:
        if signer.key.type is not KeyType.COSIGNATURE_V1:
            raise WitnessError(
                f"the key {signer.key.name!r} does not make timestamped cosignatures",
                place="witness key",
                remedy="use a key of type 0x04; `lienthong log witness` makes one when there is none",
                code="witness-key",
            )
        self._signer = signer
        self._state = state
        self._clock = clock
        self._logs: Mapping[str, tuple[NoteKey, ...]] = {
            name: tuple(key for key in logs if key.name == name) for name in {key.name for key in logs}
        }

    @property
    def key(self) -> NoteKey:
        return self._signer.key

    def seen(self, origin: str) -> Seen:
        return self._state.read(origin)

    def keep_evidence(self, origin: str, note: bytes) -> Path:
        """Keep the last checkpoint seen and the one that contradicts it."""
        return self._state.keep_evidence(origin, self._state.read(origin), note)

    def verify(self, note: bytes) -> SignedCheckpoint:
        """The checkpoint, if a known log signed it; :class:`UnknownLog`, :class:`UntrustedLogSignature`."""
        origin = Checkpoint.parse(Note.parse(note).text).origin
        keys = self._logs.get(origin)
        if keys is None:
            raise UnknownLog(f"this witness does not watch the log {origin!r}", place="checkpoint")
        try:
            return open_checkpoint(note, keys)
        except SignatureRefused as error:
            raise UntrustedLogSignature(error.detail, place="checkpoint", remedy=error.remedy) from None

    def cosign(self, old: int, proof: Sequence[bytes], note: bytes) -> Signature:
        """Check that ``note`` continues what was seen (``old`` leaves), remember it durably, cosign.

        Raises the subclass of :class:`WitnessError` whose ``answer`` C2SP tlog-witness prescribes.
        """
        signed = self.verify(note)
        new = signed.checkpoint
        if old > new.size:
            raise WitnessError(
                f"the old size {old} is larger than the checkpoint's {new.size}",
                place="old size",
                code="old-size",
            )
        with self._state.exclusive():
            seen = self._state.read(new.origin)
            if old != seen.size:
                error = StaleOldSize(
                    f"this witness last cosigned a tree of {seen.size} leaves, not of {old}",
                    place="old size",
                    remedy=f"send the consistency proof from {seen.size}",
                )
                error.recorded = seen.size
                raise error
            if new.size == seen.size and new.root != seen.root:
                kept = self._state.keep_evidence(new.origin, seen, bytes(signed.note)) if seen.size else None
                raise SplitView(
                    f"the log signed two different trees of {new.size} leaves",
                    place="checkpoint",
                    remedy=f"both are kept in {kept}: report them" if kept else None,
                )
            try:
                verify_consistency(old, new.size, proof, seen.root, new.root)
            except ProofError as error:
                raise Inconsistent(error.detail, place=error.place, remedy=error.remedy) from None
            signature = self._signer.sign(new.text, time_s=self._clock())
            if new.size != seen.size:
                # Only the log's own lines: a stranger's signatures must not grow the state.
                own = Note(signed.note.text, tuple(s for s in signed.note.signatures if s.name == new.origin))
                self._state.write(new.origin, Seen(new.size, new.root, bytes(own)))
        return signature

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer the ``add-checkpoint`` request of C2SP tlog-witness. Never raises for a bad request."""
        try:
            request = AddCheckpoint.parse(body)
            signature = self.cosign(request.old, request.hashes, request.checkpoint)
        except StaleOldSize as error:
            return Answer(409, f"{error.recorded}\n".encode(), SIZE_TYPE)
        except WitnessError as error:
            return Answer(error.answer, f"{error}\n".encode())
        except (NoteError, CheckpointError, ProofError) as error:
            return Answer(400, f"{error}\n".encode())
        return Answer(200, signature.line)


class LogTransport(Protocol):
    """How a witness reaches a log. Errors of the line itself are the transport's own."""

    def checkpoint(self) -> bytes:
        """The newest signed note."""

    def consistency(self, old: int, new: int) -> Sequence[bytes]:
        """The consistency proof between two sizes, 0 < old < new."""

    def post_cosignature(self, size: int, line: bytes) -> None:
        """Hand the cosignature line over the tree of ``size`` entries to the log."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """One round: the tree that was cosigned, and how many entries it has more than the last one."""

    origin: str
    size: int
    added: int
    line: bytes


def pull(witness: Witness, transport: LogTransport) -> Pulled:
    """Fetch the newest checkpoint, verify that it continues the last one, remember, cosign, post back.

    Refuses what :meth:`Witness.cosign` refuses, and a log that went back behind what it showed before.
    A round that failed after remembering (the post did not get through) is simply repeated: the same
    tree is cosigned again.
    """
    note = transport.checkpoint()
    new = witness.verify(note).checkpoint
    seen = witness.seen(new.origin)
    if new.size < seen.size:
        raise SplitView(
            f"the log shows {new.size} entries and has shown {seen.size} before: entries were taken away, "
            "or this is an outdated copy",
            place="checkpoint",
            remedy="ask again; if it stays so, report it with the checkpoint in the witness's folder",
            code="rollback",
        )
    proof = transport.consistency(seen.size, new.size) if 0 < seen.size < new.size else ()
    try:
        signature = witness.cosign(seen.size, proof, note)
    except Inconsistent as error:
        kept = witness.keep_evidence(new.origin, note)
        error.remedy = f"both checkpoints are kept in {kept}: report them"
        raise
    transport.post_cosignature(new.size, signature.line)
    return Pulled(new.origin, new.size, new.size - seen.size, signature.line)
