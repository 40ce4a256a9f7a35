from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.container_material import Item, craft, deflated

from lienthong.trust.errors import ContainerError
from lienthong.trust.zip import Part, archive_size, check_name, open_archive, write_archive

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def written(*parts: Part) -> bytes:
    out = io.BytesIO()
    write_archive(parts, out, at=AT)
    assert len(out.getvalue()) == archive_size(parts)
    return out.getvalue()


def contents(source: bytes | Path) -> dict[str, bytes]:
    archive = open_archive(source)
    try:
        return {name: archive.read(member) for name, member in archive.members.items()}
    finally:
        archive.close()


NAMES = st.lists(
    st.text(
        st.characters(exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"]), min_size=1, max_size=40
    ),
    min_size=1,
    max_size=6,
)


def allowed(name: str) -> bool:
    try:
        check_name(name)
    except ContainerError:
        return False
    return True


@given(NAMES, st.lists(st.binary(max_size=2000), min_size=6, max_size=6))
def test_what_is_written_is_read_back_here_and_by_others(names: list[str], data: list[bytes]) -> None:
    files = {
        f"{number}-{name}": content for number, (name, content) in enumerate(zip(names, data, strict=False))
    }
    files = {name: content for name, content in files.items() if allowed(name)}
    made = written(*(Part.of(name, content) for name, content in files.items()))
    assert contents(made) == files
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files


def test_files_are_stamped_in_vietnam_time() -> None:
    with zipfile.ZipFile(io.BytesIO(written(Part.of("a", b"")))) as archive:
        assert archive.infolist()[0].date_time == (2026, 3, 1, 15, 30, 0)


def test_the_same_inputs_give_the_same_bytes() -> None:
    parts = [Part.of("a", b"one"), Part.of("b", b"two")]
    assert written(*parts) == written(*parts)


def test_names_that_a_reader_would_refuse_are_not_written() -> None:
    for names in (["../a"], ["a", "A"], ["a\\b"]):
        with pytest.raises(ContainerError):
            written(*(Part.of(name, b"") for name in names))


def test_a_file_that_changes_while_it_is_packed_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "growing.pdf"
    path.write_bytes(b"before")
    for later in (b"behind", b"longer than before", b""):
        part = Part.of("a", path)
        path.write_bytes(later)
        with pytest.raises(ContainerError) as error:
            written(part)
        assert error.value.code == "container-source-changed"
        path.write_bytes(b"before")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("zip64", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
def test_archives_of_python_are_read(compression: int, zip64: bool, streamed: bool, tmp_path: Path) -> None:
    out = io.BytesIO()
    target = _Unseekable(out) if streamed else out
    with zipfile.ZipFile(target, "w", compression) as archive:  # type: ignore[arg-type]
        for name, data in (("a.txt", b"first " * 500), ("chỉ thị/b.txt", b"second")):
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=zip64) as file:
                file.write(data)
    path = tmp_path / "python.zip"
    path.write_bytes(out.getvalue())
    expected = {"a.txt": b"first " * 500, "chỉ thị/b.txt": b"second"}
    assert contents(out.getvalue()) == contents(path) == expected


@pytest.mark.parametrize("same", [True, False])
def test_sizes_written_in_both_places_must_be_the_same(same: bool) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, archive.open("a.txt", "w", force_zip64=True) as file:
        file.write(b"first")
    data = bytearray(out.getvalue())
    data[18:26] = struct.pack("<LL", 5, 5 if same else 4)
    if same:
        assert contents(bytes(data)) == {"a.txt": b"first"}
    else:
        with pytest.raises(ContainerError, match="two sizes"):
            contents(bytes(data))


class _Unseekable(io.RawIOBase):
    """A sink that makes ``zipfile`` write data descriptors."""

    def __init__(self, out: io.BytesIO) -> None:
        self._out = out

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return self._out.write(data)  # type: ignore[arg-type]


def test_descriptors_with_and_without_their_mark_are_read() -> None:
    streamed = {"flags": 0x8, "crc": 0, "compressed": 0, "size": 0}
    plain = struct.pack("<III", zlib.crc32(b"x"), 1, 1)
    for tail in (plain, b"PK\x07\x08" + plain):
        item = Item("a.txt", b"x", local=streamed, central={"flags": 0x8}, tail=tail)
        assert contents(craft(item, Item("b.txt", b"y"))) == {"a.txt": b"x", "b.txt": b"y"}


def test_folders_that_hold_files_are_read_over() -> None:
    folder = Item("META-INF/", b"", central={"attributes": 0o040755 << 16 | 0x10})
    assert contents(craft(folder, Item("META-INF/a", b"x"))) == {"META-INF/a": b"x"}


def test_harmless_extra_fields_are_read_over() -> None:
    extra = struct.pack("<HHBI", 0x5455, 5, 1, 0) + struct.pack("<HH", 0xCAFE, 0)
    item = Item("a.txt", b"x", local={"extra": extra}, central={"extra": extra[:9]})
    assert contents(craft(item)) == {"a.txt": b"x"}


def test_a_deflated_file_is_read_in_pieces(tmp_path: Path) -> None:
    data = random.Random(1).randbytes(700_000) + bytes(range(256)) * 5000
    path = tmp_path / "large.zip"
    path.write_bytes(craft(deflated("a", data)))
    assert contents(path) == {"a": data}


def test_a_memoryview_is_read_without_a_copy() -> None:
    made = written(Part.of("a", b"hello"))
    archive = open_archive(memoryview(made))
    view = archive.view(archive.members["a"])
    assert view is not None
    assert view.obj is made
    assert bytes(view) == b"hello"


def test_a_file_cut_short_under_the_reader_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "cut.zip"
    path.write_bytes(written(Part.of("a", bytes(1 << 20))))
    archive = open_archive(path)
    with path.open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(ContainerError):
        archive.read(archive.members["a"])
    archive.close()


@pytest.mark.slow
def test_a_file_above_four_gibibytes_goes_in_and_comes_out(tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    size = (1 << 32) + 5
    with large.open("wb") as file:
        file.truncate(size)
    parts = [Part.of("large.bin", large), Part.of("after.txt", b"after")]
    path = tmp_path / "large.zip"
    with path.open("wb") as out:
        write_archive(parts, _Sparse(out), at=AT)
    assert path.stat().st_size == archive_size(parts)
    archive = open_archive(path)
    assert archive.members["large.bin"].size == size
    assert archive.read(archive.members["after.txt"]) == b"after"
    archive.close()
    with zipfile.ZipFile(path) as other:
        assert other.getinfo("large.bin").file_size == size
        assert other.read("after.txt") == b"after"


class _Sparse:
    """Writes runs of zero bytes as holes, so that the test needs no 4 GiB of disk."""

    def __init__(self, out: io.BufferedWriter) -> None:
        self._out = out

    def write(self, data: bytes | memoryview) -> None:
        if len(data) > 4096 and not any(bytes(data[:64])):
            self._out.seek(len(data), io.SEEK_CUR)
        else:
            self._out.write(data)
