"""Archives that two readers could read in two ways, or that would hurt the one who opens them: refused."""

from __future__ import annotations

import struct
import unicodedata
from pathlib import Path

import pytest
from tests.trust.container_material import Item, craft, deflated

from lienthong.trust.errors import ContainerError
from lienthong.trust.zip import Limits, open_archive

A = Item("a.txt", b"first")
B = Item("b.txt", b"second")


def refusal(data: bytes, tmp_path: Path, limits: Limits | None = None) -> ContainerError:
    """The refusal, the same from memory and from a file; files are read through when the structure holds."""

    def read_all(source: bytes | Path) -> None:
        archive = open_archive(source, limits)
        try:
            for member in archive.members.values():
                archive.read(member)
        finally:
            archive.close()

    path = tmp_path / "hostile.zip"
    path.write_bytes(data)
    with pytest.raises(ContainerError) as from_memory:
        read_all(data)
    with pytest.raises(ContainerError) as from_file:
        read_all(path)
    assert str(from_memory.value) == str(from_file.value)
    return from_memory.value


@pytest.mark.parametrize(
    "name",
    [
        "../a",
        "a/../../b",
        "/etc/passwd",
        "a//b",
        "./a",
        "a/.",
        "..",
        "C:/a",
        "c:a",
        "a\\b",
        "..\\a",
        "\\\\server\\share",
        "a\x00.pdf",
        "a\nb",
        "a\x7f",
        "a\x85b",
        "gpj\u202efdp.exe",
        "a\u200bb",
        "a\ufeff",
        "a\u2028b",
        "a\ue000",
        "con",
        "NUL.txt",
        "files/com1.pdf",
        "a.",
        "a ",
        " a",
        "files./a",
        "a?b",
        "a*",
        'a"b',
        "a<b",
        "a|b",
        "x" * 256,
    ],
)
def test_a_name_that_leads_elsewhere_or_hides_something_is_refused(name: str, tmp_path: Path) -> None:
    error = refusal(craft(Item(name)), tmp_path)
    assert error.code == "container-name"
    assert error.remedy


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"caf\xe9.txt", b"\xed\xa0\x80", b"a\xc0\xafb"])
def test_a_name_that_is_not_utf8_is_refused(raw: bytes, tmp_path: Path) -> None:
    assert refusal(craft(Item(raw)), tmp_path).code == "container-name"


def test_a_name_beyond_ascii_must_be_marked_as_utf8(tmp_path: Path) -> None:
    unmarked = Item("chỉ thị.pdf", local={"flags": 0}, central={"flags": 0})
    assert refusal(craft(unmarked), tmp_path).code == "container-name"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a.txt", "a.txt"),
        ("a.txt", "A.TXT"),
        ("straße", "STRASSE"),
        (unicodedata.normalize("NFC", "chỉ thị"), unicodedata.normalize("NFD", "chỉ thị")),
        ("Đơn.pdf", "đơn.pdf"),
        ("a", "a/b"),
        ("A", "a/b"),
        ("a/b/c", "a/b"),
    ],
)
def test_two_names_for_one_place_are_refused(first: str, second: str, tmp_path: Path) -> None:
    refusal(craft(Item(first), Item(second)), tmp_path)
    refusal(craft(Item(second), Item(first)), tmp_path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mark", b"PK\x03\x05"),
        ("need", 63),
        ("flags", 0x800),
        ("flags", 0x2),
        ("method", 8),
        ("time", 1),
        ("date", 1),
        ("crc", 0),
        ("compressed", 4),
        ("compressed", 0xFFFFFFFF),
        ("size", 6),
        ("name", b"c.txt"),
        ("name", b"a.tx"),
        ("extra", b"\x01\x00\x00\x00"),
        ("extra", b"xxx"),
    ],
)
def test_a_local_header_that_tells_another_story_is_refused(
    field: str, value: object, tmp_path: Path
) -> None:
    refusal(craft(Item("a.txt", b"first", local={field: value}), B), tmp_path)


def test_only_the_version_needed_may_differ_between_the_headers() -> None:
    archive = open_archive(craft(Item("a.txt", b"first", local={"need": 45})))
    assert archive.read(archive.members["a.txt"]) == b"first"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mark", b"PK\x01\x03"),
        ("need", 63),
        ("flags", 0x800),
        ("method", 8),
        ("crc", 0),
        ("compressed", 4),
        ("size", 6),
        ("size", 0xFFFFFFFF),
        ("offset", 1),
        ("offset", 0xFFFFFFFF),
        ("offset", 0x7FFFFFFF),
        ("disk", 1),
        ("comment", b"hello"),
        ("name", b"c.txt"),
        ("name", b""),
        ("extra", struct.pack("<HH", 0x7075, 5) + b"\x01aaaa"),
        ("extra", struct.pack("<HH", 0x9901, 0)),
        ("extra", struct.pack("<HH", 0x5455, 9)),
        ("extra", struct.pack("<HHHH", 0x5455, 0, 0x5455, 0)),
        ("extra", struct.pack("<HHQ", 0x0001, 8, 5)),
    ],
)
def test_a_directory_entry_that_tells_another_story_is_refused(
    field: str, value: object, tmp_path: Path
) -> None:
    refusal(craft(Item("a.txt", b"first", central={field: value}), B), tmp_path)


