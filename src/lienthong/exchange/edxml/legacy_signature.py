"""XML-DSig signatures that older systems embed: checked for the record, never deciding, never made here.

In the wild: enveloped, inclusive C14N 1.0, rsa-sha1 over sha1, certificates cut short by length limits. The
answer is one of verified, not verified, not checkable, with the reason. *Verified* speaks of mathematics
and of what is covered; whether the certificate is trusted is not asked, and SHA-1 proves little today.

Reference wrapping is guarded against: an id must be unique, and what is signed must contain the very
MessageHeader that the reader reads. Nothing is ever fetched; transforms that compute (XPath, XSLT) are not
run.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from lienthong.exchange.edxml import parsing
from lienthong.exchange.edxml.findings import Oversized, Unreadable
from lienthong.exchange.edxml.manifest import bare_content_id
from lienthong.exchange.edxml.model import Attachment
from lienthong.exchange.edxml.names import DSIG, official
from lienthong.exchange.edxml.parsing import LIMITS, Limits
from lienthong.exchange.edxml.tree import line_of
from lienthong.trust.keys import UNREADABLE

State = Literal["verified", "not-verified", "not-checkable"]

_D = f"{{{DSIG}}}"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_ENVELOPED = f"{DSIG}enveloped-signature"
_C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_CANONICAL = {
    _C14N: (False, False),
    f"{_C14N}#WithComments": (False, True),
    _EXCLUSIVE: (True, False),
    f"{_EXCLUSIVE}WithComments": (True, True),
}
"""Algorithm → (exclusive, with comments)."""
_DIGESTS = {
    f"{DSIG}sha1": "sha1",
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    f"{_MORE}sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
_SIGNATURES: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    f"{DSIG}rsa-sha1": ("rsa-sha1", hashes.SHA1()),  # noqa: S303 — read, never made
    f"{_MORE}rsa-sha256": ("rsa-sha256", hashes.SHA256()),
    f"{_MORE}rsa-sha384": ("rsa-sha384", hashes.SHA384()),
    f"{_MORE}rsa-sha512": ("rsa-sha512", hashes.SHA512()),
}
_XML = "{http://www.w3.org/XML/1998/namespace}"
_ID_NAMES = ("Id", "ID", "id", f"{_XML}id")
_MAX_SIGNATURES = 8
_MAX_REFERENCES = 64
_MAX_WITHIN = 4
"""References into the message itself; each costs one more parse of it."""


@dataclass(frozen=True, slots=True)
class LegacySignature:
    """What can be said of one embedded signature. ``signer`` is the certificate's subject (RFC 4514)."""

    state: State
    reason: str
    reason_vi: str
    line: int
    algorithm: str = ""
    signer: str = ""
    certificate: bytes | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None


