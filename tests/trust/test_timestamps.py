"""RFC 3161: the built-in authority, the client, and tokens that prove nothing."""

from __future__ import annotations

import hashlib
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import algos, tsp
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.trust.conftest import NewProvince, make_signer
from tests.trust.far_ends import answering, nobody, silent

from lienthong.trust import paths, timestamps
from lienthong.trust import tsa as tsa_module
from lienthong.trust.ca import ProvinceCA
from lienthong.trust.certificates import TrustStore
from lienthong.trust.errors import CertificateError, TimestampError, TimestampUnavailable, TrustError
from lienthong.trust.keys import FileSigner, KeyKind, pem
from lienthong.trust.profiles import Profile
from lienthong.trust.timestamps import Reply, request_timestamp, verify_timestamp
from lienthong.trust.tsa import TimeStampAuthority

DIGEST = hashlib.sha256(b"a directive").digest()


@pytest.fixture(scope="module")
def tsa(tsa_signer: FileSigner, now: datetime) -> TimeStampAuthority:
    return TimeStampAuthority(tsa_signer, clock=lambda: now)


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_openssl_verifies_our_time_stamps(
    kind: KeyKind, algorithm: str, province_ca: ProvinceCA, now: datetime, tmp_path: Path
) -> None:
    tsa = TimeStampAuthority(make_signer(province_ca, now, Profile.TSA, code="", kind=kind))
    (tmp_path / "data").write_bytes(b"a directive")
    query = ["openssl", "ts", "-query", "-data", tmp_path / "data", f"-{algorithm}", "-cert"]
    subprocess.run([*query, "-out", tmp_path / "query"], check=True, capture_output=True)
    (tmp_path / "reply").write_bytes(tsa.respond((tmp_path / "query").read_bytes()))
    anchor = province_ca.folder / "anchors" / "root.pem"
    for against in (["-queryfile", tmp_path / "query"], ["-data", tmp_path / "data"]):
        verify = ["openssl", "ts", "-verify", *against, "-in", tmp_path / "reply", "-CAfile", anchor]
        done = subprocess.run(verify, capture_output=True, text=True, check=False)
        assert "Verification: OK" in done.stdout, done.stderr


def test_openssl_verifies_a_stamp_made_without_certificates_when_it_has_them(
    tsa_signer: FileSigner, province_ca: ProvinceCA, tmp_path: Path
) -> None:
    tsa = TimeStampAuthority(tsa_signer)
    (tmp_path / "data").write_bytes(b"a directive")
    query = ["openssl", "ts", "-query", "-data", tmp_path / "data", "-sha256", "-out", tmp_path / "query"]
    subprocess.run(query, check=True, capture_output=True)
    (tmp_path / "reply").write_bytes(tsa.respond((tmp_path / "query").read_bytes()))
    chain = tmp_path / "chain.pem"
    chain.write_bytes(
        b"".join(pem("CERTIFICATE", der) for der in (tsa_signer.certificate, *tsa_signer.chain))
    )
    verify = [
        "openssl", "ts", "-verify", "-queryfile", tmp_path / "query", "-in", tmp_path / "reply",
        "-CAfile", province_ca.folder / "anchors" / "root.pem", "-untrusted", chain,
    ]  # fmt: skip
    assert "OK" in subprocess.run(verify, capture_output=True, text=True, check=True).stdout


def test_a_time_stamp_gives_back_its_time(
    tsa: TimeStampAuthority, trust_store: TrustStore, now: datetime
) -> None:
    token = request_timestamp(tsa, DIGEST)
    assert verify_timestamp(token, DIGEST, trust_store) == now
    assert timestamps.digest_algorithm(token) == "sha256"


def test_no_two_time_stamps_share_a_serial_number(tsa: TimeStampAuthority) -> None:
    serials = set()
    for _ in range(20):
        signed = timestamps._signed_data(request_timestamp(tsa, DIGEST))
        serials.add(timestamps._info(signed)["serial_number"].native)
    assert len(serials) == 20


