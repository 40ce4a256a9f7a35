"""Certificates that nobody honest makes: at every door where one comes in, a reason and never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from cryptography import x509
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.exchange.conftest import NewProvince
from tests.exchange.edxml.xml_signer import LegacySigner
from tests.exchange.province import COMMUNE, PROVINCE, RunningHub, TestProvince
from tests.trust import crafting

from lienthong.core.errors import LienthongError
from lienthong.exchange.edxml import legacy_signature
from lienthong.exchange.edxml.writer import write
from lienthong.exchange.server.diagnosis import examine
from lienthong.exchange.server.health import certificate_health
from lienthong.registry import certificates
from lienthong.registry.directory import CertificateRef
from lienthong.registry.errors import CertificateRefused
from lienthong.trust import sealing
from lienthong.trust.asic import Entry
from lienthong.trust.certificates import TrustStore
from lienthong.trust.errors import CertificateError, SealingError
from lienthong.trust.keys import FileSigner, certificate_key, parse_certificates, pem
from lienthong.trust.profiles import Profile

# What cryptography only warns of is let pass in use, and is not to hide what it raises.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

NOW = datetime.now(UTC)
ROOT = crafting.authority("a root", None, NOW)
SEAL = crafting.seal(
    "SEAL-NAME",
    ROOT,
    NOW,
    extensions=(*crafting.SEAL_EXTENSIONS, (x509.BasicConstraints(ca=False, path_length=None), True)),
)
TRUST = TrustStore([ROOT.der])


def instead(old: bytes, new: bytes) -> bytes:
    """The seal's certificate with its last ``old`` replaced."""
    at = SEAL.der.rindex(old)
    return SEAL.der[:at] + new + SEAL.der[at + len(old) :]


def difference(der: bytes) -> list[tuple[int, int]]:
    pairs = zip(SEAL.der, der, strict=True)
    return [(at, value) for at, (was, value) in enumerate(pairs) if was != value]


