"""Identity at the door: signed requests, tokens, and a trusted proxy's Client-Cert; nothing else."""

from __future__ import annotations

import json
import socket
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import httpx
import pytest
from tests.exchange.conftest import NewProvince
from tests.exchange.province import COMMUNE, DEPARTMENT, PROVINCE, REVOKED, RunningHub, TestProvince

from lienthong.exchange.client.signature import signed_headers
from lienthong.exchange.server.listening import local_programs, with_real_port
from lienthong.registry.directory import CertificateRef
from lienthong.trust.asic import MIMETYPE
from lienthong.trust.keys import FileSigner, generate_key
from lienthong.trust.profiles import Profile


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["code"])


def test_a_signed_request_opens_a_session(hub: RunningHub) -> None:
    answer = hub.sign_in(COMMUNE)

    assert answer.status_code == 201
    body = answer.json()
    assert body["agency"] == COMMUNE
    left = datetime.fromisoformat(body["expires_at"]) - datetime.now(UTC)
    assert 1790 <= left.total_seconds() <= 1800


def test_any_request_may_be_signed_instead(hub: RunningHub, province: TestProvince) -> None:
    path = "/v1/inbox?after=-1&limit=5"
    answer = hub.http.get(path, headers=hub.signed(COMMUNE, "GET", path))
    assert answer.status_code == 200

    body = province.container(province.document(PROVINCE, [COMMUNE]))
    headers = {**hub.signed(PROVINCE, "POST", "/v1/messages", body), "Content-Type": MIMETYPE}
    answer = hub.http.post("/v1/messages", content=body, headers=headers)
    assert answer.status_code == 201


def test_an_rsa_key_signs_requests_too(new_province: NewProvince) -> None:
    province = new_province()
    key = generate_key("rsa2048")
    issued = province.ca.issue(
        Profile.TLS_CLIENT,
        subject_name="Sở Nội vụ",
        organ_code=DEPARTMENT,
        public_key=key.public_key(),
        now=province.now,
    )
    province.tls[DEPARTMENT] = FileSigner(key, issued.certificate, issued.chain)
    province.change(DEPARTMENT, tls=(CertificateRef.of(issued.certificate),))
    with RunningHub(province) as hub:
        assert hub.sign_in(DEPARTMENT).status_code == 201


def test_a_signed_request_counts_once(hub: RunningHub) -> None:
    headers = hub.signed(COMMUNE, "POST", "/v1/sessions")
    assert hub.http.post("/v1/sessions", headers=headers).status_code == 201
    again = hub.http.post("/v1/sessions", headers=headers)
    assert (again.status_code, code_of(again)) == (401, "replayed-request")


def test_a_signature_for_one_request_serves_no_other(hub: RunningHub) -> None:
    signed = hub.signed(COMMUNE, "GET", "/v1/inbox")
    for method, path in (("GET", "/v1/sent"), ("GET", "/v1/inbox?after=3"), ("POST", "/v1/sessions")):
        answer = hub.http.request(method, path, headers=signed)
        assert (answer.status_code, code_of(answer)) == (401, "bad-request-signature"), (method, path)


def test_a_body_other_than_the_signed_one_is_refused(hub: RunningHub, province: TestProvince) -> None:
    body = province.container(province.document(PROVINCE, [COMMUNE]))
    other = province.container(province.document(PROVINCE, [COMMUNE]))
    headers = {**hub.signed(PROVINCE, "POST", "/v1/messages", body), "Content-Type": MIMETYPE}
    answer = hub.http.post("/v1/messages", content=other, headers=headers)
    assert (answer.status_code, code_of(answer)) == (401, "bad-request-signature")

    acknowledged = json.dumps({"indexes": [0]}).encode()
    headers = hub.signed(COMMUNE, "POST", "/v1/inbox/acknowledgements", acknowledged)
    answer = hub.http.post(
        "/v1/inbox/acknowledgements",
        content=b'{"indexes": [1]}',
        headers={**headers, "Content-Type": "application/json"},
    )
    assert (answer.status_code, code_of(answer)) == (401, "bad-request-signature")


def test_a_request_addressed_to_another_hub_is_refused(hub: RunningHub, province: TestProvince) -> None:
    headers = signed_headers(
        province.tls[COMMUNE],
        method="POST",
        url="http://other.example/v1/sessions",
        body_digest=sha256(b"").digest(),
        created=int(datetime.now(UTC).timestamp()),
    )
    answer = hub.http.post("/v1/sessions", headers={**headers, "Host": "other.example"})
    assert (answer.status_code, code_of(answer)) == (401, "bad-request-signature")
    assert answer.json()["place"] == "Host"


def test_a_signature_from_another_time_is_refused(hub: RunningHub, province: TestProvince) -> None:
    now = int(datetime.now(UTC).timestamp())
    for created in (now - 600, now + 600):
        headers = signed_headers(
            province.tls[COMMUNE],
            method="POST",
            url=hub.url + "/v1/sessions",
            body_digest=sha256(b"").digest(),
            created=created,
        )
        answer = hub.http.post("/v1/sessions", headers=headers)
        assert (answer.status_code, code_of(answer)) == (401, "signature-too-old")


