"""A province's trust for the registry's tests: a CA, a key for directories, and what the hub trusts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lienthong.registry.directory import Agency, Directory, QuotaRule, Right
from lienthong.trust.ca import ProvinceCA
from lienthong.trust.certificates import TrustStore
from lienthong.trust.keys import FileSigner, generate_key
from lienthong.trust.profiles import Profile

NewSigner = Callable[..., FileSigner]


@pytest.fixture(scope="session")
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory, now: datetime) -> ProvinceCA:
    folder = tmp_path_factory.mktemp("registry") / "pki"
    return ProvinceCA.create(folder, province="Vĩnh Long", passphrase=b"for tests alone", now=now)


@pytest.fixture(scope="session")
def new_signer(pki: ProvinceCA, now: datetime) -> NewSigner:
    def make(
        profile: Profile, *, name: str = "Sở Nội vụ", code: str = "H61.02", days: int | None = None
    ) -> FileSigner:
        key = generate_key()
        issued = pki.issue(
            profile, subject_name=name, organ_code=code, public_key=key.public_key(), now=now, days=days
        )
        return FileSigner(key, issued.certificate, issued.chain)

    return make


@pytest.fixture(scope="session")
def directory_signer(new_signer: NewSigner) -> FileSigner:
    return new_signer(Profile.DIRECTORY, name="Danh bạ tỉnh Vĩnh Long")


@pytest.fixture(scope="session")
def trust(pki: ProvinceCA) -> TrustStore:
    return TrustStore.from_folder(pki.folder)


@pytest.fixture
def directory_of(now: datetime) -> Callable[..., Directory]:
    """``directory_of(agency, …, version=…)``: a directory issued now for an hour."""

    def build(
        *agencies: Agency,
        version: int = 1,
        rights: tuple[Right, ...] = (),
        quotas: tuple[QuotaRule, ...] = (),
        group_titles: dict[str, str] | None = None,
        issued_at: datetime = now,
        valid_for: timedelta = timedelta(hours=1),
    ) -> Directory:
        return Directory.build(
            agencies,
            version=version,
            province="Vĩnh Long",
            issued_at=issued_at,
            expires_at=issued_at + valid_for,
            rights=rights,
            quotas=quotas,
            group_titles=group_titles,
        )

    return build


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """``write(name, text)``: a file to import."""

    def to_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return to_file
