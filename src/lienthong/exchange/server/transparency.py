"""The log as anybody can check it: checkpoint, tiles, proofs, witnesses' cosignatures (C2SP)."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from lienthong.exchange.errors import NotFound, NotPermitted
from lienthong.exchange.server import bodies
from lienthong.exchange.server.problems import BadRequest, Header
from lienthong.exchange.server.requests import PRIVATE, Request
from lienthong.trust.errors import LogError
from lienthong.trust.log.checkpoints import Checkpoint, check_cosignature, with_cosignatures
from lienthong.trust.log.merkle import consistency_proof, inclusion_proof, root_hash
from lienthong.trust.log.notes import Note
from lienthong.trust.log.proofs import ConsistencyProof, InclusionProof
from lienthong.trust.log.tiles import WIDTH, Tile, tile_bytes

if TYPE_CHECKING:
    from lienthong.exchange.server.application import Application

TEXT: Header = ("content-type", "text/plain; charset=utf-8")
FOR_EVER: Header = ("cache-control", "public, max-age=31536000, immutable")
MAX_SIZE = 2**59
MAX_NOTE = 16_384
SERVED = 64
"""So many of the newest checkpoints handed out are remembered, for witnesses that send a bare line."""


class Served:
    """The checkpoints handed out last, newest last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Checkpoint] = OrderedDict()

    def remember(self, checkpoint: Checkpoint) -> None:
        self._kept[checkpoint.size] = checkpoint
        self._kept.move_to_end(checkpoint.size)
        while len(self._kept) > SERVED:
            self._kept.popitem(last=False)

    def newest_first(self) -> list[Checkpoint]:
        return list(reversed(self._kept.values()))


async def checkpoint(app: Application, request: Request) -> None:
    """``GET /v1/log/checkpoint``: the newest signed note with the cosignatures it has."""
    store = app.hub.store
    note = await app.hub.read(store.checkpoint)
    newest = Checkpoint.parse(Note.parse(note).text)
    app.served.remember(newest)
    lines = await app.hub.read(store.cosignatures, newest.size)
    request.answer(200, (TEXT, PRIVATE), with_cosignatures(note, lines))


async def tile(app: Application, request: Request) -> None:
    """``GET /v1/log/tile/…``: hashes, 256 to a tile (C2SP tlog-tiles); full ones never change."""
    await _tile(app, request, f"tile/{request.params[0]}")


async def entries(app: Application, request: Request) -> None:
    """``GET /v1/log/tile/entries/…``: the leaves themselves, for auditors."""
    await _tile(app, request, f"tile/entries/{request.params[0]}")


async def _tile(app: Application, request: Request, path: str) -> None:
    store = app.hub.store
    try:
        wanted = Tile.parse(path)
        size = await app.hub.read(store.tree_size)
        data = await app.hub.apart(tile_bytes, wanted, size, store.node, store.entries)
    except LogError as error:
        raise NotFound(error.detail, place="path", remedy=error.remedy) from None
    kept = FOR_EVER if wanted.width == WIDTH else PRIVATE
    request.answer(200, (("content-type", "application/octet-stream"), kept), data)


async def inclusion(app: Application, request: Request) -> None:
    """``GET /v1/log/inclusion?index=&size=``: C2SP tlog-proof with the checkpoint of that size."""
    newest = await app.hub.read(app.hub.store.tree_size)
    index = request.number("index", -1, 0, MAX_SIZE)
    size = request.number("size", newest, 1, MAX_SIZE)
    if index < 0:
        raise BadRequest("which record is not said", place="query: index")
    if not index < size <= newest:
        raise NotFound(f"record {index} is not in the log's first {size} of {newest} entries")

    def prove() -> bytes:
        get_node = app.hub.store.node
        proof = inclusion_proof(get_node, index, size)
        return bytes(InclusionProof(index, proof, app.sign_checkpoint(size, root_hash(get_node, size))))

    request.answer(200, (TEXT, PRIVATE), await app.hub.apart(prove))


async def consistency(app: Application, request: Request) -> None:
    """``GET /v1/log/consistency?from=&to=``: that the log only grew between two sizes."""
    newest = await app.hub.read(app.hub.store.tree_size)
    old = request.number("from", -1, 0, MAX_SIZE)
    new = request.number("to", newest, 0, MAX_SIZE)
    if old < 0:
        raise BadRequest("the older size is not said", place="query: from")
    if not old <= new <= newest:
        raise NotFound(f"the log has {newest} entries; there is no way from {old} to {new}")

    def prove() -> bytes:
        get_node = app.hub.store.node
        old_note = app.sign_checkpoint(old, root_hash(get_node, old))
        new_note = app.sign_checkpoint(new, root_hash(get_node, new))
        return bytes(ConsistencyProof(old_note, new_note, consistency_proof(get_node, old, new)))

    request.answer(200, (("content-type", "application/json"), PRIVATE), await app.hub.apart(prove))


async def cosign(app: Application, request: Request) -> None:
    """``POST /v1/log/cosignatures``: a witness's line over a checkpoint that the hub handed out; ``size``
    says over which, else the newest ones are tried.
    """
    agency = request.agency
    keys = app.witness_keys.get(agency)
    if not keys:
        raise NotPermitted(
            f"no witness key of {agency} is known to this hub",
            remedy="the operator adds it under [log] witnesses in lienthong.toml",
            code="witness-unknown",
        )
    length = bodies.content_length(request.headers.get("content-length"), MAX_NOTE)
    line = await app.body(request, length)
    newest = await app.hub.read(app.hub.store.tree_size)
    size = request.number("size", 0, 1, MAX_SIZE)
    candidates = app.served.newest_first()
    if size:
        if size > newest:
            raise NotFound(f"the log has {newest} entries", place="query: size")
        candidates = [await app.hub.apart(app.checkpoint_of, size)]
    refused: LogError | None = None
    for candidate in candidates:
        try:
            check_cosignature(line, candidate, keys)
        except LogError as error:
            refused = error
            continue
        text = line if line.endswith(b"\n") else line + b"\n"
        await app.hub.apart(app.hub.store.add_cosignature, candidate.size, text)
        request.json(b'{"size":%d}' % candidate.size, 201)
        return
    if refused is None:
        raise BadRequest("over which checkpoint is not said", place="query: size")
    raise BadRequest(
        f"the line is no cosignature of {agency} over a checkpoint of this log: {refused.detail}",
        place="body",
        remedy="fetch /v1/log/checkpoint, cosign it, and post the line with ?size=",
        code="bad-cosignature",
    ) from refused
