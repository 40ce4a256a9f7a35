"""Receipts as evidence (exchange.receipts): the leaf rebuilt, its proof, the checkpoint, the container."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lienthong.core.clock import VIETNAM
from lienthong.exchange.errors import MalformedMessage
from lienthong.exchange.evidence.checkpoints import check_checkpoint
from lienthong.exchange.evidence.checks import Report, Stopped, Trust, Words, local_time
from lienthong.exchange.receipts import LEAF_VERSION, RECEIPT_FORMAT
from lienthong.trust.log.merkle import HASH_SIZE, Proof, leaf_hash, verify_inclusion

MAX_RECEIPT_BYTES = 4_000_000

FORMAT = Words("Dạng thức của biên nhận", "The receipt's form")
INCLUSION = Words("Bản ghi nằm trong nhật ký", "The entry is in the log")
PAYLOAD = Words("Gói văn bản mà biên nhận nói đến", "The container the receipt is about")

_TEXTS = ("digest", "id", "sender")
_INTEGERS = ("kind", "time", "v")


@dataclass(frozen=True, slots=True)
class ReceiptParts:
    """A receipt as read, nothing of it verified. ``leaf_bytes`` is what was hashed into the log."""

    index: int
    leaf: Mapping[str, Any]
    leaf_bytes: bytes
    proof: Proof
    checkpoint: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 of the container."""
        return bytes.fromhex(self.leaf["digest"])

    @property
    def accepted(self) -> datetime:
        return accepted_at(self.leaf)


def read_receipt(data: bytes) -> ReceiptParts:
    """Take a receipt apart; :class:`MalformedMessage` says what is wrong with its form."""
    body = _json(data, "receipt")
    if body.get("format") != RECEIPT_FORMAT:
        raise _malformed(f"its format is not {RECEIPT_FORMAT}")
    index, leaf, proof, checkpoint = (body.get(name) for name in ("index", "leaf", "proof", "checkpoint"))
    if type(index) is not int or index < 0:
        raise _malformed("index is not a number from 0")
    if not isinstance(checkpoint, str) or not isinstance(proof, list):
        raise _malformed("checkpoint (a text) or proof (an array) is missing")
    canonical, parsed = read_leaf(leaf)
    try:
        return ReceiptParts(index, parsed, canonical, tuple(map(_hash, proof)), checkpoint.encode())
    except UnicodeEncodeError:
        raise _malformed("the checkpoint holds characters that are not Unicode") from None


