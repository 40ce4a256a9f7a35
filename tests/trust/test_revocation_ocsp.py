"""OCSP: our responder, our client, and far ends that lie, stall or are gone."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as x509_ocsp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.trust.conftest import PASSPHRASE, make_signer
from tests.trust.crafting import authority
from tests.trust.far_ends import answering, nobody, silent

from lienthong.trust import ocsp, paths
from lienthong.trust.ca import Addresses, ProvinceCA
from lienthong.trust.certificates import TrustStore, Verdict
from lienthong.trust.errors import AuthorityError, RevocationError, TrustError
from lienthong.trust.keys import FileSigner, KeyKind, pem
from lienthong.trust.ocsp import OcspClient
from lienthong.trust.outbound import Unreachable
from lienthong.trust.profiles import Profile
from lienthong.trust.responder import OcspResponder
from lienthong.trust.revocation import Revocation

RESPONSE = "application/ocsp-response"
NONCE = bytes(range(16))
HOUR = timedelta(hours=1)
ROOT = authority("Root", None, datetime(2026, 6, 1, tzinfo=UTC))


class Province:
    """A CA with a responder and one agency; its certificates name ``url`` as their OCSP responder."""

    def __init__(self, folder: Path, now: datetime, url: str = "", kind: KeyKind = "p256") -> None:
        self.now = now
        self.ca = ProvinceCA.create(
            folder, province="Vĩnh Long", passphrase=PASSPHRASE, now=now, addresses=Addresses(ocsp=url)
        )
        (folder / "crl" / "issuing.crl").unlink()
        self.signer = make_signer(self.ca, now, Profile.OCSP, code="", kind=kind)
        self.responder = OcspResponder.from_folder(folder, {"issuing": self.signer})
        self.agency = make_signer(self.ca, now)
        self.issuer = paths.parse(self.ca.issuing.der)
        self.leaf = paths.parse(self.agency.certificate)

    def answer(self, request: bytes) -> bytes:
        return self.responder.respond(request, now=self.now)

    def revoke(self) -> None:
        self.ca.revoke(self.leaf.x509.serial_number, reason="key-compromise", at=self.now)

    def store(self, client: OcspClient | None) -> TrustStore:
        return TrustStore.from_folder(self.ca.folder, ocsp=client)

    def judge(self, client: OcspClient, *, at: datetime | None = None, online: bool = True) -> Verdict:
        return self.store(client).check(
            self.agency.certificate, purpose=Profile.SEAL, at=at or self.now, online=online
        )


@pytest.fixture
def province(tmp_path: Path, now: datetime) -> Province:
    return Province(tmp_path / "pki", now, url="http://ocsp.example/")


def in_process(province: Province) -> ocsp.Ask:
    return lambda _url, request, _budget: province.answer(request)


def gone(_url: str, _request: bytes, _budget: float) -> bytes:
    raise Unreachable("nobody is there")


# The responder


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_openssl_believes_our_responder(kind: KeyKind, tmp_path: Path, now: datetime) -> None:
    province = Province(tmp_path / "pki", now, kind=kind)
    (tmp_path / "agency.pem").write_bytes(pem("CERTIFICATE", province.agency.certificate))
    issuer = province.ca.folder / "issuing" / "ca.pem"
    ask = ["openssl", "ocsp", "-issuer", issuer, "-cert", tmp_path / "agency.pem", "-reqout", tmp_path / "q"]
    subprocess.run(ask, check=True, capture_output=True)
    chain = ["-issuer", issuer, "-CAfile", province.ca.folder / "ca.pem"]
    read = ["openssl", "ocsp", *chain, "-reqin", tmp_path / "q", "-respin", tmp_path / "a", "-resp_text"]

    def said() -> str:
        (tmp_path / "a").write_bytes(province.answer((tmp_path / "q").read_bytes()))
        done = subprocess.run(read, check=True, capture_output=True, text=True)
        assert "Response verify OK" in done.stderr
        return done.stdout

    assert "Cert Status: good" in said()
    province.revoke()
    assert "Cert Status: revoked" in said()
    assert "keyCompromise" in said()


def ask_about(province: Province, nonce: bytes = NONCE) -> ocsp.OcspAnswer:
    request = ocsp.request(province.leaf, province.issuer, nonce)
    return ocsp.read(province.answer(request), province.leaf, province.issuer, nonce=nonce)


def test_a_revocation_is_answered_the_moment_it_is_recorded(province: Province) -> None:
    assert ask_about(province).status == "good"
    province.revoke()
    answer = ask_about(province)
    assert (answer.status, answer.reason, answer.since) == ("revoked", "key-compromise", province.now)


def test_a_certificate_that_was_never_issued_is_unknown_and_not_good(province: Province) -> None:
    twin = make_signer(
        ProvinceCA.create(
            province.ca.folder.parent / "twin", province="Vĩnh Long", passphrase=PASSPHRASE, now=province.now
        ),
        province.now,
    )
    stranger = paths.parse(twin.certificate)
    request = ocsp.request(stranger, province.issuer, NONCE)
    answer = ocsp.read(province.answer(request), stranger, province.issuer, nonce=NONCE)
    assert answer.status == "unknown"


def test_a_question_about_another_authority_is_not_answered(province: Province) -> None:
    other = paths.parse(province.ca.tls.der)
    response = x509_ocsp.load_der_ocsp_response(province.answer(ocsp.request(province.leaf, other, NONCE)))
    assert response.response_status is x509_ocsp.OCSPResponseStatus.UNAUTHORIZED


def test_several_questions_are_answered_together_and_criticals_are_not_ignored(province: Province) -> None:
    one = asn1_ocsp.OCSPRequest.load(ocsp.request(province.leaf, province.issuer, NONCE))
    entry = one["tbs_request"]["request_list"][0].native
    questions = [{"req_cert": {**entry["req_cert"], "serial_number": serial}} for serial in (1, 2, 3)]
    many = asn1_ocsp.OCSPRequest({"tbs_request": {"request_list": questions}})
    response = x509_ocsp.load_der_ocsp_response(province.answer(many.dump()))
    assert [single.serial_number for single in response.responses] == [1, 2, 3]
    strange = {"extn_id": "1.2.3.4", "critical": True, "extn_value": b"x"}
    for place in (
        {"request_list": questions[:1], "request_extensions": [strange]},
        {"request_list": [{**questions[0], "single_request_extensions": [strange]}]},
        {"request_list": questions * 20},
        {"request_list": []},
    ):
        refused = x509_ocsp.load_der_ocsp_response(
            province.answer(asn1_ocsp.OCSPRequest({"tbs_request": place}).dump())
        )
        assert refused.response_status is x509_ocsp.OCSPResponseStatus.MALFORMED_REQUEST


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=500)
@given(data=st.data())
def test_a_damaged_question_never_raises(data: st.DataObject, province: Province) -> None:
    changed = bytearray(ocsp.request(province.leaf, province.issuer, NONCE))
    place = data.draw(st.integers(0, len(changed) - 1))
    changed[place] = data.draw(st.integers(0, 255))
    for request in (bytes(changed), bytes(changed[:place])):
        assert x509_ocsp.load_der_ocsp_response(province.answer(request))


@given(st.binary(max_size=200))
def test_a_malformed_question_gets_a_protocol_answer(garbage: bytes) -> None:
    responder = OcspResponder([])
    found = x509_ocsp.load_der_ocsp_response(responder.respond(garbage, now=datetime(2026, 6, 1, tzinfo=UTC)))
    assert found.response_status is x509_ocsp.OCSPResponseStatus.MALFORMED_REQUEST


def test_a_responder_must_be_certified_by_the_authority_it_answers_for(province: Province) -> None:
    with pytest.raises(AuthorityError, match="not certified"):
        OcspResponder.from_folder(province.ca.folder, {"tls": province.signer})
    tls = make_signer(province.ca, province.now, Profile.OCSP, code="", authority="tls")
    assert OcspResponder.from_folder(province.ca.folder, {"issuing": province.signer, "tls": tls})


# The client, over a socket


def test_an_agency_is_good_then_revoked_over_http(tmp_path: Path, now: datetime) -> None:
    provinces: list[Province] = []
    with answering(lambda request: provinces[0].answer(request), RESPONSE) as url:
        provinces.append(Province(tmp_path / "pki", now, url=url))
        assert provinces[0].judge(OcspClient()).status == "good"
        provinces[0].revoke()
        assert provinces[0].judge(OcspClient()).status == "revoked"


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\n"])
def test_a_responder_that_stalls_costs_its_budget_and_no_more(
    first: bytes, tmp_path: Path, now: datetime
) -> None:
    with silent(first) as url:
        province = Province(tmp_path / "pki", now, url=url)
        found = province.judge(OcspClient(budget_s=0.2))
    assert (found.status, found.ok) == ("unknown", False)
    assert "within 0.2 s" in found.reason or "timed out" in found.reason


def test_a_responder_that_is_gone_is_named(tmp_path: Path, now: datetime) -> None:
    url = nobody()
    found = Province(tmp_path / "pki", now, url=url).judge(OcspClient())
    assert (found.status, found.ok) == ("unknown", False)
    assert url in found.reason


@pytest.mark.parametrize(
    ("media_type", "status", "words"), [("text/html", 200, "text/html"), (RESPONSE, 500, "HTTP 500")]
)
def test_a_captive_portal_is_not_an_answer(
    media_type: str, status: int, words: str, tmp_path: Path, now: datetime
) -> None:
    with answering(lambda _: b"<html>", media_type, status) as url:
        found = Province(tmp_path / "pki", now, url=url).judge(OcspClient())
    assert words in found.reason


def test_an_endless_answer_is_cut_off(tmp_path: Path, now: datetime) -> None:
    with answering(lambda _: bytes(ocsp.MAX_ANSWER + 1), RESPONSE) as url:
        found = Province(tmp_path / "pki", now, url=url).judge(OcspClient())
    assert "more than" in found.reason


def test_only_web_addresses_are_asked() -> None:
    with pytest.raises(Unreachable):
        ocsp.post("file:///etc/passwd", b"", 1.0)


# Outages


def test_an_outage_of_the_responder_is_not_an_outage_of_the_exchange(province: Province) -> None:
    folder = province.ca.folder / "ocsp"
    assert province.judge(OcspClient(folder=folder, ask=in_process(province))).status == "good"
    down = OcspClient(folder=folder, ask=gone)
    assert province.judge(down, at=province.now + HOUR / 2).status == "good"
    tolerated = province.judge(down, at=province.now + 2 * HOUR)
    assert (tolerated.status, tolerated.ok) == ("unknown", True)
    assert "nobody is there" in tolerated.warning
    assert not province.judge(down, at=province.now + timedelta(days=8)).ok


def test_a_kept_revocation_outlives_the_outage_and_the_restart(province: Province) -> None:
    folder = province.ca.folder / "ocsp"
    province.revoke()
    assert province.judge(OcspClient(folder=folder, ask=in_process(province))).status == "revoked"
    down = OcspClient(folder=folder, ask=gone)
    assert province.judge(down, at=province.now + timedelta(days=300)).status == "revoked"


def test_a_failing_responder_is_left_alone_for_a_while(province: Province) -> None:
    asked: list[str] = []
    clock = [0.0]

    def failing(url: str, _request: bytes, _budget: float) -> bytes:
        asked.append(url)
        raise Unreachable("nobody is there")

    client = OcspClient(ask=failing, pause_s=60, monotonic=lambda: clock[0])
    store = province.store(client)
    for _ in range(5):
        store.check(province.agency.certificate, purpose=Profile.SEAL, at=province.now)
    assert len(asked) == 1
    clock[0] = 61.0
    store.check(province.agency.certificate, purpose=Profile.SEAL, at=province.now)
    assert len(asked) == 2


def test_the_hot_path_never_asks_the_network(province: Province) -> None:
    def forbidden(_url: str, _request: bytes, _budget: float) -> bytes:
        raise AssertionError("the hot path asked the network")

    store = province.store(OcspClient(ask=forbidden))
    found = store.check_cached(province.agency.certificate, province.now.timestamp(), Profile.SEAL)
    assert (found.status, found.ok) == ("unknown", False)


def test_prefetched_answers_serve_the_hot_path(province: Province) -> None:
    store = province.store(OcspClient(ask=in_process(province)))
    certificate, start = province.agency.certificate, province.now.timestamp()
    [found] = store.prefetch([(certificate, Profile.SEAL)], at=province.now)
    assert found.status == "good"
    assert store.check_cached(certificate, start, Profile.SEAL).status == "good"
    assert store.check_cached(certificate, start + 600, Profile.SEAL).status == "good"


def test_a_current_crl_spares_the_network(province: Province) -> None:
    province.ca.publish_crls(now=province.now)
    asked: list[str] = []

    def counted(url: str, request: bytes, _budget: float) -> bytes:
        asked.append(url)
        return province.answer(request)

    assert province.judge(OcspClient(ask=counted)).status == "good"
    assert asked == []


def test_a_responder_that_never_heard_of_a_certificate_does_not_make_it_good(province: Province) -> None:
    (province.ca.folder / "issuing" / "ledger.jsonl").write_bytes(b"")
    forgetful = OcspResponder.from_folder(province.ca.folder, {"issuing": province.signer})

    def ask(_url: str, request: bytes, _budget: float) -> bytes:
        return forgetful.respond(request, now=province.now)

    found = province.judge(OcspClient(ask=ask))
    assert (found.status, found.ok) == ("unknown", False)
    assert "never heard" in found.reason


# Liars


def respond(
    province: Province,
    signer: FileSigner,
    *,
    about: paths.Certificate | None = None,
    nonce: bytes | None = NONCE,
    certificates: list[bytes] | None = None,
) -> bytes:
    """A "good" answer signed by anybody."""
    loaded = x509.load_der_x509_certificate(signer.certificate)
    builder = (
        x509_ocsp.OCSPResponseBuilder()
        .add_response(
            (about or province.leaf).x509,
            province.issuer.x509,
            hashes.SHA1(),  # noqa: S303
            x509_ocsp.OCSPCertStatus.GOOD,
            province.now,
            province.now + HOUR,
            None,
            None,
        )
        .responder_id(x509_ocsp.OCSPResponderEncoding.HASH, loaded)
    )
    bring = [signer.certificate] if certificates is None else certificates
    if bring:
        builder = builder.certificates([x509.load_der_x509_certificate(der) for der in bring])
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    assert isinstance(signer.private_key, ec.EllipticCurvePrivateKey)
    return builder.sign(signer.private_key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_an_honest_answer_is_believed(province: Province) -> None:
    answer = ocsp.read(respond(province, province.signer), province.leaf, province.issuer, nonce=NONCE)
    assert answer.status == "good"


def test_the_authority_itself_may_answer(province: Province) -> None:
    own = FileSigner(province.ca.issuing.key, province.ca.issuing.der)
    answer = respond(province, own, certificates=[])
    assert ocsp.read(answer, province.leaf, province.issuer, nonce=NONCE).status == "good"


def lies() -> dict[str, tuple[Callable[[Province], bytes], str]]:
    def impostor(province: Province, profile: Profile) -> FileSigner:
        return make_signer(province.ca, province.now, profile, code="")

    def altered(province: Province) -> bytes:
        answer = bytearray(respond(province, province.signer))
        place = answer.index(b"\x80\x00\x18")
        answer[place] = 0x82
        return bytes(answer)

    return {
        "signed by an agency": (lambda p: respond(p, impostor(p, Profile.SEAL)), "did not certify"),
        "signed by the responder of another CA": (
            lambda p: respond(p, make_signer(p.ca, p.now, Profile.OCSP, code="", authority="tls")),
            "did not certify",
        ),
        "without its signer": (
            lambda p: respond(p, impostor(p, Profile.OCSP), certificates=[]),
            "does not bring",
        ),
        "about another certificate": (
            lambda p: respond(p, p.signer, about=paths.parse(impostor(p, Profile.SEAL).certificate)),
            "another certificate",
        ),
        "with another nonce": (lambda p: respond(p, p.signer, nonce=bytes(16)), "another nonce"),
        "altered from good to unknown": (altered, "does not verify"),
        "a failure": (lambda p: p.responder.respond(b"", now=p.now), "malformed_request"),
        "garbage": (lambda _: b"\x30\x03\x0a\x01\x00", "cannot be read|answered"),
        "beyond its responder's certificate": (
            lambda p: respond(
                p, make_signer(p.ca, p.now - timedelta(days=30), Profile.OCSP, code="", days=5)
            ),
            "outside the validity",
        ),
    }


LIES = lies()


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_answer_is_refused_with_the_reason(lie: str, province: Province) -> None:
    make, words = LIES[lie]
    with pytest.raises(RevocationError, match=words):
        ocsp.read(make(province), province.leaf, province.issuer, nonce=NONCE)


def test_an_older_answer_does_not_displace_a_newer(province: Province) -> None:
    now = [province.now]
    client = OcspClient(ask=lambda _u, request, _b: province.responder.respond(request, now=now[0]))
    assert client.fetch(province.leaf, province.issuer)[0] is not None
    now[0] = province.now - timedelta(minutes=30)
    client.fetch(province.leaf, province.issuer)
    kept = client.kept(province.leaf, province.issuer)
    assert kept is not None
    assert kept.this_update == province.now


@given(st.binary(max_size=300))
def test_garbage_is_never_an_answer(garbage: bytes) -> None:
    issuer = paths.of(ROOT.x509)
    with pytest.raises(TrustError):
        ocsp.read(garbage, issuer, issuer)


def test_a_damaged_kept_answer_is_asked_for_again(province: Province) -> None:
    folder = province.ca.folder / "ocsp"
    province.judge(OcspClient(folder=folder, ask=in_process(province)))
    for file in folder.iterdir():
        file.write_bytes(b"damaged")
    assert province.judge(OcspClient(folder=folder, ask=in_process(province))).status == "good"


def test_revocation_without_any_source_still_has_three_answers(province: Province) -> None:
    store = TrustStore(
        [province.ca.root.der], intermediates=[province.ca.issuing.der], revocation=Revocation()
    )
    found = store.check(province.agency.certificate, purpose=Profile.SEAL, at=province.now)
    assert (found.status, found.ok) == ("unknown", False)
