"""The worked example of docs/reference/api.md: its bytes are right, its code signs in, its tables hold."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from tests.exchange.conftest import NewProvince
from tests.exchange.province import COMMUNE, PASSPHRASE, RunningHub

from lienthong.exchange import http_signatures as hs
from lienthong.exchange.server.routes import ROUTES
from lienthong.trust.keys import load_certificates

PAGE = (Path(__file__).parents[3] / "docs/reference/api.md").read_text("utf-8")
KEY = b"""-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIFKbhfNZfpDsW43+0+JjUr9K+bTeuxopu653+hBaXGA7oAoGCCqGSM49
AwEHoUQDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM
4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END EC PRIVATE KEY-----
"""
"""RFC 9421, appendix B.1.3: test-key-ecc-p256. It protects nothing."""


def fenced(start: str) -> str:
    return next(block for block in re.findall(r"```\w+\n(.*?)\n```", PAGE, re.S) if block.startswith(start))


def header(name: str) -> str:
    found = re.search(rf"^{name}: (.*)$", fenced("Content-Digest: "), re.M)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def signed_headers() -> Callable[..., dict[str, str]]:
    names: dict[str, Any] = {}
    exec(fenced("import base64, hashlib"), names)  # noqa: S102 - the page's own code
    found: Callable[..., dict[str, str]] = names["signed_headers"]
    return found


def test_the_example_is_a_signature_that_the_hub_verifies() -> None:
    base = fenced('"@method": POST').encode()
    certificate = x509.load_pem_x509_certificate(fenced("-----BEGIN CERTIFICATE").encode())
    parsed = hs.parse_signature(header("Signature-Input"), header("Signature"))
    values = hs.request_components(
        method="POST",
        authority="hub.example:8440",
        path="/v1/sessions",
        query="",
        headers={"content-digest": header("Content-Digest")},
    )
    assert hs.signature_base(values, parsed.parameters.components, parsed.raw_parameters) == base
    assert parsed.parameters.keyid == sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
    public_key = certificate.public_key()
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    hs.verify(public_key, parsed.parameters.algorithm, parsed.signature, base)
    key = load_pem_private_key(KEY, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == public_key
    again = hs.der_to_raw(key.sign(base, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    assert b64encode(again).decode() in header("Signature")


def test_the_code_of_the_page_makes_the_example_and_opens_a_session(
    signed_headers: Callable[..., dict[str, str]], new_province: NewProvince
) -> None:
    certificate = x509.load_pem_x509_certificate(fenced("-----BEGIN CERTIFICATE").encode())
    made = signed_headers(
        *("POST", "https://hub.example:8440/v1/sessions", b"", load_pem_private_key(KEY, None)),
        certificate.public_bytes(Encoding.DER),
        created=1753160400,
        nonce="k3Jq0v9sTnW2",
    )
    assert made["Content-Digest"] == header("Content-Digest")
    assert made["Signature-Input"] == header("Signature-Input")

    province = new_province()
    agency = province.data / "agencies" / COMMUNE
    key = load_pem_private_key((agency / "tls.key").read_bytes(), PASSPHRASE)
    with RunningHub(province) as hub:
        url = f"{hub.url}/v1/sessions"
        signed = signed_headers("POST", url, b"", key, load_certificates(agency / "tls.pem")[0])
        answer = httpx.post(url, headers=signed, trust_env=False)
        assert answer.status_code == 201, answer.text
        token = {"Authorization": f"Bearer {answer.json()['token']}"}
        target = f"{hub.url}/v1/agencies?q=x&limit=1"
        assert httpx.get(target, headers=token, trust_env=False).status_code == 200
        signed = signed_headers("GET", target, b"", key, load_certificates(agency / "tls.pem")[0])
        assert httpx.get(target, headers=signed, trust_env=False).status_code == 200


@pytest.mark.parametrize("path", ["/v1/inbox", "/v1/sent", "/v1/agencies"])
def test_every_parameter_of_a_list_is_in_its_table(path: str) -> None:
    [table] = re.findall(rf"^\| parameter of `{path}` .*\n\|.*\n((?:\|.*\n)+)", PAGE, re.M)
    [route] = [one for one in ROUTES if (one.method, one.path) == ("GET", path)]
    assert re.findall(r"^\| `(\w+)`", table, re.M) == [one.name for one in route.parameters]