def read_leaf(leaf: object) -> tuple[bytes, Mapping[str, Any]]:
    """The canonical bytes of a leaf given as a JSON object, or as its bytes, and the object."""
    if isinstance(leaf, bytes):
        data, leaf = leaf, _json(leaf, "log entry")
        canonical = _canonical(leaf)
        if canonical != data:
            raise _malformed("the entry is not in its one canonical spelling", "log entry")
    else:
        if not isinstance(leaf, dict):
            raise _malformed("the leaf is not a JSON object")
        canonical = _canonical(leaf)
    for name in _TEXTS:
        if not isinstance(leaf.get(name), str):
            raise _malformed(f"{name} is missing or not a text", "log entry")
    for name in _INTEGERS:
        if type(leaf.get(name)) is not int:
            raise _malformed(f"{name} is missing or not a whole number", "log entry")
    if leaf["v"] != LEAF_VERSION:
        raise _malformed(f"entries of version {leaf['v']} are not known here", "log entry")
    if not isinstance(leaf.get("to"), list) or not all(isinstance(each, str) for each in leaf["to"]):
        raise _malformed("to is not an array of agency codes", "log entry")
    if not _is_pairs(leaf.get("forwarded", [])):
        raise _malformed("forwarded is not an array of pairs of agency codes", "log entry")
    try:
        if len(bytes.fromhex(leaf["digest"])) != HASH_SIZE or not 0 <= leaf["time"] < 2**53:
            raise ValueError
        datetime.fromtimestamp(leaf["time"] / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise _malformed(
            "digest is not 64 hexadecimal digits, or time is out of range", "log entry"
        ) from None
    return canonical, leaf


def verify_receipt(
    data: bytes, trust: Trust, *, containers: Mapping[bytes, str] | None = None, subject: str = "receipt"
) -> Report:
    """Check a receipt. ``containers``: SHA-256 → name of each container at hand; one of them should be
    the receipt's. None: none was given, which is said and not held against it.
    """
    report = Report(subject, "receipt")
    with suppress(Stopped):
        with report.attempt("receipt.format", FORMAT):
            parts = read_receipt(data)
        report.facts.update(leaf_facts(parts.leaf), index=parts.index)
        checkpoint = check_checkpoint(report, parts.checkpoint, trust)
        with report.attempt("receipt.inclusion", INCLUSION):
            verify_inclusion(
                leaf_hash(parts.leaf_bytes), parts.index, checkpoint.size, parts.proof, checkpoint.root
            )
        report.passed("receipt.inclusion", INCLUSION, entry_words(parts.index, parts.leaf))
        _check_payload(report, parts, containers)
    return report


def _check_payload(report: Report, parts: ReceiptParts, containers: Mapping[bytes, str] | None) -> None:
    code = "receipt.container"
    if not containers:
        report.skipped(
            code,
            PAYLOAD,
            Words(
                "chưa kiểm tra: chưa đưa kèm gói văn bản (*.asice)",
                "not checked: the container (*.asice) was not given beside it",
            ),
        )
    elif parts.digest in containers:
        name = containers[parts.digest]
        report.passed(
            code,
            PAYLOAD,
            Words(
                f"đúng là tệp {name}: trùng mã băm SHA-256", f"it is {name}: the SHA-256 digest is the same"
            ),
        )
    else:
        names = ", ".join(sorted(containers.values()))
        report.failed(
            code,
            PAYLOAD,
            Words(
                f"biên nhận không phải của tệp nào đã đưa ({names}); mã băm cần có: {parts.digest.hex()}",
                f"it is for none of the files given ({names}); it asks for the digest {parts.digest.hex()}",
            ),
        )


def accepted_at(leaf: Mapping[str, Any]) -> datetime:
    """When the hub accepted what an entry records, by its clock (UTC)."""
    return datetime.fromtimestamp(leaf["time"] / 1000, UTC)


def leaf_facts(leaf: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry says, for people and scripts."""
    names = {"sender": "sender", "id": "message_id", "document": "document_id", "to": "recipients"}
    facts = {name: leaf[key] for key, name in names.items() if key in leaf}
    accepted = accepted_at(leaf).astimezone(VIETNAM).isoformat(timespec="milliseconds")
    return facts | {"accepted": accepted, "digest": leaf["digest"]}


def entry_words(index: int, leaf: Mapping[str, Any]) -> Words:
    """One sentence: what the log recorded."""
    when = local_time(accepted_at(leaf))
    to = leaf["to"]
    few, more = ", ".join(to[:3]), len(to) - 3
    vi = f"{few} và {more} nơi khác" if more > 0 else few or "không nơi nhận"
    en = f"{few} and {more} others" if more > 0 else few or "nobody"
    return Words(
        f"bản ghi số {index}: {leaf['sender']} gửi {vi}, nhận lúc {when}, mã {leaf['id']}",
        f"entry {index}: {leaf['sender']} to {en}, accepted {when}, id {leaf['id']}",
    )


def _is_pairs(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(each, str) for each in pair)
        for pair in value
    )


def _canonical(leaf: object) -> bytes:
    try:
        return json.dumps(leaf, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    except (UnicodeEncodeError, RecursionError):
        raise _malformed("the leaf holds characters that are not Unicode, or is nested too deeply") from None


def _json(data: bytes, place: str) -> dict[str, Any]:
    if len(data) > MAX_RECEIPT_BYTES:
        raise _malformed(f"it is longer than {MAX_RECEIPT_BYTES} bytes", place)
    try:
        body = json.loads(data, object_pairs_hook=_once, parse_float=_no_number, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"it is not JSON as a receipt is written: {error}", place) from None
    if not isinstance(body, dict):
        raise _malformed("it is not a JSON object", place)
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text[:20]} is not a whole number")


def _hash(text: object) -> bytes:
    if isinstance(text, str) and len(text) == 44 and text.isascii():
        try:
            data = b64decode(text, validate=True)
        except ValueError:
            data = b""
        if len(data) == HASH_SIZE and b64encode(data).decode() == text:
            return data
    raise _malformed("a hash of the proof is not base64 of 32 bytes")


def _malformed(detail: str, place: str = "receipt") -> MalformedMessage:
    return MalformedMessage(detail, place=place, remedy="ask whoever gave it to you for an unchanged copy")
