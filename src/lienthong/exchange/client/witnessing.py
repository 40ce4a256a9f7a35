"""The log seen from an agency: checkpoint, proofs, tiles, and the work of a witness behind NAT."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lienthong.exchange.client.errors import HubRefused, ProfileError
from lienthong.exchange.client.profile import AgencyProfile
from lienthong.exchange.client.session import Session
from lienthong.exchange.client.steps import Answer, Call
from lienthong.exchange.client.sync import Client
from lienthong.exchange.evidence.receipts import read_receipt
from lienthong.trust.keys import write_file
from lienthong.trust.log.checkpoints import SignedCheckpoint, open_checkpoint
from lienthong.trust.log.merkle import leaf_hash, verify_consistency, verify_inclusion
from lienthong.trust.log.notes import KeyType, NoteKey, NoteSigner
from lienthong.trust.log.proofs import ConsistencyProof, InclusionProof
from lienthong.trust.log.tiles import ENTRIES, WIDTH, Tile, entries_of
from lienthong.trust.log.witness import Witness, WitnessState

KEY_FILE = "witness.key"
STATE_FOLDER = "witness"


class HubLog:
    """The log behind an agency's hub; also what a :class:`Witness` pulls from. Everything that is handed
    out was verified with the profile's log key.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._session = Session(client.profile, client.desk.clock)
        self.key = NoteKey.parse(client.profile.checkpoint_key)

    def checkpoint(self) -> bytes:
        """The newest signed note, with the cosignatures that the hub has for it."""
        return self._call(Call("GET", "/v1/log/checkpoint")).body

    def newest(self) -> SignedCheckpoint:
        return open_checkpoint(self.checkpoint(), self.key)

    def consistency_between(self, old: int | bytes, new: int | bytes | None = None) -> ConsistencyProof:
        """The proof between two checkpoints, each given by its size or as a signed note that is to be its
        end; ``new`` None is the newest.
        """
        sizes = [self._size(each) for each in (old, new) if each is not None]
        query: dict[str, str | int] = dict(zip(("from", "to"), sizes, strict=False))
        found = ConsistencyProof.parse(self._call(Call("GET", "/v1/log/consistency", query=query)).body)
        proof = ConsistencyProof(
            old if isinstance(old, bytes) else found.old,
            new if isinstance(new, bytes) else found.new,
            found.hashes,
        )
        before = open_checkpoint(proof.old, self.key).checkpoint
        after = open_checkpoint(proof.new, self.key).checkpoint
        verify_consistency(before.size, after.size, proof.hashes, before.root, after.root)
        return proof

    def _size(self, named: int | bytes) -> int:
        return named if isinstance(named, int) else open_checkpoint(named, self.key).checkpoint.size

    def consistency(self, old: int, new: int) -> Sequence[bytes]:
        """The bare hashes, which the witness verifies against what it remembers itself."""
        query: dict[str, str | int] = {"from": old, "to": new}
        return ConsistencyProof.parse(self._call(Call("GET", "/v1/log/consistency", query=query)).body).hashes

    def inclusion_proof(self, index: int, size: int | None = None) -> InclusionProof:
        """That record ``index`` is in the tree of ``size`` entries (the newest when None), with the entry
        inside when this agency may see it.
        """
        query: dict[str, str | int] = {"index": index} if size is None else {"index": index, "size": size}
        proof = InclusionProof.parse(self._call(Call("GET", "/v1/log/inclusion", query=query)).body)
        signed = open_checkpoint(proof.checkpoint, self.key).checkpoint
        leaf = self._leaf(index)
        if leaf is None:
            return proof
        verify_inclusion(leaf_hash(leaf), index, signed.size, proof.hashes, signed.root)
        return InclusionProof(index, proof.hashes, proof.checkpoint, leaf)

    def entries(self, tile: Tile) -> bytes:
        """An entry bundle, for auditors."""
        data = self._call(Call("GET", f"/v1/log/{tile.path}")).body
        entries_of(tile, data)
        return data

    def post_cosignature(self, size: int, line: bytes) -> None:
        self._call(
            Call("POST", "/v1/log/cosignatures", query={"size": size}, body=line, media_type="text/plain")
        )

    def _leaf(self, index: int) -> bytes | None:
        try:
            answer = self._call(Call("GET", f"/v1/messages/{index}/receipt"))
        except HubRefused as refused:
            if refused.status in (403, 404):
                return None
            raise
        return read_receipt(answer.body).leaf_bytes

    def _call(self, call: Call) -> Answer:
        return self._client.run(self._session.call(call))


def open_witness(client: Client) -> Witness:
    """The agency's witness: its key and its memory lie in the profile's folder and are made when they are
    not there.
    """
    profile = client.profile
    log = NoteKey.parse(profile.checkpoint_key)
    state = WitnessState(profile.folder / STATE_FOLDER)
    return Witness(witness_key(profile), [log], state, lambda: int(client.desk.clock().timestamp()))


def witness_key(profile: AgencyProfile) -> NoteSigner:
    """``witness.key`` of the profile's folder, named after the log and the agency."""
    path = profile.folder / KEY_FILE
    log = NoteKey.parse(profile.checkpoint_key)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        signer = NoteSigner.generate(f"{log.name}/witness/{profile.code}", KeyType.COSIGNATURE_V1)
        write_file(path, f"{signer.skey}\n".encode(), mode=0o600)
        return signer
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"the witness's key cannot be read: {error}", place=str(path)) from error
    return NoteSigner.parse(text)


def mirror(log: HubLog, folder: Path) -> SignedCheckpoint:
    """Copy the log's entries and its newest checkpoint into a folder that ``verify`` and ``log check`` read
    offline. Full bundles that are there are not fetched again; the checkpoint is written last.
    """
    note = log.checkpoint()
    signed = open_checkpoint(note, log.key)
    size = signed.checkpoint.size
    for number in range(-(-size // WIDTH)):
        tile = Tile(ENTRIES, number, min(WIDTH, size - number * WIDTH))
        path = folder / tile.path
        if tile.width == WIDTH and path.is_file():
            continue
        write_file(path, log.entries(tile))
    write_file(folder / "checkpoint", note)
    return signed
