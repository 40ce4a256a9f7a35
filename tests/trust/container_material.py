"""Material for the container tests: ZIP files with any field set to anything, and containers re-signed."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.trust.container_signers import NOW, signer

from lienthong.trust import asic
from lienthong.trust.asic.layout import MANIFEST, MIMETYPE, SIGNATURE
from lienthong.trust.asic.manifest import write_manifest
from lienthong.trust.cms import sign_detached

LOCAL = "<4sHHHHHIIIHH"
CENTRAL = "<4sHHHHHHIIIHHHHHII"
END = "<4sHHHHIIH"


@dataclass
class Item:
    """An entry. ``local`` and ``central`` override header fields by name; ``packed`` the bytes stored;
    ``tail`` follows them (a data descriptor).
    """

    name: str | bytes
    data: bytes = b"data"
    method: int = 0
    packed: bytes | None = None
    tail: bytes = b""
    local: Mapping[str, Any] = field(default_factory=dict)
    central: Mapping[str, Any] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        raw = self.name if isinstance(self.name, bytes) else self.name.encode()
        packed = self.data if self.packed is None else self.packed
        return {
            "mark": b"",
            "need": 20,
            "flags": 0 if raw.isascii() else 0x800,
            "method": self.method,
            "time": 0,
            "date": 0x21,
            "crc": zlib.crc32(self.data),
            "compressed": len(packed),
            "size": len(self.data),
            "name": raw,
            "extra": b"",
        }


def deflated(name: str, data: bytes, **more: Any) -> Item:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return Item(name, data, 8, packer.compress(data) + packer.flush(), **more)


def craft(
    *items: Item,
    before: bytes = b"",
    gap: bytes = b"",
    after: bytes = b"",
    end: Mapping[str, int] | None = None,
) -> bytes:
    """The archive of ``items``. ``before``: bytes ahead of everything (offsets count from it); ``gap``:
    ahead of the directory; ``after``: behind the end record; ``end``: its fields overridden.
    """
    out = bytearray(before)
    directory = bytearray()
    for item in items:
        offset = len(out)
        f = {**item.fields(), "mark": b"PK\x03\x04", **item.local}
        out += struct.pack(
            LOCAL, f["mark"], f["need"], f["flags"], f["method"], f["time"], f["date"], f["crc"],
            f["compressed"], f["size"], len(f["name"]), len(f["extra"]),
        )  # fmt: skip
        out += f["name"] + f["extra"] + (item.data if item.packed is None else item.packed) + item.tail
        c = {
            **item.fields(), "mark": b"PK\x01\x02", "made": 0x314, "comment": b"", "disk": 0, "internal": 0,
            "attributes": 0o100644 << 16, "offset": offset, **item.central,
        }  # fmt: skip
        directory += struct.pack(
            CENTRAL, c["mark"], c["made"], c["need"], c["flags"], c["method"], c["time"], c["date"], c["crc"],
            c["compressed"], c["size"], len(c["name"]), len(c["extra"]), len(c["comment"]), c["disk"],
            c["internal"], c["attributes"], c["offset"],
        )  # fmt: skip
        directory += c["name"] + c["extra"] + c["comment"]
    out += gap
    e = {
        "disk": 0, "start_disk": 0, "here": len(items), "count": len(items), "size": len(directory),
        "start": len(out), "comment": 0, **(end or {}),
    }  # fmt: skip
    record = struct.pack(END, b"PK\x05\x06", *e.values())
    return bytes(out + directory + record + after)


def signed_items(files: Mapping[str, bytes], **options: Any) -> list[Item]:
    """The items of a good container of ``files``, to be bent before they are crafted."""
    listed = [
        (name, "application/octet-stream", b64encode(hashlib.sha256(data).digest()).decode())
        for name, data in files.items()
    ]
    manifest = write_manifest(listed)
    return [
        Item("mimetype", MIMETYPE.encode()),
        *(Item(name, data) for name, data in files.items()),
        Item(MANIFEST, manifest),
        Item(SIGNATURE, sign_detached(manifest, options.get("signer") or signer(), signing_time=NOW)),
    ]


def container(files: Mapping[str, bytes] | None = None, kind: str = "p256") -> bytes:
    """A good container, written as the product writes it."""
    files = files or {"edoc.xml": b"<edXML/>", "files/a.pdf": b"%PDF-1.7 " * 40}
    made = asic.write(
        [asic.Entry(name, "application/pdf", data) for name, data in files.items()],
        signer(kind),
        signing_time=NOW,
    )
    assert made is not None
    return made


def unpack(made: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repack(contents: Mapping[str, bytes], order: Sequence[str] | None = None) -> bytes:
    """A well-formed archive of the contents, whatever they are."""
    return craft(*(Item(name, contents[name]) for name in order or contents))
