from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from lienthong.core.clock import VIETNAM
from lienthong.trust import der
from lienthong.trust.der import DerError


@given(st.integers())
def test_integers_are_written_and_read_as_others_do(value: int) -> None:
    encoded = der.encode_integer(value)
    assert encoded == core.Integer(value).dump()
    start, stop = der.only(encoded, 0, len(encoded), der.INTEGER)
    assert der.integer(encoded, start, stop) == value


@given(st.binary(max_size=70_000))
def test_elements_are_written_and_read_as_others_do(content: bytes) -> None:
    encoded = der.element(der.OCTET_STRING, content)
    assert encoded == core.OctetString(content).dump()
    start, stop = der.only(encoded, 0, len(encoded), der.OCTET_STRING)
    assert encoded[start:stop] == content


@given(st.tuples(st.integers(0, 2), st.integers(0, 39)), st.lists(st.integers(0, 1 << 70), max_size=8))
def test_object_identifiers_are_written_as_others_do(first: tuple[int, int], rest: list[int]) -> None:
    dotted = ".".join(map(str, (*first, *rest)))
    assert der.oid(dotted) == core.ObjectIdentifier(dotted).dump()


BOUNDS = datetime(1900, 1, 1), datetime(2199, 1, 1)  # noqa: DTZ001 (Hypothesis wants naive bounds)


@given(st.datetimes(*BOUNDS, timezones=st.just(UTC)))
def test_times_keep_their_second(at: datetime) -> None:
    encoded = der.encode_time(at)
    tag, start, stop = der.read(encoded, 0, len(encoded))
    assert der.moment(tag, encoded[start:stop]) == at.replace(microsecond=0)
    assert (tag == der.UTC_TIME) == (1950 <= at.year < 2050)


@pytest.mark.parametrize(
    ("tag", "content"),
    [
        (der.UTC_TIME, b"2603010830Z"),
        (der.UTC_TIME, b"260301083000+0700"),
        (der.UTC_TIME, b"260301083000"),
        (der.UTC_TIME, b"26030108300 Z"),
        (der.UTC_TIME, b"261301083000Z"),
        (der.UTC_TIME, b"260230083000Z"),
        (der.UTC_TIME, b"260301240000Z"),
        (der.UTC_TIME, b"260301083060Z"),
        (der.UTC_TIME, "²60301083000Z".encode("latin-1")),
        (der.UTC_TIME, b"20260301083000Z"),
        (der.GENERALIZED_TIME, b"260301083000Z"),
        (der.GENERALIZED_TIME, b"20260301083000.5Z"),
        (der.GENERALIZED_TIME, b"00000301083000Z"),
        (der.OCTET_STRING, b"260301083000Z"),
        (der.UTC_TIME, b""),
    ],
)
def test_times_in_any_other_form_are_refused(tag: int, content: bytes) -> None:
    with pytest.raises(DerError):
        der.moment(tag, content)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x04",
        b"\x04\x80\x00\x00",
        b"\x04\x81\x05hello",
        b"\x04\x82\x00\x80" + bytes(128),
        b"\x04\x81",
        b"\x04\x82\x01",
        b"\x04\x05hell",
        b"\x04\x87" + bytes(7),
        b"\x04\xff",
        b"\x1f\x81\x01\x00",
        b"\x3f\x01\x00",
        b"\x04\x84\xff\xff\xff\xff",
    ],
)
def test_what_is_not_der_is_refused(data: bytes) -> None:
    with pytest.raises(DerError):
        der.read(data, 0, len(data))


def test_bytes_left_over_are_refused() -> None:
    with pytest.raises(DerError):
        der.only(b"\x04\x01a\x00", 0, 4, der.OCTET_STRING)
    with pytest.raises(DerError):
        der.elements(b"\x04\x01a\x04", 0, 4)


def test_another_tag_is_refused() -> None:
    with pytest.raises(DerError):
        der.expect(b"\x04\x01a", 0, 3, der.SEQUENCE)


@pytest.mark.parametrize("content", [b"", b"\x00\x7f", b"\xff\x80", b"\x00\x00"])
def test_integers_that_are_empty_or_padded_are_refused(content: bytes) -> None:
    with pytest.raises(DerError):
        der.integer(content, 0, len(content))


def test_a_set_is_sorted_by_encoding() -> None:
    parts = [b"\x04\x01b", b"\x02\x01\x05", b"\x04\x01a"]
    assert der.set_of(parts) == b"\x31\x09\x02\x01\x05\x04\x01a\x04\x01b"


@given(st.binary(max_size=60))
def test_whatever_comes_in_is_read_or_refused(data: bytes) -> None:
    try:
        tag, start, stop = der.read(data, 0, len(data))
    except DerError:
        return
    assert der.element(tag, data[start:stop]) == data[:stop]


def test_the_time_zone_of_the_signer_does_not_matter() -> None:
    at = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    assert der.encode_time(at.astimezone(VIETNAM)) == der.encode_time(at) == b"\x17\x0d260301083000Z"
