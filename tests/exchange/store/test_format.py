"""The on-disk format is promised in docs/reference/store.md: a reader written from that page alone."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.exchange.store.submissions import ORIGIN, acknowledgement, document, sign_checkpoint, status

from lienthong.exchange.store.embedded import EmbeddedOptions, open_embedded
from lienthong.exchange.store.embedded.layout import FrameType, SegmentHeader, frame_head


def read_segment(data: bytes, chain: int, sequence: int) -> Iterator[tuple[int, int, bytes, bytes, int]]:
    """(type, offset of the body, meta, frame, CRC) of each frame, by the tables of the page."""
    assert data[0:8] == b"LTSEGM1\n"
    assert struct.unpack_from("<IQ", data, 28) == (chain, sequence)
    salt = data[40:48]
    (length,) = struct.unpack_from("<H", data, 48)
    assert data[50 : 50 + length].decode() == ORIGIN
    assert struct.unpack_from("<I", data, 508) == (zlib.crc32(data[:508]),)
    at = 512
    while data[at : at + 8] == salt:
        kind, zero, version, before, meta_length, zeros, body_length, number = struct.unpack_from(
            "<BBHIIIQQ", data, at + 8
        )
        assert (zero, zeros, version, before, number) == (0, 0, 2, chain, sequence + 1)
        meta_end = at + 40 + meta_length
        (crc,) = struct.unpack_from("<I", data, meta_end)
        assert crc == zlib.crc32(data[at:meta_end])
        body = -(-(meta_end + 4) // 8) * 8
        end = -(-(body + body_length) // 8) * 8
        yield kind, body, data[at + 40 : meta_end], data[at:end], crc
        at, chain, sequence = end, crc, number
    assert not data[at:].strip(b"\0")


def read_records(meta: bytes, frame: bytes) -> Iterator[dict[str, Any]]:
    first, count, note_length, accepted_ms = struct.unpack_from("<QIIq", meta)
    at = 56 + note_length
    for n in range(count):
        kind, flags, _, leaf_length, summary_length, crc, index, size, offset = struct.unpack_from(
            "<BBHIIIQQQ", meta, at
        )
        tag = meta[at + 40 : at + 56]
        text = meta[at + 56 : at + 56 + leaf_length + summary_length]
        assert zlib.crc32(text) == crc
        assert index == first + n
        begins = 40 + at + offset
        payload = frame[begins : begins + size] if offset else b""
        leaf = json.loads(text[:leaf_length])
        if flags & 2:
            assert tag.hex() == leaf["digest"][:32]
        elif offset:
            assert tag == AESGCM(bytes(16)).encrypt(bytes(12), b"", payload)
        assert leaf["time"] == accepted_ms
        yield {
            "kind": kind,
            "blob": flags & 1,
            "tagged": flags & 2,
            "leaf": leaf,
            "summary": text[leaf_length:],
            "payload": payload,
        }
        at += 56 + leaf_length + summary_length
    assert at == len(meta)


def test_the_page_is_enough_to_read_a_log(tmp_path: Path) -> None:
    options = EmbeddedOptions(segment_bytes=65_536, step_bytes=4_096, blob_from=25_000)
    store = open_embedded(tmp_path, ORIGIN, sign_checkpoint, options=options)
    documents = [document(f"m{n}", payload=bytes([n]) * 4_000 * (n + 1)) for n in range(7)]
    for n, each in enumerate(documents):
        store.commit([each, status(f"s{n}", 2 * n, "03")], 1_000 + n)
    store.commit([acknowledgement(0)], 2_000)
    store.add_cosignature(4, b"line\n")
    store.add_timestamp(4, b"token")
    store.close()
    found: list[dict[str, Any]] = []
    others: list[tuple[int, bytes]] = []
    chain = sequence = 0
    for path in sorted((tmp_path / "segments").iterdir()):
        for kind, _, meta, frame, crc in read_segment(path.read_bytes(), chain, sequence):
            chain, sequence = crc, sequence + 1
            if kind == 1:
                found += read_records(meta, frame)
            else:
                others.append((kind, meta))
    assert len(found) == 15
    for n, each in enumerate(documents):
        record = found[2 * n]
        payload = each.payload
        if record["blob"]:
            digest = record["leaf"]["digest"]
            record["payload"] = (tmp_path / "blobs" / digest[:2] / digest).read_bytes()
        assert record["payload"] == payload
        assert record["leaf"]["digest"] == hashlib.sha256(payload).hexdigest()  # type: ignore[arg-type]
        assert record["summary"] == each.summary
    for n, (blob, tagged) in {0: (0, 2), 4: (0, 0), 6: (1, 0)}.items():
        assert (found[2 * n]["blob"], found[2 * n]["tagged"]) == (blob, tagged)
    four = (4).to_bytes(8, "little")
    assert others == [(2, four + b"line\n"), (3, four + b"token"), (5, b'{"size": 15}')]


def test_the_bytes_of_a_header_and_a_frame_never_change() -> None:
    """Golden bytes: a change here is a new format version."""
    header = SegmentHeader(3, 42, 1_700_000_000_000, 0xDEADBEEF, 17, b"saltsalt", "log.example").encode()
    assert header[:61].hex() == (
        "4c545345474d310a030000002a000000000000000068e5cf8b010000efbeadde1100000000000000"
        "73616c7473616c740b006c6f672e6578616d706c65"
    )
    assert hashlib.sha256(header).hexdigest() == (
        "d7eb66366c55dfee79d6dd78815d27d726c4f2b9df4c911c6e06949b3bbf8181"
    )
    head, crc = frame_head(FrameType.COSIGNATURE, b"saltsalt", 0xDEADBEEF, 18, b"meta", 0)
    assert head.hex() == (
        "73616c7473616c7402000200efbeadde0400000000000000000000000000000012000000000000006d6574618ffd7bd6"
    )
    assert crc == 0xD67BFD8F