@pytest.mark.parametrize("flag", [0x0001, 0x0041, 0x0010, 0x0020, 0x2000, 0x8000])
def test_encryption_and_other_features_of_zip_are_refused(flag: int, tmp_path: Path) -> None:
    refusal(craft(Item("a.txt", local={"flags": flag}, central={"flags": flag})), tmp_path)


@pytest.mark.parametrize("method", [1, 6, 9, 12, 14, 93, 99])
def test_methods_other_than_stored_and_deflate_are_refused(method: int, tmp_path: Path) -> None:
    refusal(craft(Item("a.txt", method=method)), tmp_path)


@pytest.mark.parametrize("mode", [0o120777, 0o040755, 0o020666, 0o060666, 0o010666, 0o140777])
def test_symbolic_links_devices_and_pipes_are_refused(mode: int, tmp_path: Path) -> None:
    for made in (0x314, 0x14):
        item = Item("a.txt", b"/etc/passwd", central={"attributes": mode << 16, "made": made})
        refusal(craft(item), tmp_path)


def test_a_file_marked_as_a_folder_is_refused(tmp_path: Path) -> None:
    refusal(craft(Item("a.txt", central={"attributes": 0x10})), tmp_path)
    refusal(craft(Item("a/", b"data"), Item("a/b")), tmp_path)


def test_a_folder_that_holds_nothing_is_refused(tmp_path: Path) -> None:
    refusal(craft(A, Item("empty/", b"", central={"attributes": 0o040755 << 16})), tmp_path)


def test_files_that_overlap_are_refused(tmp_path: Path) -> None:
    inner = craft(Item("b.txt", b"inner"))
    local_only = inner[: inner.index(b"PK\x01\x02")]
    outer = Item("a.txt", local_only)
    overlapping = Item("b.txt", b"inner", central={"offset": 30 + len("a.txt")})
    refusal(craft(outer, overlapping), tmp_path)
    refusal(craft(A, Item("a.txt", b"first", central={"offset": 0, "name": b"b.txt"})), tmp_path)


def test_files_out_of_order_are_refused(tmp_path: Path) -> None:
    data = craft(A, B)
    at = data.index(b"PK\x01\x02")
    middle = data.index(b"PK\x01\x02", at + 4)
    end = data.index(b"PK\x05\x06")
    refusal(data[:at] + data[middle:end] + data[at:middle] + data[end:], tmp_path)


def test_bytes_that_belong_to_no_file_are_refused(tmp_path: Path) -> None:
    refusal(craft(A, before=b"#!/bin/sh\n"), tmp_path)
    refusal(b"MZ" + craft(A), tmp_path)
    refusal(craft(A, gap=b"hidden"), tmp_path)
    refusal(craft(A, after=b"\0"), tmp_path)
    refusal(craft(A, after=b"trailing", end={"comment": 8}), tmp_path)
    refusal(craft(A, Item("b.txt", b"x", tail=b"between"), B), tmp_path)
    refusal(craft(A, A) + craft(B), tmp_path)


def test_the_one_comment_of_the_standard_is_allowed() -> None:
    comment = b"mimetype=application/vnd.etsi.asic-e+zip"
    assert list(open_archive(craft(A, after=comment, end={"comment": len(comment)})).members) == ["a.txt"]


