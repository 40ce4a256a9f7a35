"""Which certificates are believed: paths, purposes, validity, the cache, and external anchors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.conftest import NewProvince, make_signer
from tests.trust.crafting import SEAL_EXTENSIONS, Made, authority, certificate, seal

from lienthong.trust import certificates, paths
from lienthong.trust.certificates import TrustStore, describe
from lienthong.trust.errors import AnchorError, CertificateError, UntrustedCertificate
from lienthong.trust.keys import FileSigner
from lienthong.trust.profiles import Profile, key_usage

NOW = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
STRANGE = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")

ROOT = authority("Root", None, NOW)
ISSUING = authority("Issuing", ROOT, NOW)
SEAL = seal("Agency", ISSUING, NOW)
STORE = TrustStore([ROOT.der])


def verdict(
    leaf: Made, *intermediates: Made, store: TrustStore = STORE, at: datetime = NOW
) -> certificates.Verdict:
    return store.check(
        leaf.der, intermediates=[one.der for one in intermediates], purpose=Profile.SEAL, at=at
    )


def test_a_seal_is_trusted_through_its_chain() -> None:
    found = verdict(SEAL, ISSUING)
    assert (found.status, found.ok) == ("good", True)
    assert found.path == (SEAL.der, ISSUING.der, ROOT.der)


def test_the_order_and_the_noise_among_the_intermediates_do_not_matter() -> None:
    other = authority("Other", None, NOW)
    assert verdict(SEAL, other, SEAL, ROOT, ISSUING).ok
    found = STORE.check(SEAL.der, intermediates=[b"noise", ISSUING.der], purpose=Profile.SEAL, at=NOW)
    assert found.ok


def test_without_its_intermediate_the_reason_names_the_missing_issuer() -> None:
    found = verdict(SEAL)
    assert (found.status, found.ok) == ("untrusted", False)
    assert "Issuing" in found.reason


def test_a_known_intermediate_need_not_be_brought() -> None:
    store = TrustStore([ROOT.der], intermediates=[ISSUING.der])
    assert verdict(SEAL, store=store).ok


def broken_chains() -> dict[str, tuple[list[Made], str, str]]:
    """What is wrong → the chain, leaf first; the status; a word of the reason."""
    thief = ec.generate_private_key(ec.SECP256R1())
    old = authority("Old", ROOT, NOW, begins=-30 * DAY, ends=-1 * DAY)
    early = authority("Early", ROOT, NOW, begins=DAY, ends=30 * DAY)
    plain = certificate("Plain", ROOT, NOW, extensions=SEAL_EXTENSIONS)
    no_sign = certificate(
        "NoSign",
        ROOT,
        NOW,
        extensions=[(x509.BasicConstraints(True, None), True), (key_usage("crl_sign"), True)],
    )
    bare = certificate("Bare", ROOT, NOW)
    short = authority("Short", ROOT, NOW, path_length=0)
    below = authority("Below", short, NOW)
    names = x509.NameConstraints([x509.DNSName("example")], None)
    constrained = authority("Constrained", ROOT, NOW, extra=[(names, True)])
    soft = authority("Soft", ROOT, NOW, extra=[(names, False)])
    policies = authority("Policies", ROOT, NOW, extra=[(x509.PolicyConstraints(0, None), True)])
    strange = authority("Strange", ROOT, NOW, extra=[(STRANGE, True)])
    tls_only = authority(
        "TlsOnly", ROOT, NOW, extra=[(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), False)]
    )
    weak_key = rsa.generate_private_key(65537, 1024)  # noqa: S505
    weak = authority("Weak", ROOT, NOW, key=weak_key)
    curve = authority("Curve", ROOT, NOW, key=ec.generate_private_key(ec.SECP256K1()))
    forged = authority("Issuing", ROOT, NOW, signing_key=thief)
    untrusted: dict[str, tuple[list[Made], str]] = {
        "a stranger's root": ([seal("A", authority("Root", None, NOW), NOW)], "not made by Root"),
        "a self-signed seal": ([certificate("A", None, NOW, extensions=SEAL_EXTENSIONS)], "nobody"),
        "a forged signature": ([seal("A", ISSUING, NOW, signing_key=thief), ISSUING], "not made by"),
        "a forged authority": ([seal("A", forged, NOW), forged], "not made by Root"),
        "an issuer that is an agency": ([seal("A", SEAL, NOW), SEAL, ISSUING], "basicConstraints"),
        "an issuer without constraints": ([seal("A", bare, NOW), bare], "basicConstraints"),
        "an issuer that is no authority": ([seal("A", plain, NOW), plain], "basicConstraints"),
        "an authority that may not sign": ([seal("A", no_sign, NOW), no_sign], "keyUsage"),
        "a chain beyond pathLen": ([seal("A", below, NOW), below, short], "allows 0"),
        "critical name constraints": ([seal("A", constrained, NOW), constrained], "nameConstraints"),
        "name constraints at all": ([seal("A", soft, NOW), soft], "nameConstraints"),
        "policy constraints": ([seal("A", policies, NOW), policies], "policyConstraints"),
        "a strange critical extension above": ([seal("A", strange, NOW), strange], "1.2.3.4.5"),
        "a strange critical extension": (
            [seal("A", ISSUING, NOW, extensions=[*SEAL_EXTENSIONS, (STRANGE, True)]), ISSUING],
            "1.2.3.4.5",
        ),
        "an authority for TLS alone": ([seal("A", tls_only, NOW), tls_only], "may not issue"),
        "an authority with a short RSA key": ([seal("A", weak, NOW), weak], "1024"),
        "an authority on a strange curve": ([seal("A", curve, NOW), curve], "secp256k1"),
        "a seal with a short RSA key": ([seal("A", ISSUING, NOW, key=weak_key), ISSUING], "1024"),
    }
    past = seal("A", ISSUING, NOW, begins=-9 * DAY, ends=-DAY)
    return {
        **{what: (chain, "untrusted", word) for what, (chain, word) in untrusted.items()},
        "an expired authority": ([seal("A", old, NOW), old], "expired", "Old"),
        "an authority before its time": ([seal("A", early, NOW), early], "not-yet-valid", "Early"),
        "an expired seal": ([past, ISSUING], "expired", "A expired"),
        "a seal before its time": (
            [seal("A", ISSUING, NOW, begins=DAY), ISSUING],
            "not-yet-valid",
            "not valid before",
        ),
        "an authority used as a seal": ([ISSUING], "wrong-purpose", "authority"),
    }


BROKEN = broken_chains()


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_chain_is_refused_with_its_reason(what: str) -> None:
    (leaf, *above), status, word = BROKEN[what]
    found = verdict(leaf, *above)
    assert (found.status, found.ok) == (status, False), found
    assert word in found.reason


@pytest.mark.parametrize("algorithm", [hashes.SHA224(), hashes.SHA3_256()])
def test_a_signature_by_an_unsound_or_unusual_digest_is_refused(algorithm: hashes.HashAlgorithm) -> None:
    leaf = seal("A", ISSUING, NOW, algorithm=algorithm)
    assert verdict(leaf, ISSUING).status == "untrusted"


def test_rsa_and_the_larger_curves_are_trusted() -> None:
    root = authority("R", None, NOW, key=rsa.generate_private_key(65537, 2048))
    for key in (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 3072)):
        middle = authority("M", root, NOW, key=key)
        assert verdict(seal("A", middle, NOW), middle, store=TrustStore([root.der])).ok


def test_a_good_path_is_found_beside_a_bad_one_to_the_same_authority() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    expired = authority("Twice", ROOT, NOW, key=key, begins=-9 * DAY, ends=-DAY)
    renewed = authority("Twice", ROOT, NOW, key=key)
    leaf = seal("A", renewed, NOW)
    for order in ((expired, renewed), (renewed, expired)):
        assert verdict(leaf, *order).ok


def test_authorities_that_certify_each_other_do_not_hang_the_search() -> None:
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in "ABC"}
    lone = {name: authority(name, None, NOW, key=key) for name, key in keys.items()}
    circle = [
        authority(one, lone[other], NOW, key=keys[one])
        for one, other in (("A", "B"), ("B", "C"), ("C", "A"), ("A", "C"), ("B", "A"))
    ]
    found = verdict(seal("Leaf", lone["A"], NOW), *circle)
    assert (found.status, found.ok) == ("untrusted", False)


def test_a_flood_of_look_alike_authorities_costs_a_bounded_number_of_signatures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[str] = []
    real: Callable[[paths.Certificate, paths.Certificate], bool] = paths.issued_by

    def counted(child: paths.Certificate, issuer: paths.Certificate) -> bool:
        tried.append(issuer.common_name)
        return real(child, issuer)

    monkeypatch.setattr(paths, "issued_by", counted)
    key = ec.generate_private_key(ec.SECP256R1())
    lone = authority("Flood", None, NOW, key=key)
    flood = [authority("Flood", lone, NOW, key=key) for _ in range(certificates.MAX_INTERMEDIATES)]
    found = verdict(seal("A", lone, NOW), *flood)
    assert not found.ok
    assert 0 < len(tried) <= paths.MAX_SIGNATURES


def test_more_intermediates_than_anybody_needs_are_refused() -> None:
    found = verdict(SEAL, *[ISSUING] * 17)
    assert not found.ok
    assert "17" in found.reason


def test_a_chain_longer_than_anybody_needs_is_refused() -> None:
    chain = [authority("L0", ROOT, NOW)]
    for depth in range(1, 7):
        chain.append(authority(f"L{depth}", chain[-1], NOW))
    found = verdict(seal("A", chain[-1], NOW), *chain)
    assert not found.ok
    assert "longer" in found.reason


def test_require_raises_with_the_status_as_code() -> None:
    assert STORE.require(SEAL.der, intermediates=[ISSUING.der], purpose=Profile.SEAL, at=NOW).ok
    with pytest.raises(UntrustedCertificate) as caught:
        STORE.require(SEAL.der, purpose=Profile.SEAL, at=NOW)
    assert caught.value.code == "certificate-untrusted"


@given(st.binary(max_size=500))
def test_garbage_is_never_a_certificate_and_never_a_traceback(garbage: bytes) -> None:
    with pytest.raises(CertificateError):
        STORE.check(garbage, purpose=Profile.SEAL, at=NOW)


def test_a_certificate_with_any_bit_changed_is_never_trusted() -> None:
    for place in range(len(SEAL.der) * 8):
        changed = bytearray(SEAL.der)
        changed[place // 8] ^= 1 << place % 8
        for der in (bytes(changed), SEAL.der[: place // 8], SEAL.der + bytes(1)):
            try:
                found = STORE.check(der, intermediates=[ISSUING.der], purpose=Profile.SEAL, at=NOW)
            except CertificateError:
                continue
            assert not found.ok, place


def test_an_oversized_certificate_is_refused_unread() -> None:
    with pytest.raises(CertificateError, match="beyond the limit"):
        STORE.check(SEAL.der + bytes(paths.MAX_CERTIFICATE), purpose=Profile.SEAL, at=NOW)


# The cache of the hot path


def test_the_cached_check_agrees_with_the_full_one() -> None:
    store = TrustStore([ROOT.der])
    for chain, status, _ in [([SEAL, ISSUING], "good", ""), *BROKEN.values()]:
        leaf, *above = (one.der for one in chain)
        for _again in range(2):
            found = store.check_cached(leaf, NOW.timestamp(), Profile.SEAL, above)
            assert found == store.check(leaf, intermediates=above, purpose=Profile.SEAL, at=NOW)
            assert found.status == status


def test_a_verdict_is_worked_out_once_while_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    searches: list[str] = []
    real = paths.find

    def counted(leaf: paths.Certificate, *rest: object, **named: object) -> object:
        searches.append(leaf.common_name)
        return real(leaf, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(paths, "find", counted)
    store = TrustStore([ROOT.der], cache_s=60)
    start = NOW.timestamp()
    for second in range(60):
        assert store.check_cached(SEAL.der, start + second, Profile.SEAL, [ISSUING.der]).ok
    assert len(searches) == 1
    store.check_cached(SEAL.der, start + 61, Profile.SEAL, [ISSUING.der])
    assert len(searches) == 2


def test_a_verdict_for_one_purpose_is_not_given_for_another() -> None:
    store = TrustStore([ROOT.der])
    assert store.check_cached(SEAL.der, NOW.timestamp(), Profile.SEAL, [ISSUING.der]).ok
    assert not store.check_cached(SEAL.der, NOW.timestamp(), Profile.TLS_CLIENT, [ISSUING.der]).ok


def test_a_kept_verdict_ends_with_the_certificate() -> None:
    brief = seal("Brief", ISSUING, NOW, ends=timedelta(seconds=10))
    store = TrustStore([ROOT.der], cache_s=60)
    start = NOW.timestamp()
    assert store.check_cached(brief.der, start, Profile.SEAL, [ISSUING.der]).ok
    assert store.check_cached(brief.der, start + 9, Profile.SEAL, [ISSUING.der]).ok
    assert store.check_cached(brief.der, start + 11, Profile.SEAL, [ISSUING.der]).status == "expired"


def test_a_clock_that_jumps_back_gets_no_verdict_of_the_future() -> None:
    young = seal("Young", ISSUING, NOW, begins=timedelta(0))
    store = TrustStore([ROOT.der], cache_s=60)
    start = NOW.timestamp()
    assert store.check_cached(young.der, start + 5, Profile.SEAL, [ISSUING.der]).ok
    assert store.check_cached(young.der, start - 5, Profile.SEAL, [ISSUING.der]).status == "not-yet-valid"


def test_a_published_revocation_reaches_the_hot_path_when_the_verdict_runs_out(
    new_province: NewProvince, now: datetime
) -> None:
    ca = new_province()
    signer = make_signer(ca, now)
    store = TrustStore.from_folder(ca.folder, cache_s=60)
    start = now.timestamp()
    assert store.check_cached(signer.certificate, start, Profile.SEAL).ok
    ca.revoke(paths.parse(signer.certificate).x509.serial_number, reason="key-compromise", at=now)
    ca.publish_crls(now=now)
    assert store.check_cached(signer.certificate, start + 61, Profile.SEAL).status == "revoked"


def test_a_revocation_is_heeded_at_once_after_a_refresh(new_province: NewProvince, now: datetime) -> None:
    ca = new_province()
    signer = make_signer(ca, now)
    store = TrustStore.from_folder(ca.folder)
    assert store.check_cached(signer.certificate, now.timestamp(), Profile.SEAL).ok
    assert store.refresh() is False
    ca.revoke(paths.parse(signer.certificate).x509.serial_number, reason="superseded", at=now)
    ca.publish_crls(now=now)
    assert store.refresh() is True
    assert not store.check_cached(signer.certificate, now.timestamp(), Profile.SEAL).ok


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "MAX_CACHED", 5)
    store = TrustStore([ROOT.der])
    for number in range(12):
        leaf = seal(f"A{number}", ISSUING, NOW)
        assert store.check_cached(leaf.der, NOW.timestamp(), Profile.SEAL, [ISSUING.der]).ok
        assert len(store._verdicts[Profile.SEAL]) <= 5


# Folders


def test_a_folder_without_anchors_says_so(tmp_path: Path) -> None:
    with pytest.raises(AnchorError) as caught:
        TrustStore.from_folder(tmp_path)
    assert caught.value.code == "no-anchor"


def test_a_certificate_is_described_in_words(seal_signer: FileSigner) -> None:
    words = describe(seal_signer.certificate)
    assert words["name"] == "Ủy ban nhân dân tỉnh Vĩnh Long"
    assert words["organ"] == "000.00.00.H61"
    assert len(words["fingerprint"]) == 64
