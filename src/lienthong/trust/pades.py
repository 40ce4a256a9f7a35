"""PAdES (ETSI EN 319 142): signing PDFs, and checking the signatures that a PDF carries, through pyHanko.

Signing makes PAdES B-B, or B-T when a TSA is given. Checking answers one :class:`PdfSignature` a signature,
and leaves the decision whom to trust to our own :class:`~lienthong.trust.certificates.TrustStore`; pyHanko
does the PDF: the signed bytes, the mathematics, and whether what was appended later changes anything a reader
sees.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import tempfile
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from asn1crypto import algos, cms
from asn1crypto import x509 as asn1_x509
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation import generic_cms
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore

from lienthong.core.clock import utc_now
from lienthong.trust import paths, timestamps
from lienthong.trust.certificates import TrustStore, Verdict
from lienthong.trust.errors import PdfSignatureError, TimestampError, TrustError, reading
from lienthong.trust.keys import RSA_PKCS1, Signer
from lienthong.trust.pdf_appearance import Appearance, draw
from lienthong.trust.profiles import Profile

if TYPE_CHECKING:
    from lienthong.trust.tsa import TimeStampAuthority

MAX_PDF = 1 << 30
SOUND = frozenset({"sha256", "sha384", "sha512"})

T = TypeVar("T")

logging.getLogger("pyhanko").setLevel(logging.CRITICAL)  # it logs tracebacks of what is said in ``problems``


@dataclass(frozen=True, slots=True)
class PdfSignature:
    """One signature (or document time-stamp) of a PDF.

    ``intact``: the signed bytes are unaltered and the signature verifies. ``covers``: the whole file; an
    earlier revision of it (something was appended); or not even a revision. ``later_changes``: what was
    appended since. ``signed_at``: as the signer claims. ``timestamp``: as a trusted TSA proves.
    ``judged_at``: the moment at which the certificate was judged, the time-stamp's when there is one. ``ok``
    is the sum of it all, and ``problems`` says in words why not.
    """

    field: str
    kind: Literal["signature", "timestamp"]
    signer: str
    organ: str
    certificate: bytes
    fingerprint: bytes
    reason: str
    signed_at: datetime | None
    timestamp: datetime | None
    judged_at: datetime
    intact: bool
    covers: Literal["file", "revision", "part"]
    later_changes: Literal["none", "allowed", "suspicious"]
    verdict: Verdict | None
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems

    @property
    def level(self) -> Literal["B-B", "B-T"]:
        return "B-T" if self.timestamp is not None else "B-B"


def sign_pdf(
    pdf: bytes,
    signer: Signer,
    *,
    name: str = "",
    reason: str = "",
    location: str = "",
    signing_time: datetime | None = None,
    tsa: str | TimeStampAuthority | None = None,
    field: str | None = None,
    appearance: Appearance | None = None,
) -> bytes:
    """The PDF with one more signature, appended as an incremental update so that earlier ones stay valid.

    ``name``: of the signer, for viewers. ``tsa``: an address or the built-in authority; then the level is
    B-T, and :class:`~lienthong.trust.errors.TimestampUnavailable` is raised when it does not answer.
    ``field``: the name of the signature field, new or empty; the next free ``Signature<n>`` when None. Raises
    :class:`PdfSignatureError` when the PDF cannot be signed.
    """
    if len(pdf) > MAX_PDF:
        raise PdfSignatureError(f"a PDF of {len(pdf)} bytes is beyond the limit of {MAX_PDF}")
    moment = (signing_time or utc_now()).replace(microsecond=0)
    with (
        tempfile.TemporaryDirectory(prefix="lienthong-pdf-") if appearance else nullcontext("") as folder,
        reading(PdfSignatureError, "the PDF"),
    ):
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
        field_name = field or _free_field(writer)
        style = None
        spec = fields.SigFieldSpec(field_name)
        if appearance is not None:
            drawn = Path(folder) / "appearance.pdf"
            draw(appearance, drawn)
            style = StaticStampStyle.from_pdf_file(str(drawn), border_width=0)
            box = tuple(round(edge) for edge in appearance.box)
            spec = fields.SigFieldSpec(field_name, on_page=appearance.page, box=box)
        metadata = signers.PdfSignatureMetadata(
            field_name=field_name,
            md_algorithm="sha256",
            name=name or None,
            reason=reason or None,
            location=location or None,
            subfilter=fields.SigSeedSubFilter.PADES,
        )
        pdf_signer = signers.PdfSigner(
            metadata,
            _PdfSigner(signer),
            timestamper=_Stamper(tsa) if tsa is not None else None,
            stamp_style=style,
            new_field_spec=spec,
        )
        return _wait(lambda: _sign(pdf_signer, writer, moment, _reserve(signer, tsa is not None)))


async def _sign(
    pdf_signer: signers.PdfSigner, writer: IncrementalPdfFileWriter, moment: datetime, reserved: int
) -> bytes:
    session = pdf_signer.init_signing_session(writer)
    session.system_time = moment
    document = session.prepare_tbs_document(validation_info=None, bytes_reserved=reserved)
    digest, output = document.digest_tbs_document()
    await document.perform_signature(
        document_digest=digest.document_digest,
        pdf_cms_signed_attrs=PdfCMSSignedAttributes(signing_time=moment),
    )
    signed: bytes = output.getvalue()
    return signed


def _reserve(signer: Signer, stamped: bool) -> int:
    """Hexadecimal digits to keep free for the CMS: the certificates, a signature, attributes, the
    time-stamp.
    """
    size = 4096 + len(signer.certificate) + sum(map(len, signer.chain)) + (16384 if stamped else 0)
    return 2 * size


def _free_field(writer: IncrementalPdfFileWriter) -> str:
    taken = {name for name, _, _ in fields.enumerate_sig_fields(writer.prev)}
    number = 1
    while f"Signature{number}" in taken:
        number += 1
    return f"Signature{number}"


def _wait(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run pyHanko's coroutine to its end, also from inside an event loop (then in a thread of its own)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(make())
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(make())).result()


class _PdfSigner(signers.Signer):  # type: ignore[misc]
    """Our :class:`Signer` as pyHanko sees one."""

    def __init__(self, signer: Signer) -> None:
        registry = SimpleCertificateStore()
        registry.register_multiple([asn1_x509.Certificate.load(der) for der in signer.chain])
        algorithm = "sha256_rsa" if signer.algorithm == RSA_PKCS1 else "sha256_ecdsa"
        super().__init__(
            signing_cert=asn1_x509.Certificate.load(signer.certificate),
            cert_registry=registry,
            signature_mechanism=algos.SignedDigestAlgorithm({"algorithm": algorithm}),
        )
        self._ours = signer

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        if digest_algorithm != "sha256":
            raise PdfSignatureError(f"signatures are made over SHA-256, not {digest_algorithm}")
        return bytes(512) if dry_run else self._ours.sign(data)


class _Stamper(TimeStamper):  # type: ignore[misc]
    """Our time-stamp client as pyHanko sees one."""

    def __init__(self, tsa: str | TimeStampAuthority) -> None:
        super().__init__()
        self._tsa = tsa

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        if md_algorithm != "sha256":
            raise TimestampError(f"time-stamps are asked for over SHA-256, not {md_algorithm}")
        return cms.ContentInfo.load(timestamps.request_timestamp(self._tsa, message_digest))


def check_pdf(pdf: bytes, trust: TrustStore, *, at: datetime | None = None) -> list[PdfSignature]:
    """The signatures of a PDF, oldest first, each judged; an unsigned PDF has none.

    A certificate is judged at its trusted time-stamp, or else at ``at`` (now when None): a time that only the
    signer claims proves nothing. Raises :class:`PdfSignatureError` when the bytes are no readable PDF.
    """
    if len(pdf) > MAX_PDF:
        raise PdfSignatureError(f"a PDF of {len(pdf)} bytes is beyond the limit of {MAX_PDF}")
    moment = at or utc_now()
    with reading(PdfSignatureError, "the PDF"):
        reader = PdfFileReader(io.BytesIO(pdf))
        if reader.encrypted:
            raise PdfSignatureError("the PDF is encrypted", remedy="send documents without a password")
        found = list(fields.enumerate_sig_fields(reader, filled_status=True))
        return [_check(reader, name, field, trust, moment) for name, _, field in found]


def _check(
    reader: PdfFileReader, field_name: str, field: Any, trust: TrustStore, at: datetime
) -> PdfSignature:
    """One signature; whatever is broken in it is a problem of that signature, not of the PDF."""
    try:
        with reading(PdfSignatureError, "the signature"):
            return _judge(EmbeddedPdfSignature(reader, field, field_name), trust, at)
    except TrustError as error:
        return PdfSignature(
            field=field_name,
            kind="signature",
            signer="",
            organ="",
            certificate=b"",
            fingerprint=b"",
            reason="",
            signed_at=None,
            timestamp=None,
            judged_at=at,
            intact=False,
            covers="part",
            later_changes="suspicious",
            verdict=None,
            problems=(error.detail,),
        )


def _judge(signature: EmbeddedPdfSignature, trust: TrustStore, at: datetime) -> PdfSignature:
    problems: list[str] = []
    signature.compute_integrity_info()
    covers = _coverage(signature)
    changes = _changes(signature)
    if covers == "part":
        problems.append("the signature does not cover the document as it was signed")
    elif changes == "suspicious":
        problems.append("the document was changed after this signature in a way that signing does not allow")
    is_stamp = str(signature.sig_object_type) == "/DocTimeStamp"
    stamp: datetime | None = None
    certificate = signature.signer_cert.dump()
    if is_stamp:
        intact, stamp = _document_stamp(signature, trust, problems)
    else:
        intact = _mathematics(signature, problems)
        if intact:
            stamp = _signature_stamp(signature, trust, problems)
    parsed = paths.parse(certificate)
    others = [one.dump() for one in signature.other_embedded_certs]
    purpose = Profile.TSA if is_stamp else Profile.SEAL
    verdict = trust.check(certificate, intermediates=others, purpose=purpose, at=stamp or at)
    if not verdict.ok:
        problems.append(verdict.reason)
    organ = parsed.x509.subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)
    claimed = signature.self_reported_timestamp
    return PdfSignature(
        field=signature.field_name,
        kind="timestamp" if is_stamp else "signature",
        signer=parsed.common_name,
        organ=str(organ[0].value) if organ else "",
        certificate=certificate,
        fingerprint=hashlib.sha256(certificate).digest(),
        reason=str(signature.sig_object.get("/Reason", "")),
        signed_at=claimed.astimezone(UTC) if claimed else None,
        timestamp=stamp,
        judged_at=stamp or at,
        intact=intact,
        covers=covers,
        later_changes=changes,
        verdict=verdict,
        problems=tuple(problems),
    )


def _coverage(signature: EmbeddedPdfSignature) -> Literal["file", "revision", "part"]:
    if signature.coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return "file"
    return "revision" if signature.coverage == SignatureCoverageLevel.ENTIRE_REVISION else "part"


def _changes(signature: EmbeddedPdfSignature) -> Literal["none", "allowed", "suspicious"]:
    if not signature.summarise_integrity_info()["docmdp_ok"]:
        return "suspicious"
    result = signature.diff_result
    if isinstance(result, DiffResult) and result.modification_level == ModificationLevel.NONE:
        return "none"
    return "allowed"


def _mathematics(signature: EmbeddedPdfSignature, problems: list[str]) -> bool:
    if signature.md_algorithm not in SOUND:
        problems.append(f"the signature is over a {signature.md_algorithm} digest, which is no longer sound")
        return False
    intact, valid = generic_cms.validate_sig_integrity(
        signature.signer_info, signature.signer_cert, "data", signature.compute_digest()
    )
    if not intact:
        problems.append("the document was altered after it was signed")
    elif not valid:
        problems.append("the signature does not verify with the signer's certificate")
    return bool(intact and valid)


def _signature_stamp(
    signature: EmbeddedPdfSignature, trust: TrustStore, problems: list[str]
) -> datetime | None:
    def signed_value(name: str) -> bytes:
        return hashlib.new(name, signature.signer_info["signature"].native).digest()

    attributes = signature.signer_info["unsigned_attrs"]
    for attribute in attributes or ():
        if attribute["type"].native != "signature_time_stamp_token":
            continue
        return _verified(attribute["values"][0].dump(), signed_value, trust, problems)
    return None


def _document_stamp(
    signature: EmbeddedPdfSignature, trust: TrustStore, problems: list[str]
) -> tuple[bool, datetime | None]:
    token = cms.ContentInfo.load(signature.pkcs7_content).dump()
    moment = _verified(token, signature.compute_digest, trust, problems)
    return moment is not None, moment


def _verified(
    token: bytes, digest: Callable[[str], bytes], trust: TrustStore, problems: list[str]
) -> datetime | None:
    try:
        name = timestamps.digest_algorithm(token)
        return timestamps.verify_timestamp(token, digest(name), trust)
    except TimestampError as error:
        problems.append(error.detail)
        return None
