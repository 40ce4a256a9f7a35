"""Signed requests: the RFC's own vector, our profile, and hostile headers."""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from lienthong.exchange import http_signatures as hs
from lienthong.exchange.client.signature import signed_headers

# RFC 9421, appendices B.1.3 and B.2.4
RFC_KEY = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----
"""
RFC_SIGNATURE = b64decode(
    "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw=="
)
RFC_VALUES = {
    "@status": "200",
    "content-type": "application/json",
    "content-digest": "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:",  # noqa: E501
    "content-length": "23",
}
RFC_COMPONENTS = ("@status", "content-type", "content-digest", "content-length")


class P256:
    algorithm = "ecdsa-p256-sha256"
    certificate = b"certificate of a test"
    chain: tuple[bytes, ...] = ()

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))


class Rsa(P256):
    algorithm = "rsa-pkcs1v15-sha256"

    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(65537, 2048)

    def sign(self, message: bytes) -> bytes:
        return self.rsa.sign(message, padding.PKCS1v15(), hashes.SHA256())


def rebuilt(headers: dict[str, str], *, method: str, authority: str, path: str, query: str):
    parsed = hs.parse_signature(headers["Signature-Input"], headers["Signature"])
    values = hs.request_components(
        method=method,
        authority=authority,
        path=path,
        query=query,
        headers={name.lower(): value for name, value in headers.items()},
    )
    return parsed, hs.signature_base(values, parsed.parameters.components, parsed.raw_parameters)


def test_the_example_of_the_rfc_verifies():
    key = load_pem_public_key(RFC_KEY)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    raw = (
        '("@status" "content-type" "content-digest" "content-length");created=1618884473'
        ';keyid="test-key-ecc-p256"'
    )
    hs.verify(key, hs.ECDSA, RFC_SIGNATURE, hs.signature_base(RFC_VALUES, RFC_COMPONENTS, raw))
    with pytest.raises(hs.SignatureError):
        changed = RFC_VALUES | {"@status": "201"}
        hs.verify(key, hs.ECDSA, RFC_SIGNATURE, hs.signature_base(changed, RFC_COMPONENTS, raw))


@pytest.mark.parametrize("signer", [P256(), Rsa()], ids=["p256", "rsa"])
def test_a_request_signed_by_the_client_verifies_at_the_hub(signer):
    body = b'{"indexes":[1]}'
    headers = signed_headers(
        signer,
        method="post",
        url="https://Hub.example:8443/v1/sessions?x=%C4%91&y=",
        body_digest=sha256(body).digest(),
        created=1_700_000_000,
    )
    parsed, base = rebuilt(
        headers, method="POST", authority="hub.example:8443", path="/v1/sessions", query="x=%C4%91&y="
    )
    key = signer.key.public_key() if signer.algorithm.startswith("ecdsa") else signer.rsa.public_key()
    hs.verify(key, parsed.parameters.algorithm, parsed.signature, base)
    assert parsed.parameters.keyid == sha256(signer.certificate).hexdigest()
    assert parsed.parameters.created == 1_700_000_000
    assert hs.parse_content_digest(headers["Content-Digest"]) == sha256(body).digest()
    assert set(hs.COMPONENTS) <= set(parsed.parameters.components)


@pytest.mark.parametrize(
    "change",
    [{"method": "PUT"}, {"authority": "other.example"}, {"path": "/v1/messages"}, {"query": "after=1"}],
)
def test_a_signature_is_good_for_its_own_request_only(change):
    signer = P256()
    request = {"method": "POST", "authority": "hub.example", "path": "/v1/sessions", "query": ""}
    headers = signed_headers(
        signer, method="POST", url="https://hub.example/v1/sessions", body_digest=bytes(32), created=1
    )
    parsed, base = rebuilt(headers, **request)
    hs.verify(signer.key.public_key(), hs.ECDSA, parsed.signature, base)
    parsed, base = rebuilt(headers, **(request | change))
    with pytest.raises(hs.SignatureError, match="does not fit"):
        hs.verify(signer.key.public_key(), hs.ECDSA, parsed.signature, base)


def test_two_requests_never_carry_the_same_nonce():
    signer = P256()
    headers = [
        signed_headers(signer, method="GET", url="https://hub.example/", body_digest=bytes(32), created=1)
        for _ in range(2)
    ]
    nonces = {hs.parse_signature(h["Signature-Input"], h["Signature"]).parameters.nonce for h in headers}
    assert len(nonces) == 2


@pytest.mark.parametrize(
    ("signature_input", "says"),
    [
        ("", "empty"),
        ('a=("@path");created=1;keyid="k";alg="x",', "breaks off"),
        ('a=("@path" "@path");created=1;keyid="k";alg="x"', "named twice"),
        ('a=("@path";created=1', "parentheses"),
        ('a=("@path");keyid="k";alg="x"', "'created' is missing"),
        ('a=("@path");created=1;created=2;keyid="k";alg="x"', "cannot be read"),
        ('a=("@path");created="1x";keyid="k";alg="x"', "Unix seconds"),
        ('a=("@path");created=1;keyid="k";alg="x",b=("@path");created=1', "exactly one"),
        ("a=" + "x" * 5000, "longer"),
    ],
)
def test_a_malformed_signature_input_is_refused_with_the_reason(signature_input, says):
    with pytest.raises(hs.SignatureError, match=says):
        hs.parse_signature(signature_input, "a=:AAAA:")


def test_a_component_that_the_request_lacks_is_named():
    with pytest.raises(hs.SignatureError, match="content-digest"):
        hs.signature_base({"@path": "/"}, ("@path", "content-digest"), "()")


def test_an_algorithm_that_does_not_fit_the_key_is_refused():
    with pytest.raises(hs.SignatureError, match="does not fit the certificate's key"):
        hs.verify(P256().key.public_key(), hs.RSA, bytes(64), b"")


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_header_surfaces_as_anything_but_a_refusal(signature_input, signature):
    for read in (
        lambda: hs.parse_signature(signature_input, signature),
        lambda: hs.parse_content_digest(signature),
    ):
        try:
            read()
        except hs.SignatureError:
            continue


@given(
    st.text(alphabet='a=("@path );created=1,keyid=:\\"\t', max_size=120),
    st.text(alphabet="a=:AZ+/, ", max_size=40),
)
def test_no_nearly_right_header_surfaces_as_anything_but_a_refusal(signature_input, signature):
    try:
        hs.parse_signature(signature_input, signature)
    except hs.SignatureError:
        return


@given(st.integers(1, 2**255), st.integers(1, 2**255))
def test_raw_and_der_signatures_are_the_same_numbers(r, s):
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert hs.der_to_raw(hs.raw_to_der(raw)) == raw
