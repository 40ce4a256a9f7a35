"""Signatures of a known shape: the same bytes as one checked before, all but time, digest and signature.

A producer signs again and again with one certificate, so its CMS differ in three values of fixed place and
length. When everything around them is byte for byte what was once parsed strictly and verified, parsing
would find the same structure, certificate and attributes; only the three values are left to check. This
takes the parsing off the hot path (about 25 µs of 30) and accepts nothing that the parser would not.
"""

from __future__ import annotations

from typing import NamedTuple

from lienthong.trust.cms.algorithms import MESSAGE_DIGEST, SIGNING_TIME, Check, PublicKey
from lienthong.trust.cms.structure import SignedData
from lienthong.trust.der import UTC_TIME

MAX_SHAPES = 2048
"""Kept before starting afresh: about three for each signer, mostly 1–2 KB each."""
MAX_SIZE = 8 << 10
"""Bytes of a CMS whose shape is kept; with MAX_SHAPES it bounds the memory to some 30 MB."""
MAX_CUTS = 4
TIME_SIZE = 13
"""Bytes of a UTCTime."""


class Verified(NamedTuple):
    """What parsing and checking a CMS found out about its signer."""

    certificate: bytes
    certificates: tuple[bytes, ...]
    fingerprint: bytes
    algorithm: str
    hash_name: str
    key: PublicKey
    check: Check


class Shape(NamedTuple):
    """``cms[:time_at]`` is the key; then the time, ``middle``, the digest, ``rest``, the signature."""

    middle: bytes
    digest_at: int
    digest_end: int
    rest: bytes
    signature_at: int
    signed_at: int
    signed_end: int
    signer: Verified


_cuts: dict[int, tuple[int, ...]] = {}
_shapes: dict[bytes, Shape] = {}


def recall(cms: bytes) -> tuple[int, Shape] | None:
    """``(time_at, shape)`` when ``cms`` has a known shape."""
    for cut in _cuts.get(len(cms), ()):
        shape = _shapes.get(cms[:cut])
        if (
            shape is not None
            and cms[cut + TIME_SIZE : shape.digest_at] == shape.middle
            and cms[shape.digest_end : shape.signature_at] == shape.rest
        ):
            return cut, shape
    return None


def remember(cms: bytes, signed_data: SignedData, verified: Verified) -> None:
    """Keep the shape of a ``cms`` that has just been parsed and verified.

    Only the plain kind is kept: one signer, a UTCTime, nothing after the signature, and the three values
    where they can be told apart.
    """
    if len(cms) > MAX_SIZE:
        return
    signer = signed_data.signers[0]
    time = signer.attributes.get(SIGNING_TIME, b"")
    digest = signer.attributes[MESSAGE_DIGEST][2:]
    signature_at = len(cms) - len(signer.signature)
    sole = len(signed_data.signers) == 1 and signer.timestamp is None
    if not sole or cms[signature_at:] != signer.signature:
        return
    if time[:2] != bytes((UTC_TIME, TIME_SIZE)):
        return
    signed = signer.signed
    if cms.count(signed[1:]) != 1 or signed.count(time) != 1 or signed.count(digest) != 1:
        return
    signed_at = cms.find(signed[1:]) - 1
    signed_end = signed_at + len(signed)
    time_at = signed_at + signed.find(time) + 2
    digest_at = signed_at + signed.find(digest)
    digest_end = digest_at + len(digest)
    if not time_at + TIME_SIZE < digest_at < signed_end < signature_at:
        return
    if len(_shapes) >= MAX_SHAPES:
        forget()
    cuts = _cuts.get(len(cms), ())
    if time_at not in cuts:
        _cuts[len(cms)] = (*cuts, time_at)[-MAX_CUTS:]
    _shapes[cms[:time_at]] = Shape(
        middle=cms[time_at + TIME_SIZE : digest_at],
        digest_at=digest_at,
        digest_end=digest_end,
        rest=cms[digest_end:signature_at],
        signature_at=signature_at,
        signed_at=signed_at,
        signed_end=signed_end,
        signer=verified,
    )


def forget() -> None:
    """Drop every shape."""
    _shapes.clear()
    _cuts.clear()
