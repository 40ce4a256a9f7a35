"""Files carried inside a message: base64, and the ZIP of one file that some systems wrap around it.

What comes in is hostile until shown otherwise: sizes are bounded before anything is unpacked, and a file
name never decides where something is written.
"""

from __future__ import annotations

import binascii
import re
import struct
import unicodedata
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

from lienthong.core.text import SHORT, nfc
from lienthong.exchange.edxml.findings import Oversized, Unreadable
from lienthong.exchange.edxml.model import Attachment

ZIP_TYPES = frozenset({"application/zip", "application/x-zip-compressed", "application/x-zip"})
MAX_RATIO = 200
"""How many times larger than its packed form a file may be, once it exceeds a megabyte."""

_WHITE = re.compile(rb"\s+")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)
_MAX_NAME_BYTES = 200
_MAX_ZIP_ENTRIES = 16
_MAX_ZIP_DIRECTORY = 16_384


def is_wrapped(content_type: str, name: str) -> bool:
    """Whether the bytes are a ZIP around the file: said to be a ZIP, while the file's name is not one."""
    bare = content_type.partition(";")[0].strip().lower()
    return bare in ZIP_TYPES and not name.lower().endswith(".zip")


def decode(encoded: str, *, limit: int, place: str) -> bytes:
    """Base64, white space allowed, nothing else forgiven."""
    if len(encoded) // 4 * 3 > limit + 3 + len(encoded) // 16:
        raise _too_large(limit, place)
    try:
        data = binascii.a2b_base64(_WHITE.sub(b"", encoded.encode("ascii")), strict_mode=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise _bad(
            f"the content is not base64 ({error})", f"nội dung không phải base64 ({error})", place
        ) from None
    if len(data) > limit:
        raise _too_large(limit, place)
    return data


def unwrap(data: bytes, *, limit: int, place: str) -> bytes:
    """The one file in a ZIP. Bytes that are no ZIP at all are the file themselves."""
    if not data.startswith(b"PK"):
        return data
    _bounded_directory(data, place)
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1:
                raise _several(len(members), place)
            return _only_member(archive, members[0], limit, place)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError):
        raise _bad(
            "the ZIP is damaged or of a kind that is not read",
            "tệp ZIP hỏng hoặc thuộc loại không đọc được",
            place,
        ) from None


def _bounded_directory(data: bytes, place: str) -> None:
    """Refuse a large central directory before ``zipfile`` walks it (it looks for its end in this order)."""
    end = len(data) - 22
    if end < 0 or data[end : end + 4] != b"PK\x05\x06":
        end = data.rfind(b"PK\x05\x06", max(0, len(data) - 22 - 65_535))
    if end < 0 or len(data) < end + 22:
        raise _bad("the ZIP is cut short", "tệp ZIP bị cắt cụt", place)
    entries, size = struct.unpack_from("<HI", data, end + 10)
    if entries > _MAX_ZIP_ENTRIES or size > _MAX_ZIP_DIRECTORY:
        raise _several(entries, place)


def _only_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int, place: str) -> bytes:
    if member.flag_bits & 0x1:
        raise _bad("the ZIP is encrypted", "tệp ZIP có mật khẩu", place)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        method = member.compress_type
        raise _bad(
            f"the ZIP uses compression method {method}", f"tệp ZIP dùng phương pháp nén {method}", place
        )
    bomb = member.file_size > 1 << 20 and member.file_size > MAX_RATIO * max(member.compress_size, 1)
    if member.file_size > limit or bomb:
        raise Oversized(
            f"the ZIP would unpack {member.compress_size:,} bytes to {member.file_size:,}",
            f"tệp ZIP {member.compress_size:,} byte sẽ bung thành {member.file_size:,} byte",
            place=place,
        )
    with archive.open(member) as stream:
        content = stream.read(member.file_size + 1)
    if len(content) != member.file_size:
        raise _bad("the ZIP holds more or less than it says", "tệp ZIP không đúng kích thước đã khai", place)
    return content


def _bad(detail: str, detail_vi: str, place: str) -> Unreadable:
    return Unreadable(detail, detail_vi, place=place, remedy="send the file again")


def _several(count: int, place: str) -> Unreadable:
    return Unreadable(
        f"the ZIP holds {count} files where one is allowed",
        f"tệp ZIP chứa {count} tệp, chỉ được chứa một",
        place=place,
        remedy="send each file as an attachment of its own",
    )


def _too_large(limit: int, place: str) -> Oversized:
    return Oversized(
        f"the attachment is larger than {limit:,} bytes", f"tệp đính kèm lớn hơn {limit:,} byte", place=place
    )


def wrap(file: Attachment) -> bytes:
    """A ZIP holding the one file, the same bytes each time."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(safe_name(file.name), (1980, 1, 1, 0, 0, 0)), file.data)
    return target.getvalue()


def safe_name(name: str) -> str:
    """A file name that stays in its folder: the last path part, without control, direction or reserved
    characters, at most 200 bytes; ``attachment`` when nothing is left.
    """
    last = re.split(r"[/\\]", nfc(name[-SHORT:]))[-1]
    kept = _UNSAFE.sub("_", last)
    kept = "".join(ch for ch in kept if unicodedata.category(ch) not in ("Cc", "Cs", "Co", "Cn")).strip(" .")
    if _RESERVED.match(kept):
        kept = f"_{kept}"
    stem, dot, suffix = kept.rpartition(".")
    if len(kept.encode()) > _MAX_NAME_BYTES:
        suffix = suffix if dot and len(suffix.encode()) <= 16 else ""
        room = _MAX_NAME_BYTES - len(suffix.encode()) - 1
        base = (stem if suffix else kept).encode()[:room].decode(errors="ignore").rstrip(" .")
        kept = f"{base}.{suffix}" if suffix else base
    return kept or "attachment"


def extract(files: tuple[Attachment, ...], folder: Path) -> list[Path]:
    """Write the files into ``folder`` under safe names, never over an existing file; the paths written."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for file in files:
        name = safe_name(file.name or file.content_id)
        stem, dot, suffix = name.rpartition(".")
        for number in range(1, 10_000):
            numbered = f"{stem} ({number}).{suffix}" if dot and stem else f"{name} ({number})"
            target = folder / (name if number == 1 else numbered)
            try:
                with target.open("xb") as stream:
                    stream.write(file.data)
            except FileExistsError:
                continue
            written.append(target)
            break
        else:
            raise Unreadable(
                f"there are too many files called {name!r}",
                f"có quá nhiều tệp tên {name!r}",
                place=str(folder),
                remedy="extract elsewhere",
            )
    return written
