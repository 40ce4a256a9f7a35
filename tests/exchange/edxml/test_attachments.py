"""Files inside messages: unpacked within bounds, and written where they belong."""

from __future__ import annotations

import io
import struct
import zipfile
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.exchange.edxml import attachments
from lienthong.exchange.edxml.findings import Oversized, Unreadable
from lienthong.exchange.edxml.model import Attachment

LIMIT = 10 << 20


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return target.getvalue()


def unwrap(data: bytes, limit: int = LIMIT) -> bytes:
    return attachments.unwrap(data, limit=limit, place="Attachment")


@given(st.binary(max_size=500), st.sampled_from(["tờ trình.pdf", "../../etc/passwd", "", "a/b.doc"]))
def test_what_is_wrapped_is_unwrapped_the_same(data: bytes, name: str) -> None:
    file = Attachment("a", name, data, "application/zip")
    assert attachments.is_wrapped(file.content_type, file.name)
    assert attachments.wrap(file) == attachments.wrap(file)
    assert unwrap(attachments.wrap(file)) == data


def test_a_zip_that_was_sent_as_a_zip_stays_one() -> None:
    assert not attachments.is_wrapped("application/zip", "Hồ sơ dự án.ZIP")
    assert not attachments.is_wrapped("application/pdf", "a.pdf")
    assert attachments.is_wrapped("Application/ZIP; charset=x", "a.pdf")


def test_a_folder_beside_the_one_file_is_overlooked() -> None:
    assert unwrap(zipped(("thư mục/", b""), ("thư mục/a.pdf", b"%PDF"))) == b"%PDF"


def test_a_zip_written_as_a_stream_is_read() -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.data += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        archive.writestr("a.pdf", b"%PDF-1.4")
    assert unwrap(bytes(pipe.data)) == b"%PDF-1.4"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (zipped(), "0 files"),
        (zipped(("a", b"1"), ("b", b"2")), "2 files"),
        (zipped(*((str(n), b"") for n in range(100))), "100 files"),
        (zipped(("a", b"1"), method=zipfile.ZIP_LZMA), "method 14"),
        (zipped(("a", b"1" * 100))[:-30], "cut short"),
        (b"PK", "cut short"),
        (b"PK\x03\x04" + bytes(40), "cut short"),
    ],
    ids=["none", "two", "hundred", "lzma", "no-directory", "a-mark", "noughts"],
)
def test_a_zip_of_another_kind_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason) as caught:
        unwrap(data)
    assert caught.value.detail_vi


def test_an_encrypted_zip_is_refused() -> None:
    data = bytearray(zipped(("a", b"1")))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    with pytest.raises(Unreadable, match="encrypted"):
        unwrap(bytes(data))


def test_a_changed_byte_in_a_zip_is_noticed() -> None:
    data = bytearray(zipped(("a", b"noi dung " * 50), method=zipfile.ZIP_STORED))
    data[60] ^= 1
    with pytest.raises(Unreadable, match="damaged"):
        unwrap(bytes(data))


def test_bombs_are_refused_before_they_unpack() -> None:
    bomb = zipped(("a", bytes(8 << 20)))
    assert len(bomb) < 20_000
    with pytest.raises(Oversized, match="would unpack"):
        unwrap(bomb)
    with pytest.raises(Oversized, match="would unpack"):
        unwrap(zipped(("a", b"x" * 2000)), limit=1000)


def test_a_zip_that_lies_about_its_size_yields_no_more_than_it_said() -> None:
    data = bytearray(zipped(("a", b"x" * 5000)))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(signature) + offset, 10)
    with pytest.raises(Unreadable):
        unwrap(bytes(data))


@given(st.binary(max_size=200), st.integers(0, 199), st.integers(1, 255))
def test_a_damaged_zip_never_surprises(content: bytes, at: int, change: int) -> None:
    data = bytearray(zipped(("a.txt", content)))
    data[at % len(data)] ^= change
    try:
        unwrap(bytes(data))
    except (Unreadable, Oversized) as error:
        assert error.detail


@given(st.binary(max_size=200))
def test_base64_is_read_with_white_space_and_nothing_else(data: bytes) -> None:
    text = b64encode(data).decode()
    spaced = "\r\n  ".join(text[at : at + 7] for at in range(0, len(text), 7))
    assert attachments.decode(f"\n {spaced}\n", limit=1000, place="x") == data
    for spoilt in (text + "*", text + "ệ", text[:-1] if text else "A"):
        with pytest.raises(Unreadable, match="base64"):
            attachments.decode(spoilt, limit=1000, place="x")


def test_an_attachment_beyond_the_limit_is_refused() -> None:
    for size in (1001, 5000, 100_000):
        with pytest.raises(Oversized):
            attachments.decode(b64encode(bytes(size)).decode(), limit=1000, place="x")
    assert len(attachments.decode(b64encode(bytes(1000)).decode(), limit=1000, place="x")) == 1000


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("15-CT-UBND.pdf", "15-CT-UBND.pdf"),
        ("Chỉ thị số 15.pdf", "Chỉ thị số 15.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\Windows\\win.ini", "win.ini"),
        ("C:\\a\\b.doc", "b.doc"),
        ("/etc/shadow", "shadow"),
        ("..", "attachment"),
        ("", "attachment"),
        (" . ", "attachment"),
        ("a/", "attachment"),
        ("con.txt", "_con.txt"),
        ("LPT1", "_LPT1"),
        ("a\x00b\n.pdf", "a_b_.pdf"),
        ("hóa\u202efdp.exe", "hóa_fdp.exe"),
        (".bashrc", "bashrc"),
        ('a<b>:"|?*.txt', "a_b______.txt"),
    ],
)
def test_a_file_name_never_leaves_its_folder(name: str, safe: str) -> None:
    assert attachments.safe_name(name) == safe


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_a_disk_can_hold(name: str) -> None:
    safe = attachments.safe_name(name)
    assert safe not in ("", ".", "..")
    assert not set(safe) & set('/\\\x00:*?"<>|')
    assert len(safe.encode()) <= 200
    assert Path("x", safe).parent == Path("x")
    assert attachments.safe_name(safe) == safe


def test_long_names_keep_their_ending() -> None:
    safe = attachments.safe_name("Ủy ban " * 60 + ".pdf")
    assert safe.endswith(".pdf") and len(safe.encode()) <= 200


def test_extraction_writes_over_nothing(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("giữ nguyên")
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.pdf").symlink_to(outside)
    files = (
        Attachment("1", "a.pdf", b"1"),
        Attachment("2", "../a.pdf", b"2"),
        Attachment("3", "", b"3"),
    )
    written = attachments.extract(files, folder)
    assert [path.name for path in written] == ["a (2).pdf", "a (3).pdf", "3"]
    assert [path.read_bytes() for path in written] == [b"1", b"2", b"3"]
    assert outside.read_text() == "giữ nguyên"