@pytest.mark.parametrize(
    "end",
    [
        {"disk": 1},
        {"start_disk": 1},
        {"here": 1},
        {"count": 1, "here": 1},
        {"count": 3, "here": 3},
        {"count": 0, "here": 0},
        {"count": 0xFFFF, "here": 0xFFFF},
        {"size": 10},
        {"size": 0xFFFFFFFF},
        {"start": 0},
        {"start": 0xFFFFFFFF},
        {"comment": 1},
    ],
)
def test_an_end_record_that_tells_another_story_is_refused(end: dict[str, int], tmp_path: Path) -> None:
    refusal(craft(A, B, end=end), tmp_path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    wrong = {"crc": 1}
    refusal(craft(Item("a.txt", b"first", local=wrong, central=wrong)), tmp_path)
    packed = deflated("a.txt", b"first " * 50)
    assert packed.packed is not None
    for bent in (
        packed.packed[:-1],
        packed.packed + b"\0",
        packed.packed + packed.packed,
        b"\xff" + packed.packed[1:],
        b"",
    ):
        refusal(craft(Item("a.txt", packed.data, 8, bent)), tmp_path)
    for size in (len(packed.data) - 1, len(packed.data) + 1):
        lie = {"size": size}
        refusal(craft(deflated("a.txt", packed.data, local=lie, central=lie)), tmp_path)


def test_a_descriptor_that_tells_another_story_is_refused(tmp_path: Path) -> None:
    streamed = {"flags": 0x8, "crc": 0, "compressed": 0, "size": 0}
    for tail in (b"", b"PK\x07\x08" + bytes(12), bytes(12), b"PK\x07\x08", bytes(24)):
        refusal(craft(Item("a.txt", b"x", local=streamed, central={"flags": 0x8}, tail=tail)), tmp_path)
    good = struct.pack("<4sIII", b"PK\x07\x08", Item("a.txt", b"x").fields()["crc"], 1, 1)
    half = {**streamed, "size": 1}
    refusal(craft(Item("a.txt", b"x", local=half, central={"flags": 0x8}, tail=good)), tmp_path)


class TestBombs:
    def test_a_file_that_unpacks_to_much_more_than_its_size(self, tmp_path: Path) -> None:
        error = refusal(craft(deflated("a", bytes(1 << 20))), tmp_path)
        assert error.code == "container-limit"
        assert error.status == 413

    def test_a_file_that_unpacks_to_more_than_it_says(self, tmp_path: Path) -> None:
        lie = {"size": 100}
        item = deflated("a", bytes(1 << 20), local=lie, central=lie)
        refusal(craft(item), tmp_path)

    def test_too_many_files(self, tmp_path: Path) -> None:
        many = craft(*(Item(f"{number}") for number in range(11)))
        assert refusal(many, tmp_path, Limits(entries=10)).code == "container-limit"

    def test_too_much_in_all(self, tmp_path: Path) -> None:
        data = craft(Item("a", bytes(600)), Item("b", bytes(600)))
        assert refusal(data, tmp_path, Limits(total=1000)).code == "container-limit"

    def test_names_that_are_too_long(self, tmp_path: Path) -> None:
        assert refusal(craft(Item("a/" * 250 + "b")), tmp_path).code == "container-limit"

    def test_a_directory_that_is_too_long(self, tmp_path: Path) -> None:
        data = craft(*(Item(f"{number:0100}") for number in range(50)))
        assert refusal(data, tmp_path, Limits(directory=5000)).code == "container-limit"

    def test_an_announced_directory_costs_nothing(self, tmp_path: Path) -> None:
        refusal(craft(A, end={"count": 60000, "here": 60000}), tmp_path)


class TestZip64:
    def end64(self, **changes: int) -> bytes:
        """An archive with a ZIP64 end record, the given fields changed."""
        data = craft(A)
        at = data.index(b"PK\x05\x06")
        start = data.index(b"PK\x01\x02")
        f = {
            "length": 44, "made": 45, "need": 45, "disk": 0, "disks": 0, "here": 1, "count": 1,
            "size": at - start, "start": start, "locator_disk": 0, "at": at, "total": 1, **changes,
        }  # fmt: skip
        names = ["length", "made", "need", "disk", "disks", "here", "count", "size", "start"]
        values = [f[name] for name in names]
        record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", *values)
        record += struct.pack("<4sIQI", b"PK\x06\x07", f["locator_disk"], f["at"], f["total"])
        return data[:at] + record + data[at:]

    def test_a_zip64_end_record_is_read(self) -> None:
        assert list(open_archive(self.end64()).members) == ["a.txt"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"length": 45},
            {"need": 63},
            {"disk": 1},
            {"disks": 1},
            {"here": 2},
            {"count": 2},
            {"count": 2, "here": 2},
            {"size": 1},
            {"start": 1},
            {"start": 1 << 60},
            {"size": 1 << 63},
            {"locator_disk": 1},
            {"at": 0},
            {"total": 2},
        ],
    )
    def test_a_zip64_end_record_that_tells_another_story_is_refused(
        self, changes: dict[str, int], tmp_path: Path
    ) -> None:
        refusal(self.end64(**changes), tmp_path)

    def test_sizes_in_the_zip64_field_are_read_and_must_agree(self, tmp_path: Path) -> None:
        top = {"compressed": 0xFFFFFFFF, "size": 0xFFFFFFFF, "need": 45}
        extra = struct.pack("<HHQQ", 1, 16, 5, 5)
        good = Item("a.txt", b"first", local={**top, "extra": extra}, central={**top, "extra": extra})
        archive = open_archive(craft(good, B))
        assert archive.read(archive.members["a.txt"]) == b"first"
        for bent in (
            struct.pack("<HHQQ", 1, 16, 5, 4),
            struct.pack("<HHQ", 1, 8, 5),
            struct.pack("<HHQQQ", 1, 24, 5, 5, 0),
            struct.pack("<HHQQ", 1, 16, 1 << 62, 1 << 62),
        ):
            local = Item("a.txt", b"first", local={**top, "extra": bent}, central={**top, "extra": extra})
            refusal(craft(local, B), tmp_path)
            central = Item("a.txt", b"first", local={**top, "extra": extra}, central={**top, "extra": bent})
            refusal(craft(central, B), tmp_path)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    data = craft(A, deflated("b.txt", b"second " * 9))
    for size in range(len(data)):
        with pytest.raises(ContainerError):
            open_archive(data[:size])
    refusal(data[: len(data) // 2], tmp_path)


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ContainerError) as error:
        open_archive(tmp_path / "nowhere.zip")
    assert "nowhere.zip" in str(error.value)
