"""An agency's certificate is one that can serve, is in date, and is nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.registry import actions, models
from lienthong.registry.certificates import read
from lienthong.registry.directory import Agency, Alias
from lienthong.registry.errors import CertificateRefused, UnknownAgency
from lienthong.trust.ca import Issued
from lienthong.trust.keys import FileSigner
from lienthong.trust.profiles import Profile

NewSigner = Callable[..., FileSigner]


@pytest.fixture
def agencies(db: None) -> None:
    actions.add_agency(Agency("H61", name="Tỉnh", kind="government", aliases=(Alias("000.00.00.H61"),)))
    actions.add_agency(Agency("H61.02", name="Sở Nội vụ"))


@pytest.mark.usefixtures("agencies")
def test_a_certificate_is_noted_with_whose_and_until_when(new_signer: NewSigner, now: datetime) -> None:
    signer = new_signer(Profile.SEAL, name="Sở Nội vụ", days=100)
    row = actions.add_certificate("H61.02", "seal", signer.certificate, now=now)
    assert "Sở Nội vụ" in row.subject
    assert now + timedelta(days=99) < row.not_after <= now + timedelta(days=100)


@pytest.mark.usefixtures("agencies")
def test_pem_with_its_chain_is_read_as_its_first_certificate(new_signer: NewSigner, now: datetime) -> None:
    signer = new_signer(Profile.SEAL)
    row = actions.add_certificate(
        "000.00.00.H61", "seal", Issued(signer.certificate, signer.chain).pem(), now=now
    )
    assert row.der == signer.certificate
    assert row.agency.code == "H61"


@pytest.mark.usefixtures("agencies")
def test_noting_it_again_changes_nothing(new_signer: NewSigner, now: datetime) -> None:
    der = new_signer(Profile.SEAL).certificate
    first = actions.add_certificate("H61", "seal", der, now=now)
    again = actions.add_certificate("H61", "seal", der, now=now)
    assert again.pk == first.pk
    assert models.AuditEvent.objects.filter(verb="add-certificate").count() == 1


@pytest.mark.usefixtures("agencies")
def test_another_agency_cannot_have_it(new_signer: NewSigner, now: datetime) -> None:
    der = new_signer(Profile.SEAL).certificate
    actions.add_certificate("H61", "seal", der, now=now)
    with pytest.raises(CertificateRefused, match="belongs to another agency"):
        actions.add_certificate("H61.02", "seal", der, now=now)
    with pytest.raises(CertificateRefused, match="belongs to another agency"):
        other = new_signer(Profile.SEAL).certificate
        actions.add_certificates([("H61", "seal", other), ("H61.02", "seal", other)], now=now)
    assert models.Certificate.objects.count() == 1


@pytest.mark.usefixtures("agencies")
def test_a_withdrawn_certificate_does_not_come_back(new_signer: NewSigner, now: datetime) -> None:
    row = actions.add_certificate("H61", "tls", new_signer(Profile.TLS_CLIENT).certificate, now=now)
    (withdrawn,) = actions.withdraw_certificate(row.fingerprint.upper(), now=now)
    assert withdrawn.withdrawn_at == now
    with pytest.raises(CertificateRefused, match="was withdrawn"):
        actions.add_certificate("H61", "tls", bytes(row.der), now=now)


@pytest.mark.usefixtures("agencies")
@pytest.mark.parametrize("fingerprint", ["", "00", "f" * 64, "x" * 20])
def test_only_a_certificate_in_use_can_be_withdrawn(fingerprint: str, new_signer: NewSigner) -> None:
    with pytest.raises(CertificateRefused, match="not the fingerprint of one"):
        actions.withdraw_certificate(fingerprint)


@pytest.mark.usefixtures("agencies")
@pytest.mark.parametrize(
    ("use", "profile"),
    [
        ("seal", Profile.TLS_CLIENT),
        ("tls", Profile.SEAL),
        ("encryption", Profile.SEAL),
        ("seal", Profile.TSA),
    ],
)
def test_a_certificate_for_another_use_is_refused(
    new_signer: NewSigner, now: datetime, use: str, profile: Profile
) -> None:
    with pytest.raises(CertificateRefused, match=f"cannot serve as {use}"):
        actions.add_certificate("H61", use, new_signer(profile).certificate, now=now)


@pytest.mark.usefixtures("agencies")
def test_an_expired_certificate_is_refused(new_signer: NewSigner, now: datetime) -> None:
    der = new_signer(Profile.SEAL, days=1).certificate
    with pytest.raises(CertificateRefused, match="it expired on"):
        actions.add_certificate("H61", "seal", der, now=now + timedelta(days=2))


@pytest.mark.usefixtures("agencies")
def test_of_many_one_bad_certificate_refuses_all(new_signer: NewSigner, now: datetime) -> None:
    good = new_signer(Profile.SEAL).certificate
    with pytest.raises(CertificateRefused):
        actions.add_certificates([("H61", "seal", good), ("H61", "seal", b"bad")], now=now)
    with pytest.raises(UnknownAgency):
        actions.add_certificates([("H61", "seal", good), ("H99", "seal", good)], now=now)
    assert models.Certificate.objects.count() == 0


@pytest.mark.usefixtures("agencies")
def test_many_certificates_cost_few_queries(
    new_signer: NewSigner, now: datetime, django_assert_max_num_queries: Callable[..., object]
) -> None:
    certificates = [("H61", "seal", new_signer(Profile.SEAL).certificate) for _ in range(20)]
    with django_assert_max_num_queries(10):  # type: ignore[attr-defined]
        actions.add_certificates(certificates, now=now)


@given(data=st.binary(max_size=400), pem=st.booleans())
def test_no_bytes_end_in_a_traceback(data: bytes, pem: bool) -> None:
    from datetime import UTC

    if pem:
        data = b"-----BEGIN CERTIFICATE-----\n" + data + b"\n-----END CERTIFICATE-----\n"
    with pytest.raises(CertificateRefused):
        read(data, "seal", now=datetime(2025, 1, 1, tzinfo=UTC))
