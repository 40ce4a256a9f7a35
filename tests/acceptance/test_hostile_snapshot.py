"""A directory snapshot forged, expired or rolled back while the hub serves: the good one stays in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.acceptance.hostility import checks, holdings, problem, still_well, wait_for
from tests.exchange.province import COMMUNE, PROVINCE, STRANGER, RunningHub, TestProvince

from lienthong.registry.directory import Directory, Right
from lienthong.registry.notation import MAX_BYTES
from lienthong.registry.snapshot import encode, sign
from lienthong.trust.keys import FileSigner, write_file
from lienthong.trust.profiles import Profile

FILE = "directory/directory.p7m"
EVIL = (Right("kind:enterprise", "send"), Right(STRANGER, "audit"), Right(STRANGER, "operate"))
"""What every forgery here would give a stranger."""


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def evil(
    province: TestProvince, *, ahead: int = 1, issued: datetime | None = None, days: int = 30
) -> Directory:
    """A directory, ``ahead`` versions from the one in force."""
    issued = issued or now()
    return Directory.build(
        province.agencies.values(),
        version=province.version + ahead,
        province="Vĩnh Long",
        issued_at=issued,
        expires_at=issued + timedelta(days=days),
        rights=EVIL,
    )


def revoked(province: TestProvince) -> FileSigner:
    signer = province.signer(Profile.DIRECTORY, name="a lost key")
    province.revoke(signer)
    return signer


def _exchanged(province: TestProvince, _: TestProvince) -> bytes:
    good = (province.data / FILE).read_bytes()
    bent = good.replace(b'"kind:commune"', b'"kind:council"')
    assert bent != good
    return bent


Forgery = Callable[[TestProvince, TestProvince], bytes]
FORGERIES: dict[str, tuple[str, Forgery]] = {
    "by another province": (
        "directory-untrusted",
        lambda province, other: sign(evil(province), other.directory_signer),
    ),
    "by an agency's seal": (
        "directory-untrusted",
        lambda province, other: sign(evil(province), province.seals[PROVINCE]),
    ),
    "by an agency's TLS key": (
        "directory-untrusted",
        lambda province, other: sign(evil(province), province.tls[PROVINCE]),
    ),
    "by a revoked directory key": (
        "directory-untrusted",
        lambda province, other: sign(evil(province), revoked(province)),
    ),
    "with rights exchanged under the signature": ("directory-untrusted", _exchanged),
    "expired": (
        "directory-expired",
        lambda province, other: sign(
            evil(province, issued=now() - timedelta(days=2), days=1), province.directory_signer
        ),
    ),
    "from the future": (
        "directory-untrusted",
        lambda province, other: sign(
            evil(province, issued=now() + timedelta(hours=1)), province.directory_signer
        ),
    ),
    "rolled back": (
        "directory-rollback",
        lambda province, other: sign(evil(province, ahead=-1), province.directory_signer),
    ),
    "another content under the same version": (
        "directory-rollback",
        lambda province, other: sign(evil(province, ahead=0), province.directory_signer),
    ),
    "not signed at all": ("directory-untrusted", lambda province, other: encode(evil(province))),
    "empty": ("directory-untrusted", lambda province, other: b""),
    "endless": ("directory-malformed", lambda province, other: bytes(MAX_BYTES + 1)),
}


@pytest.fixture(scope="module")
def province(pristine_province: TestProvince, tmp_path_factory: pytest.TempPathFactory) -> TestProvince:
    made = pristine_province.copy(tmp_path_factory.mktemp("province") / "data")
    made.configure(directory="look_every_s = 0.05")
    made.publish()
    return made


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> TestProvince:
    """A province of the same name, with a CA of its own."""
    return TestProvince(tmp_path_factory.mktemp("other") / "data")


@pytest.fixture
def good(hub: RunningHub, province: TestProvince) -> Iterator[bytes]:
    """The snapshot in force, put back after the test."""
    data = (province.data / FILE).read_bytes()
    yield data
    write_file(province.data / FILE, data)
    wait_for(lambda: checks(hub)["directory"]["state"] == "ok", "the good directory is seen again")


def unmoved(hub: RunningHub, version: int) -> None:
    """The directory of that version is in force, and the stranger has none of the rights it would like."""
    assert hub.on_loop(lambda: hub.app.hub.directory().version) == version
    document = hub.province.document(STRANGER, [COMMUNE])
    assert problem(hub.send(document))["code"] == "recipients-refused"
    for path in ("/metrics", "/v1/statistics", "/v1/log/tile/entries/000.p/1"):
        assert problem(hub.get(STRANGER, path))["code"] == "not-permitted"


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_false_snapshot_changes_nothing_and_is_told(
    hub: RunningHub, province: TestProvince, other: TestProvince, good: bytes, forgery: str
) -> None:
    code, forge = FORGERIES[forgery]
    version, before = province.version, holdings(hub)
    write_file(province.data / FILE, forge(province, other))
    wait_for(lambda: checks(hub)["directory"]["state"] == "warning", forgery)

    refused = hub.app.hub.holder.problem
    assert refused is not None and refused.code == code
    said = checks(hub)["directory"]
    assert "a newer file is refused" in said["detail"] and "lienthong registry publish" in said["remedy"]
    unmoved(hub, version)
    assert holdings(hub) == before
    fetched = hub.get(COMMUNE, "/v1/directory")
    assert (fetched.status_code, fetched.content) == (200, good)
    still_well(hub)


def test_a_good_snapshot_after_all_the_false_ones_is_taken(
    hub: RunningHub, province: TestProvince, other: TestProvince
) -> None:
    write_file(province.data / FILE, sign(evil(province), other.directory_signer))
    wait_for(lambda: checks(hub)["directory"]["state"] == "warning")
    wanted = province.publish().version
    wait_for(lambda: checks(hub)["directory"]["state"] == "ok")
    unmoved(hub, wanted)


def test_a_snapshot_with_any_bytes_changed_is_not_taken(hub: RunningHub, good: bytes) -> None:
    holder, version = hub.app.hub.holder, hub.province.version

    @given(
        st.lists(st.tuples(st.integers(0, len(good) - 1), st.integers(1, 255)), min_size=1, max_size=3),
        st.booleans(),
    )
    @settings(max_examples=40)
    def bent_is_refused(changes: list[tuple[int, int]], cut: bool) -> None:
        bent = bytearray(good)
        for at, value in changes:
            bent[at] ^= value
        if cut:
            del bent[changes[0][0] :]
        if bent == good:
            return
        write_file(hub.province.data / FILE, bytes(bent))
        holder.refresh()
        assert holder.current().version == version
        assert encode(holder.current()) == in_force

    in_force = encode(holder.current())
    bent_is_refused()
    unmoved(hub, version)