ENDS = SEAL.x509.not_valid_after_utc.strftime("%y%m%d").encode()
CRAFTED = {
    "a version that does not exist": instead(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05"),
    "a name that is no text": instead(b"\x0c\x09SEAL-NAME", b"\x03\x09\x00EAL-NAME"),
    "an extension twice": instead(b"\x06\x03\x55\x1d\x13", b"\x06\x03\x55\x1d\x0f"),
    "a key on an unknown curve": instead(
        bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d03017f")
    ),
    "a day that never was": instead(ENDS, b"269931"),
    "only half of it": SEAL.der[: len(SEAL.der) // 2],
    "nothing": b"",
}
"""cryptography answers these with InvalidVersion, TypeError, DuplicateExtension, UnsupportedAlgorithm …"""
crafted = pytest.mark.parametrize("der", CRAFTED.values(), ids=CRAFTED)


@dataclass(frozen=True)
class Forger:
    """Signs with somebody's key and shows whatever certificate it likes."""

    key: FileSigner
    certificate: bytes
    chain: tuple[bytes, ...] = ()

    @property
    def algorithm(self) -> str:
        return self.key.algorithm

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message)


@pytest.fixture(scope="module")
def legacy() -> LegacySigner:
    return LegacySigner.create()


def trusted(der: bytes) -> bool:
    try:
        return TRUST.check(der, purpose=Profile.SEAL, at=NOW).ok
    except CertificateError:
        return False


@crafted
def test_a_crafted_certificate_is_refused_where_one_is_judged(der: bytes) -> None:
    assert not trusted(der)
    with pytest.raises(CertificateRefused):
        certificates.read(der, "seal", now=NOW)
    with pytest.raises(CertificateRefused):
        certificates.read(pem("CERTIFICATE", der), "seal", now=NOW)


@crafted
def test_a_crafted_certificate_in_an_old_signature_cannot_be_checked(
    der: bytes, legacy: LegacySigner, province: TestProvince
) -> None:
    message = write(province.document(PROVINCE, [COMMUNE]))
    (found,) = legacy_signature.check(legacy.sign(message, certificate=der))
    assert found.state == "not-checkable"
    assert "certificate" in found.reason


@pytest.mark.parametrize("name", ["a version that does not exist", "only half of it", "nothing"])
def test_nothing_is_sealed_to_a_certificate_that_cannot_be_read(name: str) -> None:
    with pytest.raises(SealingError):
        sealing.seal([Entry("a", "text/plain", b"a")], [CRAFTED[name]])


def looks(der: bytes) -> list[Callable[[], object]]:
    return [
        lambda: certificate_key(der),
        lambda: parse_certificates(der),
        lambda: parse_certificates(pem("CERTIFICATE", der)),
        lambda: TRUST.check(der, purpose=Profile.SEAL, at=NOW),
        lambda: certificates.read(der, "seal", now=NOW),
        lambda: sealing.seal([Entry("a", "text/plain", b"a")], [der]),
    ]


@example(difference(CRAFTED["a name that is no text"]))
@example(difference(CRAFTED["an extension twice"]))
@given(st.lists(st.tuples(st.integers(0, len(SEAL.der) - 1), st.integers(0, 255)), min_size=1, max_size=4))
@settings(max_examples=150)
def test_a_certificate_with_any_bytes_changed_meets_nothing_but_our_own_errors(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    der = bytearray(SEAL.der)
    for at, value in changes:
        der[at] = value
    for look in looks(bytes(der)):
        with suppress(LienthongError):
            look()
    file = tmp_path_factory.getbasetemp() / "tsa.pem"
    file.write_bytes(pem("CERTIFICATE", bytes(der)))
    assert certificate_health("tsa", file, NOW, 30.0).detail


def test_crafted_certificates_bring_nothing_into_the_log_and_no_fault_out_of_the_hub(
    new_province: NewProvince,
) -> None:
    province = new_province()
    forgers = [Forger(province.seals[PROVINCE], der) for der in CRAFTED.values() if der]
    agency = province.agencies[COMMUNE]
    registered = tuple(CertificateRef.of(der) for der in CRAFTED.values())
    province.agencies[COMMUNE] = replace(
        agency, tls=(*agency.tls, *registered), seals=(*agency.seals, *registered)
    )
    province.publish()
    with RunningHub(province) as hub:
        offered = 0
        for forger in forgers:
            with suppress(LienthongError):
                container = province.container(
                    province.document(PROVINCE, [COMMUNE]),
                    seal=forger,  # type: ignore[arg-type]
                )
                answer = hub.post(PROVINCE, container)
                assert 400 <= answer.status_code < 500, answer.text
                offered += 1
        assert offered >= 4
        for der in CRAFTED.values():
            signer = Forger(province.tls[COMMUNE], der)
            headers = hub.signed(COMMUNE, "GET", "/v1/inbox", signer=signer)  # type: ignore[arg-type]
            answer = hub.http.get("/v1/inbox", headers=headers)
            assert 400 <= answer.status_code < 500, answer.text
            assert answer.json()["code"] != "internal-error"
        assert hub.http.get("/v1/statistics").json()["tree_size"] == 0
        assert hub.http.get("/health/ready").status_code == 200


def test_a_crafted_server_certificate_is_named_by_the_doctor_and_stops_the_start_with_a_reason(
    new_province: NewProvince,
) -> None:
    province = new_province()
    text = (province.data / "lienthong.toml").read_text()
    listener = 'tls = true\npublic_url = "https://127.0.0.1:1"'
    (province.data / "lienthong.toml").write_text(text.replace("tls = false", listener))
    (province.data / "keys/tls-server.pem").write_bytes(pem("CERTIFICATE", CRAFTED["an extension twice"]))
    troubles = [one for one in examine(province.data) if one.state == "failing"]
    assert any("tls-server" in one.detail or "certificate" in one.detail for one in troubles)
    with pytest.raises(LienthongError, match="certificate"), RunningHub(province):
        pass