def test_a_time_stamp_comes_over_http(
    tsa: TimeStampAuthority, trust_store: TrustStore, now: datetime
) -> None:
    with answering(tsa.respond, timestamps.MEDIA_REPLY) as url:
        token = request_timestamp(url, DIGEST)
    assert verify_timestamp(token, DIGEST, trust_store) == now


def test_a_stamp_over_something_else_proves_nothing(tsa: TimeStampAuthority, trust_store: TrustStore) -> None:
    token = request_timestamp(tsa, DIGEST)
    with pytest.raises(TimestampError) as caught:
        verify_timestamp(token, hashlib.sha256(b"another").digest(), trust_store)
    assert caught.value.code == "timestamp-other-data"


def test_a_stamp_by_a_stranger_is_not_trusted(
    new_province: NewProvince, trust_store: TrustStore, now: datetime
) -> None:
    stranger = TimeStampAuthority(make_signer(new_province(), now, Profile.TSA, code=""))
    with pytest.raises(TimestampError) as caught:
        verify_timestamp(request_timestamp(stranger, DIGEST), DIGEST, trust_store)
    assert caught.value.code == "timestamp-untrusted"


def test_an_agency_seal_cannot_stamp_time(seal_signer: FileSigner) -> None:
    with pytest.raises(CertificateError, match="not the certificate of a time-stamping authority"):
        TimeStampAuthority(seal_signer)


def test_a_stamp_forged_with_an_agency_seal_is_not_trusted(
    seal_signer: FileSigner, trust_store: TrustStore, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tsa_module, "unfit", lambda *_: None)
    forger = TimeStampAuthority(seal_signer, clock=lambda: now)
    with pytest.raises(TimestampError, match="does not serve as tsa"):
        verify_timestamp(request_timestamp(forger, DIGEST), DIGEST, trust_store)


def test_a_stamp_outlives_its_authority_but_not_a_revocation_before_it(
    new_province: NewProvince, now: datetime
) -> None:
    ca = new_province()
    signer = make_signer(ca, now, Profile.TSA, code="", days=1)
    token = request_timestamp(TimeStampAuthority(signer, clock=lambda: now), DIGEST)
    ca.publish_crls(now=now + timedelta(days=1000))
    assert verify_timestamp(token, DIGEST, TrustStore.from_folder(ca.folder)) == now
    serial = paths.parse(signer.certificate).x509.serial_number
    ca.revoke(serial, reason="superseded", at=now - timedelta(seconds=1))
    ca.publish_crls(now=now + timedelta(days=1000))
    with pytest.raises(TimestampError, match="revoked"):
        verify_timestamp(token, DIGEST, TrustStore.from_folder(ca.folder))


def test_an_authority_whose_certificate_ended_stamps_no_more(tsa_signer: FileSigner, now: datetime) -> None:
    late = TimeStampAuthority(tsa_signer, clock=lambda: now + timedelta(days=9000))
    with pytest.raises(TimestampError, match="time_not_available"):
        request_timestamp(late, DIGEST)


def refusal(reply: bytes) -> set[str]:
    status = Reply.load(reply)["status"]
    assert status["status"].native == "rejection"
    failures: set[str] = status["fail_info"].native
    return failures


def query(**fields: object) -> bytes:
    values = {
        "version": 1,
        "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": DIGEST},
        **fields,
    }
    encoded: bytes = tsp.TimeStampReq(values).dump()
    return encoded


def imprint(algorithm: str, digest: bytes) -> dict[str, object]:
    return {"hash_algorithm": algos.DigestAlgorithm({"algorithm": algorithm}), "hashed_message": digest}


@pytest.mark.parametrize(
    ("request_der", "failure"),
    [
        (query(message_imprint=imprint("sha1", bytes(20))), "bad_alg"),
        (query(message_imprint=imprint("sha256", bytes(20))), "bad_data_format"),
        (query(req_policy="1.2.3.4"), "unaccepted_policy"),
        (query(version=2), "bad_request"),
        (query(extensions=[{"extn_id": "1.2.3", "extn_value": b"x"}]), "unaccepted_extensions"),
        (b"", "bad_data_format"),
        (query()[:-1], "bad_data_format"),
        (query() + b"\x00", "bad_data_format"),
        (bytes(5000), "bad_data_format"),
    ],
)
def test_what_cannot_be_stamped_is_rejected_by_the_protocol(
    request_der: bytes, failure: str, tsa: TimeStampAuthority
) -> None:
    assert refusal(tsa.respond(request_der)) == {failure}