class _Verdict(Exception):
    def __init__(self, state: State, reason: str, reason_vi: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason
        self.reason_vi = reason_vi


def _no(reason: str, reason_vi: str) -> _Verdict:
    return _Verdict("not-verified", reason, reason_vi)


def _cannot(reason: str, reason_vi: str) -> _Verdict:
    return _Verdict("not-checkable", reason, reason_vi)


def check(
    data: bytes, attachments: Sequence[Attachment] = (), limits: Limits = LIMITS
) -> tuple[LegacySignature, ...]:
    """A finding for each signature in the message, none when there is none. ``attachments`` are those of
    the message, for signatures that also name ``cid:`` contents. Raises as ``parsing.parse`` does.
    """
    parsed = parsing.parse(data, limits, keep_comments=True)
    signatures = list(parsed.root.iter(f"{_D}Signature"))[:_MAX_SIGNATURES]
    return tuple(
        _Check(
            data, limits, attachments, parsed.root, number, line_of(signature) + parsed.skipped_lines
        ).run()
        for number, signature in enumerate(signatures)
    )


class _Check:
    def __init__(
        self,
        data: bytes,
        limits: Limits,
        attachments: Sequence[Attachment],
        root: etree._Element,
        number: int,
        line: int,
    ) -> None:
        self.data = data
        self.limits = limits
        self.attachments = attachments
        self.root = root
        self.number = number
        self.line = line
        self.signature = list(root.iter(f"{_D}Signature"))[number]
        self.algorithm = ""
        self.certificate: x509.Certificate | None = None

    def run(self) -> LegacySignature:
        try:
            self._verify()
        except _Verdict as verdict:
            return self._answer(verdict.state, verdict.reason, verdict.reason_vi)
        except (Unreadable, Oversized) as error:
            return self._answer("not-checkable", error.detail, error.detail_vi)
        weak = "; SHA-1 is no longer proof against forgery" if "sha1" in self.algorithm else ""
        weak_vi = "; SHA-1 không còn chống được giả mạo" if weak else ""
        return self._answer(
            "verified",
            f"the digests and the signature agree and cover the MessageHeader{weak}",
            f"mã băm và chữ ký khớp, bao trùm MessageHeader{weak_vi}",
        )

    def _answer(self, state: State, reason: str, reason_vi: str) -> LegacySignature:
        found = self.certificate
        return LegacySignature(
            state=state,
            reason=reason,
            reason_vi=reason_vi,
            line=self.line,
            algorithm=self.algorithm,
            signer=found.subject.rfc4514_string() if found else "",
            certificate=found.public_bytes(Encoding.DER) if found else None,
            not_before=found.not_valid_before_utc if found else None,
            not_after=found.not_valid_after_utc if found else None,
        )

    def _verify(self) -> None:
        info = self._child(self.signature, "SignedInfo")
        name = self._algorithm(info, "SignatureMethod")
        self.algorithm = _SIGNATURES[name][0] if name in _SIGNATURES else name
        value = _base64(self._child(self.signature, "SignatureValue").text, "SignatureValue")
        self.certificate = self._certificate()
        canonical = self._algorithm(info, "CanonicalizationMethod")
        if name not in _SIGNATURES or canonical not in _CANONICAL:
            unknown = name if name not in _SIGNATURES else canonical
            raise _cannot(f"the algorithm {unknown} is not read", f"không hỗ trợ thuật toán {unknown}")
        self._references(info)
        method = info.find(f"{_D}CanonicalizationMethod")
        signed = _canonical(self._alone(info), canonical, method, comments=_CANONICAL[canonical][1])
        key = self.certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise _cannot("the certificate's key is not RSA", "khóa trong chứng thư không phải RSA")
        try:
            key.verify(value, signed, padding.PKCS1v15(), _SIGNATURES[name][1])
        except InvalidSignature:
            raise _no(
                "the signature does not belong to this SignedInfo and certificate",
                "chữ ký không khớp với SignedInfo và chứng thư",
            ) from None
        except UnsupportedAlgorithm:
            raise _cannot(
                f"this machine refuses {self.algorithm}", f"máy này không cho phép {self.algorithm}"
            ) from None

    def _references(self, info: etree._Element) -> None:
        references = info.findall(f"{_D}Reference")
        if not references:
            raise _no("the signature signs nothing", "chữ ký không ký nội dung nào")
        within = sum(str(found.get("URI", ""))[:4].lower() != "cid:" for found in references)
        if len(references) > _MAX_REFERENCES or within > _MAX_WITHIN:
            raise _cannot("the signature names too many parts", "chữ ký tham chiếu quá nhiều phần")
        covered = [self._reference(reference) for reference in references]
        if not any(covered):
            raise _no(
                "the signature does not cover the MessageHeader of this message",
                "chữ ký không bao trùm MessageHeader của bản tin này",
            )

    def _reference(self, reference: etree._Element) -> bool:
        """Check one digest; whether what it covers contains the MessageHeader."""
        uri = str(reference.get("URI", ""))
        method = self._algorithm(reference, "DigestMethod")
        if method not in _DIGESTS:
            raise _cannot(f"the digest {method} is not read", f"không hỗ trợ mã băm {method}")
        if uri and not uri.startswith("#"):
            content, covers = self._content(uri), False
        else:
            content, covers = self._same_document(uri, reference)
        digest = hashlib.new(_DIGESTS[method], content, usedforsecurity=False).digest()
        expected = _base64(self._child(reference, "DigestValue").text, "DigestValue")
        if not hmac.compare_digest(digest, expected):
            part = uri or "the whole message"
            raise _no(
                f"the content was changed after signing: the digest of {part} differs",
                f"nội dung đã bị thay đổi sau khi ký: mã băm của {uri or 'toàn bản tin'} không khớp",
            )
        return covers

    def _content(self, uri: str) -> bytes:
        if uri[:4].lower() == "cid:":
            wanted = bare_content_id(uri)
            for file in self.attachments:
                if file.content_id == wanted:
                    return file.data
        raise _cannot(
            f"the signed part {uri[:60]!r} is not in the message",
            f"phần được ký {uri[:60]!r} không có trong bản tin",
        )

    def _same_document(self, uri: str, reference: etree._Element) -> tuple[bytes, bool]:
        """Canonical bytes of the whole message or of one element, on a tree of their own."""
        root = parsing.parse(self.data, self.limits, keep_comments=True).root
        target = root if not uri else _by_id(root, uri[1:])
        covers = _covers(target, root)
        algorithm, method = _C14N, None
        for transform in reference.findall(f"{_D}Transforms/{_D}Transform"):
            name = str(transform.get("Algorithm", ""))
            if name == _ENVELOPED:
                _remove(list(root.iter(f"{_D}Signature"))[self.number])
            elif name in _CANONICAL:
                algorithm, method = name, transform
            else:
                raise _cannot(f"the transform {name} is not run", f"không thực hiện phép biến đổi {name}")
        whole = root.getroottree() if target is root else self._alone(target)
        return _canonical(whole, algorithm, method, comments=False), covers

    def _alone(self, element: etree._Element) -> etree._ElementTree:
        """The element as a document of its own, with the namespaces and ``xml:`` attributes in scope.

        Canonicalising it in place would lose the default namespace of its grandchildren: libxml2 is
        asked through a stand-in root there.
        """
        text = etree.tostring(element, encoding="UTF-8", xml_declaration=False, with_tail=False)
        root = parsing.parse(text, self.limits, keep_comments=True).root
        for ancestor in element.iterancestors():
            for name, value in ancestor.items():
                if str(name).startswith(_XML) and root.get(name) is None:
                    root.set(name, value)
        return root.getroottree()

    def _certificate(self) -> x509.Certificate:
        texts = [found.text for found in self.signature.iter(f"{_D}X509Certificate")]
        if not texts:
            raise _cannot("the signature carries no certificate", "chữ ký không kèm chứng thư số")
        der = _base64(texts[0], "X509Certificate")
        announced = _announced_length(der)
        if announced > len(der):
            raise _cannot(
                f"the certificate is cut short ({len(der)} of {announced} bytes)",
                f"chứng thư số bị cắt cụt ({len(der)} trên {announced} byte)",
            )
        try:
            return _whole(x509.load_der_x509_certificate(der))
        except UNREADABLE:
            raise _cannot("the certificate cannot be read", "không đọc được chứng thư số") from None

    def _child(self, parent: etree._Element, name: str) -> etree._Element:
        found = parent.findall(f"{_D}{name}")
        if len(found) != 1:
            raise _cannot(
                f"the signature has {len(found)} {name}, not one",
                f"chữ ký có {len(found)} {name}, phải có một",
            )
        return found[0]

    def _algorithm(self, parent: etree._Element, name: str) -> str:
        return str(self._child(parent, name).get("Algorithm", ""))


def _whole(certificate: x509.Certificate) -> x509.Certificate:
    """The certificate, once all that is told of it has been read: ``cryptography`` reads at first look."""
    certificate.public_key()
    certificate.subject.rfc4514_string()
    _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return certificate


def _canonical(
    part: etree._Element | etree._ElementTree,
    algorithm: str,
    method: etree._Element | None,
    *,
    comments: bool,
) -> bytes:
    exclusive = _CANONICAL[algorithm][0]
    prefixes: list[str] = []
    if exclusive and method is not None:
        listed = method.find(f"{{{_EXCLUSIVE}}}InclusiveNamespaces")
        prefixes = str(listed.get("PrefixList", "")).split() if listed is not None else []
    return etree.tostring(
        part,
        method="c14n",
        exclusive=exclusive,
        with_comments=comments,
        inclusive_ns_prefixes=prefixes or None,
    )


def _by_id(root: etree._Element, wanted: str) -> etree._Element:
    found = [
        element
        for element in root.iter(etree.Element)
        if any(element.get(name) == wanted for name in _ID_NAMES)
    ]
    if len(found) != 1:
        raise _no(
            f"{len(found)} elements have the signed id {wanted[:60]!r}; exactly one may",
            f"có {len(found)} phần tử mang mã {wanted[:60]!r} đã ký; chỉ được có một",
        )
    return found[0]


def _covers(target: etree._Element, root: etree._Element) -> bool:
    """Whether the MessageHeader that the reader reads is ``target`` or lies within it."""
    place: etree._Element | None = root
    if official(root.tag) == "edXML":
        place = _only(root, "edXMLEnvelope")
    header = _only(place, "edXMLHeader", "Header")
    read = _only(header, "MessageHeader", "Status")
    return read is not None and any(element is target for element in (read, *read.iterancestors()))


def _only(parent: etree._Element | None, *wanted: str) -> etree._Element | None:
    if parent is None:
        return None
    found = [child for child in parent if isinstance(child.tag, str) and official(child.tag) in wanted]
    return found[0] if len(found) == 1 else None


def _remove(signature: etree._Element) -> None:
    """Take the signature out and leave the text behind it where it was."""
    parent = signature.getparent()
    if parent is None:
        raise _no("the signature is the whole message", "chữ ký chiếm toàn bộ bản tin")
    before = signature.getprevious()
    if signature.tail:
        if before is not None:
            before.tail = (before.tail or "") + signature.tail
        else:
            parent.text = (parent.text or "") + signature.tail
    parent.remove(signature)


def _base64(text: str | None, name: str) -> bytes:
    try:
        return b64decode("".join((text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise _cannot(f"{name} is not base64", f"{name} không phải base64") from None


def _announced_length(der: bytes) -> int:
    """How long the outer DER value says it is, header included; 0 when it does not say."""
    if len(der) < 2 or der[0] != 0x30:
        return 0
    if der[1] < 0x80:
        return 2 + der[1]
    count = der[1] & 0x7F
    return 2 + count + int.from_bytes(der[2 : 2 + count], "big") if 1 <= count <= 4 else 0
