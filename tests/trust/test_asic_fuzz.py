"""Whatever happens to a container on its way, it is refused cleanly or says exactly what was signed."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.trust.container_material import container
from tests.trust.container_signers import NOW, signer
from tests.trust.test_asic_foreign import java, manifest

from lienthong.trust import asic
from lienthong.trust.cms import sign_detached
from lienthong.trust.errors import ContainerError

FILES = {"edoc.xml": b"<edXML>noi dung</edXML>", "files/chỉ thị.pdf": b"%PDF-1.7 " * 9}


@lru_cache
def own() -> bytes:
    return container(FILES)


@lru_cache
def foreign() -> bytes:

    text = manifest(FILES)
    signature = sign_detached(text, signer(), signing_time=NOW)
    return java(FILES, {"META-INF/ASiCManifest001.xml": text, "META-INF/signature001.p7s": signature})


MADE: dict[str, Callable[[], bytes]] = {"own": own, "foreign": foreign}


def hold(data: bytes) -> None:
    """Refused cleanly, or the signed files and nothing else, by the signer and nobody else."""
    for check_crc in (True, False):
        try:
            opened = asic.read(data, limits=asic.Limits(check_crc=check_crc))
        except ContainerError as error:
            assert error.detail
            continue
        assert {name: opened.read(name) for name in opened.names} == FILES
        assert opened.signature.certificate == signer().certificate


@pytest.mark.parametrize("made", MADE)
def test_every_single_byte_changed(made: str) -> None:
    """Without the CRC-32 of stored files the signed digests alone must hold."""
    data = MADE[made]()
    for at in range(len(data)):
        for bits in (0x01, 0x80, 0xFF):
            hold(data[:at] + bytes((data[at] ^ bits,)) + data[at + 1 :])


@pytest.mark.parametrize("made", MADE)
def test_every_truncation(made: str) -> None:
    data = MADE[made]()
    for size in range(len(data)):
        with pytest.raises(ContainerError):
            asic.read(data[:size])


@settings(max_examples=400, deadline=None)
@given(made=st.sampled_from(sorted(MADE)), data=st.data())
def test_splices(made: str, data: st.DataObject) -> None:
    whole = MADE[made]()
    at, source = (data.draw(st.floats(0, 1), label=name) for name in ("at", "source"))
    removed, length = (data.draw(st.integers(0, 64), label=name) for name in ("removed", "length"))
    start, other = int(at * len(whole)), int(source * len(whole))
    piece = data.draw(
        st.one_of(st.binary(max_size=24), st.just(whole[other : other + length])), label="piece"
    )
    hold(whole[:start] + piece + whole[start + removed :])


@settings(max_examples=300, deadline=None)
@given(
    made=st.sampled_from(sorted(MADE)),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=2, max_size=12),
)
def test_several_bytes_changed(made: str, changes: list[tuple[float, int]]) -> None:
    bent = bytearray(MADE[made]())
    for at, value in changes:
        bent[int(at * len(bent))] = value
    hold(bytes(bent))


MARKS = [b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08"]
FIELDS = [0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0xFFFFFFFF, 0x80000000, 0x7FFFFFFF]


@settings(max_examples=400, deadline=None)
@given(
    made=st.sampled_from(sorted(MADE)),
    mark=st.sampled_from(MARKS[:3]),
    number=st.integers(0, 6),
    offset=st.integers(4, 46),
    width=st.sampled_from([1, 2, 4, 8]),
    value=st.sampled_from(FIELDS),
)
def test_header_fields_set_to_their_extremes(
    made: str, mark: bytes, number: int, offset: int, width: int, value: int
) -> None:
    data = MADE[made]()
    at = -1
    for _ in range(number + 1):
        following = data.find(mark, at + 1)
        at = following if following >= 0 else at
    at += offset
    changed = (value & (1 << 8 * width) - 1).to_bytes(width, "little")
    hold(data[:at] + changed + data[at + width :])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from(MARKS)), max_size=12))
@example([])
@example([b"PK\x05\x06" + bytes(18)])
def test_bytes_that_are_no_container(pieces: list[bytes]) -> None:
    with pytest.raises(ContainerError):
        asic.read(b"".join(pieces))


@settings(max_examples=100, deadline=None)
@given(at=st.floats(0, 0.999), value=st.integers(0, 255))
def test_a_file_is_judged_as_its_bytes_are(
    at: float, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = bytearray(own())
    data[int(at * len(data))] = value
    path: Path = tmp_path_factory.mktemp("fuzz") / "bent.asice"
    path.write_bytes(data)

    def outcome(source: bytes | Path) -> object:
        try:
            with asic.read(source) as opened:
                return opened.entries
        except ContainerError as error:
            return error.code, error.detail, error.place

    assert outcome(path) == outcome(bytes(data))
