"""A province's CA and signers for every test of the trust room and above.

The CA is made once a session and is shared: tests that revoke, or look for damage, make their own with
``new_province``.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lienthong.trust.ca import ProvinceCA
from lienthong.trust.certificates import TrustStore
from lienthong.trust.keys import FileSigner, KeyKind, PrivateKey, generate_key
from lienthong.trust.pkcs11 import Token
from lienthong.trust.profiles import Profile

PASSPHRASE = b"a passphrase for tests alone"
TOKEN_PIN = "12345678"

NewSigner = Callable[..., FileSigner]
NewProvince = Callable[[], ProvinceCA]


@pytest.fixture(scope="session")
def now() -> datetime:
    """The moment at which the session's certificates were issued (other tools check them by the wall
    clock).
    """
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="session")
def province_ca(tmp_path_factory: pytest.TempPathFactory, now: datetime) -> ProvinceCA:
    folder = tmp_path_factory.mktemp("province") / "pki"
    return ProvinceCA.create(folder, province="Vĩnh Long", passphrase=PASSPHRASE, now=now)


@pytest.fixture
def new_province(tmp_path: Path, now: datetime) -> NewProvince:
    """A CA of the test's own."""

    def make(name: str = "pki", at: datetime = now) -> ProvinceCA:
        return ProvinceCA.create(tmp_path / name, province="Vĩnh Long", passphrase=PASSPHRASE, now=at)

    return make


def make_signer(
    ca: ProvinceCA,
    now: datetime,
    profile: Profile = Profile.SEAL,
    *,
    name: str = "Ủy ban nhân dân tỉnh Vĩnh Long",
    code: str = "000.00.00.H61",
    kind: KeyKind = "p256",
    days: int | None = None,
    hosts: tuple[str, ...] = (),
    key: PrivateKey | None = None,
    authority: str | None = None,
) -> FileSigner:
    key = key or generate_key(kind)
    issued = ca.issue(
        profile,
        subject_name=name,
        organ_code=code,
        hosts=hosts,
        public_key=key.public_key(),
        now=now,
        days=days,
        authority=authority,
    )
    return FileSigner(key, issued.certificate, issued.chain)


@pytest.fixture(scope="session")
def new_signer(province_ca: ProvinceCA, now: datetime) -> NewSigner:
    """``new_signer(profile, name=…, code=…, kind=…)``: a signer of the session's CA."""

    def make(profile: Profile = Profile.SEAL, **wanted: object) -> FileSigner:
        return make_signer(province_ca, now, profile, **wanted)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def seal_signer(new_signer: NewSigner) -> FileSigner:
    """The seal of the Provincial People's Committee, ECDSA P-256."""
    return new_signer(Profile.SEAL)


@pytest.fixture(scope="session")
def rsa_seal_signer(new_signer: NewSigner) -> FileSigner:
    """The seal of an agency that has RSA-2048."""
    return new_signer(Profile.SEAL, name="Sở Thông tin và Truyền thông", code="000.00.09.H61", kind="rsa2048")


@pytest.fixture(scope="session")
def tsa_signer(new_signer: NewSigner) -> FileSigner:
    return new_signer(Profile.TSA, name="Dấu thời gian tỉnh Vĩnh Long", code="")


@pytest.fixture(scope="session")
def trust_store(province_ca: ProvinceCA) -> TrustStore:
    """Trusts the session's CA, with its CRLs."""
    return TrustStore.from_folder(province_ca.folder)


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The SoftHSM2 module, with a token ``vinhlong`` (PIN :data:`TOKEN_PIN`) in a folder of the session's
    own.
    """
    module = next(
        path
        for pattern in ("softhsm/libsofthsm2.so", "*/softhsm/libsofthsm2.so")
        for path in sorted(Path("/usr/lib").glob(pattern))
    )
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    pins = ["--pin", TOKEN_PIN, "--so-pin", "87654321"]
    command = ["softhsm2-util", "--init-token", "--free", "--label", "vinhlong", *pins]
    subprocess.run(command, check=True, capture_output=True)
    yield module
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


@pytest.fixture(scope="session")
def token(softhsm: Path) -> Token:
    """The session's token, logged in."""
    return Token(softhsm, "vinhlong", TOKEN_PIN)
