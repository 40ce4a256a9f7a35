"""A snapshot is believed when its signature, its time and every field of it are right, and only then."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.registry.directory import (
    ACTIONS,
    KINDS,
    LEVELS,
    Agency,
    Alias,
    CertificateRef,
    Directory,
    Quota,
    QuotaRule,
    Right,
    Unit,
)
from lienthong.registry.errors import (
    DirectoryExpired,
    SnapshotError,
    SnapshotMissing,
    SnapshotUntrusted,
)
from lienthong.registry.snapshot import decode, encode, load, sign, verify
from lienthong.trust.certificates import TrustStore
from lienthong.trust.cms import sign_attached
from lienthong.trust.keys import FileSigner
from lienthong.trust.profiles import Profile

Build = Callable[..., Directory]

text = st.text(max_size=12)
day = st.dates()
moment = st.datetimes(datetime(1980, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
certificates = st.lists(st.binary(max_size=20).map(CertificateRef.of), max_size=2).map(tuple)
agency = st.builds(
    Agency,
    code=st.text("AB01.", min_size=1, max_size=5),
    name=text,
    kind=st.sampled_from(KINDS),
    parent=st.none() | st.just("H61"),
    level=st.sampled_from(LEVELS),
    aliases=st.lists(st.builds(Alias, text, day, st.none() | day), max_size=2).map(tuple),
    valid_from=day,
    valid_to=st.none() | day,
    successors=st.lists(text, max_size=2).map(tuple),
    locked=st.booleans(),
    seals=certificates,
    encryption=certificates,
    tls=certificates,
    units=st.lists(st.builds(Unit, text, text), max_size=2).map(tuple),
    groups=st.lists(text, max_size=2).map(tuple),
    illustrative=st.booleans(),
)


@st.composite
def directories(draw: st.DrawFn) -> Directory:
    positive = st.integers(1, 2**50)
    issued = draw(moment)
    return Directory.build(
        draw(st.lists(agency, max_size=4, unique_by=lambda a: a.code)),
        version=draw(positive),
        province=draw(text),
        issued_at=issued,
        expires_at=issued + timedelta(seconds=draw(st.integers(1, 10**8))),
        rights=draw(st.lists(st.builds(Right, text, st.sampled_from(ACTIONS), text), max_size=3)),
        quotas=draw(
            st.lists(st.builds(QuotaRule, text, st.builds(Quota, positive, positive, positive)), max_size=3)
        ),
        group_titles=draw(st.dictionaries(text, text, max_size=3)),
    )


@given(directories())
def test_what_is_written_is_read_back(directory: Directory) -> None:
    data = encode(directory)
    assert decode(data) == directory
    assert encode(decode(data)) == data


json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_a_damaged_field_is_named_or_harmless(data: st.DataObject) -> None:
    body = json.loads(encode(data.draw(directories())))
    at: object = body
    while isinstance(at, (dict, list)) and at:
        keys = sorted(at) if isinstance(at, dict) else range(len(at))
        key = data.draw(st.sampled_from(list(keys)))
        inner = at[key]  # type: ignore[index]
        if not isinstance(inner, (dict, list)) or not inner or data.draw(st.booleans()):
            at[key] = data.draw(json_value)  # type: ignore[index]
            break
        at = inner
    try:
        decode(json.dumps(body).encode())
    except SnapshotError as problem:
        assert problem.detail


@given(st.binary(max_size=200))
def test_bytes_that_are_no_snapshot_are_refused(data: bytes) -> None:
    with pytest.raises(SnapshotError):
        decode(data)


@pytest.mark.parametrize("data", [b"[" * 200_000, b'{"format":"lienthong-directory/2"}', b"7", b"NaN"])
def test_json_of_another_kind_is_refused(data: bytes) -> None:
    with pytest.raises(SnapshotError):
        decode(data)


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("version",), 0, "directory.version"),
        (("version",), True, "directory.version"),
        (("issued_at",), "2025-07-01T00:00:00", "directory.issued_at"),
        (("issued_at",), "0001-01-01T00:00:00+14:00", "directory.issued_at"),
        (("expires_at",), "1999-01-01T00:00:00Z", "directory.expires_at"),
        (("agencies", 0, "kind"), "kingdom", "directory.agencies[0].kind"),
        (("agencies", 0, "seals"), ["!"], "directory.agencies[0].seals[0]"),
        (("agencies", 0, "to"), "30/06/2025", "directory.agencies[0].to"),
        (("rights",), [["*", "rule", "*"]], "directory.rights[0]"),
        (("quotas",), [["*", 1, 0, 1]], "directory.quotas[0]"),
    ],
)
def test_an_error_says_which_field_is_wrong(
    directory_of: Build, path: tuple[str | int, ...], value: object, place: str
) -> None:
    body = json.loads(encode(directory_of(Agency("H61", name="UBND tỉnh"))))
    at = body
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    with pytest.raises(SnapshotError) as error:
        decode(json.dumps(body).encode())
    assert error.value.place == place


def test_two_agencies_with_one_code_are_refused(directory_of: Build) -> None:
    body = json.loads(encode(directory_of(Agency("H61", name="UBND tỉnh"))))
    body["agencies"] *= 2
    with pytest.raises(SnapshotError, match="same code"):
        decode(json.dumps(body).encode())


def test_a_signed_snapshot_is_believed(
    directory_of: Build,
    directory_signer: FileSigner,
    trust: TrustStore,
    now: datetime,
    tmp_path: Path,
) -> None:
    directory = directory_of(Agency("H61", name="UBND tỉnh", valid_to=date(2030, 1, 1)))
    path = tmp_path / "directory.p7m"
    path.write_bytes(sign(directory, directory_signer))
    assert load(path, trust, now) == directory


def test_openssl_reads_the_snapshot_too(
    directory_of: Build, directory_signer: FileSigner, trust: TrustStore, tmp_path: Path
) -> None:
    import subprocess

    directory = directory_of(Agency("H61", name="UBND tỉnh"))
    path = tmp_path / "directory.p7m"
    path.write_bytes(sign(directory, directory_signer))
    done = subprocess.run(
        ["openssl", "cms", "-verify", "-noverify", "-inform", "DER", "-in", str(path), "-binary"],
        capture_output=True,
        check=True,
    )
    assert done.stdout == encode(directory)


def test_a_changed_byte_anywhere_is_refused(
    directory_of: Build, directory_signer: FileSigner, trust: TrustStore, now: datetime
) -> None:
    data = sign(directory_of(Agency("H61", name="UBND tỉnh")), directory_signer)
    for at in range(0, len(data), 7):
        changed = data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :]
        try:
            seen = verify(changed, trust, now)
        except SnapshotError:
            continue
        assert seen == verify(data, trust, now), f"byte {at} changed what is believed"


def test_a_cut_off_snapshot_is_refused(
    directory_of: Build, directory_signer: FileSigner, trust: TrustStore, now: datetime
) -> None:
    data = sign(directory_of(Agency("H61", name="UBND tỉnh")), directory_signer)
    for end in (0, 1, 100, len(data) - 1):
        with pytest.raises(SnapshotUntrusted):
            verify(data[:end], trust, now)


@pytest.mark.parametrize("profile", [Profile.SEAL, Profile.TSA, Profile.TLS_CLIENT])
def test_only_a_directory_key_may_sign_directories(
    directory_of: Build,
    new_signer: Callable[..., FileSigner],
    trust: TrustStore,
    now: datetime,
    profile: Profile,
) -> None:
    data = sign(directory_of(Agency("H61", name="UBND tỉnh")), new_signer(profile))
    with pytest.raises(SnapshotUntrusted, match="wrong-purpose"):
        verify(data, trust, now)


def test_another_provinces_directory_is_refused(
    directory_of: Build, directory_signer: FileSigner, now: datetime, tmp_path: Path
) -> None:
    from lienthong.trust.ca import ProvinceCA

    other = ProvinceCA.create(tmp_path / "pki", province="Bến Tre", passphrase=b"another", now=now)
    data = sign(directory_of(Agency("H61", name="UBND tỉnh")), directory_signer)
    with pytest.raises(SnapshotUntrusted):
        verify(data, TrustStore.from_folder(other.folder), now)


def test_an_expired_snapshot_is_refused_and_says_when(
    directory_of: Build, directory_signer: FileSigner, trust: TrustStore, now: datetime
) -> None:
    data = sign(directory_of(version=7, valid_for=timedelta(minutes=1)), directory_signer)
    assert verify(data, trust, now + timedelta(seconds=59)).version == 7
    with pytest.raises(DirectoryExpired, match="version 7 expired at") as error:
        verify(data, trust, now + timedelta(minutes=1))
    assert error.value.remedy is not None
    assert "registry publish" in error.value.remedy


def test_a_snapshot_from_the_future_is_refused(
    directory_of: Build, directory_signer: FileSigner, trust: TrustStore, now: datetime
) -> None:
    data = sign(directory_of(issued_at=now + timedelta(minutes=6)), directory_signer)
    with pytest.raises(SnapshotUntrusted, match="after now"):
        verify(data, trust, now)
    assert verify(data, trust, now + timedelta(minutes=2)).version == 1


def test_signed_nonsense_is_refused(directory_signer: FileSigner, trust: TrustStore, now: datetime) -> None:
    with pytest.raises(SnapshotError, match="not JSON"):
        verify(sign_attached(b"hello", directory_signer), trust, now)


def test_a_missing_file_says_where_it_should_be(trust: TrustStore, now: datetime, tmp_path: Path) -> None:
    with pytest.raises(SnapshotMissing) as error:
        load(tmp_path / "directory.p7m", trust, now)
    assert error.value.place == str(tmp_path / "directory.p7m")
