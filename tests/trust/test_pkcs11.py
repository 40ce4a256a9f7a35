"""Keys in a security module: SoftHSM2, for real."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.trust.conftest import TOKEN_PIN, make_signer

from lienthong.trust.asic import Entry
from lienthong.trust.ca import ProvinceCA
from lienthong.trust.certificates import TrustStore
from lienthong.trust.errors import AuthorityError, KeyFileError, TokenError
from lienthong.trust.keys import FileSigner, KeyKind, Signer, pem
from lienthong.trust.pkcs11 import Pkcs11Signer, Token, TokenEcKey, TokenRsaKey
from lienthong.trust.profiles import Profile
from lienthong.trust.sealing import seal, unseal
from lienthong.trust.timestamps import request_timestamp, verify_timestamp
from lienthong.trust.tsa import TimeStampAuthority


@pytest.fixture(scope="module")
def ec_key(token: Token) -> TokenEcKey:
    key = token.generate("seal-p256")
    assert isinstance(key, TokenEcKey)
    return key


@pytest.fixture(scope="module")
def rsa_key(token: Token) -> TokenRsaKey:
    key = token.generate("seal-rsa", "rsa2048")
    assert isinstance(key, TokenRsaKey)
    return key


@pytest.fixture(params=["p256", "rsa2048"])
def signer(
    request: pytest.FixtureRequest,
    token: Token,
    ec_key: TokenEcKey,
    rsa_key: TokenRsaKey,
    province_ca: ProvinceCA,
    now: datetime,
    tmp_path: Path,
    softhsm: Path,
) -> Signer:
    key = ec_key if request.param == "p256" else rsa_key
    issued = make_signer(province_ca, now, key=key)
    chain = b"".join(pem("CERTIFICATE", der) for der in (issued.certificate, *issued.chain))
    (tmp_path / "seal.pem").write_bytes(chain)
    return Pkcs11Signer.open(
        module=softhsm, token="vinhlong", key=key.label, pin=TOKEN_PIN, certificate=tmp_path / "seal.pem"
    )


def test_a_seal_in_a_token_signs_like_one_in_a_file(
    signer: Signer, trust_store: TrustStore, now: datetime
) -> None:
    assert trust_store.check(signer.certificate, intermediates=signer.chain, purpose=Profile.SEAL, at=now).ok
    assert isinstance(signer, FileSigner)
    public = signer.private_key.public_key()
    signature = signer.sign(b"a directive")
    if isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, b"a directive", ec.ECDSA(hashes.SHA256()))
    else:
        assert isinstance(public, rsa.RSAPublicKey)
        public.verify(signature, b"a directive", padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_a_time_stamping_authority_may_keep_its_key_in_a_token(
    kind: KeyKind, token: Token, province_ca: ProvinceCA, trust_store: TrustStore, now: datetime
) -> None:
    key = token.generate(f"tsa-{kind}", kind)
    issued = make_signer(province_ca, now, Profile.TSA, code="", key=key)
    tsa = TimeStampAuthority(
        Pkcs11Signer(token, key.label, issued.certificate, issued.chain), clock=lambda: now
    )
    assert verify_timestamp(request_timestamp(tsa, bytes(32)), bytes(32), trust_store) == now


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_the_authority_itself_may_live_in_a_token(
    kind: KeyKind, token: Token, now: datetime, tmp_path: Path
) -> None:
    folder = tmp_path / "pki"
    ProvinceCA.create(
        folder,
        province="Vĩnh Long",
        passphrase=b"",
        now=now,
        new_key=lambda name: token.generate(f"{kind}-{name}", kind),
    )
    assert not list(folder.rglob("*.key"))
    ca = ProvinceCA.open(folder, passphrase=b"", open_key=lambda name: token.key(f"{kind}-{name}"))
    signer = make_signer(ca, now)
    ca.publish_crls(now=now)
    assert TrustStore.from_folder(folder).check(signer.certificate, purpose=Profile.SEAL, at=now).ok
    with pytest.raises(AuthorityError, match="not that of its certificate"):
        wrong = ProvinceCA.open(folder, passphrase=b"", open_key=lambda _: token.key(f"{kind}-tls"))
        make_signer(wrong, now)


def test_a_token_agrees_on_keys_for_unsealing(ec_key: TokenEcKey) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    shared = ec_key.exchange(ec.ECDH(), other.public_key())
    assert shared == other.exchange(ec.ECDH(), ec_key.public_key())


def test_sealed_files_open_with_a_key_in_a_token(
    token: Token, province_ca: ProvinceCA, now: datetime, tmp_path: Path
) -> None:
    key = token.generate("encryption-p256")
    certificate = make_signer(province_ca, now, Profile.ENCRYPTION, key=key).certificate
    sealed = seal([Entry("files/mat.pdf", "application/pdf", b"secret")], [certificate])
    [opened] = unseal(sealed, key, certificate, tmp_path)
    assert opened.read_bytes() == b"secret"


def test_a_token_decrypts_what_was_encrypted_to_it(rsa_key: TokenRsaKey) -> None:
    scheme = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303
    assert rsa_key.decrypt(rsa_key.public_key().encrypt(b"a key", scheme), scheme) == b"a key"


def test_what_a_module_does_not_support_is_said_in_words(rsa_key: TokenRsaKey) -> None:
    scheme = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    sealed = rsa_key.public_key().encrypt(b"a key", scheme)
    with pytest.raises(TokenError, match="does not support"):
        rsa_key.decrypt(sealed, scheme)


def test_a_key_never_leaves_its_token(ec_key: TokenEcKey, rsa_key: TokenRsaKey) -> None:
    for key in (ec_key, rsa_key):
        with pytest.raises(TokenError, match="does not leave"):
            key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        with pytest.raises(TokenError, match="does not leave"):
            key.private_numbers()
        assert copy.copy(key) is key
        assert copy.deepcopy(key) is key


def test_a_key_beside_another_ones_certificate_is_refused(
    token: Token, ec_key: TokenEcKey, seal_signer: FileSigner
) -> None:
    with pytest.raises(KeyFileError, match="does not belong"):
        Pkcs11Signer(token, ec_key.label, seal_signer.certificate)


def test_threads_take_turns_at_a_token(ec_key: TokenEcKey) -> None:
    failures: list[BaseException] = []

    def sign() -> None:
        try:
            for number in range(10):
                message = str(number).encode()
                signature = ec_key.sign(message, ec.ECDSA(hashes.SHA256()))
                ec_key.public_key().verify(signature, message, ec.ECDSA(hashes.SHA256()))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=sign) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_dropped_session_is_opened_anew(ec_key: TokenEcKey) -> None:
    ec_key.token._session.close()
    assert ec_key.sign(b"after the drop", ec.ECDSA(hashes.SHA256()))


def test_a_label_is_not_used_twice(token: Token, ec_key: TokenEcKey) -> None:
    with pytest.raises(TokenError, match="already"):
        token.generate(ec_key.label)


def mistakes() -> dict[str, tuple[Callable[[Path, Token], object], str]]:
    return {
        "no such token": (lambda module, _: Token(module, "absent", TOKEN_PIN), "no token of that label"),
        "no such key": (lambda _, token: token.key("absent"), "no key of that label"),
        "no such module": (lambda *_: Token(Path("/absent.so"), "vinhlong", TOKEN_PIN), "is not there"),
        "no module at all": (lambda *_: Token(Path(__file__), "vinhlong", TOKEN_PIN), "while loading"),
        "an unknown kind": (lambda _, token: token.generate("odd", "ed25519"), "not made in tokens"),
    }


MISTAKES = mistakes()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_a_message(mistake: str, softhsm: Path, token: Token) -> None:
    make, words = MISTAKES[mistake]
    with pytest.raises(TokenError, match=words):
        make(softhsm, token)


def test_a_wrong_pin_is_said_to_be_wrong(softhsm: Path) -> None:
    """In a process of its own: a PIN is checked at the first log-in of a process."""
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from lienthong.trust.errors import TokenError\nfrom lienthong.trust.pkcs11 import Token\n"
        "try:\n    Token(Path(sys.argv[1]), 'vinhlong', '00000000')\n"
        "except TokenError as error:\n    print(error)\n"
    )
    command = [sys.executable, "-c", script, str(softhsm)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert "the PIN is wrong" in done.stdout
