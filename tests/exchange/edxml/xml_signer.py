"""A legacy sender for tests: signs messages the way older systems do, SHA-1 included."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree

DS = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
RSA_SHA1 = f"{DS}rsa-sha1"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA1 = f"{DS}sha1"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"

_HASHES = {RSA_SHA1: hashes.SHA1, RSA_SHA256: hashes.SHA256}
_DIGESTS = {SHA1: "sha1", SHA256: "sha256"}


def canonical_form(element: etree._Element, *, exclusive: bool) -> bytes:
    """C14N of an element as a document of its own, with the namespaces in scope."""
    alone = etree.fromstring(etree.tostring(element, encoding="UTF-8", with_tail=False))
    return etree.tostring(alone.getroottree(), method="c14n", exclusive=exclusive, with_comments=False)


@dataclass
class LegacySigner:
    key: rsa.RSAPrivateKey
    certificate: bytes

    @classmethod
    def create(cls) -> LegacySigner:
        key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ủy ban nhân dân huyện Long Hồ")])
        start = datetime(2015, 1, 1, tzinfo=UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(7)
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=3650))
            .sign(key, hashes.SHA256())
        )
        return cls(key, certificate.public_bytes(Encoding.DER))

    def sign(
        self,
        data: bytes,
        *,
        uri: str = "",
        target: str = ".",
        enveloped: bool = True,
        canonical: str = C14N,
        method: str = RSA_SHA1,
        digest: str = SHA1,
        certificate: bytes | None = None,
        into: str = ".//{*}edXMLHeader",
        extra_transform: str = "",
        content: bytes | None = None,
        second: str = "",
    ) -> bytes:
        """The message with a ``Signature`` at the end of ``into``. ``target`` (an ElementPath) is what
        ``uri`` names; ``content`` gives the signed bytes for a ``cid:``.
        """
        root = etree.fromstring(data)
        signed = root if target == "." else root.find(target)
        assert signed is not None
        exclusive = canonical == EXCLUSIVE
        whole = root.getroottree() if signed is root else signed
        payload = (
            content if content is not None else etree.tostring(whole, method="c14n", exclusive=exclusive)
        )
        value = b64encode(hashlib.new(_DIGESTS[digest], payload).digest()).decode()
        transforms = "".join(
            f'<Transform Algorithm="{name}"/>'
            for name in (f"{DS}enveloped-signature" if enveloped else "", canonical, extra_transform)
            if name and content is None
        )
        reference = (
            f'<Reference URI="{uri}"><Transforms>{transforms}</Transforms>'
            f'<DigestMethod Algorithm="{digest}"/><DigestValue>{value}</DigestValue></Reference>'
        )
        info = (
            f'<SignedInfo><CanonicalizationMethod Algorithm="{canonical}"/>'
            f'<SignatureMethod Algorithm="{method}"/>{reference}{second}</SignedInfo>'
        )
        shown = b64encode(self.certificate if certificate is None else certificate).decode()
        key_info = f"<KeyInfo><X509Data><X509Certificate>{shown}</X509Certificate></X509Data></KeyInfo>"
        parent = root.find(into)
        assert parent is not None
        signature = etree.fromstring(
            f'<Signature xmlns="{DS}">{info}<SignatureValue/>{key_info if shown else ""}</Signature>'
        )
        parent.append(signature)
        placed = signature.find(f"{{{DS}}}SignedInfo")
        assert placed is not None
        canonical_info = canonical_form(placed, exclusive=exclusive)
        raw = self.key.sign(canonical_info, padding.PKCS1v15(), _HASHES[method]())
        found = signature.find(f"{{{DS}}}SignatureValue")
        assert found is not None
        found.text = b64encode(raw).decode()
        return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
