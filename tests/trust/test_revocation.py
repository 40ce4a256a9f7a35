"""Revocation by CRL: good, revoked and unknown, and what staleness means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import crl as asn1_crl
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.conftest import NewProvince, make_signer
from tests.trust.crafting import SEAL_EXTENSIONS, Made, authority, certificate, crl, seal

from lienthong.trust import crl as crl_module
from lienthong.trust import paths
from lienthong.trust.certificates import TrustStore, Verdict
from lienthong.trust.errors import RevocationError
from lienthong.trust.profiles import Profile
from lienthong.trust.revocation import Revocation, Staleness

NOW = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ROOT = authority("Root", None, NOW)
ISSUING = authority("Issuing", ROOT, NOW)
SEAL = seal("Agency", ISSUING, NOW, ends=100 * DAY)
SERIAL = SEAL.x509.serial_number
ROOT_CRL = crl(ROOT, NOW, lasts=300 * DAY)


def judge(*crls: bytes, at: datetime = NOW, leaf: Made = SEAL, staleness: Staleness | None = None) -> Verdict:
    revocation = Revocation([ROOT_CRL, *crls], staleness=staleness)
    store = TrustStore([ROOT.der], intermediates=[ISSUING.der], revocation=revocation)
    return store.check(leaf.der, purpose=Profile.SEAL, at=at)


def test_a_certificate_not_on_a_current_crl_is_good() -> None:
    assert judge(crl(ISSUING, NOW)).status == "good"


def test_a_certificate_on_the_crl_is_revoked_with_the_date() -> None:
    found = judge(crl(ISSUING, NOW, revoked=[SERIAL], since=NOW - DAY))
    assert (found.status, found.ok, found.revoked_at) == ("revoked", False, NOW - DAY)
    assert "Agency was revoked on 2026-05-31" in found.reason


def test_what_was_signed_before_the_revocation_stays_good() -> None:
    revoked = crl(ISSUING, NOW, revoked=[SERIAL], since=NOW)
    assert judge(revoked, at=NOW - timedelta(seconds=1)).status == "good"
    assert judge(revoked, at=NOW).status == "revoked"


def test_an_invalidity_date_reaches_back_behind_the_revocation() -> None:
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(SERIAL)
        .revocation_date(NOW)
        .add_extension(x509.InvalidityDate(NOW - DAY), critical=False)
        .build()
    )
    builder = x509.CertificateRevocationListBuilder(
        ISSUING.x509.subject, NOW, NOW + DAY, revoked_certificates=[entry]
    )
    signed = builder.sign(ISSUING.key, hashes.SHA256()).public_bytes(Encoding.DER)
    assert judge(signed, at=NOW - timedelta(hours=1)).status == "revoked"


def test_unknown_is_kept_apart_from_revoked_and_from_good() -> None:
    found = judge()
    assert (found.status, found.ok) == ("unknown", False)
    assert "no CRL of Issuing" in found.reason


def test_a_province_may_choose_to_accept_what_nobody_knows() -> None:
    found = judge(staleness=Staleness(without_source="accept"))
    assert (found.status, found.ok) == ("unknown", True)
    assert found.warning


def test_a_stale_crl_is_tolerated_for_a_week_with_a_warning_and_then_refused() -> None:
    listed = crl(ISSUING, NOW, lasts=7 * DAY)
    assert judge(listed, at=NOW + 7 * DAY).status == "good"
    tolerated = judge(listed, at=NOW + 8 * DAY)
    assert (tolerated.status, tolerated.ok) == ("unknown", True)
    assert "went stale" in tolerated.warning
    refused = judge(listed, at=NOW + 15 * DAY)
    assert (refused.status, refused.ok, refused.warning) == ("unknown", False, "")


def test_revoked_stays_revoked_however_stale_the_crl() -> None:
    assert judge(crl(ISSUING, NOW, revoked=[SERIAL]), at=NOW + 90 * DAY).status == "revoked"


def test_a_stale_crl_is_logged_once_and_not_once_a_document(caplog: pytest.LogCaptureFixture) -> None:
    revocation = Revocation([ROOT_CRL, crl(ISSUING, NOW)])
    store = TrustStore([ROOT.der], intermediates=[ISSUING.der], revocation=revocation)
    for _ in range(3):
        assert store.check(SEAL.der, purpose=Profile.SEAL, at=NOW + 8 * DAY).warning
    assert len([record for record in caplog.records if "went stale" in record.message]) == 1


def test_a_later_crl_settles_an_earlier_moment() -> None:
    assert judge(crl(ISSUING, NOW, made=30 * DAY), at=NOW).status == "good"


def test_the_newest_crl_decides() -> None:
    old, new = (
        crl(ISSUING, NOW, made=-2 * DAY),
        crl(ISSUING, NOW, made=-DAY, revoked=[SERIAL], since=NOW - DAY),
    )
    assert judge(old, new).status == judge(new, old).status == "revoked"


def test_a_crl_of_somebody_else_says_nothing() -> None:
    thief = ec.generate_private_key(ec.SECP256R1())
    stranger = authority("Stranger", ROOT, NOW)
    for foreign in (crl(stranger, NOW), crl(ISSUING, NOW, signing_key=thief)):
        assert judge(foreign).status == "unknown"
    forged = crl(ISSUING, NOW, revoked=[SERIAL], signing_key=thief)
    assert judge(forged, crl(ISSUING, NOW, made=-DAY)).status == "good"


def test_an_authority_that_may_not_sign_crls_is_not_heard() -> None:
    usage = x509.KeyUsage(False, False, False, False, False, True, False, False, False)
    key = ec.generate_private_key(ec.SECP256R1())
    mute = certificate(
        "Mute", ROOT, NOW, extensions=[(x509.BasicConstraints(True, 0), True), (usage, True)], key=key
    )
    leaf = seal("Agency", mute, NOW)
    store = TrustStore(
        [ROOT.der], intermediates=[mute.der], revocation=Revocation([ROOT_CRL, crl(mute, NOW)])
    )
    assert store.check(leaf.der, purpose=Profile.SEAL, at=NOW).status == "unknown"


def test_a_missing_crl_of_the_root_is_unknown_too() -> None:
    store = TrustStore([ROOT.der], intermediates=[ISSUING.der], revocation=Revocation([crl(ISSUING, NOW)]))
    found = store.check(SEAL.der, purpose=Profile.SEAL, at=NOW)
    assert (found.status, found.ok) == ("unknown", False)
    assert "CRL of Root" in found.reason


def point(**fields: object) -> x509.IssuingDistributionPoint:
    values: dict[str, object] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
        **fields,
    }
    return x509.IssuingDistributionPoint(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("extension", "words"),
    [
        (x509.DeltaCRLIndicator(1), "delta"),
        (point(indirect_crl=True), "indirect or partial"),
        (point(only_some_reasons=frozenset([x509.ReasonFlags.key_compromise])), "indirect or partial"),
        (point(only_contains_attribute_certs=True), "indirect or partial"),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), "1.2.3.4"),
    ],
)
def test_a_crl_that_is_only_half_understood_is_refused(extension: x509.ExtensionType, words: str) -> None:
    with pytest.raises(RevocationError, match=words):
        crl_module.parse(crl(ISSUING, NOW, extensions=[(extension, True)]))


def test_a_crl_for_other_kinds_of_certificates_says_nothing() -> None:
    for_users = crl(ISSUING, NOW, extensions=[(point(only_contains_user_certs=True), True)])
    for_authorities = crl(ISSUING, NOW, extensions=[(point(only_contains_ca_certs=True), True)])
    assert judge(for_users).status == "good"
    assert judge(for_authorities).status == "unknown"


def test_a_crl_of_one_distribution_point_speaks_for_its_certificates_alone() -> None:
    name = x509.UniformResourceIdentifier("http://crl.example/1.crl")
    partial = crl(ISSUING, NOW, extensions=[(point(full_name=[name]), True)])
    points = x509.CRLDistributionPoints([x509.DistributionPoint([name], None, None, None)])
    named = seal("Named", ISSUING, NOW, extensions=[*SEAL_EXTENSIONS, (points, False)])
    assert judge(partial, leaf=named).status == "good"
    assert judge(partial).status == "unknown"


def test_a_crl_without_next_update_is_refused() -> None:
    found = asn1_crl.CertificateList.load(crl(ISSUING, NOW))
    bare = asn1_crl.TbsCertList(
        {field: found["tbs_cert_list"][field] for field in ("version", "signature", "issuer", "this_update")}
    )
    body = asn1_crl.CertificateList(
        {
            "tbs_cert_list": bare,
            "signature_algorithm": found["signature_algorithm"],
            "signature": found["signature"],
        }
    )
    with pytest.raises(RevocationError, match="no nextUpdate"):
        crl_module.parse(body.dump())


def test_a_crl_that_drops_the_expired_does_not_clear_them() -> None:
    brief = seal("Brief", ISSUING, NOW, ends=2 * DAY)
    later = crl(ISSUING, NOW, made=10 * DAY)
    assert judge(later, leaf=brief, at=NOW).status == "unknown"
    assert judge(later, crl(ISSUING, NOW), leaf=brief, at=NOW).status == "good"


def test_our_own_crls_keep_the_expired_so_that_old_signatures_can_be_judged(
    new_province: NewProvince, now: datetime
) -> None:
    ca = new_province()
    brief = make_signer(ca, now, days=1)
    ca.publish_crls(now=now + 100 * DAY)
    store = TrustStore.from_folder(ca.folder)
    assert store.check(brief.certificate, purpose=Profile.SEAL, at=now).status == "good"
    ca.revoke(paths.parse(brief.certificate).x509.serial_number, reason="superseded", at=now)
    ca.publish_crls(now=now + 101 * DAY)
    assert store.check(brief.certificate, purpose=Profile.SEAL, at=now).status == "revoked"


# The folder of CRLs


def shelf_store(folder: Path) -> TrustStore:
    return TrustStore([ROOT.der], intermediates=[ISSUING.der], revocation=Revocation(folder=folder))


def status(store: TrustStore) -> str:
    return store.check(SEAL.der, purpose=Profile.SEAL, at=NOW).status


def test_crl_files_are_read_as_they_come_change_and_go(tmp_path: Path) -> None:
    store = shelf_store(tmp_path)
    assert status(store) == "unknown"
    (tmp_path / "root.crl").write_bytes(ROOT_CRL)
    (tmp_path / "issuing.crl").write_bytes(crl(ISSUING, NOW))
    assert status(store) == "good"
    (tmp_path / "issuing.crl").write_bytes(crl(ISSUING, NOW, revoked=[SERIAL]))
    assert status(store) == "revoked"
    (tmp_path / "issuing.crl").unlink()
    assert status(store) == "unknown"


def test_a_crl_in_pem_serves_as_well(tmp_path: Path) -> None:
    for name, der in {"a": ROOT_CRL, "b": crl(ISSUING, NOW)}.items():
        text = x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)
        (tmp_path / f"{name}.crl").write_bytes(text)
    assert status(shelf_store(tmp_path)) == "good"


def test_a_crl_file_that_breaks_keeps_what_it_said_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "root.crl").write_bytes(ROOT_CRL)
    (tmp_path / "issuing.crl").write_bytes(crl(ISSUING, NOW, revoked=[SERIAL]))
    (tmp_path / "broken.crl").write_bytes(b"\x30\x82")
    store = shelf_store(tmp_path)
    assert status(store) == "revoked"
    (tmp_path / "issuing.crl").write_bytes(b"half a CR")
    assert status(store) == "revoked"
    assert store.revocation is not None
    assert [
        name in problem
        for name, problem in zip(("broken", "issuing"), store.revocation.problems, strict=True)
    ]
    assert "broken.crl" in caplog.text
    (tmp_path / "issuing.crl").write_bytes(crl(ISSUING, NOW))
    assert status(store) == "good"


def test_a_crl_with_any_bit_changed_is_refused_or_says_nothing() -> None:
    for place in range(len(_SAMPLE) * 8):
        changed = bytearray(_SAMPLE)
        changed[place // 8] ^= 1 << place % 8
        for damaged in (bytes(changed), _SAMPLE[: place // 8]):
            try:
                found = judge(damaged)
            except RevocationError:
                continue
            assert found.status == "unknown", place


@given(st.binary(max_size=300))
def test_garbage_is_not_a_crl(garbage: bytes) -> None:
    with pytest.raises(RevocationError):
        crl_module.parse(garbage)


def test_an_endless_crl_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crl_module, "MAX_CRL", 100)
    with pytest.raises(RevocationError, match="beyond the limit"):
        crl_module.parse(bytes(101))


_SAMPLE = crl(ISSUING, NOW)