def test_a_seal_does_not_open_the_door(hub: RunningHub, province: TestProvince) -> None:
    headers = hub.signed(COMMUNE, "POST", "/v1/sessions", signer=province.seals[COMMUNE])
    answer = hub.http.post("/v1/sessions", headers=headers)
    assert (answer.status_code, code_of(answer)) == (401, "certificate-unregistered")


def test_a_signature_that_covers_too_little_is_refused(hub: RunningHub) -> None:
    headers = hub.signed(COMMUNE, "GET", "/v1/inbox")
    headers["Signature-Input"] = headers["Signature-Input"].replace('"@path" ', "")
    answer = hub.http.get("/v1/inbox", headers=headers)
    assert (answer.status_code, code_of(answer)) == (401, "bad-request-signature")
    assert "@path" in answer.json()["detail"]


def test_a_token_does_not_prolong_itself(hub: RunningHub) -> None:
    answer = hub.http.post("/v1/sessions", headers=hub.bearer(COMMUNE))
    assert answer.status_code == 401


def test_a_certificate_revoked_meanwhile_ends_the_session(new_province: NewProvince) -> None:
    province = new_province()
    with RunningHub(province) as hub:
        assert hub.get(COMMUNE, "/v1/inbox").status_code == 200
        province.revoke(province.tls[COMMUNE])
        hub.on_loop(hub.app.hub.trust.refresh)
        hub.on_loop(lambda: setattr(hub.app.door, "_kept", {}))
        hub.on_loop(lambda: setattr(hub.app.door, "_by_fingerprint", {}))
        answer = hub.get(COMMUNE, "/v1/inbox")
        assert (answer.status_code, code_of(answer)) == (401, "certificate-revoked")


def test_a_change_of_the_directory_reaches_open_sessions_at_once(new_province: NewProvince) -> None:
    province = new_province()
    with RunningHub(province) as hub:
        assert hub.get(COMMUNE, "/v1/inbox").status_code == 200
        province.change(COMMUNE, locked=True)
        hub.on_loop(lambda: (hub.app.hub.holder.refresh(), hub.app.hub.take_directory()))
        answer = hub.get(COMMUNE, "/v1/inbox")
        assert (answer.status_code, code_of(answer)) == (403, "agency-locked")


def test_the_client_cert_header_is_believed_from_a_trusted_proxy_only(new_province: NewProvince) -> None:
    province = new_province()
    header = {"Client-Cert": f":{b64encode(province.tls[COMMUNE].certificate).decode()}:"}
    with RunningHub(province) as hub:
        assert hub.http.get("/v1/inbox", headers=header).status_code == 401
    province.configure(proxy='trusted = ["127.0.0.1"]\nclient_cert_header = true')
    with RunningHub(province) as hub:
        assert hub.http.get("/v1/inbox", headers=header).status_code == 200
        assert hub.http.post("/v1/sessions", headers=header).json()["agency"] == COMMUNE
        assert hub.http.get("/v1/inbox").status_code == 401
        bad = hub.http.get("/v1/inbox", headers={"Client-Cert": ":AAAA:"})
        assert (bad.status_code, code_of(bad)) == (401, "certificate-unregistered")
        both = hub.http.get("/v1/inbox", headers=[*header.items(), ("Client-Cert", ":AAAA:")])
        assert (both.status_code, code_of(both)) == (401, "bad-client-cert")
        assert hub.http.get("/metrics").status_code == 401, "a proxy's requests are nobody's own machine"
    province.configure(proxy='trusted = ["192.0.2.0/24"]\nclient_cert_header = true')
    with RunningHub(province) as hub:
        assert hub.http.get("/v1/inbox", headers=header).status_code == 401


def test_tls_with_client_certificates_lets_in_only_those_who_present_one(new_province: NewProvince) -> None:
    import ssl

    province = new_province()
    province.configure(
        exchange='client_certificates = "required"\nclient_ca = "pki/tls/ca.pem"\n'
        'client_crl = ["pki/crl/tls.crl", "pki/crl/root.crl"]'
    )
    text = (province.data / "lienthong.toml").read_text().replace("tls = false", "tls = true")
    (province.data / "lienthong.toml").write_text(text)
    with RunningHub(province) as hub:
        assert hub.url.startswith("https://")
        with pytest.raises(httpx.HTTPError):
            hub.http.get("/health/live")
        context = ssl.create_default_context(cafile=str(province.data / "pki/anchors/root.pem"))
        folder = province.data / "agencies" / COMMUNE
        context.load_cert_chain(folder / "tls.pem", folder / "tls.key", "a passphrase for tests alone")
        with httpx.Client(base_url=hub.url, verify=context, trust_env=False) as client:
            assert client.get("/health/live").status_code == 200
            headers = hub.signed(COMMUNE, "POST", "/v1/sessions")
            assert client.post("/v1/sessions", headers=headers).status_code == 201
        revoked = ssl.create_default_context(cafile=str(province.data / "pki/anchors/root.pem"))
        folder = province.data / "agencies" / REVOKED
        revoked.load_cert_chain(folder / "tls.pem", folder / "tls.key", "a passphrase for tests alone")
        with (
            httpx.Client(base_url=hub.url, verify=revoked, trust_env=False) as client,
            pytest.raises(httpx.HTTPError),
        ):
            client.get("/health/live")


