"""The province's certificate authority."""

from __future__ import annotations

import json
import stat
import subprocess
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.conftest import PASSPHRASE, NewProvince, make_signer

from lienthong.trust import ca as ca_module
from lienthong.trust import crl, paths
from lienthong.trust.ca import AUTHORITIES, Addresses, ProvinceCA, Wanted, read_request
from lienthong.trust.certificates import TrustStore
from lienthong.trust.errors import AuthorityError, CertificateError, WrongPassphrase
from lienthong.trust.keys import generate_key
from lienthong.trust.profiles import Profile

HOSTS = ("hub.vinhlong.example", "127.0.0.1")


def test_one_call_makes_the_whole_authority(province_ca: ProvinceCA) -> None:
    files = {str(path.relative_to(province_ca.folder)) for path in province_ca.folder.rglob("*")}
    for name in AUTHORITIES:
        assert {f"{name}/ca.key", f"{name}/ca.pem", f"crl/{name}.crl"} <= files
    assert {"anchors/root.pem", "ca.pem"} <= files
    for name in AUTHORITIES:
        assert stat.S_IMODE((province_ca.folder / name / "ca.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("profile", Profile)
def test_openssl_accepts_what_the_authority_issues(
    profile: Profile, province_ca: ProvinceCA, now: datetime, tmp_path: Path
) -> None:
    hosts = HOSTS if profile is Profile.TLS_SERVER else ()
    issued = province_ca.issue(
        profile, subject_name="Sở Y tế", hosts=hosts, public_key=generate_key().public_key(), now=now
    )
    (tmp_path / "leaf.pem").write_bytes(issued.pem())
    command = [
        "openssl", "verify", "-x509_strict", "-crl_check_all",
        "-CAfile", province_ca.folder / "anchors/root.pem",
        "-untrusted", province_ca.folder / "ca.pem",
        *(part for name in AUTHORITIES for part in ("-CRLfile", _pem_crl(province_ca, name, tmp_path))),
        tmp_path / "leaf.pem",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _pem_crl(ca: ProvinceCA, name: str, folder: Path) -> Path:
    found = x509.load_der_x509_crl((ca.folder / "crl" / f"{name}.crl").read_bytes())
    path = folder / f"{name}.crl.pem"
    path.write_bytes(found.public_bytes(Encoding.PEM))
    return path


@pytest.mark.parametrize("purpose", Profile)
@pytest.mark.parametrize("profile", Profile)
def test_a_certificate_serves_its_own_purpose_and_no_other(
    profile: Profile, purpose: Profile, province_ca: ProvinceCA, trust_store: TrustStore, now: datetime
) -> None:
    hosts = HOSTS if profile is Profile.TLS_SERVER else ()
    issued = province_ca.issue(
        profile, subject_name="Sở Y tế", hosts=hosts, public_key=_KEY.public_key(), now=now
    )
    verdict = trust_store.check(issued.certificate, intermediates=issued.chain, purpose=purpose, at=now)
    assert verdict.ok == (profile is purpose), verdict
    assert verdict.status == ("good" if profile is purpose else "wrong-purpose")


def test_an_rsa_encryption_certificate_serves_too(
    province_ca: ProvinceCA, trust_store: TrustStore, now: datetime
) -> None:
    signer = make_signer(province_ca, now, Profile.ENCRYPTION, kind="rsa2048")
    assert trust_store.check(signer.certificate, purpose=Profile.ENCRYPTION, at=now).ok


def test_a_seal_carries_the_organ_code_and_the_agency_name(province_ca: ProvinceCA, now: datetime) -> None:
    signer = make_signer(province_ca, now, name="Văn phòng Tỉnh ủy", code="H37.DU.001")
    subject = x509.load_der_x509_certificate(signer.certificate).subject
    assert subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)[0].value == "H37.DU.001"
    assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "Văn phòng Tỉnh ủy"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_any_agency_name_gets_a_certificate_or_a_message(name: str) -> None:
    try:
        parsed = ca_module.distinguished_name(name, None, "000.00.00.H61")
    except AuthorityError:
        return
    common = parsed.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    assert len(common) <= 64
    assert parsed.public_bytes()


def test_a_certificate_does_not_outlive_its_authority(new_province: NewProvince, now: datetime) -> None:
    ca = new_province()
    late = now + timedelta(days=3650 - 10)
    issued = make_signer(ca, late, days=1095)
    assert paths.parse(issued.certificate).ends == paths.parse(ca.issuing.der).ends
    with pytest.raises(AuthorityError, match="ended"):
        make_signer(ca, now + timedelta(days=3660))


@pytest.mark.parametrize(
    ("profile", "fields", "words"),
    [
        (Profile.SEAL, {"name": " "}, "subject name"),
        (Profile.SEAL, {"days": 0}, "0 days"),
        (Profile.TLS_SERVER, {}, "host"),
        (Profile.OCSP, {"authority": "root"}, "issuing and the TLS"),
    ],
)
def test_an_impossible_certificate_is_refused_with_the_reason(
    profile: Profile, fields: dict[str, object], words: str, province_ca: ProvinceCA, now: datetime
) -> None:
    with pytest.raises(AuthorityError, match=words):
        make_signer(province_ca, now, profile, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "host", ["", "a b", "đồng tháp.\x00", "-a.example", "a..example", "x" * 64, "999.1.1.1/8"]
)
def test_what_is_no_host_gets_no_server_certificate(
    host: str, province_ca: ProvinceCA, now: datetime
) -> None:
    with pytest.raises(CertificateError, match="not a host name"):
        make_signer(province_ca, now, Profile.TLS_SERVER, hosts=(host,))


def test_a_host_is_a_dns_name_an_address_or_a_vietnamese_name(province_ca: ProvinceCA, now: datetime) -> None:
    hosts = ("hub.example", "*.hub.example", "127.0.0.1", "[::1]", "vĩnh-long.example")
    signer = make_signer(province_ca, now, Profile.TLS_SERVER, hosts=hosts)
    names = (
        x509.load_der_x509_certificate(signer.certificate)
        .extensions.get_extension_for_class(x509.SubjectAlternativeName)
        .value
    )
    *plain, vietnamese = [str(name.value) for name in names]
    assert plain == ["hub.example", "*.hub.example", "127.0.0.1", "::1"]
    assert vietnamese.encode().decode("idna") == "vĩnh-long.example"


def test_an_existing_authority_is_never_overwritten(new_province: NewProvince) -> None:
    ca = new_province()
    before = (ca.folder / "root" / "ca.key").read_bytes()
    with pytest.raises(AuthorityError) as caught:
        new_province()
    assert caught.value.code == "authority-exists"
    assert (ca.folder / "root" / "ca.key").read_bytes() == before


def test_a_creation_that_fails_half_way_leaves_nothing(
    tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ca_module, "save_key", full)
    with pytest.raises(AuthorityError, match="No space left"):
        ProvinceCA.create(tmp_path / "pki", province="Vĩnh Long", passphrase=PASSPHRASE, now=now)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_passphrase_shows_when_a_key_is_needed(new_province: NewProvince, now: datetime) -> None:
    ca = ProvinceCA.open(new_province().folder, passphrase=b"wrong")
    with pytest.raises(WrongPassphrase):
        ca.publish_crls(now=now)


def test_a_folder_without_an_authority_says_so(tmp_path: Path) -> None:
    with pytest.raises(AuthorityError) as caught:
        ProvinceCA.open(tmp_path, passphrase=PASSPHRASE)
    assert caught.value.code == "no-authority"


def test_the_root_key_may_stay_offline(new_province: NewProvince, now: datetime) -> None:
    folder = new_province().folder
    (folder / "root" / "ca.key").unlink()
    ca = ProvinceCA.open(folder, passphrase=PASSPHRASE)
    assert [path.name for path in ca.publish_crls(now=now)] == ["issuing.crl", "tls.crl"]
    assert make_signer(ca, now).certificate


def test_a_key_swapped_for_another_is_noticed(new_province: NewProvince, now: datetime) -> None:
    folder = new_province().folder
    (folder / "tls" / "ca.key").replace(folder / "issuing" / "ca.key")
    with pytest.raises(AuthorityError, match="not that of its certificate"):
        make_signer(ProvinceCA.open(folder, passphrase=PASSPHRASE), now)


def test_issuing_many_at_once_gives_them_in_the_order_asked(province_ca: ProvinceCA, now: datetime) -> None:
    keys = [generate_key() for _ in range(6)]
    wanted = [
        Wanted(profile, f"Xã {number}", key.public_key())
        for number, (key, profile) in enumerate(
            zip(keys, [Profile.SEAL, Profile.TLS_CLIENT] * 3, strict=True)
        )
    ]
    issued = province_ca.issue_many(wanted, now=now)
    assert [paths.parse(one.certificate).common_name for one in issued] == [f"Xã {n}" for n in range(6)]
    assert all(one.serial in province_ca.issuing.ledger.issued for one in issued[::2])
    assert all(one.serial in province_ca.tls.ledger.issued for one in issued[1::2])


def test_two_issuers_at_once_lose_nothing(new_province: NewProvince, now: datetime) -> None:
    folder = new_province().folder
    made: list[int] = []

    def issue() -> None:
        mine = ProvinceCA.open(folder, passphrase=PASSPHRASE)
        for _ in range(20):
            made.append(paths.parse(make_signer(mine, now).certificate).x509.serial_number)

    threads = [threading.Thread(target=issue) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger = ProvinceCA.open(folder, passphrase=PASSPHRASE).issuing.ledger.refresh()
    assert set(made) == set(ledger.issued)
    assert len(set(made)) == 60


def test_a_ledger_line_cut_by_a_crash_is_dropped(new_province: NewProvince, now: datetime) -> None:
    ca = new_province()
    make_signer(ca, now)
    path = ca.folder / "issuing" / "ledger.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"event":"issued","serial":"')
    again = ProvinceCA.open(ca.folder, passphrase=PASSPHRASE)
    make_signer(again, now)
    lines = path.read_bytes().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["crl", "issued", "issued"]


def test_a_ledger_that_somebody_edited_is_not_used(new_province: NewProvince, now: datetime) -> None:
    ca = new_province()
    with (ca.folder / "issuing" / "ledger.jsonl").open("ab") as file:
        file.write(b'{"event":"revoked"}\n')
    with pytest.raises(AuthorityError) as caught:
        make_signer(ca, now)
    assert caught.value.code == "damaged-ledger"


def test_a_revocation_is_on_the_next_crl_with_its_reason_and_date(
    new_province: NewProvince, now: datetime
) -> None:
    ca = new_province()
    serial = paths.parse(make_signer(ca, now).certificate).x509.serial_number
    ca.revoke(serial, reason="key-compromise", at=now)
    ca.revoke(serial, reason="superseded", at=now + timedelta(days=1))
    ca.publish_crls(now=now)
    published = crl.parse((ca.folder / "crl" / "issuing.crl").read_bytes())
    assert published.entries[serial] == crl.Entry(now, "key-compromise")
    assert published.signed_by(paths.parse(ca.issuing.der))


def test_crl_numbers_grow_over_restarts(new_province: NewProvince, now: datetime) -> None:
    ca = new_province()
    numbers = []
    for _ in range(3):
        ProvinceCA.open(ca.folder, passphrase=PASSPHRASE).publish_crls(now=now)
        found = x509.load_der_x509_crl((ca.folder / "crl" / "tls.crl").read_bytes())
        numbers.append(found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number)
    assert numbers == [2, 3, 4]


def test_only_what_was_issued_here_can_be_revoked(province_ca: ProvinceCA, now: datetime) -> None:
    with pytest.raises(AuthorityError) as caught:
        province_ca.revoke(12345, reason="superseded", at=now)
    assert caught.value.code == "unknown-serial"
    serial = paths.parse(make_signer(province_ca, now).certificate).x509.serial_number
    with pytest.raises(AuthorityError, match="not a reason"):
        province_ca.revoke(serial, reason="because", at=now)


def test_a_revoked_authority_takes_all_it_issued_with_it(new_province: NewProvince, now: datetime) -> None:
    ca = new_province()
    signer = make_signer(ca, now)
    ca.revoke(ca.issuing.certificate.serial_number, reason="ca-compromise", at=now)
    ca.publish_crls(now=now)
    verdict = TrustStore.from_folder(ca.folder).check(signer.certificate, purpose=Profile.SEAL, at=now)
    assert (verdict.status, verdict.ok) == ("revoked", False)
    assert "Issuing CA" in verdict.reason


def test_certificates_say_where_to_ask(tmp_path: Path, now: datetime) -> None:
    addresses = Addresses(ocsp="http://hub.example/v1/ocsp", crl="http://hub.example/crl/")
    ProvinceCA.create(
        tmp_path / "pki", province="Vĩnh Long", passphrase=PASSPHRASE, now=now, addresses=addresses
    )
    ca = ProvinceCA.open(tmp_path / "pki", passphrase=PASSPHRASE)
    certificate = x509.load_der_x509_certificate(make_signer(ca, now).certificate)
    access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert access[0].access_location.value == "http://hub.example/v1/ocsp"
    names = points[0].full_name
    assert names is not None
    assert names[0].value == "http://hub.example/crl/issuing.crl"
    (tmp_path / "pki" / "addresses.json").write_text("[]")
    with pytest.raises(AuthorityError, match=r"addresses\.json"):
        ProvinceCA.open(tmp_path / "pki", passphrase=PASSPHRASE)


def test_a_request_proves_that_its_maker_holds_the_key(tmp_path: Path) -> None:
    key = generate_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sở Tài chính")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    request = builder.sign(key, hashes.SHA256())
    for encoding in (Encoding.PEM, Encoding.DER):
        public, common = read_request(request.public_bytes(encoding))
        assert common == "Sở Tài chính"
        assert public.public_numbers() == key.public_key().public_numbers()  # type: ignore[union-attr]
    forged = request.public_bytes(Encoding.DER)
    forged = forged[:-4] + bytes(4)
    with pytest.raises(CertificateError):
        read_request(forged)


@given(st.binary(max_size=300))
def test_garbage_is_not_a_request(garbage: bytes) -> None:
    with pytest.raises(CertificateError):
        read_request(garbage)


_KEY = ec.generate_private_key(ec.SECP256R1())
