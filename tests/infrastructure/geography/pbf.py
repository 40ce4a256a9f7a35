"""A very small OpenStreetMap PBF file, written by hand (wiki.openstreetmap.org/wiki/PBF_Format)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

Node = tuple[int, float, float]
Way = tuple[int, dict[str, str], list[int]]


def _varint(value: int) -> bytes:
    out = bytearray()
    while True:
        out.append((value & 0x7F) | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def _zigzag(value: int) -> int:
    return (value << 1) ^ (value >> 63)


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _blob(kind: str, data: bytes) -> bytes:
    body = _field(2, len(data)) + _field(3, zlib.compress(data))
    header = _field(1, kind.encode()) + _field(3, len(body))
    return len(header).to_bytes(4, "big") + header + body


def _deltas(values: Sequence[int]) -> bytes:
    return b"".join(_varint(_zigzag(b - a)) for a, b in zip([0, *values[:-1]], values, strict=True))


def write(path: Path, nodes: Sequence[Node], ways: Sequence[Way]) -> None:
    """``nodes``: (id, lon, lat); ``ways``: (id, tags, node ids)."""
    words = [""]
    for _, tags, _ in ways:
        words += [word for pair in tags.items() for word in pair]
    index = {word: i for i, word in reversed(list(enumerate(words)))}
    dense = (
        _field(1, _deltas([i for i, _, _ in nodes]))
        + _field(8, _deltas([round(lat * 1e7) for _, _, lat in nodes]))
        + _field(9, _deltas([round(lon * 1e7) for _, lon, _ in nodes]))
    )
    group = _field(2, dense)
    lines = b""
    for number, tags, refs in ways:
        way = _field(1, number)
        way += _field(2, b"".join(_varint(index[key]) for key in tags))
        way += _field(3, b"".join(_varint(index[value]) for value in tags.values()))
        lines += _field(3, way + _field(8, _deltas(refs)))
    table = b"".join(_field(1, word.encode()) for word in words)
    block = _field(1, table) + _field(2, group) + _field(2, lines)
    header = _field(4, b"OsmSchema-V0.6") + _field(4, b"DenseNodes")
    path.write_bytes(_blob("OSMHeader", header) + _blob("OSMData", block))