def test_two_agencies_do_not_share_a_certificate_by_accident(hub: RunningHub, province: TestProvince) -> None:
    signer = replace_signer(province, COMMUNE, PROVINCE)
    headers = hub.signed(COMMUNE, "POST", "/v1/sessions", signer=signer)
    answer = hub.http.post("/v1/sessions", headers=headers)
    assert (answer.status_code, code_of(answer)) == (401, "bad-request-signature")


def replace_signer(province: TestProvince, claimed: str, actual: str) -> FileSigner:
    """A signer that names one agency's certificate and signs with another's key."""
    signer = object.__new__(FileSigner)
    signer.algorithm = province.tls[actual].algorithm
    signer.private_key = province.tls[actual].private_key
    signer.certificate = province.tls[claimed].certificate
    signer.chain = ()
    return signer


def sees_details(hub: RunningHub, **headers: str) -> bool:
    """Whether the hub takes who asks for a program on its own machine."""
    answers = [
        hub.http.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        for path in ("/metrics", "/v1/statistics", "/health/ready")
    ]
    seen = [answers[0].status_code == 200, answers[1].status_code == 200, "checks" in answers[2].json()]
    assert len(set(seen)) == 1
    return seen[0]


def test_only_a_request_to_a_loopback_name_without_a_proxys_headers_is_local(hub: RunningHub) -> None:
    assert sees_details(hub)
    for host in ("localhost", "LOCALHOST:8440", "127.0.0.1", "127.1.2.3:80", "[::1]:8440"):
        assert sees_details(hub, Host=host)
    for host in (
        "hub.example",
        "127.0.0.1.example",
        "localhost.example:80",
        "128.0.0.1",
        "127.0.0.1:",
        "[::2]",
    ):
        assert not sees_details(hub, Host=host), host
    for name in ("Forwarded", "Via", "X_Forwarded_Proto", "X_Real_IP", "X_Client_IP", "CF_Connecting_IP"):
        assert not sees_details(hub, **{name: "x"}), name


def test_of_two_hosts_none_counts(hub: RunningHub) -> None:
    """What stands between may go by the other one."""
    address = httpx.URL(hub.url)
    own = f"{address.host}:{address.port}"
    signed = hub.signed(COMMUNE, "GET", "/v1/sent")
    lines = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
    for path, more, alone in (("/metrics", "", b" 200 "), ("/v1/sent", lines, b" 200 ")):
        for hosts in ((own, "hub.example"), ("hub.example", own), (own,)):
            with socket.create_connection((address.host, address.port), timeout=30) as connection:
                named = "".join(f"Host: {host}\r\n" for host in hosts)
                connection.sendall(f"GET {path} HTTP/1.1\r\n{named}{more}Connection: close\r\n\r\n".encode())
                with connection.makefile("rb") as answer:
                    said = answer.readline()
            assert (alone if len(hosts) == 1 else b" 401 ") in said, (path, hosts, said)


@pytest.mark.parametrize(
    ("public_url", "trusted", "local"),
    [
        ("https://hub.example", (), False),
        ("https://hub.example", ("127.0.0.1",), False),
        ("https://hub.example", ("127.0.0.2",), True),
        ("http://localhost:{port}", (), True),
        ("http://localhost:1", (), False),
    ],
)
def test_behind_a_proxy_that_is_named_nowhere_nothing_is_local(
    new_province: NewProvince, public_url: str, trusted: tuple[str, ...], local: bool
) -> None:
    province = new_province()
    port = with_real_port(province.configuration()).exchange.port
    file = province.data / "lienthong.toml"
    province.configure(proxy=f"trusted = {json.dumps(list(trusted))}")
    text = file.read_text().replace(
        "[exchange]", f'[exchange]\npublic_url = "{public_url.format(port=port)}"'
    )
    file.write_text(text.replace("port = 0", f"port = {port}"))
    with RunningHub(province) as hub:
        assert sees_details(hub) == local


@pytest.mark.parametrize(
    ("host", "port", "public_url", "local"),
    [
        ("0.0.0.0", 8440, "https://hub.example:8440", True),  # noqa: S104 - not bound
        ("0.0.0.0", 443, "https://hub.example", True),  # noqa: S104 - not bound
        ("0.0.0.0", 8440, "https://hub.example", False),  # noqa: S104 - not bound
        ("127.0.0.1", 8440, "https://hub.example:8440", False),
        ("::1", 8440, "", True),
    ],
)
def test_a_public_url_that_leads_elsewhere_means_a_proxy(
    province: TestProvince, host: str, port: int, public_url: str, local: bool
) -> None:
    configuration = province.configuration()
    listener = replace(configuration.exchange, host=host, port=port, public_url=public_url, tls=True)
    assert local_programs(replace(configuration, exchange=listener)) == local
