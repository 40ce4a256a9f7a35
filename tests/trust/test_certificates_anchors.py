"""Trusting others: external roots, the authorities below them, and their CRLs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from tests.trust.conftest import NewProvince, make_signer
from tests.trust.crafting import SEAL_EXTENSIONS, authority, certificate, crl, seal
from tests.trust.far_ends import answering, nobody

from lienthong.trust.anchors import fetch_crl, import_anchor, import_crl, import_intermediate
from lienthong.trust.certificates import TrustStore
from lienthong.trust.errors import AnchorError, RevocationError
from lienthong.trust.keys import pem
from lienthong.trust.outbound import Unreachable
from lienthong.trust.profiles import Profile

NOW = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
STRANGE = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
ROOT = authority("Root", None, NOW)
ISSUING = authority("Issuing", ROOT, NOW)


def test_an_imported_root_is_trusted_from_then_on(new_province: NewProvince, now: datetime) -> None:
    ca, other = new_province("ours"), new_province("theirs")
    theirs = make_signer(other, now)
    check = {"intermediates": theirs.chain, "purpose": Profile.SEAL, "at": now}
    before = TrustStore.from_folder(ca.folder).check(theirs.certificate, **check)  # type: ignore[arg-type]
    assert before.status == "untrusted"
    root = (other.folder / "anchors" / "root.pem").read_bytes()
    [path] = import_anchor(ca.folder, root, now=now, name="Tỉnh Trà Vinh")
    assert path.name.startswith("tinh-tra-vinh-")
    unknown = TrustStore.from_folder(ca.folder).check(theirs.certificate, **check)  # type: ignore[arg-type]
    assert (unknown.status, unknown.ok) == ("unknown", False)
    import_intermediate(ca.folder, (other.folder / "issuing" / "ca.pem").read_bytes(), now=now)
    for name in ("root", "issuing"):
        import_crl(ca.folder, (other.folder / "crl" / f"{name}.crl").read_bytes())
    assert TrustStore.from_folder(ca.folder).check(theirs.certificate, **check).ok  # type: ignore[arg-type]


def unfit_anchors() -> dict[str, tuple[bytes, str]]:
    key = ec.generate_private_key(ec.SECP256R1())
    broken = authority("Broken", None, NOW, signing_key=key)
    return {
        "an intermediate": (ISSUING.der, "not a root"),
        "an agency": (certificate("A", None, NOW, extensions=SEAL_EXTENSIONS).der, "not an authority"),
        "an expired root": (authority("Old", None, NOW, begins=-9 * DAY, ends=-DAY).der, "expired"),
        "a root before its time": (authority("Early", None, NOW, begins=DAY).der, "not valid before"),
        "a root with a broken signature": (broken.der, "signature does not verify"),
        "a weak root": (
            authority("Weak", None, NOW, key=rsa.generate_private_key(65537, 1024)).der,  # noqa: S505
            "1024",
        ),
        "a strange root": (authority("S", None, NOW, extra=[(STRANGE, True)]).der, "1.2.3.4.5"),
        "a private key": (b"-----BEGIN PRIVATE KEY-----\n", "private key"),
        "nothing": (b"", "not a readable certificate"),
        "a page of HTML": (b"<html>", "not a readable certificate"),
        "a cut certificate": (pem("CERTIFICATE", ROOT.der[:100]), "not a readable certificate"),
    }


UNFIT = unfit_anchors()


@pytest.mark.parametrize("what", UNFIT)
def test_what_may_not_be_an_anchor_is_refused_with_the_reason(what: str, tmp_path: Path) -> None:
    data, words = UNFIT[what]
    with pytest.raises(AnchorError, match=words):
        import_anchor(tmp_path, data, now=NOW)
    assert not (tmp_path / "anchors").exists()


def test_several_anchors_come_in_all_or_none(tmp_path: Path) -> None:
    other = authority("Other", None, NOW)
    with pytest.raises(AnchorError):
        import_anchor(tmp_path, pem("CERTIFICATE", ROOT.der) + pem("CERTIFICATE", ISSUING.der), now=NOW)
    both = pem("CERTIFICATE", ROOT.der) + pem("CERTIFICATE", other.der)
    assert len(import_anchor(tmp_path, both, now=NOW)) == 2
    with pytest.raises(AnchorError) as caught:
        import_anchor(tmp_path, ROOT.der, now=NOW)
    assert caught.value.code == "anchor-exists"


def test_an_ed25519_root_is_fit(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    builder = x509.CertificateBuilder(
        subject_name=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "E")]),
        issuer_name=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "E")]),
        public_key=key.public_key(),
        serial_number=7,
        not_valid_before=NOW - DAY,
        not_valid_after=NOW + DAY,
    ).add_extension(x509.BasicConstraints(True, None), critical=True)
    root = builder.sign(key, None).public_bytes(Encoding.DER)
    assert import_anchor(tmp_path, root, now=NOW)


# Authorities below a root


def test_an_authority_is_imported_below_a_root_that_is_known(tmp_path: Path) -> None:
    lower = authority("Lower", ISSUING, NOW)
    with pytest.raises(AnchorError, match="whom nobody here knows"):
        import_intermediate(tmp_path, ISSUING.der, now=NOW)
    import_anchor(tmp_path, ROOT.der, now=NOW)
    both = pem("CERTIFICATE", ISSUING.der) + pem("CERTIFICATE", lower.der)
    assert len(import_intermediate(tmp_path, both, now=NOW)) == 2
    leaf = seal("Agency", lower, NOW)
    store = TrustStore.from_folder(tmp_path)
    store.revocation = None
    assert store.check(leaf.der, purpose=Profile.SEAL, at=NOW).ok


def test_an_intermediate_is_not_an_anchor(tmp_path: Path) -> None:
    import_anchor(tmp_path, ROOT.der, now=NOW)
    import_intermediate(tmp_path, ISSUING.der, now=NOW)
    for file in (tmp_path / "anchors").iterdir():
        file.unlink()
    with pytest.raises(AnchorError, match="no trust anchor"):
        TrustStore.from_folder(tmp_path)


@pytest.mark.parametrize(
    ("der", "words"),
    [
        (seal("Agency", ROOT, NOW).der, "not an authority"),
        (authority("Old", ROOT, NOW, begins=-9 * DAY, ends=-DAY).der, "valid from"),
        (authority("Forged", ROOT, NOW, signing_key=ec.generate_private_key(ec.SECP256R1())).der, "nobody"),
    ],
)
def test_what_may_not_be_an_intermediate_is_refused(der: bytes, words: str, tmp_path: Path) -> None:
    import_anchor(tmp_path, ROOT.der, now=NOW)
    with pytest.raises(AnchorError, match=words):
        import_intermediate(tmp_path, der, now=NOW)


# Their CRLs


def test_a_crl_of_a_stranger_is_not_imported(tmp_path: Path) -> None:
    import_anchor(tmp_path, ROOT.der, now=NOW)
    forged = crl(ROOT, NOW, signing_key=ec.generate_private_key(ec.SECP256R1()))
    for data in (crl(ISSUING, NOW), forged):
        with pytest.raises(RevocationError) as caught:
            import_crl(tmp_path, data)
        assert caught.value.code == "crl-of-a-stranger"


def test_an_older_crl_does_not_displace_a_newer(tmp_path: Path) -> None:
    import_anchor(tmp_path, ROOT.der, now=NOW)
    path = import_crl(tmp_path, crl(ROOT, NOW, revoked=[5]))
    newer = path.read_bytes()
    with pytest.raises(RevocationError, match="newer CRL"):
        import_crl(tmp_path, crl(ROOT, NOW, made=-DAY))
    assert path.read_bytes() == newer
    assert import_crl(tmp_path, crl(ROOT, NOW, made=DAY)) == path
    assert path.read_bytes() != newer


def test_a_crl_is_fetched_and_a_failed_fetch_changes_nothing(tmp_path: Path) -> None:
    import_anchor(tmp_path, ROOT.der, now=NOW)
    good = crl(ROOT, NOW)
    with answering(lambda _: good, "application/pkix-crl") as url:
        path = fetch_crl(tmp_path, url)
    assert path.read_bytes() == good
    with pytest.raises(Unreachable):
        fetch_crl(tmp_path, nobody())
    with answering(lambda _: b"<html>", "text/html") as url, pytest.raises(RevocationError):
        fetch_crl(tmp_path, url)
    assert path.read_bytes() == good