@settings(max_examples=300)
@given(data=st.data())
def test_a_damaged_request_is_stamped_or_rejected_and_never_raises(
    data: st.DataObject, tsa: TimeStampAuthority
) -> None:
    changed = bytearray(query(nonce=7, cert_req=True))
    place = data.draw(st.integers(0, len(changed) - 1))
    changed[place] = data.draw(st.integers(0, 255))
    for request in (bytes(changed), bytes(changed[:place]), data.draw(st.binary(max_size=80))):
        status = Reply.load(tsa.respond(request), strict=True)["status"]["status"].native
        assert status in ("granted", "rejection")


def test_a_refusal_reaches_the_caller_as_a_message(tsa_signer: FileSigner, now: datetime) -> None:
    def refuse(_: bytes) -> bytes:
        return TimeStampAuthority(tsa_signer).respond(b"")

    with answering(refuse, timestamps.MEDIA_REPLY) as url, pytest.raises(TimestampError) as caught:
        request_timestamp(url, DIGEST)
    assert caught.value.code == "timestamp-refused"
    assert "bad_data_format" in caught.value.detail


def test_a_replayed_answer_is_refused(tsa: TimeStampAuthority) -> None:
    old = tsa.respond(timestamps.make_request(DIGEST, nonce=1))
    with answering(lambda _: old, timestamps.MEDIA_REPLY) as url, pytest.raises(TimestampError) as caught:
        request_timestamp(url, DIGEST)
    assert caught.value.code == "timestamp-replay"


def test_an_answer_to_another_question_is_refused(tsa: TimeStampAuthority) -> None:
    other = hashlib.sha256(b"another").digest()

    def confuse(request: bytes) -> bytes:
        nonce = tsp.TimeStampReq.load(request)["nonce"].native
        return tsa.respond(timestamps.make_request(other, nonce=nonce))

    with answering(confuse, timestamps.MEDIA_REPLY) as url, pytest.raises(TimestampError) as caught:
        request_timestamp(url, DIGEST)
    assert caught.value.code == "timestamp-other-data"


def test_an_authority_that_is_gone_or_stalls_is_unavailable_within_the_budget() -> None:
    with pytest.raises(TimestampUnavailable):
        request_timestamp(nobody(), DIGEST)
    with silent() as url, pytest.raises(TimestampUnavailable):
        request_timestamp(url, DIGEST, budget_s=0.2)
    with answering(lambda _: b"<html>", "text/html") as url, pytest.raises(TimestampUnavailable):
        request_timestamp(url, DIGEST)


def test_only_sha256_digests_are_sent(tsa: TimeStampAuthority) -> None:
    with pytest.raises(TimestampError, match="32 bytes"):
        request_timestamp(tsa, bytes(20))


@given(st.binary(max_size=400))
def test_garbage_is_never_a_time_stamp(garbage: bytes) -> None:
    store = TrustStore([])
    for read in (
        lambda: verify_timestamp(garbage, DIGEST, store),
        lambda: timestamps.digest_algorithm(garbage),
        lambda: timestamps.read_response(garbage, DIGEST, nonce=None),
    ):
        with pytest.raises(TimestampError):
            read()


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_time_stamp_with_any_bit_changed_proves_no_other_time(
    data: st.DataObject, tsa: TimeStampAuthority, trust_store: TrustStore, now: datetime
) -> None:
    token = bytearray(_token(tsa))
    place = data.draw(st.integers(0, len(token) - 1))
    token[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        moment = verify_timestamp(bytes(token), DIGEST, trust_store)
    except TrustError:
        return
    assert moment == now


def _token(tsa: TimeStampAuthority) -> bytes:
    if not _TOKENS:
        _TOKENS.append(request_timestamp(tsa, DIGEST))
    return _TOKENS[0]


_TOKENS: list[bytes] = []
